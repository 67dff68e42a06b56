"""A count looks at so many rows and no more, whatever it counts: exact below, and honest beyond."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest

from accord.database.caller import viewer_binds
from accord.database.queries.read.activity import EVENTS
from accord.database.queries.read.pages import EXACTLY
from accord.domain.organisation import Role
from accord.schema import loaders
from accord.schema.pagination import COUNTED
from tests.scale import count
from tests.schema.conftest import Asking
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

EVENTS_HELD: Final = count(test=30_000, check=330_000)
GROW: Final = """
INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_user_id, actor_name, host_id,
    data, previous_hash, hash)
SELECT $1, g, '2026-01-01'::timestamptz + g * interval '1 minute',
    CASE WHEN g % 1000 = 0 THEN 'partnership.requested' ELSE 'account.created' END, 'SUCCESS',
    CASE WHEN g % 1000 = 2 THEN $2::uuid END, 'x', $1, '{}', md5(g::text), md5((g + 1)::text)
FROM generate_series(2, $3::int) g
"""
COUNT: Final = """
query($id: ID!, $filter: ActivityFilter) {
  organisation(id: $id) { activity(filter: $filter) { totalCount totalCountIsExact } }
}
"""


@pytest.fixture(scope="module")
async def grown(module_database_urls: DatabaseURLs) -> AsyncIterator[tuple[World, Person]]:
    async with open_world(module_database_urls, statement_timeout=60.0) as world:
        admin = await world.person(await world.organisation(), Role.ORG_ADMIN)
        await world.owner.execute(GROW, admin.organisation.id, admin.id, EVENTS_HELD)
        await world.owner.execute("ANALYZE accord.activity_events")
        yield world, admin


async def looked_at(world: World, viewer: Person, most: int, **filters: Any) -> tuple[int, int, int]:
    """The total, how many rows the count says that it looked at, and how many PostgreSQL read of the events."""
    query = EVENTS.narrowed(filters).count
    async with world.database.transaction(viewer.identity, viewer.organisation.id) as tx:
        binds = viewer_binds(tx.principal, tx.now) | {"keys": [str(viewer.organisation.id)], "most": most, **filters}
        row = await tx.driver.fetchrow(query.sql, *query.arguments(binds))
        plan = await tx.driver.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", *query.arguments(binds))
    assert row is not None
    return row["total"], row["looked"], scanned(plan[0]["Plan"])


def scanned(plan: dict[str, Any]) -> int:
    """The rows of events that a plan read, those that it dropped included."""
    mine = 0
    if plan.get("Relation Name") == "activity_events":
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        mine = int(read * plan["Actual Loops"])
    return mine + sum(scanned(child) for child in plan.get("Plans", ()))


FILTERS: Final[dict[str, dict[str, Any]]] = {
    "nothing": {},
    "a common type": {"types": ["account.created"]},
    "a rare type": {"types": ["partnership.requested"]},
    "a type that is not there": {"types": ["partnership.removed"]},
    "an outcome": {"outcome": "DENIED"},
    "a partner": {"partner": str(UUID(int=1))},
    "an app": {"app": "Ledger"},
    "a person and a type": {"person": str(UUID(int=1)), "types": ["account.created"]},
}
RARE: Final = EVENTS_HELD // 1_000
FOUND: Final = {"nothing": EVENTS_HELD, "a rare type": RARE, "a common type": EVENTS_HELD - RARE - 1}
"""How many events there are of a filter; of the others none."""


@pytest.mark.parametrize("name", FILTERS)
async def test_a_count_reads_so_many_rows_at_most(grown: tuple[World, Person], name: str) -> None:
    """The negative control is the same count without the bound, which reads all that an index finds."""
    world, admin = grown
    total, looked, read = await looked_at(world, admin, COUNTED, **FILTERS[name])
    assert total <= looked <= COUNTED + 1
    assert read <= COUNTED + 1
    all_of_them = FOUND.get(name, 0)
    assert await looked_at(world, admin, EXACTLY, **FILTERS[name]) == (all_of_them, all_of_them, all_of_them)


async def test_what_an_index_finds_is_counted_exactly(grown: tuple[World, Person]) -> None:
    world, admin = grown
    assert await looked_at(world, admin, COUNTED, person=str(admin.id)) == (RARE, RARE, RARE)
    assert await looked_at(world, admin, COUNTED, types=["partnership.requested"]) == (RARE, RARE, RARE)


async def test_the_api_says_whether_a_count_is_exact(grown: tuple[World, Person], monkeypatch: Any) -> None:
    world, admin = grown
    asking = Asking(world)

    async def counted(**given: Any) -> tuple[int, bool]:
        answer = await asking.ask(admin, COUNT, id=f"organisation_{admin.organisation.id}", filter=given or None)
        told = answer["organisation"]["activity"]
        return told["totalCount"], told["totalCountIsExact"]

    assert await counted() == (COUNTED, False)
    assert await counted(types=["account.created"]) == (COUNTED, False)
    assert await counted(types=["account.created"], userId=f"user_{admin.id}") == (RARE, True)
    assert await counted(types=["partnership.requested"]) == (RARE, True)
    assert await counted(userId=f"user_{admin.id}") == (RARE, True)
    monkeypatch.setattr(loaders, "COUNTED", EVENTS_HELD)
    assert await counted() == (EVENTS_HELD, True)
    monkeypatch.setattr(loaders, "COUNTED", EVENTS_HELD - 1)
    assert await counted() == (EVENTS_HELD - 1, False)
