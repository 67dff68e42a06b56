"""People who are gone: what is known of one of them, and taking it away by the owner's functions (migration 0024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import exists, or_, select, text

from accord.database.engine import Transaction
from accord.database.tables.organisation import memberships, users

LOCK: Final = text(
    "SELECT people, organisations, is_live, is_erased"
    " FROM accord.lock_gone_person(CAST(:who AS uuid), CAST(:place AS uuid), CAST(:contact AS uuid))"
)
ERASE: Final = text(
    "SELECT facts, events, mails, notifications"
    " FROM accord.erase_person(CAST(:who AS uuid), CAST(:place AS uuid), CAST(:contact AS uuid))"
)
LONGER: Final = text("SET LOCAL statement_timeout = '10min'")
AWAY: Final = "%@erased.invalid"


class Subject(NamedTuple):
    """One of the keys by which somebody is known: as a user, a member or an external contact."""

    who: UUID | None = None
    place: UUID | None = None
    contact: UUID | None = None


class Gone(NamedTuple):
    """What is known of somebody: the users, where they were, and whether anything is live or all is erased."""

    people: Sequence[UUID]
    organisations: Sequence[UUID]
    is_live: bool
    is_erased: bool


class Erased(NamedTuple):
    """What an erasure took away: facts by stream, events, mails and notifications."""

    facts: Mapping[str, int]
    events: int
    mails: int
    notifications: int


async def lock_gone(tx: Transaction, subject: Subject) -> Gone | None:
    """Lock every row that is somebody and return what they are; None if there is nobody with this key."""
    row = await tx.first(LOCK.bindparams(**_binds(subject)))
    return None if row is None or row.people is None else Gone(*row)


async def erase(tx: Transaction, subject: Subject) -> Erased:
    """Take all personal facts of somebody who is gone out of every table; it reads every event several times."""
    await tx.execute(LONGER)
    return Erased(*await tx.first(ERASE.bindparams(**_binds(subject))))


async def list_long_gone(tx: Transaction, before: datetime, after: Subject | None, at_most: int) -> list[Subject]:
    """The next people who were removed everywhere before this instant and are not erased yet: first those with an
    account, then those who never accepted an invitation."""
    m = memberships.alias()
    is_elsewhere = exists().where(
        m.c.user_id == users.c.id, or_(m.c.status != "REMOVED", m.c.removed_at.is_(None), m.c.removed_at > before)
    )
    was_member = exists().where(memberships.c.user_id == users.c.id)
    if after is None or after.who is not None:
        gone = select(users.c.id).where(users.c.email.not_like(AWAY), was_member, ~is_elsewhere)
        if after is not None:
            gone = gone.where(users.c.id > after.who)
        if rows := await tx.all(gone.order_by(users.c.id).limit(at_most)):
            return [Subject(who=row.id) for row in rows]
    invited = select(memberships.c.id).where(
        memberships.c.user_id.is_(None),
        memberships.c.status == "REMOVED",
        memberships.c.removed_at <= before,
        memberships.c.email.not_like(AWAY),
    )
    if after is not None and after.place is not None:
        invited = invited.where(memberships.c.id > after.place)
    return [Subject(place=row.id) for row in await tx.all(invited.order_by(memberships.c.id).limit(at_most))]


def _binds(subject: Subject) -> dict[str, Any]:
    return subject._asdict()
