"""Several real processes on one database: one budget for all of them, and what a killed one held comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.processes import Process, bind, gateway, token
from tests.servers import DatabaseURLs
from tests.world import World, open_world

PROCESSES: Final = 3
RENAME: Final = 'mutation { updateProfile(input: { displayName: "Maria" }) { errors { code } } }'
SLOW: Final = """
CREATE FUNCTION accord.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;
CREATE TRIGGER dawdle BEFORE UPDATE ON accord.users FOR EACH ROW EXECUTE FUNCTION accord.dawdle();
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A few processes, and people who sign in at any of them."""

    processes: Sequence[Process]
    world: World
    tokens: Sequence[str]
    client: httpx2.AsyncClient

    async def ask(self, number: int, document: str, person: int = 0) -> httpx2.Response:
        """Send it to the process whose turn it is. Each has one token: the first use of one is noted."""
        url = self.processes[number % len(self.processes)].url
        headers = {"Authorization": f"Bearer {self.tokens[person]}"}
        return await self.client.post(f"{url}/graphql", json={"query": document}, headers=headers)

    async def running(self) -> list[int]:
        """How many requests are under way, by each row."""
        rows = await self.world.owner.fetch("SELECT cardinality(running) AS n FROM accord.allowances ORDER BY key")
        return [row["n"] for row in rows]


@asynccontextmanager
async def deployed(urls: DatabaseURLs, state: Path, people: int = 1, **given: Any) -> AsyncIterator[Deployment]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(urls))
        organisation = await world.organisation()
        known = [await world.person(organisation) for _ in range(people)]
        for person in known:
            await bind(world.owner, state, person)
        processes = [await stack.enter_async_context(gateway(urls, state, **given)) for _ in range(PROCESSES)]
        client = await stack.enter_async_context(
            httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_keepalive_connections=0))
        )
        tokens = [token(state, person.email) for person in known]
        deployment = Deployment(processes, world, tokens, client)
        for who in range(people):
            for number in range(PROCESSES):
                await deployment.ask(number, "{ __typename }", who)
        await world.owner.execute("TRUNCATE accord.allowances")
        yield deployment


async def test_all_processes_take_from_one_budget(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with deployed(database_urls, tmp_path, people=2, points_per_minute=60, points_per_hour=60) as all_of_them:
        answers = [await all_of_them.ask(number, RENAME) for number in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 12
        assert answers[0].headers["ratelimit-policy"] == '"minute";q=60;w=60, "hour";q=60;w=3600'
        left = [int(answer.headers["ratelimit"].split(";")[1].removeprefix("r=")) for answer in answers]
        assert left == sorted(left, reverse=True)
        assert left[0] == 55
        assert left[-1] <= 12, left
        assert (await all_of_them.ask(0, RENAME, person=1)).status_code == 200
        statuses = Counter[int]()
        for number in range(3 * PROCESSES):
            answer = await all_of_them.ask(number, RENAME)
            statuses[answer.status_code] += 1
            if answer.status_code == 429:
                told = answer.json()["errors"][0]["extensions"]
                assert told["code"] == "RATE_LIMITED"
                assert answer.headers["retry-after"] == str(told["retryAfter"])
        assert statuses[429] >= 2 * PROCESSES


async def test_requests_under_way_are_counted_in_all_processes(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    limits = {"in_flight_of_person": 4, "in_flight_of_organisation": 6, "lock_timeout": 9.0}
    async with deployed(database_urls, tmp_path, people=4, **limits) as all_of_them:
        await all_of_them.world.owner.execute(SLOW)
        alone = await asyncio.gather(*(all_of_them.ask(number, RENAME) for number in range(6)))
        refused = [answer.json()["errors"][0] for answer in alone if answer.status_code == 429]
        assert [error["extensions"]["limit"] for error in refused] == [4, 4]
        together = await asyncio.gather(
            *(all_of_them.ask(number, RENAME, person) for person in (1, 2, 3) for number in range(3))
        )
        refused = [answer.json()["errors"][0] for answer in together if answer.status_code == 429]
        assert [error["extensions"]["limit"] for error in refused] == [6, 6, 6]
        assert {error["extensions"]["code"] for error in refused} == {"RATE_LIMITED"}
        async with asyncio.timeout(10):
            while any(await all_of_them.running()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)


async def test_what_a_killed_process_held_comes_back(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """The lease is the request's timeout and 20 s; the clock of the row is moved, not waited for."""
    async with deployed(database_urls, tmp_path, in_flight_of_person=1, lock_timeout=9.0) as all_of_them:
        await all_of_them.world.owner.execute(SLOW)
        lost = asyncio.create_task(all_of_them.ask(0, RENAME))
        async with asyncio.timeout(10):
            while not any(await all_of_them.running()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        all_of_them.processes[0].kill()
        with pytest.raises(httpx2.TransportError):
            await lost
        assert (await all_of_them.ask(1, "{ __typename }")).status_code == 429
        token_of = "SELECT running[1] FROM accord.allowances WHERE key LIKE 'person %'"
        ends = await all_of_them.world.owner.fetchval(token_of) / 1024 / 1_000_000
        now = await all_of_them.world.owner.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        assert 0 < ends - now <= 30
        earlier = "UPDATE accord.allowances SET running = ARRAY[running[1] - $1::bigint * 1024 * 1000000]"
        await all_of_them.world.owner.execute(earlier, 31)
        assert (await all_of_them.ask(1, "{ __typename }")).status_code == 200


async def test_the_limits_of_one_person_and_of_one_organisation_by_default(
    database_urls: DatabaseURLs, tmp_path: Path
) -> None:
    """Eight of a person, sixteen of an organisation, wherever they come in; told by the rows of those under way."""
    async with deployed(database_urls, tmp_path, people=5) as all_of_them:
        world = all_of_them.world
        await all_of_them.ask(0, "{ __typename }")
        held = "UPDATE accord.allowances SET running = array_fill($2::bigint, ARRAY[$3::int]) WHERE key LIKE $1"
        never = 2**62
        for whose, limit in (("person %", 8), ("organisation %", 16)):
            await world.owner.execute(held, whose, never, limit)
            refused = await all_of_them.ask(1, "{ __typename }")
            assert refused.status_code == 429
            assert refused.json()["errors"][0]["extensions"]["limit"] == limit
            assert refused.headers["retry-after"] == "1"
            await world.owner.execute(held, whose, never, limit - 1)
            assert (await all_of_them.ask(2, "{ __typename }")).status_code == 200
            await world.owner.execute(held, whose, never, 0)
