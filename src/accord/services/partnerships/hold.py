"""Suspending and resuming a partnership: each side holds and lets go for itself alone (model 4.4.1)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.tables.acting import acting_sessions
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import InvalidState
from accord.domain.notice import Template
from accord.domain.partnership import PARTNERSHIP, Holder, PartnershipEvent, PartnershipState
from accord.services.activity import record
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.pair import concerned, event_of, held, names, tell
from accord.services.partnerships.overdue import renew_if_due

__all__ = ["resume_partnership", "suspend_partnership"]

NOT_HELD: Final = "resume"


async def suspend_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    reason: str,
    expected_version: int | None = None,
) -> UUID:
    """Hold a partnership: what is granted stays and is denied until every side has let go."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_SUSPEND, expected_version)
    reason = text.required_note("reason", reason)
    side = _side(row, organisation_id)
    if side in row.suspended_by:
        raise InvalidState(row.state, ("resume",))
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.SUSPEND)
    renewed = await renew_if_due(tx, row)
    await tx.update(partnerships, row.id, state=state.value, suspended_by=sorted({*row.suspended_by, side}))
    facts = names(row) | {"side": _name(row, side), "reason": reason}
    await tell(tx, row, Template.PARTNERSHIP_SUSPENDED, facts, await concerned(tx, row))
    sessions = await end_sessions(tx, acting_sessions.c.partnership_id == row.id)
    data = {"side": side, "sessionsRevoked": len(sessions)}
    held_now = event_of(row, EventType.PARTNERSHIP_SUSPENDED, reason=reason, data=data)
    await record(tx, *renewed, held_now, *revoked_events(sessions))
    return partnership_id


async def resume_partnership(
    tx: Transaction, *, organisation_id: UUID, partnership_id: UUID, expected_version: int | None = None
) -> UUID:
    """Let go of one's own side's hold; the partnership is active again when nobody holds it any more."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_RESUME, expected_version)
    side = _side(row, organisation_id)
    left = sorted({*row.suspended_by} - {side})
    step = PartnershipEvent.RELEASE if left else PartnershipEvent.RESUME
    state = PARTNERSHIP.move(PartnershipState(row.state), step)
    over = row.expires_at is not None and row.expires_at <= tx.now
    if side not in row.suspended_by or over:
        raise InvalidState(
            row.state, tuple(e for e in PARTNERSHIP.events(PartnershipState(row.state)) if e != NOT_HELD)
        )
    await tx.update(partnerships, row.id, state=state.value, suspended_by=left)
    if not left:
        await tell(tx, row, Template.PARTNERSHIP_RESUMED, names(row), await concerned(tx, row))
    await record(tx, event_of(row, EventType.PARTNERSHIP_RESUMED, data={"side": side, "heldBy": left}))
    return partnership_id


def _side(row: Any, organisation_id: UUID) -> Holder:
    return Holder.HOST if organisation_id == row.host_id else Holder.GUEST


def _name(row: Any, side: Holder) -> str:
    name: str = row.host_name if side is Holder.HOST else row.guest_name
    return name
