"""A read costs its page: what PostgreSQL reads for it does not grow with the tenant.

Each operation runs as one of a small tenant's people and as the same person of a tenant four times as big, in one
database. The pages of memory that its statements read are counted by EXPLAIN, as the gateway's role and with the plans
that the gateway gets, which serve all values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from accord.access.principal import Identity
from accord.database.engine import Database, Query, Snapshot
from accord.database.queries.read.organisation import USER_SEEN
from accord.database.queries.read.report import DASHBOARD, SIGN_INS
from accord.schema.context import Context, Support
from tests.schema.conftest import NoTickets, schema
from tests.schema.tenant import Tenant, grow
from tests.servers import DatabaseURLs
from tests.world import open_world

SMALL: Final = 220
LARGE: Final = 880
TIMES: Final = 2
SPARE: Final = 60
"""Pages by which the larger may exceed: an index that is a level deeper costs each look-up one page more."""
MORE_ROWS: Final = 5


@dataclass(frozen=True)
class Case:
    """An operation as one of a tenant's people; each variable is a thing of the tenant, or a value."""

    person: tuple[str, int]
    document: str
    given: Mapping[str, tuple[str, str]] = field(default_factory=dict)


KEPT: Final = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"
NODE: Final = "query Q($id: ID!) { node(id: $id) { id } }"
EVENTS: Final = "query Q%s { activity(first: 20, filter: {%s}) { %s edges { node { id accountLabel } } } }"
MEMBERS: Final = "query Q($o: ID!) { organisation(id: $o) { members(first: 20) { edges { node { id email } } } } }"
ACCOUNTS: Final = """query Q($o: ID!) { organisation(id: $o) { accounts(first: 20) {
  edges { node { id viewerCan } } } } }"""
PARTNER: Final = """query Q($p: ID!) { partnership(id: $p) {
  members(first: 20) { edges { node { user { displayName email } } } } } }"""
ACCOUNT: Final = """query Q($a: ID!) { account(id: $a) { viewerCan grants(first: 20) { edges { node {
  user { displayName email homeOrganisation { name } } } } } } }"""
CUSTOMERS: Final = "{ viewer { customers(first: 20) { edges { node { organisation { name } level } } } } }"
SHARED: Final = "{ viewer { sharedAccounts(first: 20) { edges { node { id label } } } } }"
LEADER, OWNER, QUIET, PLAIN = ("host", 1), ("host", 3), ("host", 4), ("host", 5)
IN_HOST: Final = {"o": ("organisation", "host 0")}
CASES: Final[dict[str, Case]] = {
    "node of a person whom somebody waits for": Case(LEADER, NODE, {"id": ("user", "guest 1 1")}),
    "node of a stranger": Case(("fat", 1), NODE, {"id": ("user", "customer 1 1")}),
    "the first members": Case(("crowd", 1), MEMBERS, {"o": ("organisation", "crowd 0")}),
    "accounts, to somebody who owns many": Case(LEADER, ACCOUNTS, IN_HOST),
    "accounts, to somebody who owns many partnerships": Case(OWNER, ACCOUNTS, IN_HOST),
    "accounts, to somebody who sees none": Case(PLAIN, ACCOUNTS, IN_HOST),
    "an account and its people": Case(LEADER, ACCOUNT, {"a": ("account", "pool 1")}),
    "activity, to a leader": Case(LEADER, EVENTS % ("", "", "")),
    "activity, to the owner of accounts with few events": Case(OWNER, EVENTS % ("", "", "")),
    "activity, to the owner of accounts without events": Case(QUIET, EVENTS % ("", "", "")),
    "activity, to somebody without accounts": Case(PLAIN, EVENTS % ("", "", "")),
    "activity of a rare type": Case(LEADER, EVENTS % ("", 'types: ["partnership.suspended"]', "totalCount")),
    "activity of a type that there is not": Case(LEADER, EVENTS % ("", 'types: ["wallet.topped_up"]', "totalCount")),
    "activity of a rare outcome": Case(LEADER, EVENTS % ("", "outcome: DENIED", "totalCount")),
    "activity of a rare app": Case(LEADER, EVENTS % ("", 'app: "Rare"', "totalCount")),
    "activity of a rare partner": Case(
        LEADER, EVENTS % ("($o: ID!)", "partnerOrganisationId: $o", "totalCount"), {"o": ("organisation", "guest 1")}
    ),
    "members of a small partnership": Case(LEADER, PARTNER, {"p": ("partnership", "guest 1")}),
    "members of a fat partnership, at the host": Case(LEADER, PARTNER, {"p": ("partnership", "fat 0")}),
    "members of a fat partnership, to the guest's admin": Case(("fat", 1), PARTNER, {"p": ("partnership", "fat 0")}),
    "members of a fat partnership, to one of them": Case(("fat", 3), PARTNER, {"p": ("partnership", "fat 0")}),
    "accounts shared with somebody to whom many are": Case(("fat", 3), SHARED),
    "accounts shared with an admin to whom many are": Case(("fat", 1), SHARED),
    "the customers of an admin who acts nowhere": Case(("msp", 1), CUSTOMERS),
}


@dataclass(frozen=True)
class Cost:
    """How many pages of memory statements read, and how many rows the gateway got."""

    pages: int
    rows: int


class Explained:
    """Runs operations and counts the pages that their statements read."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.asked: list[tuple[Query, dict[str, Any]]] = []

    async def cost(self, tenant: Tenant, case: Case) -> Cost:
        """What the statements of this operation cost, as this person of the tenant."""
        identity = tenant.identity(*case.person)
        given = {name: tenant.id(*thing) for name, thing in case.given.items()}
        self.asked.clear()
        context = Context(self.database, identity, Support("Support", "help@vendor.example"), NoTickets())
        await schema.execute(case.document, variable_values=given, context_value=context)
        assert self.asked
        plans = [await self.plan(identity, query, values) for query, values in list(self.asked)]
        pages = [plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans]
        return Cost(sum(pages), int(sum(plan["Actual Rows"] for plan in plans)))

    async def plan(self, identity: Identity, query: Query, values: Mapping[str, Any]) -> dict[str, Any]:
        """The plan of a statement for this caller, with what running it cost."""
        snapshot = self.database.snapshot(identity)
        try:
            await snapshot.principal()
            opened = snapshot._opened
            assert opened is not None
            arguments = ", ".join(literal(value) for value in query.arguments(opened.binds | dict(values)))
            explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked"
            await opened.raw.execute(f"PREPARE asked AS {query.sql}")
            (found,) = await opened.raw.fetchval(f"{explain} ({arguments})" if arguments else explain)
            await opened.raw.execute("DEALLOCATE asked")
        finally:
            await snapshot.close()
        plan: dict[str, Any] = found["Plan"]
        return plan


def scans(plan: dict[str, Any], table: str) -> list[int]:
    """How many rows each scan of a table in this plan looked at."""
    rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    mine = [int(rows * plan["Actual Loops"])] if plan.get("Relation Name") == table else []
    return mine + [number for child in plan.get("Plans", ()) for number in scans(child, table)]


def literal(value: Any) -> str:
    """A bound value as SQL text."""
    if value is None or isinstance(value, bool | int):
        return "NULL" if value is None else str(value).lower()
    text = "{" + ",".join(map(str, value)) + "}" if isinstance(value, list | tuple) else str(value)
    return "'" + text.replace("'", "''") + "'"


Measured = tuple[dict[str, tuple[Cost, Cost]], Explained, Tenant]


@pytest.fixture(scope="module")
async def measured(module_database_urls: DatabaseURLs) -> AsyncIterator[Measured]:
    """What each operation costs in the small tenant, and in the large one that was made after it and is given, too."""
    patched = pytest.MonkeyPatch()
    async with open_world(module_database_urls) as world:
        explained = Explained(world.database)
        fetch = Snapshot.fetch

        async def noted(self: Snapshot, query: Query, **given: Any) -> list[Any]:
            explained.asked.append((query, given))
            return await fetch(self, query, **given)

        small = await grow(world.owner, SMALL)
        patched.setattr(Snapshot, "fetch", noted)
        before = {name: await explained.cost(small, case) for name, case in CASES.items()}
        large = await grow(world.owner, LARGE)
        after = {name: await explained.cost(large, case) for name, case in CASES.items()}
        yield {name: (before[name], after[name]) for name in CASES}, explained, large
    patched.undo()


@pytest.mark.parametrize("name", CASES)
async def test_a_read_costs_its_page(measured: Measured, name: str) -> None:
    small, large = measured[0][name]
    assert large.pages <= small.pages * TIMES + SPARE, (small, large)
    assert large.rows <= small.rows + MORE_ROWS, (small, large)


async def test_the_dashboard_reads_each_grant_once_and_no_other_events(measured: Measured) -> None:
    _, explained, tenant = measured
    leader, keys = tenant.identity(*LEADER), [tenant.id("organisation", "host 0").partition("_")[2]]
    now = explained.database.clock()
    figures = await explained.plan(leader, DASHBOARD, {"keys": keys, "unused_since": now, "expiring_until": now})
    assert len(scans(figures, "grants")) == 1
    days = await explained.plan(leader, SIGN_INS, {"keys": keys, "since": now - timedelta(days=30)})
    (looked,) = scans(days, "activity_events")[:1]
    assert 0 < looked <= tenant.size * 100 // 10 // 2 + tenant.size


async def test_the_longest_statement_is_planned_once(database_urls: DatabaseURLs) -> None:
    """The driver keeps short statements alone unless it is told otherwise, and planning this one takes longer than
    running it."""
    async with open_world(database_urls, pool_size=1) as world:
        asker = await world.person(await world.organisation())
        snapshot = world.database.snapshot(asker.identity)
        for _ in range(3):
            await snapshot.fetch(USER_SEEN, keys=[str(asker.id)])
        kept = await snapshot._opened.raw.fetch(KEPT, USER_SEEN.sql)  # type: ignore[union-attr]
        await snapshot.close()
        assert [tuple(row) for row in kept] == [(3, 0)]
