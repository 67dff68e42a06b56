"""Shares of the pool of those who do not sign in, connections that give way, and sizes of answers."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest

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
