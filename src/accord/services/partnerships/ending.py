"""The end of a partnership, whoever brings it about: everything under it ends in the same transaction (S91, 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries.contact import count_level_holders
from accord.database.queries.recipients import people
from accord.database.queries.sharing import lock_access
from accord.database.tables.acting import acting_sessions
from accord.database.tables.sharing import shares
from accord.domain.activity import EventType, counted
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.delegation import DelegationEvent
from accord.domain.notice import Template
from accord.domain.partnership import PartnershipState
from accord.services.activity import Event
from accord.services.cascades import carry_out
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.grants.cascade import PARTNERSHIP_SHARES
from accord.services.grants.personal import end_personal
from accord.services.grants.roles import clearing_events, end_roles
from accord.services.pair import concerned, end, event_of, names, tell
from accord.services.partnerships.amending import end_amendments

__all__ = ["Ended", "end_partnership"]


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended with a partnership, counted, the events to record, and what is left to the worker, which is counted
    already."""

    counts: dict[str, int]
    events: Sequence[Event]
    cascade_ids: tuple[UUID, ...]


async def end_partnership(
    tx: Transaction,
    row: Any,
    state: PartnershipState,
    event: EventType,
    *,
    cause: str,
    reason: str | None = None,
    spared: UUID | None = None,
) -> Ended:
    """End a connected partnership: shares, grants, requests, tickets, roles, contacts, level, amendments; and tell.

    The caller holds the row, has moved the life cycle, and records the events last. The side `spared` is told in
    another way.
    """
    told = [*await concerned(tx, row, spared)]
    holders = await count_level_holders(tx, row.id)
    access = await lock_access(tx, shares.c.partnership_id == row.id)
    below = Cascade(kind=CascadeKind.END_SHARES, subject_id=row.id, total=access.shares)
    ended = await carry_out(tx, PARTNERSHIP_SHARES, below)
    sessions = await end_sessions(tx, acting_sessions.c.partnership_id == row.id)
    expired = state is PartnershipState.EXPIRED
    delegated = await end_roles(tx, row.id, event=DelegationEvent.EXPIRE if expired else DelegationEvent.CLEAR)
    withdrawn = await end_amendments(tx, row)
    personal = await end_personal(tx, row.id)
    sessions = [*sessions, *personal.sessions]
    links = await end(tx, row, state, reason)
    if row.guest_id != spared:
        told += await people(tx, {*access.user_ids} | delegated.user_ids | personal.user_ids)
    await tell(tx, row, Template.PARTNERSHIP_ENDED, names(row) | {"cause": cause, "reason": reason or ""}, told)
    counts = {
        **access.counts,
        "invitations_voided": links,
        **delegated.counts,
        "sessions_revoked": len(sessions),
        "amendments_withdrawn": withdrawn,
        **personal.counts,
        "level_holders_ended": holders,
    }
    over = event_of(row, event, reason=reason, data=counted(counts))
    further = (*ended.events, *clearing_events(delegated), *revoked_events(sessions))
    return Ended(counts, (over, *further), ended.cascade_ids)
