"""Erasing somebody who is gone: their personal facts leave every table, and the chains still verify (model 4.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.cascade import has_unfinished
from accord.database.queries.erasure import Gone, Subject, erase, lock_gone
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import PLATFORM
from accord.domain.text import required_note
from accord.services.activity import Event, record

__all__ = ["ErasureReceipt", "erase_long_gone", "erase_person"]

PLACES: Final = (("userId", "who"), ("membershipId", "place"), ("contactId", "contact"))


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was taken away, and the head of the platform's stream once the act is on record."""

    facts: int
    events: int
    mails: int
    notifications: int
    activity_head: str


async def erase_person(
    tx: Transaction,
    *,
    reason: str,
    user_id: UUID | None = None,
    membership_id: UUID | None = None,
    contact_id: UUID | None = None,
) -> ErasureReceipt:
    """Take the personal facts of somebody who is gone out of every table, and put that on record (S88).

    Raises InvalidState while the person is a member, invited or a contact anywhere, or the worker is still at something
    that the person has begun, and where all is erased already.
    """
    require(tx.principal, Action.PERSON_ERASE, Target(), now=tx.now)
    subject = Subject(user_id, membership_id, contact_id)
    if sum(key is not None for key in subject) != 1:
        raise ValidationError("userId", "Name the person by one of userId, membershipId and contactId.")
    reason = required_note("reason", reason)
    gone = await lock_gone(tx, subject)
    if gone is None:
        raise NotFound((next(name for name, key in PLACES if getattr(subject, key) is not None),))
    if tx.principal.organisations & set(gone.organisations):
        raise Forbidden(Action.PERSON_ERASE, "NO_GRANT", "Staff does not act on people of an organisation of its own.")
    if gone.is_live:
        raise InvalidState("LIVE")
    if await has_unfinished(tx, gone.people):
        raise InvalidState("ACTING")
    if gone.is_erased:
        raise InvalidState("ERASED")
    return await _erase(tx, subject, gone, reason)


async def erase_long_gone(tx: Transaction, subject: Subject) -> None:
    """Erase somebody whose time has come, unless something of theirs is live again or all is erased."""
    gone = await lock_gone(tx, subject)
    if gone is not None and not gone.is_live and not gone.is_erased and not await has_unfinished(tx, gone.people):
        await _erase(tx, subject, gone, None)


async def _erase(tx: Transaction, subject: Subject, gone: Gone, reason: str | None) -> ErasureReceipt:
    """Erase somebody of whom nothing is live, with an event in every stream that lost something."""
    taken = await erase(tx, subject)
    facts = {UUID(stream): count for stream, count in taken.facts.items()}
    streams = {*facts, *gone.organisations, PLATFORM}
    await tx.enter(*streams)
    name = _named(subject)
    events = [
        Event(
            type=EventType.PERSON_ERASED,
            streams=(stream,),
            reason=reason,
            data={"person": name, "facts": facts.get(stream, 0)},
        )
        for stream in sorted(streams)
    ]
    heads = await record(tx, *events)
    return ErasureReceipt(sum(facts.values()), taken.events, taken.mails, taken.notifications, heads[PLATFORM])


def _named(subject: Subject) -> str:
    kinds = zip(("user", "membership", "contact"), subject, strict=True)
    return next(global_id(kind, key) for kind, key in kinds if key is not None)
