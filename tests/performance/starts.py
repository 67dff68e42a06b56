"""P8: how long `accord serve` takes, on a database that is there, until it answers that it is ready."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from tests.performance import peers
from tests.performance.dataset import Progress
from tests.performance.load import Call, ask
from tests.servers import DatabaseURLs


async def starts(urls: DatabaseURLs, folder: Path, rounds: int, progress: Progress) -> str:
    """The median of so many starts after one that warms up."""
    peer = peers.gateway("start", urls, await peers.first_asker(urls), folder)
    times = []
    for number in range(rounds + 1):
        progress(f"start {number} of {rounds}")
        began = time.perf_counter()
        async with peers.started(peer, folder / "start.log") as server:
            await ask(Call.get(f"http://127.0.0.1:{server.port}/ready"))
            times.append(time.perf_counter() - began)
    found = sorted(times[1:])
    return (
        f"P8: `serve` is ready after {median(found):.2f} s (median of {rounds}; {found[0]:.2f} to {found[-1]:.2f} s)\n"
    )
