"""Levels of access to a host's data: granted and taken back by the host (model 4.4.2, S8 to S11, S20 to S36)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.amendment import lock_open
from accord.database.queries.partnership import ceiling_of, lock_partnership, partnership_facts
from accord.database.queries.recipients import admins_of
from accord.database.tables.partnership import partnerships
from accord.domain.activity import EventType
from accord.domain.amendment import AmendmentEvent, brings_level
from accord.domain.errors import CeilingExceeded, Forbidden, InvalidState, ValidationError
from accord.domain.level import WORDS, DataAccessLevel, is_above
from accord.domain.notice import Template
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import Event, record
from accord.services.grants.acting import end_sessions_above, revoked_events
from accord.services.pair import event_of, names, tell
from accord.services.partnerships.amending import close, told_of_withdrawal

__all__ = ["changed", "lower", "set_data_access", "share_data_with_partner", "words"]


async def set_data_access(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    level: DataAccessLevel,
    confirm: bool = False,
    expected_version: int | None = None,
) -> UUID:
    """Grant, reduce or revoke the partner's level (S24 to S34).

    Raising is for leaders, on an active partnership, up to the ceiling, MANAGE with `confirm` (S32); lowering also for
    Partnership Owners and while suspended. What is set already stays as it is, and nobody is told again.
    """
    row = await lock_partnership(tx, partnership_id)
    raising = is_above(level, DataAccessLevel(row.granted_level))
    action = Action.LEVEL_SET if raising else Action.LEVEL_REDUCE
    require(tx.principal, action, Target(partnership=partnership_facts(row)), now=tx.now, acting_for=tx.acting_for)
    check_version(row, expected_version, row.state)
    step = PartnershipEvent.RAISE_LEVEL if raising else PartnershipEvent.REDUCE_LEVEL
    PARTNERSHIP.move(PartnershipState(row.state), step)
    if raising:
        _check_raise(tx, row, level, confirm=confirm)
    if level != row.granted_level:
        await _change(tx, row, level)
    return partnership_id


async def share_data_with_partner(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    share: bool,
    confirm: bool = False,
    expected_version: int | None = None,
) -> UUID:
    """The one switch: on is MANAGE, off is NONE (S8 to S11, S19)."""
    return await set_data_access(
        tx,
        organisation_id=organisation_id,
        partnership_id=partnership_id,
        level=DataAccessLevel.MANAGE if share else DataAccessLevel.NONE,
        confirm=confirm,
        expected_version=expected_version,
    )


def _check_raise(tx: Transaction, row: Any, level: DataAccessLevel, *, confirm: bool) -> None:
    if row.expires_at is not None and row.expires_at <= tx.now:
        raise InvalidState(row.state, (PartnershipEvent.REDUCE_LEVEL,))
    if not (row.host_active and row.guest_active):
        raise Forbidden(Action.LEVEL_SET, "ORGANISATION_INACTIVE")
    ceiling = ceiling_of(row)
    if is_above(level, ceiling):
        raise CeilingExceeded(ceiling, ("level",))
    if level is DataAccessLevel.MANAGE and not confirm:
        raise ValidationError("confirm", "Full management needs your confirmation.")


async def _change(tx: Transaction, row: Any, level: DataAccessLevel) -> None:
    """Write the host's act, tell the guest's admins, record it."""
    withdrawn = [] if is_above(level, DataAccessLevel(row.granted_level)) else await _withdraw_raising(tx, row)
    revoked = await _write(tx, row, level)
    off = level is DataAccessLevel.NONE
    facts = names(row) | {"level": WORDS[level], "before": WORDS[DataAccessLevel(row.granted_level)]}
    told = await admins_of(tx, row.guest_id)
    await tell(tx, row, Template.LEVEL_DISABLED if off else Template.LEVEL_CHANGED, facts, told)
    await record(tx, changed(row, level), *revoked, *withdrawn)


async def _withdraw_raising(tx: Transaction, row: Any) -> list[Event]:
    """Withdraw the proposals that would raise the level which a person of the host lowers now; return their events."""
    return [
        await close(tx, row, one, AmendmentEvent.WITHDRAW, await told_of_withdrawal(tx, row, one))
        for one in await lock_open(tx, row.id)
        if brings_level(one)
    ]


async def lower(tx: Transaction, row: Any, ceiling: DataAccessLevel) -> list[Event]:
    """Bring what is granted down to a ceiling, at once; the event if it stood above, else none (Q5)."""
    if not is_above(DataAccessLevel(row.granted_level), ceiling):
        return []
    revoked = await _write(tx, row, ceiling)
    return [changed(row, ceiling), *revoked]


async def _write(tx: Transaction, row: Any, level: DataAccessLevel) -> list[Event]:
    """Sessions above the new level end with it; their events."""
    values = {"granted_level": level.value, "level_changed_by": tx.principal.person_id, "level_changed_at": tx.now}
    await tx.update(partnerships, row.id, **values)
    return revoked_events(await end_sessions_above(tx, row.id, level))


def changed(row: Any, level: DataAccessLevel) -> Event:
    """The event of a level that moved from what the row says to this."""
    if is_above(level, DataAccessLevel(row.granted_level)):
        kind = EventType.LEVEL_GRANTED
    else:
        kind = EventType.LEVEL_REVOKED if level is DataAccessLevel.NONE else EventType.LEVEL_REDUCED
    return event_of(row, kind, data={"from": row.granted_level, "to": level.value})


def words(level: DataAccessLevel) -> str:
    """A level as mails name it."""
    return WORDS[level]
