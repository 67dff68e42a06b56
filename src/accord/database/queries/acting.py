"""What acts on sessions read: the bases that somebody has on a host, and the sessions that rest on something."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.acting import bases
from accord.database.engine import Query, Transaction
from accord.database.personal import sees_contact
from accord.database.tables.acting import acting_sessions
from accord.database.tables.contact import external_contacts
from accord.database.tables.partnership import partnerships
from accord.database.visibility import VIEWER, sees_partnership

HOST: Final = bindparam("host", type_=Uuid())
found: Final = bases(lambda p: p.c.host_id == HOST).subquery("b")
BASES: Final = Query(select(found).order_by(found.c.basis, found.c.role_key, found.c.partnership_id))
KNOWN: Final = Query(select(partnerships.c.id).where(partnerships.c.host_id == HOST, sees_partnership()).limit(1))

own: Final = external_contacts.alias()
NAMED: Final = Query(select(own.c.id).where(own.c.host_id == HOST, own.c.user_id == VIEWER, sees_contact(own)).limit(1))


async def list_bases(tx: Transaction, host_id: UUID) -> list[Any]:
    """On what the caller may act in this organisation now."""
    return await tx.fetch(BASES, host=host_id)


async def lock_session(tx: Transaction, session_id: UUID) -> Any:
    """One of the caller's own sessions, locked, or None."""
    own = (acting_sessions.c.id == session_id) & (acting_sessions.c.user_id == tx.person_id)
    return await tx.first(select(acting_sessions).where(own).with_for_update())


async def knows_host(tx: Transaction, host_id: UUID) -> bool:
    """Does the caller see a partnership with this host, or a contact of the own there?"""
    return bool(await tx.fetch(KNOWN, host=host_id)) or bool(await tx.fetch(NAMED, host=host_id))
