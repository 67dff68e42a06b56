"""How often: points that come back evenly, guesses, requests at once; each refusal names when to come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from accord.http.rates import Allowance, RateLimits, Rates
from tests.http.toy import Toy


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


@pytest.fixture
async def limited(clock: Clock) -> AsyncIterator[Limited]:
    toy = Toy()
    toy.endpoint.rates = Rates(RateLimits(per_minute=20, per_hour=40, guesses=3, at_once=2), clock)
    transport = httpx2.ASGITransport(toy.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        yield Limited(client, toy)


MUTATION = "mutation { wait(seconds: 0) }"


def test_points_come_back_evenly(clock: Clock) -> None:
    allowance = Allowance(60, 60, clock)
    allowance.spend("a", 60)
    assert (allowance.left("a"), allowance.left("b"), allowance.wait("a"), allowance.wait("a", 60)) == (0, 60, 1, 60)
    clock.now += 15
    assert (allowance.left("a"), allowance.wait("a")) == (15, 0)
    clock.now += 1_000
    assert allowance.left("a") == 60
    allowance.spend("a", 90)
    assert (allowance.left("a"), allowance.wait("a", 1_000)) == (-30, 90)


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


async def test_a_person_has_a_few_requests_at_once(limited: Limited) -> None:
    slow = "{ slow(seconds: 0.3) }"
    answers = await asyncio.gather(*(limited.post(slow) for _ in range(3)), limited.post(slow, "somebody else"))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]
    assert answers[3].status_code == 200
    assert (await limited.post(slow)).status_code == 200


async def test_one_that_is_cut_off_is_dear(clock: Clock) -> None:
    toy = Toy(timeout=0.1)
    toy.endpoint.rates = Rates(RateLimits(per_minute=60, per_hour=60), clock)
    transport = httpx2.ASGITransport(toy.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        limited = Limited(client, toy)
        assert (await limited.post("{ slow(seconds: 9) }")).status_code == 504
        assert (await limited.post("{ viewer }")).headers["ratelimit"].startswith('"minute";r=9;')
