"""Both walls against an oracle, over random worlds: what each person sees by the predicates, and what none can see.

1. Predicates under the policies, as the gateway: the rows of the oracle, no more and no less.
2. Policies off, as a role that they do not bind: the same rows by the predicates alone.
3. Predicates off, every row of every table asked for as the gateway: no foreign row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select, true

from accord.database import visibility, visible_activity
from accord.database.caller import viewer_binds
from accord.database.engine import Query
from accord.database.tables.activity import activity_events
from accord.database.tables.organisation import memberships
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, accounts, grants, shares
from tests.database.oracle import NOBODY, Facts, Person, Viewer
from tests.database.worlds import Maker, clear, identity_of, write, write_platform_event
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

WORLDS: Final = count(test=5, check=60, prove=2_000)
TOGETHER: Final = 12
"""Worlds that are in the database at a time: every statement reads all of them."""

Predicate = Callable[[Any], Any]
PREDICATES: Final[dict[str, tuple[Any, Predicate]]] = {
    "partnerships": (partnerships, visibility.sees_partnership),
    "shares": (shares, visibility.sees_share),
    "accounts": (accounts, visibility.sees_account),
    "grants": (grants, visibility.sees_grant),
    "holders": (grants, visibility.sees_holder),
    "items": (access_items, visibility.sees_access_item),
    "events": (activity_events, visible_activity.sees_event),
    "named events": (activity_events, lambda e: visible_activity.sees_event(e) & visible_activity.names_account(e)),
    "memberships": (memberships, visibility.sees_membership),
    "found members": (memberships, visibility.may_search_members),
}


def statements(predicates: dict[str, tuple[Any, Predicate]]) -> dict[str, Query]:
    return {name: Query(select(table.c.id).where(sees(table))) for name, (table, sees) in predicates.items()}


def expected(viewer: Viewer) -> dict[str, set[UUID]]:
    """What the oracle says, per list."""
    facts = viewer.facts

    def keys(things: Iterable[Any], sees: Callable[[Any], bool]) -> set[UUID]:
        return {thing.id for thing in things if sees(thing)}

    return {
        "partnerships": keys(facts.partnerships, viewer.sees_partnership),
        "shares": keys(facts.shares, viewer.sees_share),
        "accounts": keys(facts.accounts, viewer.sees_account),
        "grants": keys(facts.grants, viewer.sees_grant),
        "holders": keys(facts.grants, viewer.sees_holder),
        "items": keys(facts.items, viewer.sees_item),
        "events": keys(facts.events, viewer.sees_event),
        "named events": keys(facts.events, lambda e: viewer.sees_event(e) and viewer.knows_account_of(e)),
        "memberships": keys(facts.memberships, viewer.sees_membership),
        "found members": keys(facts.memberships, viewer.finds_member),
    }


FOREIGN: Final = {
    # each table, and the column by which the oracle knows a row of it
    "organisations": "id",
    "users": "id",
    "identities": "user_id",
    "memberships": "id",
    "partnerships": "id",
    "attempts": "partnership_id",
    "invitations": "partnership_id",
    "accounts": "id",
    "account_ownerships": "account_id",
    "shares": "id",
    "grants": "id",
    "access_items": "id",
    "tickets": "grant_id",
    "activity_events": "id",
    "chain_heads": "stream_id",
    "mails": "organisation_id",
    "notifications": "user_id",
}


STAFF_READS: Final = {"organisations", "chain_heads"}
STAFF_REACHES: Final = STAFF_READS | {"partnerships"}
"""What the policies admit to staff, who links organisations and holds partnerships; the predicates show none of it."""
"""Staff lists every organisation by name, handle and status, and moves the chain of each: a number and a hash."""


def admissible(viewer: Viewer) -> dict[str, set[UUID]]:
    """Which rows are not foreign to the viewer, per table."""
    facts = viewer.facts
    pairs = [p for p in facts.partnerships if not viewer.is_foreign_partnership(p)]
    organisations = {key for key in facts.organisations if not viewer.is_foreign_organisation(key)}
    mine = {key for key in facts.organisations if viewer.is_mine(key)}
    accounts_seen = {a.id for a in facts.accounts if not viewer.is_foreign_account(a)}
    grants_seen = {g.id for g in facts.grants if not viewer.is_foreign_pair(g.share.partnership)}
    return {
        "organisations": organisations,
        "users": {p.id for p in facts.people if not viewer.is_foreign_person(p)},
        "identities": {viewer.person},
        "memberships": {m.id for m in facts.memberships if not viewer.is_foreign_membership(m)},
        "partnerships": {p.id for p in pairs},
        "attempts": {p.id for p in pairs},
        "invitations": {p.id for p in pairs},
        "accounts": accounts_seen,
        "account_ownerships": accounts_seen,
        "shares": {s.id for s in facts.shares if not viewer.is_foreign_pair(s.partnership)},
        "grants": grants_seen,
        "access_items": {i.id for i in facts.items if not viewer.is_foreign_pair(i.share.partnership)},
        "tickets": grants_seen,
        "activity_events": {e.id for e in facts.events if not viewer.is_foreign_event(e)},
        "chain_heads": mine | viewer.partners() | ({NOBODY} if viewer.operator else set()),
        "mails": mine,
        "notifications": {viewer.person},
    }


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        await write_platform_event(made)
        yield made


async def worlds(world: World, number: int) -> AsyncIterator[Facts]:
    """So many random worlds, each in the database together with a few before it."""
    chance = seeded()
    for made in range(number):
        if made and made % TOGETHER == 0:
            await clear(world)
        facts = Maker(chance, world.clock.now).make()
        await write(world, facts)
        yield facts


async def seen_as_gateway(world: World, person: Person, queries: dict[str, Query]) -> dict[str, set[UUID]]:
    snapshot = world.database.snapshot(identity_of(person))
    try:
        return {name: {UUID(str(row.id)) for row in await snapshot.fetch(query)} for name, query in queries.items()}
    finally:
        await snapshot.close()


async def seen_without_policies(world: World, person: Person, queries: dict[str, Query]) -> dict[str, set[UUID]]:
    """By the predicates alone: PostgreSQL binds no superuser by a policy."""
    snapshot = world.database.snapshot(identity_of(person))
    binds = viewer_binds(await snapshot.principal(), snapshot.now)
    await snapshot.close()
    found = {}
    for name, query in queries.items():
        rows = await world.owner.fetch(query.sql, *query.arguments(binds))
        found[name] = {UUID(str(row["id"])) for row in rows}
    return found


Seen = Callable[[World, Person, dict[str, Query]], Any]


async def disagreements(
    world: World, seen: Seen, queries: dict[str, Query], number: int, *, first: bool = False
) -> list[str]:
    """Where predicates and oracle differ, for every person of every world, or until the first disagreement."""
    found: list[str] = []
    async for facts in worlds(world, number):
        for person in facts.people:
            told = await seen(world, person, queries)
            for name, right in expected(Viewer(facts, person)).items():
                more, less = sorted(told[name] - right), sorted(right - told[name])
                if more or less:
                    found.append(f"{name} of {person.id}: {more} too many, {less} too few")
            if first and found:
                return found
    return found


async def test_the_predicates_are_the_model_under_the_policies(world: World) -> None:
    assert await disagreements(world, seen_as_gateway, statements(PREDICATES), WORLDS) == []


async def test_the_predicates_are_the_model_without_the_policies(world: World) -> None:
    assert await disagreements(world, seen_without_policies, statements(PREDICATES), WORLDS) == []


@pytest.mark.parametrize("name", PREDICATES)
async def test_a_predicate_that_is_open_or_shut_is_found_out(world: World, name: str) -> None:
    """The oracle can tell: with one list open to all, or shut, it disagrees about that list."""
    table, _ = PREDICATES[name]
    for mutant in (true(), ~true()):
        queries = statements(PREDICATES) | {name: Query(select(table.c.id).where(mutant))}
        found = await disagreements(world, seen_without_policies, queries, 20, first=True)
        assert found
        assert {line.partition(" of ")[0] for line in found} == {name}


async def foreign_rows(world: World, number: int) -> tuple[list[str], int]:
    """Every row that a person of a random world can read as the gateway, without any predicate: the foreign ones."""
    found: list[str] = []
    asked = 0
    async for facts in worlds(world, number):
        for person in facts.people:
            snapshot = world.database.snapshot(identity_of(person))
            await snapshot.principal()
            assert snapshot._raw is not None
            for table, allowed in admissible(Viewer(facts, person)).items():
                if person.operator and table in STAFF_REACHES:
                    continue
                column = FOREIGN[table]
                rows = {row[column] for row in await snapshot._raw.fetch(f"SELECT {column} FROM accord.{table}")}
                asked += len(rows)
                if rows - allowed:
                    found.append(f"{table}: {len(rows - allowed)} rows that {person.id} may not read")
            await snapshot.close()
    return found, asked


async def test_without_the_predicates_there_is_no_foreign_row(world: World) -> None:
    found, asked = await foreign_rows(world, WORLDS)
    assert found == []
    assert asked > WORLDS * 100


@pytest.mark.parametrize("table", sorted(FOREIGN))
async def test_a_table_without_its_wall_shows_foreign_rows(world: World, table: str) -> None:
    """Each wall is needed: taken down, that table and no other leaks."""
    await world.owner.execute(f"ALTER TABLE accord.{table} DISABLE ROW LEVEL SECURITY")
    try:
        found, _ = await foreign_rows(world, 1)
    finally:
        await world.owner.execute(f"ALTER TABLE accord.{table} ENABLE ROW LEVEL SECURITY")
    assert table in {line.partition(":")[0] for line in found}
