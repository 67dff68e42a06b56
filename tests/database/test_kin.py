"""Policies compare the organisations joined to the caller's at once where they are few, and ask for each where they are
many: what they admit is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from accord.database import caller
from accord.domain.organisation import Role
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

FURTHER = """
WITH partner AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT 'further-' || n, 'Further ' || n, 'NO', true FROM generate_series(1, $3::int) n RETURNING id
)
INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, purposes, starts_at)
SELECT CASE WHEN $4 THEN $1 ELSE id END, CASE WHEN $4 THEN id ELSE $1 END, true, 'HOST_REQUEST', 'ACTIVE', $2, $2, $2,
  '{MANAGEMENT}', now()
FROM partner
"""
MOST = 200


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        yield made


@pytest.mark.parametrize("further", [MOST - 1, MOST], ids=["few", "many"])
@pytest.mark.parametrize("by_host", [True, False], ids=["host", "guest"])
async def test_the_same_is_seen_of_few_partners_and_of_many(world: World, by_host: bool, further: int) -> None:
    host, guest, elsewhere = [await world.organisation() for _ in range(3)]
    owner, lead = await world.person(host), await world.person(host, Role.ORG_ADMIN)
    other, stranger = await world.person(guest, Role.ORG_ADMIN), await world.person(elsewhere, Role.ORG_ADMIN)
    await world.partnership(owner, lead, other)
    viewer, partner = (lead, other) if by_host else (other, lead)
    await world.owner.execute(FURTHER, (host if by_host else guest).id, lead.id, further, by_host)

    kin, people, places, memberships = await seen_by(world, viewer, [partner, stranger])

    assert len(kin) == (MOST if further < MOST else 0)
    assert people == {partner.id}
    assert places == memberships == {(guest if by_host else host).id}


async def seen_by(
    world: World, viewer: Person, people: list[Person]
) -> tuple[list[UUID], set[UUID], set[UUID], set[UUID]]:
    """What is compared, which of these people the policies alone admit, and of their organisations and memberships."""
    keys = [person.id for person in people]
    connection = await asyncpg.connect(world.urls.gateway)
    try:
        async with connection.transaction():
            await connection.execute(caller.told(viewer.identity))
            await caller.rights_of(connection, viewer.identity, world.clock.now)
            homes = [person.organisation.id for person in people]
            found = [
                await connection.fetch("SELECT id FROM accord.users WHERE id = ANY ($1)", keys),
                await connection.fetch("SELECT id FROM accord.organisations WHERE id = ANY ($1)", homes),
                await connection.fetch("SELECT organisation_id FROM accord.memberships WHERE user_id = ANY ($1)", keys),
            ]
            admitted = [{row[0] for row in rows} for rows in found]
            return await connection.fetchval("SELECT accord.kin()"), admitted[0], admitted[1], admitted[2]
    finally:
        await connection.close()
