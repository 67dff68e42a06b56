"""A slot is given back exactly once, however its request ends, and lasts as long as the request does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from accord.database.engine import Database
from accord.database.queries.callers.allowance import RateLimits
from accord.http.rates import Price, Rates
from accord.http.responses import HttpError
from tests.servers import DatabaseURLs
from tests.starvation.stage import read_answer, staged
from tests.world import identify

pytestmark = pytest.mark.alone

VIEWER = "{ viewer { user { id } } }"
PERSON = identify("person")
ACTING = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
"""What each act of a person holds until it is committed."""


async def test_every_end_gives_the_slot_back(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Gone in the body, gone in the answer, refused in every way, failed; then ten run at once, and no more."""
    async with staged(database_urls, tmp_path, body_grace=600.0, body_timeout=600.0) as stage:
        me = stage.attackers[0]
        await stage.fill(me, 100, 10_000)
        page = "query P($first: Int) { activity(first: $first) { edges { node { a: reason b: reason } } } }"
        beginnings = [
            stage.beginning(me),
            stage.head(me, "POST /graphql", "content-type: text/plain", "content-length: 2") + b"\r\n{}",
            stage.head(me, "POST /graphql", "content-type: application/json", "content-length: 2") + b"\r\n{]",
            stage.head(me, "POST /graphql", "content-type: application/json", "content-length: 999999") + b"\r\n",
            stage.head(me, "POST /graphql", "content-type: application/json", "idempotency-key: \x01") + b"\r\n",
            stage.post(me, "{ nothing }"),
            stage.post(me, "{"),
            stage.post(me, page, first=100),
            stage.export(me),
            stage.head(me, "GET /exports/activity.csv?nothing=1") + b"\r\n",
        ]
        for _ in range(3):
            async with stage.attack() as attack:
                for beginning in beginnings:
                    await attack.open(beginning)
                await asyncio.sleep(1.0)
            await stage.all_given_back()
        assert await stage.under_way("exports of %") == 0
        async with stage.attack() as attack:
            await attack.open_many(12, stage.beginning(me))
            await attack.becomes(silent=8, s429=4)


async def test_requests_that_come_together_on_one_connection(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.process.port)
        writer.write(stage.post(stage.attackers[0], VIEWER) * 20)
        answers = [await read_answer(reader) for _ in range(20)]
        assert [status for status, _, _ in answers] == [200] * 20
        assert all(json.loads(body)["data"] for _, _, body in answers)
        writer.close()
        await stage.all_given_back()


async def test_new_tokens_of_one_person_leave_others_alone(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """The first use of a token waits for what its person is doing. It is noted for requests that have a slot."""
    timeouts: dict[str, Any] = {"lock_timeout": 90.0, "statement_timeout": 90.0, "request_timeout": 120.0}
    async with staged(database_urls, tmp_path, **timeouts) as stage, stage.attack() as attack:
        me = stage.attackers[0]
        async with stage.world.owner.transaction():
            await stage.world.owner.execute(ACTING, str(me.id))
            for _ in range(32):
                await attack.open(stage.post(me, VIEWER))
            await attack.becomes(silent=8, s429=24)
            assert (await stage.serve(20)).statuses == {200: 20}
        await attack.becomes(s200=8, s429=24)
        await stage.all_given_back()


async def test_an_end_by_signal_gives_the_slots_back(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with (
        staged(database_urls, tmp_path, shutdown_grace=1, body_grace=600.0, body_timeout=600.0) as stage,
        stage.attack() as attack,
    ):
        await attack.open_many(5, stage.beginning(stage.attackers[0]))
        async with asyncio.timeout(60):
            while await stage.under_way() < 5:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        stage.process.process.terminate()
        await stage.all_given_back()


async def test_a_slot_outlasts_its_lease_while_its_process_lives(database_urls: DatabaseURLs) -> None:
    database = Database(database_urls.gateway)
    limits = RateLimits(of_person=1, exports_of_person=1, lease=0.6)
    ours, theirs = Rates(database, limits), Rates(database, limits)
    slot = await ours.acquire(PERSON, Price())
    await ours.begin_export(slot)
    for _ in range(4):
        await asyncio.sleep(0.5)
        assert await refused(theirs) == 1
    ours.release(slot)
    ours.release(slot)
    await ours.close()
    assert await refused(theirs) is None
    await theirs.close()
    await database.close()


async def test_the_slots_of_a_process_that_dies_end_with_their_leases(database_urls: DatabaseURLs) -> None:
    database = Database(database_urls.gateway)
    limits = RateLimits(of_person=1, lease=0.6)
    ours, theirs = Rates(database, limits), Rates(database, limits)
    await ours.acquire(PERSON, Price())
    assert await refused(theirs) == 1
    await ours.close()  # nobody renews it any more, nobody gives it back
    async with asyncio.timeout(60):
        while await refused(theirs) is not None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
    await theirs.close()
    await database.close()


async def refused(rates: Rates) -> int | None:
    """The limit that refuses one more request, None if it runs."""
    try:
        slot = await rates.acquire(PERSON, Price())
    except HttpError as error:
        limit: int = error.facts["limit"]
        return limit
    rates.release(slot)
    await rates.slots.close()
    return None
