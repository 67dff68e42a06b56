"""Whom the caller's organisations meet: what `accord.meets` says now is what it said before it was made cheaper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from accord.database import caller
from tests.database.worlds import Maker, identity_of, write
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

WORLDS: Final = count(test=6, check=60, prove=1_000)
BEFORE: Final = """
CREATE FUNCTION public.met(person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
    token text := accord.shown('token');
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.memberships m
        WHERE m.user_id = person
          AND (m.organisation_id = ANY (mine) OR m.token_hash = token
               OR EXISTS (
                   SELECT FROM accord.partnerships p
                   WHERE p.guest_id = ANY (mine) AND p.host_id = m.organisation_id AND p.visible_guest_id IS NOT NULL)
               OR EXISTS (
                   SELECT FROM accord.partnerships p
                   WHERE p.guest_id = m.organisation_id AND p.host_id = ANY (mine) AND p.visible_guest_id IS NOT NULL)))
    OR EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.user_id = person AND c.host_id = ANY (mine));
END $$;
"""
ASKED: Final = "SELECT id, public.met(id), accord.meets(id) FROM unnest($1::uuid[]) id"
MUTE: Final = "CREATE OR REPLACE FUNCTION accord.meets(person uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false'"


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        await made.owner.execute(BEFORE)
        yield made


async def disagreements(world: World, number: int) -> tuple[int, int]:
    """How often the two differ in random worlds, and how often somebody is met."""
    chance, differ, met = seeded(), 0, 0
    connection = await asyncpg.connect(world.urls.gateway)
    try:
        for _ in range(number):
            facts = Maker(chance, world.clock.now).make()
            await write(world, facts)
            for person in facts.people:
                async with connection.transaction():
                    await connection.execute(caller.told(identity_of(person)))
                    await caller.rights_of(connection, identity_of(person), world.clock.now)
                    rows = await connection.fetch(ASKED, [other.id for other in facts.people])
                differ += sum(row["met"] != row["meets"] for row in rows)
                met += sum(row["met"] for row in rows)
    finally:
        await connection.close()
    return differ, met


async def test_the_same_people_are_met(world: World) -> None:
    differ, met = await disagreements(world, WORLDS)
    assert differ == 0
    assert met > 0


async def test_a_way_that_is_forgotten_is_found_out(world: World) -> None:
    await world.owner.execute(MUTE)
    differ, _ = await disagreements(world, 2)
    assert differ > 0
