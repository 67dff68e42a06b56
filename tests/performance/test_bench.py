"""The benchmark itself, on a tiny data set: every server is asked once, and all of them hold the same data."""

from pathlib import Path

import pytest

from tests.node import install
from tests.performance import bench, peers
from tests.performance.activity import VIEWS, activity, stream_of
from tests.performance.dataset import Progress, Size, provide
from tests.performance.depths import by_processes, growth
from tests.performance.exports import exports
from tests.performance.mutations import mutations
from tests.performance.permissions import permissions
from tests.performance.starts import starts
from tests.scale import SCALE
from tests.servers import start_test_server

pytestmark = pytest.mark.skipif(SCALE == "test", reason="the peers come from npm: at check scale only")

TINY = Size(organisations=25, events=2, streams=3)
SMALL_RING = Size(organisations=60)
LONG = 3_000


async def test_all_servers_answer_alike(tmp_path: Path) -> None:
    install(peers.FOLDER)
    with start_test_server() as server:
        told = await bench.views(server, TINY, tmp_path, rounds=1, length=0.2, progress=Progress())
    for name in ("engine", "stock", "by hand", "PostGraphile", "Mercurius"):
        assert told.count(f"| {name} |") == len(bench.VIEWS)


async def test_every_other_row_is_measured(tmp_path: Path) -> None:
    with start_test_server() as server:
        urls = await provide(server, stream_of(LONG), Progress())
        long = await activity(server, [20, LONG], tmp_path, rounds=1, length=0.2, progress=Progress())
        assert long.count("| 3,000 events |") == len(VIEWS)
        assert "| the partners view | 7 | 10 |" in await growth(urls, Progress())
        assert "gateways): 1: " in await by_processes(urls, tmp_path, 0.2, Progress())
        assert "P6: 2,000 events in" in await exports(urls, 2_000, tmp_path, 1, Progress())
        assert "| all five | " in await mutations(server, SMALL_RING, tmp_path, 1, 2, Progress())
        assert "P8: `serve` is ready after" in await starts(urls, tmp_path, 1, Progress())
        assert "P9: permissions cost" in await permissions(urls, TINY.partnerships, 1, Progress())
