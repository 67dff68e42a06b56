"""P6: a file of 1,000,000 events beside PostgreSQL's own `COPY`, and what it does to the gateway's memory."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg
import httpx2

from accord.domain.ids import global_id
from tests.performance import peers
from tests.performance.dataset import STARTED, Progress
from tests.servers import DatabaseURLs

ROWS: Final = 1_000_000
COPIED: Final = """
SELECT e.sequence, e.id, e.occurred_at, e.type, e.outcome, e.actor_user_id, e.actor_name, a.name, o.name,
  e.partnership_id, e.account_id, e.account_label, e.app, e.ip, e.location, e.os, e.device, e.reason, e.data, e.hash
FROM accord.activity_events e
LEFT JOIN accord.organisations a ON a.id = e.actor_home_organisation_id
LEFT JOIN accord.organisations o ON o.id = e.guest_id
WHERE e.stream_id = $1 AND e.occurred_at >= $2 AND e.occurred_at < $3 ORDER BY e.sequence DESC
"""
"""What the file says, as one statement by the superuser: no policy, no permission."""


async def exports(urls: DatabaseURLs, rows: int, folder: Path, rounds: int, progress: Progress) -> str:
    """Both in turn; `rows` events of the asker's stream, which has one a second."""
    asker = await peers.first_asker(urls)
    since, until = STARTED + timedelta(seconds=1), STARTED + timedelta(seconds=rows + 1)
    organisation = global_id("organisation", asker.organisation_id)
    period = {"organisationId": organisation, "from": since.isoformat(), "to": until.isoformat()}
    exported, copied = [], []
    peer = peers.gateway("export", urls, asker, folder)
    owner = await asyncpg.connect(urls.superuser)
    try:
        async with peers.started(peer, folder / "export.log") as server, httpx2.AsyncClient(timeout=600) as http:
            url = f"http://127.0.0.1:{server.port}/exports/activity.csv"
            await fetched(http, url, period | {"to": (STARTED + timedelta(seconds=1_000)).isoformat()}, peer, 999)
            before = most_memory(server.process_id)
            for number in range(rounds):
                progress(f"export: round {number + 1} of {rounds}")
                exported.append(await fetched(http, url, period, peer, rows))
                copied.append(await copy(owner, asker, (since, until), rows))
            grown = most_memory(server.process_id) - before
    finally:
        await owner.close()
    ours, theirs = median(exported), median(copied)
    return (
        f"P6: {rows:,} events in {ours:.1f} s ({rows / ours:,.0f} a second), by COPY in {theirs:.1f} s:"
        f" {theirs / ours:.2f} of its speed; the gateway grew by {grown / 1024:.0f} MB\n"
    )


async def fetched(http: httpx2.AsyncClient, url: str, given: dict[str, str], peer: peers.Peer, rows: int) -> float:
    """The seconds that the file took; raises unless it has so many lines between its first and its last."""
    began, lines = time.perf_counter(), 0
    async with http.stream("GET", url, params=given, headers=dict(peer.headers)) as answer:
        if answer.status_code != 200:
            raise RuntimeError((await answer.aread()).decode())
        async for piece in answer.aiter_raw():
            lines += piece.count(b"\r\n")
    if lines != rows + 2:
        raise RuntimeError(f"{lines} lines instead of {rows + 2}")
    return time.perf_counter() - began


async def copy(
    owner: asyncpg.Connection[asyncpg.Record], asker: peers.Asker, period: tuple[object, ...], rows: int
) -> float:
    began = time.perf_counter()

    async def ignore(_: bytes) -> None:
        return None

    done = await owner.copy_from_query(COPIED, asker.organisation_id, *period, output=ignore, format="csv")
    if done != f"COPY {rows}":
        raise RuntimeError(done)
    return time.perf_counter() - began


def most_memory(process_id: int) -> int:
    """The kilobytes that the process had in memory at most."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
