"""P3: a page of activity, out of a stream of ten thousand events and out of one of ten million."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from accord.database.embedded import EmbeddedPostgres
from tests.performance import peers
from tests.performance.dataset import Progress, Size, provide
from tests.performance.report import table
from tests.performance.views_measured import measure

FEW: Final = Size(organisations=25, events=10_000, streams=1)
MANY: Final = Size(organisations=25, events=10_000_000, streams=1)
VIEWS: Final = {
    "activity": "the first page of 50",
    "activity of a type": "the first page of 50 of one type",
    "activity in a period": "the first page of 50 of one hour long ago",
}


async def activity(
    server: EmbeddedPostgres, many: Size, folder: Path, rounds: int, length: float, progress: Progress
) -> str:
    """Two gateways side by side, one on each stream."""
    everyone = []
    for size in (FEW, many):
        urls = await provide(server, size, progress)
        name = f"{size.events:,} events"
        everyone.append(peers.gateway(name, urls, await peers.first_asker(urls), peers.fresh(folder / name)))
    said = []
    async with peers.all_started(everyone, folder) as servers:
        for view, title in VIEWS.items():
            costs = await measure(servers, server, view, rounds, length, progress)
            said.append(f"P3: {title} (medians of {rounds} rounds)\n\n{table(costs, base=servers[0].name)}\n")
    return "\n".join(said)
