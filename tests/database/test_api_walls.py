"""Each wall alone holds for the whole API: with the other one off, nobody meets a foreign row, whatever is asked for.

Foreign is what `oracle.py` calls so. Every person of random worlds asks for every ID there is and for every field, in a
gateway whose predicates and decisions are open, or whose database has no policies.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest

from accord.schema.context import Context, Support
from accord.schema.schema import schema
from tests.contract.source import ROOT
from tests.database.oracle import Facts, Person, Viewer
from tests.database.test_visibility import STAFF_REACHES, STAFF_READS, admissible
from tests.database.worlds import Maker, write, write_platform_event
from tests.randomness import seeded
from tests.scale import CONTROL, count
from tests.servers import DatabaseURLs
from tests.services.scene import Signer
from tests.world import World, open_world

WORLDS: Final = count(test=1, check=2, prove=100)
PEOPLE: Final = count(test=3, check=8, prove=100)
IDS: Final = count(test=100, check=200, prove=1_000)
TABLES: Final = {
    "organisation": "organisations",
    "user": "users",
    "membership": "memberships",
    "partnership": "partnerships",
    "attempt": "attempts",
    "account": "accounts",
    "share": "shares",
    "grant": "grants",
    "accessitem": "access_items",
    "event": "activity_events",
}
EXPECTED_CODES: Final = {"FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT"}
"""A look-up that has to name one thing or another is asked without either."""


def ids_of(facts: Facts) -> list[str]:
    """The global ID of everything in a world."""
    things = {
        "organisation": list(facts.organisations),
        "user": [p.id for p in facts.people],
        "membership": [m.id for m in facts.memberships],
        "partnership": [p.id for p in facts.partnerships],
        "attempt": [p.id for p in facts.partnerships],
        "account": [a.id for a in facts.accounts],
        "share": [s.id for s in facts.shares],
        "grant": [g.id for g in facts.grants],
        "accessitem": [i.id for i in facts.items],
        "event": [e.id for e in facts.events],
    }
    return [f"{kind}_{key}" for kind, keys in things.items() for key in keys]


def asking(one: Person | tuple[Person, UUID] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(one, dict):
        return one
    person, session = one if isinstance(one, tuple) else (one, None)
    return {"subject": person.subject, "operator": person.operator} | ({"session": str(session)} if session else {})


async def crawled(
    world: World,
    people: list[Person] | list[tuple[Person, UUID]] | list[dict[str, Any]],
    ids: list[str],
    url: str,
    *,
    opened: bool,
) -> dict[str, Any]:
    """What these people meet, at home, in a session or by a client, in a process of its own."""
    task = {
        "url": url,
        "open": opened,
        "now": world.clock.now.isoformat(),
        "people": [asking(one) for one in people],
        "ids": ids,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.database.crawl",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(task).encode())
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


async def foreign(world: World, url: str, *, opened: bool) -> tuple[list[str], int, set[str]]:
    """The foreign rows that anybody met, how many rows were met in all, and the codes of errors."""
    chance = seeded()
    wrong: list[str] = []
    met = 0
    codes: set[str] = set()
    for _ in range(WORLDS):
        facts = Maker(chance, world.clock.now).make()
        await write(world, facts)
        everything = ids_of(facts)
        people = chance.sample(facts.people, min(PEOPLE, len(facts.people)))
        ids = chance.sample(everything, min(IDS, len(everything)))
        found = await crawled(world, people, ids, url, opened=opened)
        codes |= found["codes"].keys()
        for person in people:
            allowed = admissible(Viewer(facts, person))
            for kind, table in TABLES.items():
                seen = {UUID(key) for key in found["met"][person.subject].get(kind, ())}
                met += len(seen)
                if person.operator and table in (STAFF_REACHES if opened else STAFF_READS):
                    continue
                wrong += [f"{kind} {key} to {person.id}" for key in seen - allowed[table]]
    return wrong, met, codes


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        await write_platform_event(made)
        yield made


async def test_both_walls(world: World) -> None:
    wrong, met, codes = await foreign(world, world.urls.gateway, opened=False)
    assert wrong == []
    assert met > 5
    assert codes <= EXPECTED_CODES


async def test_without_predicates_and_decisions_the_policies_hold(world: World) -> None:
    wrong, met, _ = await foreign(world, world.urls.gateway, opened=True)
    assert wrong == []
    assert met > 5


async def test_without_policies_the_predicates_hold(world: World) -> None:
    """As a role that no policy binds."""
    wrong, met, codes = await foreign(world, world.urls.superuser, opened=False)
    assert wrong == []
    assert met > 5
    assert codes <= EXPECTED_CODES


@CONTROL
async def test_without_both_there_would_be_foreign_rows(world: World) -> None:
    wrong, _, _ = await foreign(world, world.urls.superuser, opened=True)
    assert len({line.split()[0] for line in wrong}) >= 4


async def test_who_left_home_still_reads_where_that_was(world: World) -> None:
    """The organisation of a former membership is a name that its own past holds, at the second wall too."""
    home, elsewhere = await world.organisation("Home"), await world.organisation("Elsewhere")
    person = await world.person(home)
    await world.join(person, elsewhere)
    await world.owner.execute("UPDATE accord.memberships SET status = 'REMOVED' WHERE id = $1", person.membership_id)
    context = Context(world.database, person.identity, Support("x", "help@vendor.example"), Signer())
    document = "{ viewer { homeOrganisation { name } memberships { organisation { name } } } }"
    result = await schema.execute(document, context_value=context)
    assert not result.errors
    assert result.data is not None
    assert result.data["viewer"]["homeOrganisation"] == {"name": "Home"}
    names = [membership["organisation"]["name"] for membership in result.data["viewer"]["memberships"]]
    assert names == ["Elsewhere"]
