"""The limit: a server that answers with one hand-written SQL statement under the same policies, and knows no GraphQL.

Run by the benchmark as a process of its own; who asks and where comes by the environment, as for the other peers.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accord.database.caller import literal
from tests.performance.load import CONNECTIONS

PARTNERS: Final = """
SELECT jsonb_build_object('organisation', jsonb_build_object('id', 'organisation_' || o.id, 'name', o.name,
  'partnerships', jsonb_build_object('edges', (SELECT jsonb_agg(jsonb_build_object('node', jsonb_build_object(
    'id', 'partnership_' || p.id, 'state', p.state, 'guest', jsonb_build_object('name', g.name),
    'shares', jsonb_build_object('edges', (SELECT jsonb_agg(jsonb_build_object('node', jsonb_build_object(
      'id', 'share_' || s.id, 'state', s.state,
      'account', (SELECT jsonb_build_object('id', 'account_' || a.id, 'label', a.label, 'app', a.app,
        'status', a.status) FROM accord.accounts a WHERE a.id = s.account_id),
      'grants', jsonb_build_object('edges', (SELECT jsonb_agg(jsonb_build_object('node', jsonb_build_object(
        'id', 'grant_' || t.id, 'role', t.role,
        'user', jsonb_build_object('id', 'user_' || u.id, 'displayName', u.display_name))) ORDER BY t.id)
        FROM (SELECT * FROM accord.grants WHERE share_id = s.id AND state = 'ACTIVE' ORDER BY id LIMIT 10) t
        JOIN accord.users u ON u.id = t.user_id))
      )) ORDER BY s.id)
      FROM (SELECT * FROM accord.shares WHERE partnership_id = p.id ORDER BY id LIMIT 10) s))
    )) ORDER BY p.id)
    FROM (SELECT * FROM accord.partnerships WHERE host_id = o.id ORDER BY id LIMIT 20) p
    JOIN accord.organisations g ON g.id = p.guest_id))))::text
FROM accord.organisations o WHERE o.id = $1
"""

VIEWER: Final = """
SELECT jsonb_build_object('viewer', jsonb_build_object(
  'user', jsonb_build_object('id', 'user_' || u.id, 'displayName', u.display_name),
  'organisation', (SELECT jsonb_build_object('id', 'organisation_' || o.id, 'handle', o.handle, 'name', o.name)
    FROM accord.organisations o WHERE o.id = u.home_organisation_id),
  'memberships', (SELECT jsonb_agg(jsonb_build_object('id', 'membership_' || m.id, 'displayName', m.display_name,
    'roles', m.roles, 'organisation', jsonb_build_object('id', 'organisation_' || o.id, 'name', o.name)) ORDER BY m.id)
    FROM accord.memberships m JOIN accord.organisations o ON o.id = m.organisation_id WHERE m.user_id = u.id)))::text
FROM accord.users u WHERE u.id = (SELECT accord.person())
"""


def create_app() -> Starlette:
    """The server; a request names its view by the path."""
    told = ", ".join(
        f"set_config({literal(name)}, {literal(value)}, true)"
        for name, value in json.loads(os.environ["CALLER"]).items()
    )
    begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT {told}"
    pools: list[Any] = []

    async def nothing(_: Any) -> None:
        """The transaction took all its settings with it."""

    async def answer(request: Request) -> Response:
        given = await request.json()
        async with pools[0].acquire() as connection:
            await connection.execute(begin)
            try:
                text: str = await (
                    connection.fetchval(PARTNERS, given["variables"]["id"].rpartition("_")[2])
                    if "variables" in given
                    else connection.fetchval(VIEWER)
                )
            finally:
                await connection.execute("COMMIT")
        return Response(b'{"data":' + text.encode() + b"}", media_type="application/json")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        size = {"min_size": CONNECTIONS, "max_size": CONNECTIONS}
        async with asyncpg.create_pool(os.environ["DATABASE_URL"], **size, reset=nothing) as pool:
            pools.append(pool)
            yield

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(create_app(), port=int(os.environ["PORT"]), log_config=None, access_log=False, ws="none")
