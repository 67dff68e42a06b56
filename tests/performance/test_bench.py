"""The benchmark itself, on a tiny data set: every server is asked once, and all of them hold the same data."""

from pathlib import Path

import pytest

from tests.node import install
from tests.performance import bench, peers
from tests.performance.dataset import Progress, Size
from tests.scale import SCALE
from tests.servers import start_test_server

TINY = Size(organisations=25, events=2, streams=3)


@pytest.mark.skipif(SCALE == "test", reason="the peers come from npm: at check scale only")
async def test_all_servers_answer_alike(tmp_path: Path) -> None:
    install(peers.FOLDER)
    with start_test_server() as server:
        told = await bench.views(server, TINY, tmp_path, rounds=1, length=0.2, progress=Progress())
    for name in ("engine", "stock", "by hand", "PostGraphile", "Mercurius"):
        assert told.count(f"| {name} |") == len(bench.VIEWS)
