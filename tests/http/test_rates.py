"""How often: points that come back evenly, guesses, requests at once; each refusal names when to come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import asyncpg
import httpx2
import pytest

from accord.database.engine import Database
from accord.database.queries.callers.allowance import RateLimits
from accord.http import rates
from accord.http.rates import Price, Rates
from accord.http.responses import HttpError
from accord.http.slots import Slot
from accord.settings import Settings
from tests.http.toy import Toy
from tests.servers import DatabaseURLs
from tests.world import identify

PERSON = identify("person")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Limited:
    """A toy with small allowances, and a client for each of its people."""

    def __init__(self, client: httpx2.AsyncClient, toy: Toy) -> None:
        self.client = client
        self.toy = toy

    async def post(self, query: str, person: str = "person", **variables: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.toy.token(sub=person)}"}
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


LIMITS = RateLimits(per_minute=20, per_hour=40, guesses=3, of_person=2)


@pytest.fixture
async def database(database_urls: DatabaseURLs) -> AsyncIterator[Database]:
    opened = Database(database_urls.gateway)
    yield opened
    await opened.close()


@asynccontextmanager
async def limited_by(database: Database, clock: Clock, limits: RateLimits, **given: Any) -> AsyncIterator[Limited]:
    toy = Toy(**given)
    toy.endpoint.rates = Rates(database, limits, clock)
    transport = httpx2.ASGITransport(toy.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        yield Limited(client, toy)
    await toy.endpoint.rates.close()


@pytest.fixture
async def limited(database: Database, clock: Clock) -> AsyncIterator[Limited]:
    async with limited_by(database, clock, LIMITS) as limited:
        yield limited


MUTATION = "mutation { wait(seconds: 0) }"


async def test_points_come_back_evenly(database: Database, clock: Clock) -> None:
    rates = Rates(database, RateLimits(per_minute=60, per_hour=3_600), clock)
    assert await left(rates, 60) == 0
    clock.now += 15
    assert await left(rates, 0) == 15
    clock.now += 1_000
    assert await left(rates, 90) == -30
    with pytest.raises(HttpError) as refused:
        await left(rates, 1)
    assert (refused.value.code, refused.value.headers["retry-after"]) == ("RATE_LIMITED", "31")
    clock.now += 31
    assert await left(rates, 1) == 0
    clock.now -= 1_000
    with pytest.raises(HttpError):
        await left(rates, 1)
    await rates.close()


@asynccontextmanager
async def admitted(rates: Rates, price: Price) -> AsyncIterator[Slot]:
    """A request of this price that runs as long as the block."""
    slot = await rates.acquire(PERSON, price)
    try:
        yield slot
    finally:
        rates.release(slot)


async def left(rates: Rates, points: float) -> float:
    """What somebody has left of the minute once these are taken."""
    async with admitted(rates, Price(points)) as slot:
        return slot.points["minute"] - slot.spent["minute"]


async def test_a_mutation_costs_five_and_everybody_pays_alone(limited: Limited, clock: Clock) -> None:
    for left in (15, 10, 5, 0):
        answer = await limited.post(MUTATION)
        assert answer.status_code == 200
        assert answer.headers["ratelimit"].startswith(f'"minute";r={left};')
        assert answer.headers["ratelimit-policy"] == '"minute";q=20;w=60, "hour";q=40;w=3600'
    refused = await limited.post(MUTATION)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    error = refused.json()["errors"][0]["extensions"]
    assert (error["code"], error["retryAfter"]) == ("RATE_LIMITED", 3)
    assert (await limited.post(MUTATION, "somebody else")).status_code == 200
    clock.now += 3
    assert (await limited.post(MUTATION)).status_code == 200


async def test_two_mutations_in_one_document_cost_ten(limited: Limited) -> None:
    answer = await limited.post("mutation { a: wait(seconds: 0) b: wait(seconds: 0) }")
    assert answer.headers["ratelimit"].startswith('"minute";r=10;')


async def test_a_query_costs_a_hundredth_of_its_cost(limited: Limited) -> None:
    paged = "{ thing { things(first: 100) { edges { node { friend { name } } } } } }"
    answer = await limited.post(paged)
    cost = answer.json()["extensions"]["cost"]
    assert cost > 100
    assert answer.headers["ratelimit"].startswith(f'"minute";r={int(20 - cost / 100)};')


async def test_a_document_that_is_refused_costs_one(limited: Limited) -> None:
    answer = await limited.post("{ nothing }")
    assert answer.headers["ratelimit"].startswith('"minute";r=19;')


async def test_the_hour_counts_too(limited: Limited, clock: Clock) -> None:
    for _ in range(2):
        for _ in range(4):
            await limited.post(MUTATION)
        clock.now += 60
    refused = await limited.post(MUTATION)
    assert refused.status_code == 200
    for _ in range(3):
        refused = await limited.post(MUTATION)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 60


GUESSES = (
    '{ partnerLookup(handle: "a") { name } }',
    '{ a: invitation(token: "a") { id } }',
    '{ ... on Query { ...F } } fragment F on Query { partnerLookup(handle: "a") { name } }',
)


async def test_guesses_are_counted_wherever_they_hide(limited: Limited, clock: Clock) -> None:
    for guess in GUESSES:
        assert (await limited.post(guess)).json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    refused = await limited.post(GUESSES[2])
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "20")
    assert (await limited.post("{ viewer }")).status_code == 200
    clock.now += 20
    assert (await limited.post(GUESSES[0])).status_code != 429
    many = " ".join(f'a{number}: partnerLookup(handle: "a") {{ name }}' for number in range(4))
    assert (await limited.post(f"{{ {many} }}")).status_code == 429


def test_which_fields_are_guesses_and_what_things_cost() -> None:
    """Written out by hand: whoever knows a handle, a link or a code by these knows what only the told should know."""
    assert {"partnerLookup", "partnerDirectory", "invitation", "requestCustomer"} == rates.GUESSES
    prices = (rates.MUTATION, rates.REFUSED, rates.TOO_SLOW, rates.DIRECTORY, rates.EXPORT, rates.PER_POINT)
    assert prices == (5, 1, 50, 1, 50, 100)


async def test_a_person_has_a_few_requests_at_once(limited: Limited) -> None:
    slow = "{ slow(seconds: 0.3) }"
    answers = await asyncio.gather(*(limited.post(slow) for _ in range(3)), limited.post(slow, "somebody else"))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]
    assert answers[3].status_code == 200
    assert (await limited.post(slow)).status_code == 200


async def test_one_that_is_cut_off_is_dear(database: Database, clock: Clock) -> None:
    async with limited_by(database, clock, RateLimits(per_minute=60, per_hour=60), timeout=0.1) as limited:
        assert (await limited.post("{ slow(seconds: 9) }")).status_code == 504
        rates = limited.toy.endpoint.rates
        assert rates is not None
        await rates.close()
        assert (await limited.post("{ viewer }")).headers["ratelimit"].startswith('"minute";r=9;')


async def test_mutations_in_a_fragment_are_counted_too(limited: Limited) -> None:
    hidden = "mutation { ...F } fragment F on Mutation { a: wait(seconds: 0) b: wait(seconds: 0) }"
    assert (await limited.post(hidden)).headers["ratelimit"].startswith('"minute";r=10;')


async def test_a_place_comes_back_after_a_failure_and_after_its_time(database: Database, clock: Clock) -> None:
    rates = Rates(database, RateLimits(of_person=1, lease=30), clock)
    with pytest.raises(ZeroDivisionError):
        async with admitted(rates, Price()):
            raise ZeroDivisionError
    async with admitted(rates, Price()):
        with pytest.raises(HttpError) as refused:
            await left(rates, 1)
        assert refused.value.facts["limit"] == 1
        # another process, for which that one has died
        other = Rates(database, rates.limits, clock)
        clock.now += 29
        with pytest.raises(HttpError):
            await left(other, 1)
        clock.now += 2
        await left(other, 1)
        await other.close()
    await rates.close()


async def test_what_the_database_did_not_take_back_is_given_back_later(database_urls: DatabaseURLs) -> None:
    """A connection that is lost, or a lock that is not had, keeps nobody out for a whole lease."""
    database, owner = Database(database_urls.gateway, lock_timeout=0.05), await asyncpg.connect(database_urls.owner)
    rates = Rates(database, RateLimits(of_person=1))
    slot = await rates.acquire(PERSON, Price())
    async with owner.transaction():
        await owner.execute("LOCK accord.allowances")
        rates.release(slot)
        await asyncio.sleep(0.5)
    assert await left(rates, 1) > 0
    slot = await rates.acquire(PERSON, Price())
    async with owner.transaction():
        await owner.execute("LOCK accord.allowances")
        rates.release(slot)
        async with asyncio.timeout(60):
            await rates.close()
    await owner.close()
    await database.close()


async def test_what_is_refused_costs_nothing(database: Database, clock: Clock) -> None:
    rates = Rates(database, RateLimits(of_person=1, guesses=2), clock)
    async with admitted(rates, Price(5)):
        for _ in range(5):
            with pytest.raises(HttpError):
                await left(rates, 100)
    with pytest.raises(HttpError):
        async with admitted(rates, Price(100, guesses=3)), admitted(rates, Price(100, guesses=3)):
            raise AssertionError("twice")
    await rates.close()
    assert await left(rates, 0) == 2_000 - 105
    await rates.close()


async def test_without_the_database_nobody_is_admitted(database_urls: DatabaseURLs, clock: Clock) -> None:
    database = Database(database_urls.gateway.replace(f"/{database_urls.name}", "/nowhere"))
    async with limited_by(database, clock, LIMITS) as limited:
        answer = await limited.post("{ viewer }")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["errors"][0]["extensions"]["code"] == "BUSY"
    await database.close()


async def test_the_limits_are_those_of_the_design() -> None:
    limits = Settings().rates()
    assert (limits.per_minute, limits.per_hour, limits.guesses) == (2_000, 5_000, 30)
    assert (limits.of_person, limits.of_organisation, Settings().pool_size, Settings().in_flight) == (8, 16, 20, 200)
    assert RateLimits(lease=limits.lease) == limits
    assert limits.lease > Settings().request_timeout


async def spend_all(rates: Rates) -> int:
    """Take mutations until there is no point left; how many points they were."""
    taken = 0
    with suppress(HttpError):
        while True:
            await left(rates, 5)
            taken += 5
    return taken


async def test_the_default_points_of_a_minute_and_of_an_hour(database: Database, clock: Clock) -> None:
    rates = Rates(database, Settings().rates(), clock)
    assert await spend_all(rates) == 2_000
    clock.now += 60
    assert await spend_all(rates) == 2_000
    clock.now += 60
    # the hour has given back two minutes of its own: 2 x 5,000 / 60
    assert 5_000 - 4_000 <= await spend_all(rates) <= 1_000 + 170
    clock.now += 3_600
    assert await spend_all(rates) == 2_000
    await rates.close()


async def test_the_default_guesses(database: Database, clock: Clock) -> None:
    rates = Rates(database, Settings().rates(), clock)
    async with admitted(rates, Price(1, guesses=30)):
        pass
    with pytest.raises(HttpError) as refused:
        async with admitted(rates, Price(1, guesses=1)):
            pass
    assert refused.value.headers["retry-after"] == "2"
    await rates.close()


async def test_callers_of_no_organisation_have_the_slots_of_one(database: Database) -> None:
    """However many subjects somebody has tokens of; staff are not among them."""
    rates = Rates(database, RateLimits(of_person=2, of_organisation=3))
    taken, refused = list[Slot](), list[int]()
    for number in range(5):
        try:
            taken.append(await rates.acquire(identify(f"unknown {number}"), Price()))
        except HttpError as error:
            refused.append(error.status)
    assert (len(taken), refused) == (3, [429, 429])
    assert len({slot.holder for slot in taken}) == 1
    taken.append(await rates.acquire(replace(identify("staff"), operator=True), Price()))
    for slot in taken:
        rates.release(slot)
    await rates.close()
    rates.release(await rates.acquire(identify("unknown 4"), Price()))
    await rates.close()
