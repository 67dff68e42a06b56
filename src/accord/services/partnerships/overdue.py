"""What the clock has ended already, written down: by the worker, and by an act that meets it first (invariant 12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accord.database.engine import Transaction
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.partnership import partnerships
from accord.domain.activity import EventType
from accord.domain.notice import Template, day
from accord.domain.partnership import CONNECTED, PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import Event
from accord.services.pair import deciders, end, event_of, names, tell
from accord.services.partnerships.ending import end_partnership

__all__ = ["renew", "renew_if_due", "settle"]


async def settle(tx: Transaction, row: Any) -> Sequence[Event]:
    """Write the end that the clock has brought to a partnership under lock, and tell; return the events to record."""
    before = PartnershipState(row.stored_state)
    if before in CONNECTED:
        state = PARTNERSHIP.move(before, PartnershipEvent.EXPIRE)
        return (await end_partnership(tx, row, state, EventType.PARTNERSHIP_EXPIRED, cause="expired")).events
    refused = before is PartnershipState.DECLINED_BY_GUEST
    event = PartnershipEvent.WITHDRAW if refused else PartnershipEvent.LAPSE
    told = [*await people(tx, [row.requester_user_id]), *await deciders(tx, row)]
    if before is PartnershipState.AWAITING_GUEST_ACCEPTANCE:
        told += await admins_of(tx, row.guest_id)
    await end(tx, row, PARTNERSHIP.move(before, event), None)
    await tell(tx, row, Template.WITHDRAWN if refused else Template.LAPSED, names(row), told)
    recorded = EventType.PARTNERSHIP_WITHDRAWN if refused else EventType.PARTNERSHIP_LAPSED
    return (event_of(row, recorded, told=row.told_guest),)


async def renew(tx: Transaction, row: Any) -> Sequence[Event]:
    """Write the next end of a partnership that renews itself, and tell; return the events to record."""
    until = row.stored_expires_at + row.auto_extend
    while until <= tx.now:
        until += row.auto_extend
    await tx.update(partnerships, row.id, expires_at=until, expiry_noticed_days=None)
    told = [*await admins_of(tx, row.host_id), *await admins_of(tx, row.guest_id)]
    await tell(tx, row, Template.PARTNERSHIP_EXTENDED, names(row) | {"until": day(until)}, told)
    data = {"from": row.stored_expires_at.isoformat(), "until": until.isoformat()}
    return (event_of(row, EventType.PARTNERSHIP_EXTENDED, data=data),)


async def renew_if_due(tx: Transaction, row: Any) -> Sequence[Event]:
    """Renew a partnership that the clock has renewed already; return the events to record.

    An act that changes whether or how it renews calls this first: the end of before would be the end at once.
    """
    return () if row.expires_at == row.stored_expires_at else await renew(tx, row)
