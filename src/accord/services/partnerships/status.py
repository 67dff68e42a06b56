"""Statuses that the vendor sets: of a partner in its programme, and of an organisation (model 4.4.1, 4.10)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.partner import (
    hold_organisations,
    list_active_links,
    list_connected,
    list_open,
    list_sub_partners,
)
from accord.database.queries.partnership import get_organisation, hold_organisation, lock_reachable
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.acting import acting_sessions
from accord.database.tables.organisation import organisations
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.level import is_above
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM, OrganisationStatus
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.domain.partnership import (
    CONNECTED,
    PARTNERSHIP,
    Holder,
    PartnershipEvent,
    PartnershipState,
)
from accord.services.activity import Event, record
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.pair import concerned, end, event_of, is_overdue, names, tell
from accord.services.partnerships.ceiling import bound_contracts
from accord.services.partnerships.ending import end_partnership
from accord.services.partnerships.link import unlink
from accord.services.partnerships.overdue import renew_if_due, settle

__all__ = ["set_organisation_status", "set_partner_status"]

VENDOR: Final = "The vendor"


async def set_partner_status(
    tx: Transaction,
    *,
    organisation_id: UUID,
    program: PartnerProgram,
    status: PartnerStatus,
    parent_partner_id: UUID | None = None,
    expected_version: int | None = None,
) -> UUID:
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
    events = [Event(type=EventType.ORGANISATION_PARTNER_CHANGED, streams=streams, data=data)]
    parent = None if parent_partner_id is None else await get_organisation(tx, parent_partner_id)
    if parent is not None and is_above(row.ceiling, parent.ceiling):
        events += await bound_contracts(tx, row, parent.ceiling, within=streams)
    if (row.partner_status == PartnerStatus.SUSPENDED) != (status is PartnerStatus.SUSPENDED):
        events += await _hold_all(tx, organisation_id, suspend=status is PartnerStatus.SUSPENDED)
    await record(tx, *events)
    return organisation_id


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


async def _hold_all(tx: Transaction, partner_id: UUID, *, suspend: bool) -> list[Event]:
    """Let the vendor hold, or let go of, every connected partnership of a partner."""
    events = list[Event]()
    for found in await list_connected(tx, guest_id=partner_id):
        row = await lock_reachable(tx, found.id)
        if row.state not in CONNECTED or (Holder.OPERATOR in row.suspended_by) == suspend:
            continue
        left = {*row.suspended_by} | {Holder.OPERATOR} if suspend else {*row.suspended_by} - {Holder.OPERATOR}
        step = PartnershipEvent.RELEASE if left else PartnershipEvent.RESUME
        state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.SUSPEND if suspend else step)
        events += await renew_if_due(tx, row)
        await tx.update(partnerships, row.id, state=state.value, suspended_by=sorted(left))
        if suspend or not left:
            told = await concerned(tx, row)
            template = Template.PARTNERSHIP_SUSPENDED if suspend else Template.PARTNERSHIP_RESUMED
            await tell(tx, row, template, names(row) | {"side": VENDOR}, told)
        kind = EventType.PARTNERSHIP_SUSPENDED if suspend else EventType.PARTNERSHIP_RESUMED
        events.append(event_of(row, kind, data={"side": Holder.OPERATOR.value, "heldBy": sorted(left)}))
        if suspend:
            events += revoked_events(await end_sessions(tx, acting_sessions.c.partnership_id == row.id))
    return events


async def set_organisation_status(
    tx: Transaction,
    *,
    organisation_id: UUID,
    status: OrganisationStatus,
    reason: str | None = None,
    expected_version: int | None = None,
) -> UUID:
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
    events = await _close(tx, organisation_id, reason) if status is OrganisationStatus.CLOSED else []
    if status is OrganisationStatus.SUSPENDED:
        events += await _revoke(tx, organisation_id)
    await tx.enter(*{PLATFORM, organisation_id, *(stream for event in events for stream in event.streams)})
    await tx.update(organisations, organisation_id, status=status.value)
    data = {"organisation": f"organisation_{organisation_id}", "from": row.status, "to": status.value}
    changed = Event(
        type=EventType.ORGANISATION_STATUS_CHANGED, streams=(organisation_id, PLATFORM), reason=reason, data=data
    )
    await record(tx, changed, *events)
    return organisation_id


async def _revoke(tx: Transaction, organisation_id: UUID) -> list[Event]:
    """Nobody acts in a suspended organisation, nor for it."""
    await tx.enter(PLATFORM, organisation_id)
    either = or_(acting_sessions.c.host_id == organisation_id, acting_sessions.c.home_id == organisation_id)
    return revoked_events(await end_sessions(tx, either))


async def _close(tx: Transaction, organisation_id: UUID, reason: str | None) -> list[Event]:
    events = list[Event]()
    links = await list_active_links(tx, customer_id=organisation_id, partner_id=organisation_id)
    found = await list_open(tx, organisation_id)
    sides = {key for row in found for key in (row.host_id, row.guest_id)}
    sides |= {key for link in links for key in (link.customer_id, link.partner_id)}
    await tx.enter(*{PLATFORM, organisation_id, *sides})
    for link in links:
        events += await unlink(tx, link, reason=reason, cause="organisation closed")
    for one in found:
        row = await lock_reachable(tx, one.id)
        if row.ended_at is None:
            events += await settle(tx, row) if is_overdue(row) else await _end(tx, row, reason)
    return events


async def _end(tx: Transaction, row: Any, reason: str | None) -> list[Event]:
    """Terminate what is connected, withdraw what is not."""
    if row.state in CONNECTED:
        state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REMOVE)
        kind = EventType.PARTNERSHIP_TERMINATED
        return [*(await end_partnership(tx, row, state, kind, cause="organisation closed", reason=reason)).events]
    await end(tx, row, PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.WITHDRAW), reason)
    told = [*await people(tx, {row.requester_user_id} - {None}), *await admins_of(tx, row.host_id)]
    if row.told_guest:
        told += await admins_of(tx, row.guest_id)
    await tell(tx, row, Template.WITHDRAWN, names(row), told)
    return [event_of(row, EventType.PARTNERSHIP_WITHDRAWN, told=row.told_guest)]
