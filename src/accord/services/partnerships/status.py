"""Statuses that the vendor sets: of a partner in its programme, and of an organisation (model 4.4.1, 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import any_, literal, or_

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.partner import (
    end_bare_links,
    get_organisation_status,
    get_partner_status,
    hold_link,
    hold_organisations,
    list_active_links,
    list_connected,
    list_open,
    list_other_sides,
    list_sub_partners,
    lock_statuses,
)
from accord.database.queries.partnership import get_organisation, hold_organisation, lock_reachable
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.acting import acting_sessions
from accord.database.tables.organisation import organisations
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.level import is_above
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM, OrganisationStatus
from accord.domain.partner import LinkStatus, PartnerProgram, PartnerStatus
from accord.domain.partnership import (
    CONNECTED,
    PARTNERSHIP,
    Holder,
    PartnershipEvent,
    PartnershipState,
)
from accord.services.activity import Event, record
from accord.services.cascades import Begun, Work, carry_out
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.pair import concerned, end, event_of, is_overdue, names, tell, tell_together
from accord.services.partnerships.ceiling import bound_contracts
from accord.services.partnerships.ending import end_partnership
from accord.services.partnerships.link import ended_alone, unlink
from accord.services.partnerships.overdue import renew_if_due, settle

__all__ = ["set_organisation_status", "set_partner_status"]

VENDOR: Final = "The vendor"
EVERY: Final = 2**31
HELD_BY_OPERATOR: Final = literal(Holder.OPERATOR.value) == any_(partnerships.c.suspended_by)


@dataclass(frozen=True, slots=True)
class StatusSet:
    """An organisation with a new status, and what is left to the worker."""

    id: UUID
    cascade_ids: tuple[UUID, ...] = ()


async def set_partner_status(
    tx: Transaction,
    *,
    organisation_id: UUID,
    program: PartnerProgram,
    status: PartnerStatus,
    parent_partner_id: UUID | None = None,
    expected_version: int | None = None,
) -> StatusSet:
    """Set programme, status and parent of a partner, all three (S2, S3).

    SUSPENDED holds its partnerships in the vendor's name and ACTIVE lets go; what waits stays as it is. A contract
    comes under its new parent's ceiling at once.
    """
    row = await _held(tx, organisation_id, parent_partner_id, expected_version)
    await _check(tx, row, program, status, parent_partner_id)
    await tx.update(
        organisations,
        organisation_id,
        partner_program=program.value,
        partner_status=status.value,
        parent_partner_id=parent_partner_id,
    )
    data = {
        "organisation": f"organisation_{organisation_id}",
        "program": program.value,
        "status": status.value,
        "parent": f"organisation_{parent_partner_id}" if parent_partner_id else None,
    }
    streams = (organisation_id, PLATFORM)
    events, left = [Event(type=EventType.ORGANISATION_PARTNER_CHANGED, streams=streams, data=data)], tuple[UUID, ...]()
    parent = None if parent_partner_id is None else await get_organisation(tx, parent_partner_id)
    if parent is not None and is_above(row.ceiling, parent.ceiling):
        bounded = await bound_contracts(tx, row, parent.ceiling, within=streams)
        events, left = [*events, *bounded.events], bounded.cascade_ids
    if (row.partner_status == PartnerStatus.SUSPENDED) != (status is PartnerStatus.SUSPENDED):
        held = await _hold_all(tx, row, suspend=status is PartnerStatus.SUSPENDED)
        events, left = [*events, *held.events], (*left, *held.cascade_ids)
    await record(tx, *events)
    return StatusSet(organisation_id, left)


async def _held(tx: Transaction, organisation_id: UUID, parent_id: UUID | None, expected_version: int | None) -> Any:
    require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    held = await hold_organisations(tx, organisation_id, parent_id or organisation_id)
    if organisation_id not in held:
        raise NotFound(("organisationId",))
    if organisation_id in tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    if parent_id is not None and (parent_id not in held or held[parent_id].partner_program == PartnerProgram.NONE):
        raise NotFound(("parentPartnerId",))
    row = held[organisation_id]
    check_version(row, expected_version, row.partner_status)
    if row.status == OrganisationStatus.CLOSED:
        raise InvalidState(row.status, path=("organisationId",))
    await tx.enter(PLATFORM, organisation_id)
    return row


async def _check(
    tx: Transaction, row: Any, program: PartnerProgram, status: PartnerStatus, parent_id: UUID | None
) -> None:
    if (program is PartnerProgram.NONE) != (status is PartnerStatus.NONE):
        raise ValidationError("status", "A partner has a programme and a status, anybody else neither.")
    if program is PartnerProgram.NONE:
        if parent_id is not None:
            raise ValidationError("parentPartnerId", "Only a partner has a parent partner.")
        if await list_active_links(tx, partner_id=row.id) or await list_sub_partners(tx, [row.id]):
            raise ValidationError("program", "It still has customers by link, or partners beneath it.")
    above = parent_id
    while above is not None:
        if above == row.id:
            raise ValidationError("parentPartnerId", "A partner does not stand above itself.")
        one = await hold_organisation(tx, above)
        above = one.parent_partner_id


async def _hold_all(tx: Transaction, partner: Any, *, suspend: bool) -> Begun:
    """Let the vendor hold, or let go of, every connected partnership of a partner.

    The partner's status alone denies everything while they are gone through. Its acting sessions end at once.
    """
    work = HOLDING if suspend else RELEASING
    await lock_statuses(tx, partner.id)
    keys = await work.list(tx, Cascade(kind=work.kind, subject_id=partner.id, total=0), None, EVERY)
    cascade = Cascade(kind=work.kind, subject_id=partner.id, total=len(keys))
    if cascade.is_large:
        await tell_together(tx, partner, keys, "are suspended" if suspend else "are active again")
    revoked = list[Event]()
    if suspend:
        under = (acting_sessions.c.home_id == partner.id) & acting_sessions.c.partnership_id.is_not(None)
        revoked = revoked_events(await end_sessions(tx, under))
    begun = await carry_out(tx, work, cascade)
    return Begun([*revoked, *begun.events], begun.cascade_ids)


async def _is_suspended(tx: Transaction, cascade: Cascade) -> bool:
    await lock_statuses(tx, cascade.subject_id)
    return await get_partner_status(tx, cascade.subject_id) is PartnerStatus.SUSPENDED


async def _goes_on(tx: Transaction, cascade: Cascade) -> bool:
    return not await _is_suspended(tx, cascade)


async def _list_to_hold(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_connected(tx, cascade.subject_id, after, at_most, ~HELD_BY_OPERATOR)


async def _list_to_release(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_connected(tx, cascade.subject_id, after, at_most, HELD_BY_OPERATOR)


async def _hold_each(tx: Transaction, cascade: Cascade, keys: Sequence[UUID]) -> list[Event]:
    events = list[Event]()
    for key in keys:
        row = await lock_reachable(tx, key)
        suspend = cascade.kind is CascadeKind.HOLD_PARTNERSHIPS
        if row.state not in CONNECTED or (Holder.OPERATOR in row.suspended_by) == suspend:
            continue
        left = {*row.suspended_by} | {Holder.OPERATOR} if suspend else {*row.suspended_by} - {Holder.OPERATOR}
        step = PartnershipEvent.RELEASE if left else PartnershipEvent.RESUME
        state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.SUSPEND if suspend else step)
        events += await renew_if_due(tx, row)
        await tx.update(partnerships, row.id, state=state.value, suspended_by=sorted(left))
        if suspend or not left:
            told = await concerned(tx, row, row.guest_id if cascade.is_large else None)
            template = Template.PARTNERSHIP_SUSPENDED if suspend else Template.PARTNERSHIP_RESUMED
            await tell(tx, row, template, names(row) | {"side": VENDOR}, told)
        kind = EventType.PARTNERSHIP_SUSPENDED if suspend else EventType.PARTNERSHIP_RESUMED
        events.append(event_of(row, kind, data={"side": Holder.OPERATOR.value, "heldBy": sorted(left)}))
    return events


HOLDING: Final = Work(CascadeKind.HOLD_PARTNERSHIPS, _is_suspended, _list_to_hold, _hold_each, batch=10, at_once=50)
RELEASING: Final = Work(CascadeKind.RELEASE_PARTNERSHIPS, _goes_on, _list_to_release, _hold_each, batch=10, at_once=50)
"""The connected partnerships of a partner that the vendor has suspended, or lets go on."""


async def set_organisation_status(
    tx: Transaction,
    *,
    organisation_id: UUID,
    status: OrganisationStatus,
    reason: str | None = None,
    expected_version: int | None = None,
) -> StatusSet:
    """Suspend an organisation, let it go on, or close it for good.

    SUSPENDED denies all partner access on both of its sides and changes no partnership; CLOSED ends every one of them
    and every link.
    """
    require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    row = await hold_organisation(tx, organisation_id)
    if row is None:
        raise NotFound(("organisationId",))
    if organisation_id in tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    check_version(row, expected_version, row.status)
    if row.status in (OrganisationStatus.CLOSED, status):
        allowed = () if row.status == OrganisationStatus.CLOSED else tuple(sorted({*OrganisationStatus} - {status}))
        raise InvalidState(row.status, allowed)
    reason = text.note("reason", reason)
    ended = await _close(tx, row, reason) if status is OrganisationStatus.CLOSED else Begun()
    events = [*ended.events]
    if status is OrganisationStatus.SUSPENDED:
        events += await _revoke(tx, organisation_id)
    await tx.enter(*{PLATFORM, organisation_id, *(stream for event in events for stream in event.streams)})
    await tx.update(organisations, organisation_id, status=status.value)
    data = {"organisation": f"organisation_{organisation_id}", "from": row.status, "to": status.value}
    changed = Event(
        type=EventType.ORGANISATION_STATUS_CHANGED, streams=(organisation_id, PLATFORM), reason=reason, data=data
    )
    await record(tx, changed, *events)
    return StatusSet(organisation_id, ended.cascade_ids)


async def _revoke(tx: Transaction, organisation_id: UUID) -> list[Event]:
    """Nobody acts in a suspended organisation, nor for it."""
    await tx.enter(PLATFORM, organisation_id)
    either = or_(acting_sessions.c.host_id == organisation_id, acting_sessions.c.home_id == organisation_id)
    return revoked_events(await end_sessions(tx, either))


async def _close(tx: Transaction, organisation: Any, reason: str | None) -> Begun:
    """End every link and partnership of an organisation, whose status alone denies everything from now on."""
    links = await list_active_links(tx, customer_id=organisation.id, partner_id=organisation.id)
    keys = await list_open(tx, organisation.id, None, None)
    sides = await list_other_sides(tx, organisation.id, keys)
    sides |= {key for link in links for key in (link.customer_id, link.partner_id)}
    await tx.enter(*{PLATFORM, organisation.id, *sides})
    bare = await end_bare_links(tx, [link.id for link in links])
    events = [ended_alone(link, reason) for link in links if link.id in bare]
    facts = {} if reason is None else {"reason": reason}
    cascade = Cascade(kind=CascadeKind.END_PARTNERSHIPS, subject_id=organisation.id, total=len(keys), facts=facts)
    if cascade.is_large:
        await tell_together(tx, organisation, keys, "have ended, since it is closed")
    begun = await carry_out(tx, CLOSING, cascade)
    return Begun([*events, *begun.events], begun.cascade_ids)


async def _list_open(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_open(tx, cascade.subject_id, after, at_most)


async def _end_each(tx: Transaction, cascade: Cascade, keys: Sequence[UUID]) -> list[Event]:
    spared = cascade.subject_id if cascade.is_large else None
    events = list[Event]()
    for key in keys:
        events += await _end_one(tx, key, cascade.facts.get("reason"), spared)
    return events


async def _is_closed(tx: Transaction, cascade: Cascade) -> bool:
    return await get_organisation_status(tx, cascade.subject_id) is OrganisationStatus.CLOSED


CLOSING: Final = Work(CascadeKind.END_PARTNERSHIPS, _is_closed, _list_open, _end_each, batch=5, at_once=25)
"""The partnerships of a closed organisation that have not ended."""


async def _end_one(tx: Transaction, key: UUID, reason: str | None, spared: UUID | None) -> list[Event]:
    """End the link that a partnership carries, and the partnership."""
    events, cause = list[Event](), "organisation closed"
    row = await lock_reachable(tx, key)
    if row.link_id is not None and (link := await hold_link(tx, row.link_id)).status == LinkStatus.ACTIVE:
        events += (await unlink(tx, link, reason=reason, cause=cause, spared=spared)).events
        row = await lock_reachable(tx, key)
    if row.ended_at is not None:
        return events
    if is_overdue(row):
        return [*events, *await settle(tx, row)]
    if row.state in CONNECTED:
        state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REMOVE)
        kind = EventType.PARTNERSHIP_TERMINATED
        ended = await end_partnership(tx, row, state, kind, cause=cause, reason=reason, spared=spared)
        return [*events, *ended.events]
    return [*events, await _withdraw(tx, row, reason, spared)]


async def _withdraw(tx: Transaction, row: Any, reason: str | None, spared: UUID | None) -> Event:
    """Withdraw what is not connected."""
    await end(tx, row, PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.WITHDRAW), reason)
    told = list[Any]()
    if row.host_id != spared:
        told += [*await people(tx, {row.requester_user_id} - {None}), *await admins_of(tx, row.host_id)]
    if row.told_guest and row.guest_id != spared:
        told += await admins_of(tx, row.guest_id)
    await tell(tx, row, Template.WITHDRAWN, names(row), told)
    return event_of(row, EventType.PARTNERSHIP_WITHDRAWN, told=row.told_guest)
