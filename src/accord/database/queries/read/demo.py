"""The people of a development database, for the page that picks one, and what the demo world asks while it is made.

All of it is asked with the worker's role: the gateway's sees nothing without a person who asks.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, select, update

from accord.database import queue
from accord.database.engine import Database
from accord.database.tables.delegation import role_groups
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.outbox import mails
from accord.database.tables.partnership import partnerships
from accord.domain.delegation import RoleGroupState
from accord.domain.notice import MailState

MOST = 200


async def list_people(worker: Database) -> list[dict[str, Any]]:
    """Everybody with an active membership: address, name, organisation and roles, by organisation; at most 200."""
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


async def get_handle(worker: Database, organisation_id: UUID) -> str:
    """The workspace ID of an organisation."""
    found = await _one(worker, select(organisations.c.handle).where(organisations.c.id == organisation_id))
    return str(found)


async def get_version(worker: Database, partnership_id: UUID) -> int:
    """The version of a partnership as it stands."""
    return int(await _one(worker, select(partnerships.c.version).where(partnerships.c.id == partnership_id)))


async def get_partnership(worker: Database, host_id: UUID, guest_id: UUID) -> UUID:
    """The partnership of two organisations that has not ended."""
    pair = (partnerships.c.host_id == host_id, partnerships.c.guest_id == guest_id, partnerships.c.ended_at.is_(None))
    found: UUID = await _one(worker, select(partnerships.c.id).where(*pair))
    return found


async def get_group(worker: Database, partnership_id: UUID) -> UUID:
    """The only active role group of a partnership."""
    active = (role_groups.c.partnership_id == partnership_id, role_groups.c.state == RoleGroupState.ACTIVE.value)
    found: UUID = await _one(worker, select(role_groups.c.id).where(*active))
    return found


async def get_membership(worker: Database, organisation_id: UUID, email: str) -> Any:
    """A membership by its address: its key and the key of its person."""
    by_address = (memberships.c.organisation_id == organisation_id, memberships.c.email == email)
    async with worker.system() as connection:
        chosen = select(memberships.c.id, memberships.c.user_id).where(*by_address)
        return (await connection.execute(chosen)).one()


async def get_secret(worker: Database, email: str) -> str:
    """The one-time token of the newest mail to this address that has one."""
    sent = select(mails.c.secret).where(mails.c.address == email, mails.c.secret.is_not(None))
    return str(await _one(worker, sent.order_by(mails.c.created_at.desc()).limit(1)))


async def mark_all_sent(worker: Database) -> int:
    """Every mail counts as sent when it was written, and no job for it is left; how many."""
    async with worker.system() as connection:
        sent = {"state": MailState.SENT.value, "sent_at": mails.c.created_at, "secret": None, "attempts": 1}
        marked = await connection.execute(update(mails).where(mails.c.state == MailState.QUEUED.value).values(**sent))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await queue.queries(driver).clear_queue(queue.MAIL)
    return marked.rowcount


async def _one(worker: Database, statement: Select[Any]) -> Any:
    async with worker.system() as connection:
        return (await connection.execute(statement)).scalar_one()
