"""Both walls around API clients: each of random worlds asks for every ID there is, and for every field.

By the predicates, alone or under the policies, a client meets nothing that its owner would not meet in its
organisation. By the policies alone it meets rows of that organisation and of what is joined to it, of no other tenant:
not even what is its owner's own elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.scopes import GRANTABLE
from accord.domain.callers.api_client import new_secret
from accord.domain.organisation import token_hash
from tests.database.oracle import Facts, Person, Viewer
from tests.database.test_api_walls import EXPECTED_CODES, IDS, TABLES, crawled, ids_of
from tests.database.test_visibility import FOREIGN, admissible
from tests.database.worlds import Maker, write, write_platform_event
from tests.randomness import seeded
from tests.scale import CONTROL, count
from tests.servers import DatabaseURLs
from tests.services.clients import client_identity
from tests.world import World, open_world

WORLDS: Final = count(test=1, check=2, prove=100)
CLIENTS: Final = count(test=3, check=8, prove=100)


@dataclass(frozen=True, slots=True)
class OfClient:
    """A client of one of a world's people, in one of the person's organisations."""

    id: UUID
    owner: Person
    organisation: UUID

    def within(self, facts: Facts) -> Viewer:
        """The owner as somebody of this organisation alone, and no staff; of the own places elsewhere those that
        partners of this organisation show to everybody here."""
        viewer = Viewer(facts, replace(self.owner, operator=False))
        viewer.roles = {self.organisation: viewer.roles[self.organisation]}
        shown = {self.organisation} | viewer.partners()
        kept = [m for m in facts.memberships if m.person != self.owner.id or m.organisation in shown]
        viewer.facts = replace(facts, memberships=kept)
        return viewer

    @property
    def asking(self) -> dict[str, Any]:
        named = {"client": str(self.id), "organisation": str(self.organisation)}
        return {"subject": self.owner.subject, "operator": self.owner.operator, **named}


INSERT: Final = """
INSERT INTO accord.api_clients (organisation_id, owner_user_id, name, secret_hash, scopes, expires_at, status)
VALUES ($1, $2, 'x', 'forged', '{user:read}', now() + interval '1 day', 'ACTIVE')
"""


async def let_ask(world: World, facts: Facts, chance: Random) -> list[OfClient]:
    """Give people clients in organisations where they are active, with every scope; past every service."""
    active = [m for m in facts.memberships if m.status == "ACTIVE"]
    several = {m.person for m in active if sum(other.person == m.person for other in active) > 1}
    chosen = sorted(active, key=lambda m: (m.person not in several, chance.random()))[:CLIENTS]
    people, made = {person.id: person for person in facts.people}, []
    for m in chosen:
        key = UUID(int=chance.getrandbits(128))
        await world.owner.execute(
            "INSERT INTO accord.api_clients (id, organisation_id, owner_user_id, name, secret_hash, scopes, expires_at,"
            " status, created_at) VALUES ($1, $2, $3, 'Sync', $4, $5, $6, 'ACTIVE', $7)",
            *(key, m.organisation, m.person, token_hash(new_secret(key)), [a.value for a in GRANTABLE]),
            *(facts.now + timedelta(days=30), facts.now),
        )
        made.append(OfClient(key, people[m.person], m.organisation))
    return made


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        await write_platform_event(made)
        yield made


async def worlds(world: World, number: int) -> AsyncIterator[tuple[Facts, list[OfClient], Random]]:
    chance = seeded()
    for _ in range(number):
        facts = Maker(chance, world.clock.now).make()
        await write(world, facts)
        yield facts, await let_ask(world, facts, chance), chance


async def foreign(world: World, url: str, *, opened: bool) -> tuple[list[str], int, set[str]]:
    """What clients met that their owners would not in that organisation, how much they met, and the codes of errors."""
    wrong: list[str] = []
    met, codes = 0, set[str]()
    async for facts, clients, chance in worlds(world, WORLDS):
        everything = ids_of(facts) + [f"apiclient_{one.id}" for one in clients]
        ids = chance.sample(everything, min(IDS, len(everything)))
        found = await crawled(world, [one.asking for one in clients], ids, url, opened=opened)
        codes |= found["codes"].keys()
        for one in clients:
            allowed = admissible(one.within(facts)) | {"api_clients": {one.id}}
            if opened:
                allowed["api_clients"] |= {other.id for other in clients if other.organisation == one.organisation}
            for kind, table in (TABLES | {"apiclient": "api_clients"}).items():
                seen = {UUID(key) for key in found["met"][str(one.id)].get(kind, ())}
                met += len(seen)
                wrong += [f"{kind} {key} to {one.id}" for key in seen - allowed[table]]
    return wrong, met, codes


async def test_both_walls(world: World) -> None:
    wrong, met, codes = await foreign(world, world.urls.gateway, opened=False)
    assert wrong == []
    assert met > 5
    assert codes <= EXPECTED_CODES


async def test_without_policies_the_predicates_hold(world: World) -> None:
    wrong, met, codes = await foreign(world, world.urls.superuser, opened=False)
    assert wrong == []
    assert met > 5
    assert codes <= EXPECTED_CODES


async def test_without_predicates_the_policies_hold(world: World) -> None:
    wrong, met, _ = await foreign(world, world.urls.gateway, opened=True)
    assert wrong == []
    assert met > 5


@CONTROL
async def test_without_both_there_would_be_foreign_rows(world: World) -> None:
    wrong, _, _ = await foreign(world, world.urls.superuser, opened=True)
    assert len({line.split()[0] for line in wrong}) >= 4


@asynccontextmanager
async def everything_of(world: World, one: OfClient) -> AsyncIterator[Callable[[str], Awaitable[list[Any]]]]:
    """Statements past all predicates, as the policies bind the client."""
    snapshot = world.database.snapshot(client_identity(one.id, one.organisation))
    try:
        await snapshot.principal()
        assert snapshot._raw is not None
        yield snapshot._raw.fetch
    finally:
        await snapshot.close()


async def test_no_table_shows_a_client_another_tenant(world: World) -> None:
    """Every row of every table, asked for past all predicates: also nothing of its owner's own elsewhere."""
    found: list[str] = []
    asked = elsewhere = made = 0
    async for facts, clients, _ in worlds(world, 30 * WORLDS):
        for one in clients:
            narrow, wide = admissible(one.within(facts)), admissible(Viewer(facts, one.owner))
            async with everything_of(world, one) as ask:
                for table, allowed in narrow.items():
                    rows = {row[0] for row in await ask(f"SELECT {FOREIGN[table]} FROM accord.{table}")}
                    asked += len(rows)
                    elsewhere += len(wide[table] - allowed)
                    found += [f"{table} {key} to {one.id}" for key in rows - allowed]
                for table in ("identities", "notifications", "sign_ins"):
                    found += [f"{table} to {one.id}" for _ in await ask(f"SELECT 1 FROM accord.{table}")]
        made += 1
        if made >= 3 * WORLDS and elsewhere > 10:
            break
    assert found == []
    assert asked > 100
    assert elsewhere > 10, "owners have more elsewhere"


async def test_without_the_narrowing_policies_clients_would_see_more(world: World) -> None:
    """The negative control: with `myself` as `person`, what is the owner's elsewhere is met."""
    body = await world.owner.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'myself'")
    define = "CREATE OR REPLACE FUNCTION accord.myself() RETURNS uuid LANGUAGE sql STABLE AS $$ {} $$"
    await world.owner.execute(define.format("SELECT accord.person()"))
    try:
        with pytest.raises(AssertionError):
            await test_no_table_shows_a_client_another_tenant(world)
    finally:
        await world.owner.execute(define.format(body))


@pytest.mark.parametrize(
    "statement",
    [
        INSERT,
        "UPDATE accord.api_clients SET scopes = '{user:read}' WHERE organisation_id = $1 AND owner_user_id = $2",
        "UPDATE accord.api_clients SET expires_at = now() WHERE organisation_id = $1 AND owner_user_id = $2",
        "DELETE FROM accord.api_clients WHERE organisation_id = $1 AND owner_user_id = $2",
    ],
)
async def test_the_policies_let_no_client_make_or_widen_one(world: World, statement: str) -> None:
    async for facts, clients, _ in worlds(world, 1):
        # the clients of a suspended organisation are dead: they are refused before any policy is asked
        one = next(client for client in clients if client.organisation not in facts.suspended)
        caller = client_identity(one.id, one.organisation)
        with pytest.raises(Exception, match=r"permission denied|row-level security"):
            async with world.database.transaction(caller, one.organisation) as tx:
                await tx.driver.execute(statement, one.organisation, one.owner.id)
