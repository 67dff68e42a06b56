"""The functions that keep what callers have left: exact whoever asks at once, and closed to everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import pytest

from accord.database.engine import Database
from accord.database.queries.callers.allowance import Lease, RateLimits, Wanted, admit, release
from accord.services.housekeeping import forget
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

NOBODYS: Final = UUID(int=0)
"""Whose people callers of no organisation are, for the slots."""
CALLERS: Final = 60
POOLS: Final = 3
LIMITS: Final = RateLimits(per_minute=100, per_hour=100, of_person=10, of_organisation=15)
FORGETFUL: Final = """
CREATE OR REPLACE FUNCTION accord.hold_allowance(wanted text, now double precision) RETURNS accord.allowances
    LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
DECLARE
    held accord.allowances;
BEGIN
    INSERT INTO accord.allowances VALUES (wanted, 0, 0, now, '{}') ON CONFLICT DO NOTHING;
    SELECT * INTO held FROM accord.allowances a WHERE a.key = wanted;
    PERFORM pg_sleep(0.05);
    RETURN held;
END $$;
"""


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        yield made


@pytest.fixture
async def pools(world: World) -> AsyncIterator[list[Database]]:
    """As many gateways."""
    async with AsyncExitStack() as stack:
        opened = [Database(world.urls.gateway, pool_wait=30, lock_timeout=30) for _ in range(POOLS)]
        for database in opened:
            stack.push_async_callback(database.close)
        yield opened


async def race(pools: list[Database], wanted: list[Wanted]) -> list[Any]:
    """All of them at once, at different gateways."""
    return await asyncio.gather(
        *(admit(pools[number % POOLS], one, LIMITS, 1_000.0) for number, one in enumerate(wanted))
    )


def refusals(taken: list[Any], reason: str | None) -> int:
    return sum(one["refused"] == reason for one in taken)


async def test_the_places_of_a_person_are_exact(world: World, pools: list[Database]) -> None:
    person = await world.person(await world.organisation())
    wanted = Wanted(person.identity.issuer, person.identity.subject, 1)
    taken = await race(pools, [wanted] * CALLERS)
    assert (refusals(taken, None), refusals(taken, "PERSON")) == (10, CALLERS - 10)
    leases = [
        Lease(wanted.issuer, wanted.subject, one["organisation"], one["token"]) for one in taken if not one["refused"]
    ]
    await asyncio.gather(*(release(pools[number % POOLS], [one], LIMITS, 1_000.0) for number, one in enumerate(leases)))
    rows = await world.owner.fetch("SELECT key, running, minute FROM accord.allowances ORDER BY key DESC")
    assert [(row["running"], row["minute"]) for row in rows] == [([], 10), ([], 0)]


async def test_the_places_of_an_organisation_are_exact(world: World, pools: list[Database]) -> None:
    organisation = await world.organisation()
    people = [await world.person(organisation) for _ in range(6)]
    wanted = [Wanted(one.identity.issuer, one.identity.subject, 1) for one in people] * (CALLERS // 6)
    taken = await race(pools, wanted)
    assert (refusals(taken, None), refusals(taken, "ORGANISATION")) == (15, CALLERS - 15)
    stranger = await world.person(await world.organisation())
    (other,) = await race(pools, [Wanted(stranger.identity.issuer, stranger.identity.subject, 1)])
    assert other["refused"] is None


async def client_of(world: World, person: Person) -> Wanted:
    """A live API client of this person, as it asks."""
    key: UUID = await world.owner.fetchval(
        "INSERT INTO accord.api_clients (organisation_id, owner_user_id, name, secret_hash, scopes, expires_at, status,"
        " created_at) VALUES ($1, $2, 'Sync', gen_random_uuid()::text, '{user:read}', now() + interval '30 days',"
        " 'ACTIVE', now()) RETURNING id",
        person.organisation.id,
        person.id,
    )
    return Wanted("accord", f"apiclient_{key}", 1)


async def test_a_person_and_all_their_clients_have_the_points_and_places_of_one(
    world: World, pools: list[Database]
) -> None:
    """Sixty clients, and a second issuer under which they sign in, give nothing more than the person alone has."""
    owner = await world.person(await world.organisation())
    await world.owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ('https://second.example', 'me', $1)", owner.id
    )
    people = [Wanted(owner.identity.issuer, owner.identity.subject, 1), Wanted("https://second.example", "me", 1)]
    wanted = [*people, *[await client_of(world, owner) for _ in range(60)]]
    taken = await race(pools, wanted)
    assert (refusals(taken, None), refusals(taken, "PERSON")) == (10, len(wanted) - 10)
    leases = [
        Lease(one.issuer, one.subject, row["organisation"], row["token"])
        for one, row in zip(wanted, taken, strict=True)
        if row["refused"] is None
    ]
    await release(pools[0], leases, LIMITS, 1_000.0)
    spent = 0
    for one in wanted * 2:
        row = await admit(pools[0], one, LIMITS, 1_000.0)
        if row["refused"] is None:
            spent += 1
            await release(
                pools[0], [Lease(one.issuer, one.subject, row["organisation"], row["token"])], LIMITS, 1_000.0
            )
    assert spent == LIMITS.per_minute - 10
    colleague = await world.person(owner.organisation)
    (other,) = await race(pools, [Wanted(colleague.identity.issuer, colleague.identity.subject, 1)])
    assert other["refused"] is None


async def test_points_are_exact(world: World, pools: list[Database]) -> None:
    generous = RateLimits(per_minute=100, per_hour=100, of_person=CALLERS, of_organisation=CALLERS)
    wanted = Wanted("issuer", "nobody that is known", 5)
    taken = await asyncio.gather(
        *(admit(pools[number % POOLS], wanted, generous, 1_000.0) for number in range(CALLERS))
    )
    assert (refusals(taken, None), refusals(taken, "POINTS")) == (20, CALLERS - 20)
    assert all(one["organisation"] == NOBODYS for one in taken)


async def test_without_the_lock_there_are_more(world: World, pools: list[Database]) -> None:
    """The negative control."""
    await world.owner.execute(FORGETFUL)
    person = await world.person(await world.organisation())
    taken = await race(pools, [Wanted(person.identity.issuer, person.identity.subject, 1)] * CALLERS)
    assert refusals(taken, None) > 10


async def test_many_releases_at_once_meet_no_deadlock(world: World, pools: list[Database]) -> None:
    """Two gateways give back what the same people and organisations hold, in opposite orders, while others ask."""
    people = [await world.person(await world.organisation()) for _ in range(8)]
    wanted = [Wanted(one.identity.issuer, one.identity.subject, 0) for one in people]
    for _ in range(20):
        taken = await race(pools, wanted * 3)
        leases = [
            Lease(one.issuer, one.subject, row["organisation"], row["token"])
            for one, row in zip(wanted * 3, taken, strict=True)
        ]
        await asyncio.gather(
            release(pools[0], leases[:12], LIMITS, 1_000.0),
            release(pools[1], leases[:11:-1], LIMITS, 1_000.0),
            race(pools, wanted),
        )
        await world.owner.execute("UPDATE accord.allowances SET running = '{}'")


async def test_housekeeping_forgets_who_has_everything_again(world: World, pools: list[Database]) -> None:
    worker = Database(world.urls.worker)
    now = world.clock.now
    try:
        for subject, hours in (("old", 3), ("new", 1)):
            await admit(pools[0], Wanted("issuer", subject, 5), LIMITS, now.timestamp() - hours * 3_600)
        await forget(worker, now)
        rows = await world.owner.fetch("SELECT key FROM accord.allowances ORDER BY key")
        assert [row["key"] for row in rows] == [f"organisation {NOBODYS}", "person issuer new"]
    finally:
        await worker.close()
