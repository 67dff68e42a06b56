"""Activity of a period: all of it and nothing else, also where the clocks of gateways disagree."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accord.database.queries.read.activity import EVENTS
from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.services.grants.account import create_account
from tests.randomness import seeded
from tests.schema.conftest import Asking
from tests.world import Organisation, Person

PAGE = """query P($id: ID!, $first: Int, $last: Int, $filter: ActivityFilter) { organisation(id: $id) {
  activity(first: $first, last: $last, filter: $filter) { totalCount edges { node { occurredAt sequence } } } } }"""
URL = "https://ledger.example/sign-in"
SLOWEST = 50
"""Minutes by which one gateway's clock may be behind another's in these tests: less than the hour that is allowed."""


async def stream(asking: Asking) -> tuple[Organisation, Person]:
    """Events of some hours, each written by a gateway whose clock is a little behind."""
    chance, world = seeded(), asking.world
    host = await world.organisation()
    admin = await world.person(host, Role.ORG_ADMIN)
    began = world.clock.now
    for number in range(40):
        now = began + timedelta(minutes=7 * number)
        world.clock.now = now - timedelta(minutes=chance.uniform(0, SLOWEST))
        await world.act(admin, create_account, app="Ledger", label=f"Number {number}", launch_url=URL)
    world.clock.now = began + timedelta(days=3)
    return host, admin


async def read(asking: Asking, host: Organisation, who: Person, **given: Any) -> tuple[int, list[datetime]]:
    variables = {"id": global_id("organisation", host.id), **given}
    shown = (await asking.ask(who, PAGE, **variables))["organisation"]["activity"]
    return shown["totalCount"], [datetime.fromisoformat(edge["node"]["occurredAt"]) for edge in shown["edges"]]


@pytest.mark.parametrize("ends", [("from",), ("to",), ("from", "to")])
async def test_a_period_is_whole(asking: Asking, ends: tuple[str, ...]) -> None:
    host, admin = await stream(asking)
    _, everything = await read(asking, host, admin, first=100)
    chance = seeded()
    assert len(everything) >= 40
    for _ in range(25):
        since, until = sorted(chance.sample(everything, 2))
        bounds = {"from": since, "to": until}
        wanted = [
            time for time in everything if ("from" not in ends or time >= since) and ("to" not in ends or time < until)
        ]
        filter = {name: bounds[name].isoformat() for name in ends}
        assert await read(asking, host, admin, first=100, filter=filter) == (len(wanted), wanted)
        assert (await read(asking, host, admin, first=3, filter=filter))[1] == wanted[:3]
        assert (await read(asking, host, admin, last=3, filter=filter))[1] == wanted[-3:]


async def test_a_statement_holds_the_filters_that_are_given_and_no_others() -> None:
    plain = EVENTS.narrowed({"types": None, "until": None})
    assert plain is EVENTS.narrowed({})
    assert "occurred_at <" not in plain.count.sql
    assert EVENTS.narrowed({"person": "x"}) is EVENTS.narrowed({"person": "y", "types": None})
