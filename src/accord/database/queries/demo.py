"""The people of a development database, for the page that picks one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, func, select

from accord.database.engine import Database
from accord.database.tables.organisation import memberships, organisations, users

MOST = 200


async def list_people(worker: Database) -> list[dict[str, Any]]:
    """Everybody with an active membership: address, name, organisation and roles, by organisation; at most 200.

    Asked with the worker's role: the gateway's sees nobody without a person who asks.
    """
    statement = (
        select(users.c.email, users.c.display_name, organisations.c.name, func.array_to_json(memberships.c.roles))
        .join_from(memberships, users, memberships.c.user_id == users.c.id)
        .join(organisations, organisations.c.id == memberships.c.organisation_id)
        .where(memberships.c.status == "ACTIVE")
        .order_by(organisations.c.created_at, memberships.c.created_at)
        .limit(MOST)
    )
    async with worker.system() as connection:
        rows = (await connection.execute(statement)).all()
    return [
        {"email": email, "name": name, "organisation": organisation, "roles": roles}
        for email, name, organisation, roles in rows
    ]


async def is_empty(worker: Database) -> bool:
    """Is there no organisation yet?"""
    async with worker.system() as connection:
        return not (await connection.execute(select(exists().select_from(organisations)))).scalar_one()
