"""An ID that is another tenant's costs the work of one that nobody has: the same statements, and the same calls."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from accord.database.engine import Database, Query
from accord.database.queries.read import organisation, sharing
from accord.domain.organisation import Role
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

LOOKED_UP: Final[dict[str, tuple[Query, str]]] = {
    "organisation": (organisation.ORGANISATION_SEEN, "reachable_organisations"),
    "user": (organisation.USER_SEEN, "reachable_people"),
    "account": (sharing.ACCOUNT_BY_ID, "reachable_accounts"),
}
TABLES: Final = {"organisation": "organisations", "user": "users", "account": "accounts"}
CALLED: Final = "SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE schemaname = 'accord'"


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    """Functions are counted in this database."""
    superuser = await asyncpg.connect(database_urls.superuser)
    await superuser.execute(f"ALTER DATABASE {database_urls.name} SET track_functions = 'all'")
    await superuser.close()
    async with open_world(database_urls) as made:
        yield made


async def work(database: Database, person: Person, query: Query, key: UUID) -> tuple[int, dict[str, int]]:
    """How many rows the look-up gives, and how often it calls each function of ours."""
    snapshot = database.snapshot(person.identity)
    try:
        await snapshot.principal()
        raw = snapshot._raw
        assert raw is not None
        before = {row["funcname"]: row["calls"] for row in await raw.fetch(CALLED)}
        found = await snapshot.fetch(query, keys=[str(key)])
        after = {row["funcname"]: row["calls"] for row in await raw.fetch(CALLED)}
    finally:
        await snapshot.close()
    calls = {name: times - before.get(name, 0) for name, times in after.items()}
    return len(found), {name: times for name, times in calls.items() if times}


async def scene(world: World) -> tuple[Person, dict[str, UUID]]:
    """An admin with a partner, and what another tenant has that nothing joins to them."""
    home, partner = await world.organisation(), await world.organisation()
    await world.terms()
    ada, otto = await world.person(home, Role.ORG_ADMIN), await world.person(partner, Role.ORG_ADMIN)
    await world.request(ada, otto.organisation)
    stranger = await world.person(await world.organisation(), Role.ORG_ADMIN)
    foreign = {
        "organisation": stranger.organisation.id,
        "user": stranger.id,
        "account": await world.account(stranger),
    }
    return ada, foreign


class Plain(Query):
    """A look-up that does not ask first which keys can be reached."""

    @cached_property
    def sql(self) -> str:
        asking = re.compile(r"accord\.reachable_\w+\(")
        sql = super().sql
        assert asking.search(sql)
        return asking.sub("(", sql)


@pytest.mark.parametrize("kind", LOOKED_UP)
async def test_a_foreign_id_costs_what_a_missing_one_costs(world: World, kind: str) -> None:
    ada, foreign = await scene(world)
    query, reach = LOOKED_UP[kind]
    await work(world.database, ada, query, uuid4())
    rows, calls = await work(world.database, ada, query, foreign[kind])
    assert (rows, calls) == await work(world.database, ada, query, uuid4())
    assert rows == 0
    assert calls[reach] == 1


@pytest.mark.parametrize("kind", LOOKED_UP)
async def test_the_policies_alone_would_tell_them_apart(world: World, kind: str) -> None:
    """The negative control: without asking first, a foreign row is looked at by its policy, a missing one by none."""
    ada, foreign = await scene(world)
    plain = Plain(LOOKED_UP[kind][0].statement, LOOKED_UP[kind][0].record)
    _, calls = await work(world.database, ada, plain, foreign[kind])
    assert calls != (await work(world.database, ada, plain, uuid4()))[1]


async def test_what_is_reached_is_what_the_policies_admit(world: World) -> None:
    """For everybody in a world with a partnership, a contact's home, strangers: one answer by both."""
    ada, _ = await scene(world)
    people: list[Any] = await world.owner.fetch("SELECT i.issuer, i.subject FROM accord.identities i")
    assert len(people) >= 3
    await world.account(ada)
    for kind, table in TABLES.items():
        every = [row["id"] for row in await world.owner.fetch(f"SELECT id FROM accord.{table}")]
        for person in people:
            identity = replace(ada.identity, issuer=person["issuer"], subject=person["subject"])
            async with world.database.transaction(identity) as tx:
                admitted = {row["id"] for row in await tx.driver.fetch(f"SELECT id FROM accord.{table}")}
                reached = set(await tx.driver.fetchval(f"SELECT accord.{LOOKED_UP[kind][1]}($1)", every))
            assert admitted == reached & set(every), (kind, person["subject"])
