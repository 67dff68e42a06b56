"""The benchmark: Accord beside its peers on one data set. `make bench`, or `make bench-quick` for daily use.

It is no test: on a machine that others use, times say nothing and ratios something.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import uvloop

from accord.database.embedded import EmbeddedPostgres
from tests.node import install
from tests.performance import cluster, peers
from tests.performance.activity import EVENTS, QUICKLY, activity, stream_of
from tests.performance.dataset import PARTNERS, Progress, Size, provide
from tests.performance.depths import by_processes, growth
from tests.performance.exports import exports
from tests.performance.mutations import RING, mutations
from tests.performance.permissions import permissions
from tests.performance.report import machine, publish, table
from tests.performance.starts import starts
from tests.performance.views_measured import check_same, measure

VIEWS: Final = {"partners": "P1: the partners view", "viewer": "P2: the viewer"}
EACH: Final = 12
"""Partnerships in one round of mutations."""
OUTPUT: Final = peers.ROOT / "build" / "bench"


async def views(
    server: EmbeddedPostgres, size: Size, folder: Path, rounds: int, length: float, progress: Progress
) -> str:
    """P1 and P2, each checked first to be answered alike by all."""
    urls = await provide(server, size, progress)
    asker = await peers.first_asker(urls)
    everyone = [
        peers.gateway("engine", urls, asker, folder),
        peers.gateway("stock", urls, asker, folder, ACCORD_EXECUTOR="stock"),
        peers.by_hand(urls, asker),
        peers.postgraphile(urls, asker),
        peers.mercurius(urls, asker),
    ]
    said = []
    async with peers.all_started(everyone, folder) as servers:
        for view, title in VIEWS.items():
            length_of_answer = await check_same(servers, view)
            costs = await measure(servers, server, view, rounds, length, progress)
            said.append(f"{title} ({length_of_answer:,} bytes; medians of {rounds} rounds)\n\n{table(costs)}\n")
    return "\n".join(said)


async def rows(rounds: int, length: float, streams: Sequence[int], progress: Progress) -> AsyncIterator[str]:
    """Every row that is built, on the kept server; data sets are made without durability, and measured with it."""
    install(peers.FOLDER)
    with cluster.running(cluster.kept(), durable=False) as server:
        for size in (PARTNERS, RING, *map(stream_of, streams)):
            await provide(server, size, progress)
    with cluster.running(cluster.kept()) as server:
        folder = peers.fresh(OUTPUT)
        urls = await provide(server, PARTNERS, progress)
        longest = await provide(server, stream_of(streams[-1]), progress)
        yield f"{machine()}\n"
        yield await views(server, PARTNERS, folder, rounds, length, progress)
        yield await activity(server, streams, folder, rounds, length, progress)
        yield await growth(urls, progress)
        yield await by_processes(urls, folder, length, progress)
        yield await mutations(server, RING, folder, rounds, EACH, progress)
        yield await exports(longest, streams[-1] // 10, folder, 3, progress)
        yield "P7 (subscriptions) is not built.\n"
        yield await starts(urls, folder, 2 * rounds, progress)
        yield await permissions(urls, PARTNERS.partnerships, rounds, progress)


async def main(measured: AsyncIterator[str]) -> str:
    """All rows; each is shown as soon as it is there."""
    found = []
    async for row in measured:
        sys.stdout.write(f"\n{row}")
        sys.stdout.flush()
        found.append(row)
    return "\n".join(found)


def shown(what: str) -> None:
    """Progress on standard error: one line that changes on a terminal, else a line each."""
    sys.stderr.write(f"\r\x1b[K{what}" if sys.stderr.isatty() else f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load on one server in one round")
    parser.add_argument("--quick", action="store_true", help="streams of up to a million events alone")
    given = parser.parse_args()
    streams = QUICKLY if given.quick else EVENTS
    found = uvloop.run(main(rows(given.rounds, given.seconds, streams, Progress(shown))))
    if not given.quick:
        publish(found, peers.ROOT / "docs" / "performance.md")
