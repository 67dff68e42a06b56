"""P3: a page of activity out of streams of ten thousand to ten million events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from accord.database.embedded import EmbeddedPostgres
from tests.performance import peers
from tests.performance.dataset import Progress, Size, provide
from tests.performance.report import chart, table
from tests.performance.views_measured import measure

EVENTS: Final = (10_000, 100_000, 1_000_000, 10_000_000)
QUICKLY: Final = (10_000, 1_000_000)
VIEWS: Final = {
    "activity": "the first page of 50",
    "activity of a type": "the first page of 50 of one type",
    "activity in a period": "the first page of 50 of one hour long ago",
}


def stream_of(events: int) -> Size:
    return Size(organisations=25, events=events, streams=1)


async def activity(
    server: EmbeddedPostgres, streams: Sequence[int], folder: Path, rounds: int, length: float, progress: Progress
) -> str:
    """Gateways side by side, one on each stream."""
    everyone = []
    for events in streams:
        urls = await provide(server, stream_of(events), progress)
        name = f"{events:,} events"
        everyone.append(peers.gateway(name, urls, await peers.first_asker(urls), peers.fresh(folder / name)))
    said = []
    async with peers.all_started(everyone, folder) as servers:
        for view, title in VIEWS.items():
            costs = await measure(servers, server, view, rounds, length, progress)
            said.append(f"P3: {title} (medians of {rounds} rounds)\n\n{table(costs, base=servers[0].name)}\n")
            times = {name: cost.half for name, cost in costs.items()}
            said.append(chart(f"Activity: {title}", "events in the stream", "ms", times))
    return "\n".join(said)
