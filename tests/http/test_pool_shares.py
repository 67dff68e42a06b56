"""One person's requests, or one organisation's, never hold all connections of a gateway: others are answered."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from accord.app import create_app
from accord.http.identity.development import DevelopmentIssuer
from tests.http.gateway import settings_for
from tests.http.test_shared_limits import RENAME, SLOW
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import Person, open_world

pytestmark = pytest.mark.alone

OTHERS: Final = count(test=60, check=1_000)
AT_ONCE: Final = 16
POOL: Final = 10
READ: Final = "{ viewer { user { displayName } } }"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gateway with few connections, people of one organisation whose changes take long, and somebody else."""

    http: httpx2.AsyncClient
    issuer: DevelopmentIssuer
    slow: Sequence[Person]
    other: Person

    async def ask(self, person: Person, document: str) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.issuer.token(person.email)}"}
        return await self.http.post("/graphql", json={"query": document}, headers=headers)

    async def reads(self, times: int) -> tuple[Counter[int], float]:
        """How the other one's reads were answered, and how long the median took in seconds."""
        statuses, took = Counter[int](), []
        for _ in range(times):
            begun = time.perf_counter()
            statuses[(await self.ask(self.other, READ)).status_code] += 1
            took.append(time.perf_counter() - begun)
        return statuses, statistics.median(took)


@asynccontextmanager
async def opened(urls: DatabaseURLs, folder: Path, people: int, **given: Any) -> AsyncIterator[Gate]:
    generous = {"points_per_minute": 10**7, "points_per_hour": 10**7, "lock_timeout": 30.0, "statement_timeout": 60.0}
    settings = settings_for(urls, folder, pool_wait=2.0, request_timeout=60.0, **generous, **given)
    app = create_app(settings)
    issuer = app.state.gateway.development
    async with open_world(urls) as world, app.router.lifespan_context(app):
        home = await world.organisation()
        slow = [await world.person(home) for _ in range(people)]
        other = await world.person(await world.organisation())
        for person in (*slow, other):
            sql = "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)"
            await world.owner.execute(sql, issuer.name, person.email, person.id)
        await world.owner.execute(SLOW)
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=120) as http:
            yield Gate(http, issuer, slow, other)


async def attacked(gate: Gate) -> tuple[Counter[int], float, float, Counter[int]]:
    """The other's answers and median while the slow ones ask and ask, the median before, and their own answers."""
    await gate.reads(10)
    _, alone = await gate.reads(OTHERS // 2)
    ended, theirs = asyncio.Event(), Counter[int]()

    async def asking(number: int) -> None:
        while not ended.is_set():
            answer = await gate.ask(gate.slow[number % len(gate.slow)], RENAME)
            theirs[answer.status_code] += 1
            await asyncio.sleep(1.0)

    attackers = [asyncio.create_task(asking(number)) for number in range(AT_ONCE)]
    await asyncio.sleep(0.5)
    statuses, beside = await gate.reads(OTHERS)
    ended.set()
    for one in attackers:
        one.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    return statuses, beside, alone, theirs


@pytest.mark.parametrize("people", [pytest.param(1, id="one person"), pytest.param(6, id="one organisation")])
async def test_connections_are_left_to_others(database_urls: DatabaseURLs, tmp_path: Path, people: int) -> None:
    async with opened(
        database_urls, tmp_path, people, in_flight_of_person=4, in_flight_of_organisation=8, pool_size=POOL
    ) as it:
        statuses, beside, alone, theirs = await attacked(it)
    assert statuses == {200: OTHERS}
    assert theirs[429] > 0
    assert beside <= 2 * alone, (beside, alone)


async def test_as_many_places_as_connections_starve_the_others(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """The negative control, and the limits as they were: settings refuse them now."""
    async with opened(
        database_urls, tmp_path, 1, in_flight_of_person=POOL, in_flight_of_organisation=40, pool_size=POOL
    ) as it:
        await it.reads(5)
        holding = [asyncio.create_task(it.ask(it.slow[0], RENAME)) for _ in range(POOL)]
        await asyncio.sleep(0.5)
        statuses, took = await it.reads(1)
        for one in holding:
            one.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
    assert statuses[503] or took > 1.0, "refused, or waiting for the slow one"
