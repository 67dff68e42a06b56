"""The partners view in process: the engine beside the stock executor and beside one SQL statement that builds the JSON.

It prints medians of interleaved rounds. It is no test: on a machine that others use, times say nothing
and ratios something.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from typing import Any, Final

import orjson
from strawberry.extensions import ParserCache, ValidationCache

from accord.__main__ import rest_collector
from accord.database.roles import prepare
from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.schema.context import Context, Support
from accord.schema.operation import Operation, StockOperation
from accord.schema.schema import build_schema
from tests.performance import by_hand, views
from tests.schema.conftest import NoTickets
from tests.servers import DatabaseURLs, administer, start_test_server
from tests.world import Organisation, Person, World, open_world

PARTNERSHIPS: Final = 20
SHARES: Final = 10
ROUNDS: Final = 15

FILLED: Final = """
WITH guest AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT 'guest-' || n, 'Guest ' || n, 'NO', true FROM generate_series(1, $4::int) n RETURNING id
), person AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'p' || n || '@people.example', 'Person ' || n, id FROM guest, generate_series(1, $5::int) n
  RETURNING id, home_organisation_id
), member AS (
  INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status)
  SELECT home_organisation_id, id, 'someone@people.example', 'Somebody', '{MEMBER}', 'ACTIVE' FROM person
), made AS (
  INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
    owner_user_id, purposes, starts_at)
  SELECT $1, id, true, 'HOST_REQUEST', 'ACTIVE', $2, $2, $2, '{MANAGEMENT}', $3 FROM guest RETURNING id, guest_id
), account AS (
  INSERT INTO accord.accounts (host_id, kind, app, label, launch_url)
  SELECT $1, 'ACCOUNT', 'Ledger', made.id || ' ' || n, 'https://ledger.example/'
  FROM made, generate_series(1, $5::int) n
  RETURNING id, label
), owned AS (
  INSERT INTO accord.account_ownerships (account_id, user_id, host_id) SELECT id, $2, $1 FROM account
), shared AS (
  INSERT INTO accord.shares (partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)
  SELECT made.id, $1, made.guest_id, account.id, $2, 'ACTIVE', $3
  FROM made JOIN account ON split_part(account.label, ' ', 1) = made.id::text
  RETURNING id, partnership_id, account_id, guest_id
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY partnership_id) AS n FROM shared
), people AS (
  SELECT id, home_organisation_id, row_number() OVER (PARTITION BY home_organisation_id) AS n FROM person
)
INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT s.id, s.partnership_id, s.account_id, $1, s.guest_id, p.id, 'COLLABORATOR', 'ACTIVE', 'SHARE', $2, $3
FROM numbered s JOIN people p ON p.home_organisation_id = s.guest_id AND p.n = s.n
"""


class View:
    """One host's view, answered in three ways."""

    def __init__(self, world: World, host: Organisation, owner: Person) -> None:
        self.world, self.host, self.owner = world, host, owner
        caches = (ParserCache, ValidationCache)
        self.engine, self.stock = build_schema(caches, Operation), build_schema(caches, StockOperation)

    def context(self) -> Context:
        support = Support("Support", "help@vendor.example")
        return Context(self.world.database, self.owner.identity, support, NoTickets())

    async def by_engine(self) -> bytes:
        return await self._by(self.engine)

    async def by_stock(self) -> bytes:
        return await self._by(self.stock)

    async def _by(self, schema: Any) -> bytes:
        given = {"id": global_id("organisation", self.host.id)}
        result = await schema.execute(views.PARTNERS, variable_values=given, context_value=self.context())
        if result.errors:
            raise result.errors[0]
        return orjson.dumps({"data": result.data})

    async def by_hand(self) -> bytes:
        """The statement on a snapshot of the same person, so under the same policies."""
        snapshot = self.world.database.snapshot(self.owner.identity)
        try:
            await snapshot.principal()
            opened: Any = snapshot._opened
            text: str = await opened.raw.fetchval(by_hand.PARTNERS, self.host.id)
            return b'{"data":' + text.encode() + b"}"
        finally:
            await snapshot.close()


Way = Callable[[], Awaitable[bytes]]


async def measure(ways: dict[str, Way], rounds: int, repeats: dict[str, int]) -> dict[str, tuple[float, float]]:
    """The median wall and CPU time of each, in milliseconds, over rounds in which all take their turn."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(repeats[name]):
                await way()
            count = repeats[name]
            times[name].append(((time.perf_counter() - wall) / count * 1e3, (time.process_time() - cpu) / count * 1e3))
    return {name: (median(wall for wall, _ in found), median(cpu for _, cpu in found)) for name, found in times.items()}


async def main() -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(start_test_server())
        await administer(server, "CREATE DATABASE measured OWNER accord_owner")
        await prepare(server.url("owner", "measured"))
        world = await stack.enter_async_context(open_world(DatabaseURLs.of(server, "measured")))
        host = await world.organisation()
        owner = await world.person(host, Role.ORG_ADMIN)
        await world.owner.execute(FILLED, host.id, owner.id, world.clock.now, PARTNERSHIPS, SHARES)
        await world.owner.execute("ANALYZE")
        await report(View(world, host, owner))


async def report(view: View) -> None:
    """Checks first that all three say the same, then prints what they cost."""
    answers = [await view.by_engine(), await view.by_stock(), await view.by_hand()]
    if len({orjson.dumps(orjson.loads(answer), option=orjson.OPT_SORT_KEYS) for answer in answers}) != 1:
        raise SystemExit("the answers differ")
    rest_collector()
    ways: dict[str, Way] = {"engine": view.by_engine, "stock": view.by_stock, "by hand": view.by_hand}
    found = await measure(ways, ROUNDS, {"engine": 20, "stock": 4, "by hand": 20})
    sys.stdout.write(f"{len(answers[0])} bytes of JSON; medians of {ROUNDS} rounds\n")
    for name, (wall, cpu) in found.items():
        ratio = found[name][0] / found["engine"][0]
        sys.stdout.write(f"{name:8} {wall:7.2f} ms wall, {cpu:7.2f} ms CPU of the gateway, {ratio:5.2f} x the engine\n")


if __name__ == "__main__":
    asyncio.run(main())
