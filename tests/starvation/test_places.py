"""A stranger with made-up secrets, or one with many subjects, takes no place of those who are signed in."""

from __future__ import annotations

import asyncio

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from accord.http.exchange import Exchange, exchange_of, recognise
from accord.http.middleware import InFlight
from accord.http.responses import HttpError


def scope_of(address: str) -> Scope:
    state = {"exchange": Exchange(None), "request_id": "x" * 8}
    return {"type": "http", "path": "/graphql", "method": "GET", "headers": [], "client": (address, 1), "state": state}


async def test_the_places_of_those_who_arrive_and_of_those_who_are_signed_in() -> None:
    """An address has half of the first, and its requests none of the second before they are recognised."""
    go, inside = asyncio.Event(), list[HTTPConnection]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inside.append(HTTPConnection(scope))
        await go.wait()

    async def send(message: object) -> None:
        return None

    pool = InFlight(app, 40)
    running = [asyncio.create_task(pool(scope_of("a"), send, send)) for _ in range(100)]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert (len(inside), pool.running) == (20, 0)
    for one in inside:
        recognise(one)
    assert (pool.running, pool.arriving.running.total()) == (20, 0)
    taken = 0
    for number, one in enumerate(inside):
        place = exchange_of(one).place
        assert place is not None
        try:
            place.belong("first" if number < 19 else "second")
        except HttpError:
            continue
        taken += number < 19
    assert (taken, pool.of_holder["second"]) == (11, 1)
    go.set()
    await asyncio.wait(running)
    assert (pool.running, pool.of_holder.total(), pool.arriving.running.total()) == (0, 0, 0)
