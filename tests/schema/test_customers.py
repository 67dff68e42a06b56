"""The switcher of a partner with thousands of customers: few statements, and none that reads a table through (S14)."""

from __future__ import annotations

import json
from typing import Any, Final

import asyncpg
import pytest

from accord.database import caller
from accord.database.caller import viewer_binds
from accord.database.queries.read.acting import CUSTOMERS
from accord.domain.organisation import Role
from tests.schema.conftest import Asking
from tests.world import Organisation, Person, World

MANY: Final = 5_000
CUSTOMERS_OF = """
WITH host AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT 'host-' || n, 'Customer ' || lpad(n::text, 5, '0'), 'NO', true FROM generate_series(1, $4::int) n RETURNING id
)
INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, representative_user_id, purposes, starts_at, granted_level, level_changed_by, level_changed_at)
SELECT host.id, $1, true, 'HOST_REQUEST', 'ACTIVE', $2, $2, $2, $2, '{MANAGEMENT}', $3, 'MANAGE', $2, $3 FROM host
"""
STRANGERS = """
WITH host AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT 'stranger-' || n, 'Stranger ' || n, 'NO', true FROM generate_series(1, $4::int) n RETURNING id
)
INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, representative_user_id, purposes, starts_at)
SELECT host.id, other, true, 'HOST_REQUEST', 'ACTIVE', $2, $2, $2, $2, '{MANAGEMENT}', $3
FROM host, unnest($1::uuid[]) other
"""
SEARCH = """
query($search: String) { viewer { customers(search: $search, first: 20) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { node { organisation { name } level bases { basis level } } }
} } }
"""


@pytest.fixture
async def partner(world: World) -> tuple[Organisation, Person]:
    """A partner with 5,000 customers among 10,000 organisations and 25,000 partnerships, and its delegated admin."""
    guest = await world.organisation("Partner")
    person = await world.person(guest, Role.ORG_ADMIN)
    delegated = "UPDATE accord.memberships SET delegated_admin = true WHERE user_id = $1"
    await world.owner.execute(delegated, person.id)
    await world.owner.execute(CUSTOMERS_OF, guest.id, person.id, world.clock.now, MANY)
    others = [(await world.organisation()).id for _ in range(4)]
    await world.owner.execute(STRANGERS, others, person.id, world.clock.now, MANY)
    await world.owner.execute("ANALYZE accord.organisations, accord.partnerships, accord.memberships")
    return guest, person


async def test_a_search_costs_the_same_among_5_000(
    world: World, asking: Asking, partner: tuple[Organisation, Person], sent: list[str]
) -> None:
    costs = []
    for search, count in (("Customer 04711", 1), ("customer 047", 100), (None, MANY)):
        sent.clear()
        found = (await asking.ask(partner[1], SEARCH, search=search))["viewer"]["customers"]
        assert found["totalCount"] == count
        assert len(found["edges"]) == min(count, 20)
        assert all(edge["node"]["level"] == "MANAGE" for edge in found["edges"])
        costs.append(len(sent))
    assert len(set(costs)) == 1
    assert costs[0] <= 5


async def test_a_search_reads_no_table_through(world: World, partner: tuple[Organisation, Person]) -> None:
    """The plan goes from the partner to its customers by index, and to each organisation by its key."""
    person = partner[1]
    connection = await asyncpg.connect(world.urls.gateway)
    try:
        async with connection.transaction():
            await connection.execute(caller.told(person.identity))
            principal = await caller.rights_of(connection, person.identity, world.clock.now)
            given = viewer_binds(principal, world.clock.now) | {
                "keys": [str(person.id)],
                "search": "Customer 04711",
                "size": 21,
                **CUSTOMERS.bounds(None, None),
            }
            query = CUSTOMERS.page(False)
            explained = f"EXPLAIN (FORMAT JSON) {query.sql}"
            ((plan,),) = await connection.fetch(explained, *query.arguments(given))
    finally:
        await connection.close()
    read = list(_scans(json.loads(plan)[0]["Plan"]))
    assert ("Index Scan", "organisations") in read or ("Bitmap Heap Scan", "organisations") in read
    assert not {table for kind, table in read if kind == "Seq Scan"} & {"organisations", "partnerships"}, read


def _scans(node: dict[str, Any]) -> Any:
    if "Relation Name" in node:
        yield node["Node Type"], node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scans(child)
