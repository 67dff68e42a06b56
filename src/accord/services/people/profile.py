"""What people do for themselves: change their name, read their notices (S16, 4.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import update

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.member import (
    get_person,
)
from accord.database.queries.outbox import list_own_notices
from accord.database.sets import among
from accord.database.tables.organisation import memberships, users
from accord.database.tables.outbox import notifications
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.services.activity import Event, record
from accord.services.grants.share import BULK

__all__ = ["mark_notifications_read", "update_profile"]


async def update_profile(tx: Transaction, *, display_name: str, expected_version: int | None = None) -> UUID:
    """Change the own name, which belongs to the home organisation whatever one acts in (S16)."""
    require(tx.principal, Action.PROFILE_UPDATE, Target(), now=tx.now)
    home = tx.principal.home_organisation_id
    if home is None or home not in tx.principal.organisations:
        raise Forbidden(Action.PROFILE_UPDATE, "MEMBER_INACTIVE", "You have left your home organisation.")
    await tx.enter(*tx.principal.organisations)
    row = await get_person(tx, tx.person_id)
    check_version(row, expected_version, None)
    display_name = text.name("displayName", display_name)
    if display_name == row.display_name:
        return tx.person_id
    await tx.update(users, tx.person_id, display_name=display_name)
    at_work = among(memberships.c.organisation_id, tx.principal.organisations)
    own = update(memberships).where(memberships.c.user_id == tx.person_id, at_work)
    await tx.execute(own.values(display_name=display_name, version=memberships.c.version + 1))
    tx.principal = replace(tx.principal, display_name=display_name)
    data = {"user": global_id("user", tx.person_id), "display_name": {"from": row.display_name, "to": display_name}}
    await record(tx, Event(type=EventType.MEMBER_UPDATED, streams=(home,), data=data))
    return tx.person_id


async def mark_notifications_read(tx: Transaction, *, notification_ids: Sequence[UUID]) -> list[UUID]:
    """Mark own notices as read, all of them or, where one is not the caller's, none (4.11)."""
    require(tx.principal, Action.NOTIFICATION_READ, Target(), now=tx.now)
    wanted = list(dict.fromkeys(notification_ids))
    if not 0 < len(wanted) <= BULK:
        raise ValidationError("notificationIds", f"1 to {BULK} notices, these are {len(wanted)}.")
    if await list_own_notices(tx.connection, tx.person_id, wanted) != set(wanted):
        raise NotFound(("notificationIds",))
    own = among(notifications.c.id, wanted) & (notifications.c.user_id == tx.person_id)
    await tx.execute(update(notifications).where(own, notifications.c.read_at.is_(None)).values(read_at=tx.now))
    return wanted
