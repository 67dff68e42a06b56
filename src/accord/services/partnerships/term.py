"""How long a partnership lasts: extended by the host, or of itself where the host has said so (model 4.4.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of
from accord.database.tables.partnership import partnerships
from accord.domain.activity import EventType
from accord.domain.errors import ValidationError
from accord.domain.notice import Template, day
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import record
from accord.services.pair import event_of, held, names, tell
from accord.services.partnerships.overdue import renew_if_due

__all__ = ["extend_partnership", "set_auto_extend"]


async def extend_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    until: datetime,
    expected_version: int | None = None,
) -> UUID:
    """Move the end of an active partnership, at most as far as the host's policy allows from now."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_EXTEND, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.EXTEND)
    (await get_policy(tx, organisation_id)).check_end(tx.now, until)
    if row.expires_at is None or until <= row.expires_at:
        raise ValidationError("until", "This is not later than the end that stands.")
    await tx.update(partnerships, row.id, expires_at=until, expiry_noticed_days=None)
    facts = names(row) | {"until": day(until)}
    await tell(tx, row, Template.PARTNERSHIP_EXTENDED, facts, await admins_of(tx, row.guest_id))
    data = {"from": row.expires_at.isoformat(), "until": until.isoformat()}
    await record(tx, event_of(row, EventType.PARTNERSHIP_EXTENDED, data=data))
    return partnership_id


async def set_auto_extend(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    by: timedelta | None = None,
    expected_version: int | None = None,
) -> UUID:
    """Let the partnership go on by itself when its end comes, each time by this long; None lets it end."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_EXTEND, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.EXTEND)
    if by is not None:
        if by < timedelta(days=1):
            raise ValidationError("by", "At least a day.")
        longest = (await get_policy(tx, organisation_id)).max_partnership_duration
        if longest is not None and by > longest:
            raise ValidationError("by", f"Your organisation's policy allows at most {longest.days} days.")
    renewed = await renew_if_due(tx, row)
    await tx.update(partnerships, row.id, auto_extend=by)
    facts = names(row) | {"renewal": _renewal(by)}
    await tell(tx, row, Template.AUTO_EXTEND_CHANGED, facts, await admins_of(tx, row.guest_id))
    data = {"autoExtendDays": by.days if by else None}
    await record(tx, *renewed, event_of(row, EventType.PARTNERSHIP_EXTENDED, data=data))
    return partnership_id


def _renewal(by: timedelta | None) -> str:
    if by is None:
        return "it is not renewed by itself and ends"
    return f"it is renewed by itself for {by.days} {'day' if by.days == 1 else 'days'} each time"
