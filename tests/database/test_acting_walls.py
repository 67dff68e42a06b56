"""Both walls around people who act: each session of random worlds asks for every ID there is, and for every field.

By the predicates, alone or under the policies, it meets nothing but what its basis shows of the host. By the policies
alone it meets rows of the host, of no other tenant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest

from tests.database.oracle import Facts
from tests.database.sessions import LEVELS, ROLES, Acting, let_act, live
from tests.database.test_api_walls import EXPECTED_CODES, IDS, TABLES, crawled, ids_of
from tests.database.test_visibility import FOREIGN, admissible
from tests.database.worlds import Maker, identity_of, write, write_platform_event
from tests.randomness import seeded
from tests.scale import CONTROL, count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

WORLDS: Final = count(test=1, check=2, prove=100)
KINDS: Final = TABLES | {"session": "acting_sessions"}


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        await write_platform_event(made)
        yield made


async def acted_in(world: World, number: int) -> AsyncIterator[tuple[Facts, list[Acting]]]:
    """So many random worlds in which somebody acts."""
    chance = seeded()
    while number:
        facts = Maker(chance, world.clock.now).make()
        if not live(facts):
            continue
        await write(world, facts)
        yield facts, await let_act(world, facts, chance)
        number -= 1


async def foreign(
    world: World, url: str, *, opened: bool, worlds: int = WORLDS, until: int = 99
) -> tuple[list[str], dict[str, int], set[str]]:
    """What sessions met that is not theirs to meet, how much each kind of them met, and the codes of errors.

    No further world is made once as many kinds of things were met wrongly as `until` says.
    """
    chance = seeded()
    wrong: list[str] = []
    met = dict.fromkeys((*LEVELS, *ROLES), 0)
    codes: set[str] = set()
    async for facts, sessions in acted_in(world, worlds):
        everything = ids_of(facts) + [f"session_{one.id}" for one in sessions]
        chosen = sessions[: 4 * WORLDS]
        ids = chance.sample(everything, min(IDS, len(everything)))
        viewers: list[Any] = [(one.person, one.id) for one in chosen]
        found = await crawled(world, viewers, ids, url, opened=opened)
        codes |= found["codes"].keys()
        for one in chosen:
            allowed = one.admissible(facts)
            allowed["acting_sessions"] |= {
                s.id for s in sessions if s.person is one.person and s.partnership.host == one.partnership.host
            }
            if opened:
                within = admissible(one.within(facts))
                allowed = {table: keys | within.get(table, keys) for table, keys in allowed.items()}
                allowed["acting_sessions"] |= {s.id for s in sessions if one.partnership.host in sides(s)}
            for kind, table in KINDS.items():
                seen = {UUID(key) for key in found["met"][str(one.id)].get(kind, ())}
                met[one.given] += len(seen)
                wrong += [f"{kind} {key} to {one.given}" for key in sorted(seen - allowed[table])]
        if len(kinds_of(wrong)) >= until:
            break
    return wrong, met, codes


def kinds_of(wrong: list[str]) -> set[str]:
    return {line.split()[0] for line in wrong}


def sides(one: Acting) -> tuple[UUID, UUID]:
    return one.partnership.host, one.partnership.guest


async def test_both_walls(world: World) -> None:
    wrong, met, codes = await foreign(world, world.urls.gateway, opened=False)
    assert wrong == []
    assert all(met.values()), met
    assert codes <= EXPECTED_CODES


async def test_without_policies_the_predicates_show_nothing_of_other_partners(world: World) -> None:
    wrong, met, codes = await foreign(world, world.urls.superuser, opened=False)
    assert wrong == []
    assert all(met.values()), met
    assert codes <= EXPECTED_CODES


async def test_without_predicates_the_policies_show_no_other_tenant(world: World) -> None:
    wrong, met, _ = await foreign(world, world.urls.gateway, opened=True)
    assert wrong == []
    assert all(met.values()), met


@CONTROL
async def test_without_both_there_would_be_foreign_rows(world: World) -> None:
    wrong, _, _ = await foreign(world, world.urls.superuser, opened=True, worlds=max(WORLDS, 3), until=4)
    assert len(kinds_of(wrong)) >= 4


async def test_no_table_shows_a_session_another_tenant(world: World) -> None:
    """Every row of every table, asked for past all predicates."""
    found: list[str] = []
    asked = 0
    async for facts, sessions in acted_in(world, 3):
        for one in sessions:
            snapshot = world.database.snapshot(identity_of(one.person), one.id)
            await snapshot.principal()
            assert snapshot._raw is not None
            for table, allowed in admissible(one.within(facts)).items():
                column = FOREIGN[table]
                rows = {row[column] for row in await snapshot._raw.fetch(f"SELECT {column} FROM accord.{table}")}
                asked += len(rows)
                found += [f"{table} {key} to {one.given}" for key in rows - allowed]
            await snapshot.close()
    assert found == []
    assert asked > 100
