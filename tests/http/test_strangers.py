"""Shares of the pool of those who do not sign in, connections that give way, and sizes of answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from accord.http.exchange import Exchanges, Pace, exchange_of
from accord.http.middleware import Unhurried
from accord.http.protocol import Connections
from accord.http.responses import is_larger
from accord.http.shares import LEAST, Shares
from tests.http.toy import Toy


def fill(pool: Shares, address: str) -> int:
    """How many more requests of this address run until it is refused."""
    taken = 0
    while pool.enter(address):
        taken += 1
    return taken


def test_an_address_has_as_much_as_is_free_besides() -> None:
    pool = Shares(64)
    assert [fill(pool, name) for name in ("a", "b", "c")] == [32, 16, 8]
    assert [fill(pool, name) for name in ("d", "e", "f")] == [LEAST, LEAST, 0]
    for _ in range(32):
        pool.leave("a")
    assert fill(pool, "g") == 16


class Idle:
    """A connection of an address, as far as its registry knows it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_cut = False

    def abort(self) -> None:
        self.is_cut = True


def test_the_longest_waiting_of_the_largest_crowd_gives_way() -> None:
    registry = Connections(5)
    crowd, others = [Idle("crowd") for _ in range(4)], [Idle("other") for _ in range(2)]
    for one in (others[0], *crowd):
        registry.add(one)  # type: ignore[arg-type]
    registry.work(crowd[0])  # type: ignore[arg-type]
    registry.add(others[1])  # type: ignore[arg-type]
    assert [one.is_cut for one in crowd] == [False, True, False, False]
    assert not any(one.is_cut for one in others)


@pytest.mark.parametrize(
    "content",
    [
        {"data": {"a": "x" * 1_000}},
        {"data": [{"a": "x" * 100} for _ in range(10)]},
        {"data": {"x" * 1_000: 1}},
        {"data": [[["x" * 500], ["y" * 500]]]},
    ],
)
def test_an_answer_is_weighed_before_it_is_made(content: Any) -> None:
    assert is_larger(content, 999)
    assert not is_larger(content, len(orjson.dumps(content)))


async def test_refusals_beyond_those_of_a_second_wait_and_hold_nothing() -> None:
    now, given_back, answered = 0.0, list[str](), list[str]()

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        exchange_of(request).at_end(lambda: given_back.append(request.client.host if request.client else ""))
        await Response(status_code=429 if scope["path"] == "/refused" else 200)(scope, receive, send)

    app = Exchanges(Unhurried(refuse, free=2, delay=60.0, clock=lambda: now), Pace())

    async def ask(address: str, path: str = "/refused") -> None:
        transport = httpx2.ASGITransport(app, client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
            await client.get(path)
        answered.append(address)

    for _ in range(2):
        await ask("192.0.2.1")
    waiting = asyncio.create_task(ask("192.0.2.1"))
    async with asyncio.timeout(60):
        while len(given_back) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
    await ask("192.0.2.2")
    await ask("192.0.2.1", "/")
    assert not waiting.done()
    assert given_back == ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"]
    now = 1.0
    await ask("192.0.2.1")
    waiting.cancel()
    assert answered == ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"]


async def test_an_answer_over_the_limit_is_refused_with_both_figures(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change stays made, and the message says so; names count as well as values."""
    monkeypatch.setattr(toy.endpoint, "answer_size", 1_000)
    headers = {"authorization": f"Bearer {toy.token()}"}
    name, text = "n" * 1_000, "x" * 1_000
    documents = {f'{{ echo(text: "{text}") }}': "fewer fields", f"mutation {{ {name}: wait(seconds: 0) }}": "changes"}
    transport = httpx2.ASGITransport(toy.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example", headers=headers) as client:
        for document, word in documents.items():
            answer = await client.post("/graphql", json={"query": document})
            error = answer.json()["errors"][0]
            assert answer.status_code == 413
            assert error["extensions"]["code"] == "ANSWER_TOO_LARGE"
            assert error["extensions"]["limit"] < error["extensions"]["actual"]
            assert word in error["message"]
        assert (await client.post("/graphql", json={"query": "{ viewer }"})).status_code == 200
