"""Links: the vendor's word that one organisation is another's partner (S2 to S6, S105, model 4.4.1).

A link alone gives nothing: it is an active partnership without grants, until a leader of the host grants something.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.partner import (
    find_connected,
    get_link,
    hold_link,
    hold_organisations,
    list_active_links,
    list_promised_links,
)
from accord.database.queries.partnership import ceiling_of, get_open_partnership, lock_reachable
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import (
    CeilingExceeded,
    Conflict,
    Forbidden,
    InvalidState,
    NotFound,
    PrerequisiteMissing,
    ValidationError,
)
from accord.domain.level import DataAccessLevel, is_above, least
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM, OrganisationStatus
from accord.domain.partner import LinkKind, LinkStatus, PartnerStatus
from accord.domain.partnership import (
    CONNECTED,
    PARTNERSHIP,
    PartnershipEvent,
    PartnershipPath,
    PartnershipState,
    Purpose,
)
from accord.services.activity import Event, record
from accord.services.cascades import Begun
from accord.services.grants.personal import convert_contacts
from accord.services.pair import event_of, names, tell
from accord.services.partnerships.ending import end_partnership
from accord.services.partnerships.level import lower, words

__all__ = ["begin_links", "end_partner_link", "ended_alone", "link_partner", "unlink"]

VENDOR: Final = "The vendor"
UNANSWERED: Final = (
    "A request between these two organisations is not settled yet. It has to be answered or withdrawn first."
)


@dataclass(frozen=True, slots=True)
class LinkEnded:
    """A link that has ended, and what is left to the worker."""

    id: UUID
    cascade_ids: tuple[UUID, ...]


async def link_partner(
    tx: Transaction,
    *,
    customer_id: UUID,
    partner_id: UUID,
    kind: LinkKind,
    ceiling: DataAccessLevel | None = None,
    default_level: DataAccessLevel = DataAccessLevel.NONE,
    support_by_default: bool = False,
) -> UUID:
    """Link a customer to its partner; a partnership that is connected takes the link, else one begins without grants.

    Owner is the customer's longest-standing admin, representative the partner's. A partnership of the pair that waits
    or was refused stands in the way. SUPPORT by default comes with the sale alone, where the deployment allows it
    (`support_by_default`, Q4): nobody works at the customer yet, and the partnership begins with its first admin.
    """
    require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    partner = await _pair(tx, customer_id, partner_id)
    await _refuse_second(tx, customer_id, partner_id, kind)
    open_one = await get_open_partnership(tx, customer_id, partner_id)
    if open_one is not None and open_one.state not in CONNECTED:
        raise InvalidState(open_one.state, PARTNERSHIP.events(PartnershipState(open_one.state)), ("partnerId",))
    link_id = await tx.insert(
        partner_links,
        customer_id=customer_id,
        partner_id=partner_id,
        kind=kind.value,
        ceiling=ceiling,
        default_level=default_level.value,
        created_by=tx.principal.display_name,
    )
    events = list[Event]()
    if default_level is not DataAccessLevel.NONE:
        await _check_sale(tx, customer_id, least(ceiling, partner.ceiling), default_level, allowed=support_by_default)
        await record(tx, _alone(EventType.LINK_CREATED, link_id, customer_id, partner_id))
        return link_id
    if open_one is None:
        row = await lock_reachable(tx, await _begin(tx, customer_id, partner_id, link_id))
        events = await convert_contacts(tx, row)
    else:
        row, events = await _attach(tx, customer_id, partner_id, link_id)
    await tell(tx, row, Template.PARTNER_LINKED, names(row), await _both_sides(tx, row))
    await record(tx, _event(row, EventType.LINK_CREATED, link_id, {"kind": kind.value, "ceiling": ceiling}), *events)
    return link_id


async def end_partner_link(
    tx: Transaction, *, link_id: UUID, reason: str | None = None, expected_version: int | None = None
) -> LinkEnded:
    """End a link, and with it the partnership that it began; one of another path goes on without it."""
    require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    found = await get_link(tx, link_id)
    if found is None:
        raise NotFound(("linkId",))
    _refuse_own(tx, found.customer_id, found.partner_id)
    await tx.enter(PLATFORM, found.customer_id, found.partner_id)
    await hold_organisations(tx, found.customer_id, found.partner_id)
    link = await hold_link(tx, link_id)
    check_version(link, expected_version, link.status)
    if link.status == LinkStatus.ENDED:
        raise InvalidState(link.status)
    reason = text.note("reason", reason)
    ended = await unlink(tx, link, reason=reason, cause="link ended")
    await record(tx, *ended.events)
    return LinkEnded(link_id, ended.cascade_ids)


async def unlink(tx: Transaction, link: Any, *, reason: str | None, cause: str, spared: UUID | None = None) -> Begun:
    """End a link that is held, with what rests on it; the events to record. People of `spared` are told otherwise."""
    await tx.update(partner_links, link.id, status=LinkStatus.ENDED.value, ended_at=tx.now)
    row = await _linked(tx, link)
    if row is None:
        return Begun([ended_alone(link, reason)])
    told = [one for side in (row.host_id, row.guest_id) if side != spared for one in await admins_of(tx, side)]
    await tell(tx, row, Template.PARTNER_LINK_ENDED, names(row), told)
    known = _event(row, EventType.LINK_ENDED, link.id, {}, reason)
    if row.path != PartnershipPath.VENDOR_LINK:
        await tx.update(partnerships, row.id, link_id=None)
        return Begun([known])
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REMOVE)
    kind = EventType.PARTNERSHIP_TERMINATED
    ended = await end_partnership(tx, row, state, kind, cause=cause, reason=reason, spared=spared)
    return Begun([known, *ended.events], ended.cascade_ids)


def ended_alone(link: Any, reason: str | None) -> Event:
    """The event of the end of a link that no partnership carries."""
    return _alone(EventType.LINK_ENDED, link.id, link.customer_id, link.partner_id, reason)


async def _linked(tx: Transaction, link: Any) -> Any:
    """The connected partnership that carries the link, locked, or None."""
    found = await find_connected(tx, link.customer_id, link.partner_id)
    if found is None:
        return None
    row = await lock_reachable(tx, found)
    return row if row.link_id == link.id and row.state in CONNECTED else None


async def begin_links(tx: Transaction, customer_id: UUID) -> list[Event]:
    """What the sale promised begins with the customer's first admin, who is told at once (Q4, S28); the events.

    The vendor's link is the right to it; the admin takes it back in one act.
    """
    events = list[Event]()
    for link in await list_promised_links(tx, customer_id):
        await tx.enter(customer_id, link.partner_id)
        row = await lock_reachable(tx, await _begin(tx, customer_id, link.partner_id, link.id, link.default_level))
        told = await _both_sides(tx, row)
        await tell(tx, row, Template.PARTNER_LINKED, names(row), told)
        level = DataAccessLevel(row.granted_level)
        facts = names(row) | {"level": words(level), "before": words(DataAccessLevel.NONE)}
        await tell(tx, row, Template.LEVEL_CHANGED, facts, told)
        unnamed = dict.fromkeys((row.host_id, row.guest_id), VENDOR)
        data = {"from": DataAccessLevel.NONE.value, "to": level.value}
        events.append(replace(event_of(row, EventType.LEVEL_GRANTED, data=data), unnamed_in=unnamed))
        events += await convert_contacts(tx, row)
    return events


async def _check_sale(
    tx: Transaction, customer_id: UUID, ceiling: DataAccessLevel, level: DataAccessLevel, *, allowed: bool
) -> None:
    """Is this the link of the sale, and does the deployment let it give a level? (Q4)"""
    if not allowed:
        raise ValidationError("defaultLevel", "This deployment gives no level by default.")
    if await admins_of(tx, customer_id):
        raise ValidationError("defaultLevel", "A level by default comes with a new organisation alone.")
    if is_above(level, ceiling):
        raise CeilingExceeded(ceiling, ("defaultLevel",))


async def _pair(tx: Transaction, customer_id: UUID, partner_id: UUID) -> Any:
    """Lock both organisations, and act within them, where a link between them is possible (S2, S3); the partner."""
    if customer_id == partner_id:
        raise ValidationError("partnerId", "An organisation is not its own partner.")
    found = await hold_organisations(tx, customer_id, partner_id)
    for field, key in (("customerId", customer_id), ("partnerId", partner_id)):
        if key not in found:
            raise NotFound((field,))
    _refuse_own(tx, customer_id, partner_id)
    customer, partner = found[customer_id], found[partner_id]
    for field, one in (("customerId", customer), ("partnerId", partner)):
        if one.status != OrganisationStatus.ACTIVE:
            raise InvalidState(one.status, path=(field,))
    if partner.partner_status != PartnerStatus.ACTIVE:
        raise PrerequisiteMissing("partnerStatus", "The partner has no active status in a partner programme.")
    await tx.enter(PLATFORM, customer_id, partner_id)
    return partner


def _refuse_own(tx: Transaction, *organisation_ids: UUID) -> None:
    if {*organisation_ids} & tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")


async def _refuse_second(tx: Transaction, customer_id: UUID, partner_id: UUID, kind: LinkKind) -> None:
    """One link a pair, one partner of record a customer (S105)."""
    for link in await list_active_links(tx, customer_id=customer_id):
        if link.partner_id == partner_id:
            raise Conflict(
                link.version, link.kind, ("partnerId",), message="These two organisations are linked already."
            )
        if link.kind == kind == LinkKind.PARTNER_OF_RECORD:
            raise Conflict(link.version, link.kind, ("kind",), message="This customer has a partner of record already.")


async def _begin(
    tx: Transaction, customer_id: UUID, partner_id: UUID, link_id: UUID, level: str = DataAccessLevel.NONE
) -> UUID:
    """A partnership that is active and grants nothing (S4, S11), unless the sale came with a level."""
    owners, representatives = await admins_of(tx, customer_id), await admins_of(tx, partner_id)
    if not owners:
        raise PrerequisiteMissing("customerAdmin", "The customer has no active admin yet.")
    policy = await get_policy(tx, customer_id)
    return await tx.insert(
        partnerships,
        host_id=customer_id,
        guest_id=partner_id,
        told_guest=True,
        path=PartnershipPath.VENDOR_LINK.value,
        state=PartnershipState.ACTIVE.value,
        owner_user_id=owners[0].user_id,
        representative_user_id=representatives[0].user_id if representatives else None,
        purposes=[Purpose.MANAGEMENT.value],
        link_id=link_id,
        granted_level=str(level),
        starts_at=tx.now,
        expires_at=policy.latest_end(tx.now, None),
        auto_extend=policy.default_auto_extend,
    )


async def _attach(tx: Transaction, customer_id: UUID, partner_id: UUID, link_id: UUID) -> tuple[Any, list[Event]]:
    """Put the link on the partnership that there is; what is granted falls to the new ceiling."""
    found = await find_connected(tx, customer_id, partner_id)
    if found is None:
        raise Conflict(1, path=("partnerId",), message=UNANSWERED)
    row = await lock_reachable(tx, found)
    if row.state not in CONNECTED:
        raise Conflict(row.version, row.state, ("partnerId",), message=UNANSWERED)
    await tx.update(partnerships, row.id, link_id=link_id)
    row = await lock_reachable(tx, row.id)
    return row, await lower(tx, row, ceiling_of(row))


async def _both_sides(tx: Transaction, row: Any) -> list[Any]:
    return [*await admins_of(tx, row.host_id), *await admins_of(tx, row.guest_id)]


def _alone(kind: EventType, link_id: UUID, customer_id: UUID, partner_id: UUID, reason: str | None = None) -> Event:
    """The event of a link that no partnership carries."""
    return Event(
        type=kind,
        streams=(customer_id, partner_id, PLATFORM),
        host_id=customer_id,
        guest_id=partner_id,
        reason=reason,
        data={"link": f"link_{link_id}"},
    )


def _event(row: Any, event: EventType, link_id: UUID, data: dict[str, Any], reason: str | None = None) -> Event:
    return Event(
        type=event,
        streams=(row.host_id, row.guest_id, PLATFORM),
        host_id=row.host_id,
        guest_id=row.guest_id,
        partnership_id=row.id,
        reason=reason,
        data={"link": f"link_{link_id}"} | data,
    )
