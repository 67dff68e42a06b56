"""Ceilings: the most a host can grant, by the partner's contract and by the single link (Q5, S24, S36).

Lowering takes effect at once and lowers what was granted with it, in every partnership and for every partner beneath;
raising gives nothing to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.cascade import is_under_way
from accord.database.queries.partner import (
    find_connected,
    get_link,
    hold_link,
    hold_organisations,
    list_connected,
    list_sub_partners,
)
from accord.database.queries.partnership import ceiling_of, get_organisation, lock_reachable
from accord.database.queries.recipients import admins_of
from accord.database.tables.organisation import organisations
from accord.database.tables.partner import partner_links
from accord.domain.activity import EventType
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.errors import CeilingExceeded, Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.level import UNBOUNDED, DataAccessLevel, is_above, least
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM
from accord.domain.partner import LinkStatus, PartnerProgram
from accord.domain.partnership import CONNECTED
from accord.services.activity import Event, record
from accord.services.cascades import Begun, Work, carry_out
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed, event_of, names
from accord.services.partnerships.level import lower, words

__all__ = ["CeilingSet", "bound_contracts", "set_ceiling"]

STILL_LOWERED: Final = "A lower ceiling is still being applied to its partnerships. Try again in a moment."
ALL_CUSTOMERS: Final = "its customers"
"""Whom a contract is about, in the mail to the partner's admins."""


@dataclass(frozen=True, slots=True)
class CeilingSet:
    """What was bounded: a partner's contract or one link, the other key is None; and what is left to the worker."""

    partner_id: UUID | None = None
    link_id: UUID | None = None
    cascade_ids: tuple[UUID, ...] = ()


async def set_ceiling(
    tx: Transaction,
    *,
    organisation_id: UUID | None = None,
    partner_id: UUID | None = None,
    link_id: UUID | None = None,
    ceiling: DataAccessLevel | None,
    expected_version: int | None = None,
) -> CeilingSet:
    """Bound a partner's contract or one link; None takes the bound away.

    The operator for both, in nobody's name; an admin of the direct parent partner, in its name, for the contract of
    its sub-partner and at most up to the parent's own.
    """
    _require(tx, organisation_id)
    if (partner_id is None) == (link_id is None):
        raise ValidationError("partnerId", "Give either the partner or the link.")
    if link_id is not None:
        if organisation_id is not None:
            raise NotFound(("linkId",))
        await _bound_link(tx, link_id, ceiling, expected_version)
        return CeilingSet(link_id=link_id)
    if partner_id is None:
        raise NotFound(("partnerId",))
    left = await _bound_contract(tx, organisation_id, partner_id, ceiling, expected_version)
    return CeilingSet(partner_id=partner_id, cascade_ids=left)


def _require(tx: Transaction, organisation_id: UUID | None) -> None:
    """Without an organisation's name only the operator acts, with one only its admins, whoever else they are."""
    if organisation_id is None:
        require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
        return
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.CEILING_SET, target, now=tx.now, acting_for=tx.acting_for)
    if organisation_id not in tx.principal.admin_of:
        raise Forbidden(Action.CEILING_SET, "NO_GRANT")


async def _bound_link(
    tx: Transaction, link_id: UUID, ceiling: DataAccessLevel | None, expected_version: int | None
) -> None:
    found = await get_link(tx, link_id)
    if found is None:
        raise NotFound(("linkId",))
    if {found.customer_id, found.partner_id} & tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    await tx.enter(PLATFORM, found.customer_id, found.partner_id)
    await hold_organisations(tx, found.customer_id, found.partner_id)
    link = await hold_link(tx, link_id)
    check_version(link, expected_version, link.status)
    if link.status == LinkStatus.ENDED:
        raise InvalidState(link.status)
    found = await find_connected(tx, link.customer_id, link.partner_id)
    before = None if found is None else await lock_reachable(tx, found)
    await tx.update(partner_links, link_id, ceiling=ceiling)
    events = [
        Event(
            type=EventType.LEVEL_CEILING_SET,
            streams=(PLATFORM,),
            host_id=link.customer_id,
            guest_id=link.partner_id,
            data={"link": f"link_{link_id}", "ceiling": ceiling},
        )
    ]
    if before is not None:
        events += await _follow(tx, before.id, ceiling_of(before), tell_guest=True)
    await record(tx, *events)


async def _bound_contract(
    tx: Transaction,
    organisation_id: UUID | None,
    partner_id: UUID,
    ceiling: DataAccessLevel | None,
    expected_version: int | None,
) -> tuple[UUID, ...]:
    partner, parent = await _held(tx, organisation_id, partner_id)
    check_version(partner, expected_version, partner.status)
    if parent is not None and is_above(ceiling, parent.ceiling):
        raise CeilingExceeded(parent.ceiling or UNBOUNDED, ("ceiling",))
    if is_above(ceiling, partner.ceiling) and await is_under_way(tx, partner_id, CascadeKind.BOUND_PARTNERSHIPS):
        raise Conflict(partner.version, partner.status, message=STILL_LOWERED)
    own = organisation_id or PLATFORM
    bounded = await bound_contracts(tx, partner, ceiling, within={own, partner_id})
    await record(tx, *bounded.events)
    return bounded.cascade_ids


async def _held(tx: Transaction, organisation_id: UUID | None, partner_id: UUID) -> tuple[Any, Any]:
    """The partner and its parent, locked; NotFound for what is not the caller's to bound."""
    found = await get_organisation(tx, partner_id)
    foreign = found is not None and organisation_id is not None and found.parent_partner_id != organisation_id
    if found is None or foreign or found.partner_program == PartnerProgram.NONE:
        raise NotFound(("partnerId",))
    if organisation_id is None and partner_id in tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    above = found.parent_partner_id
    await tx.enter(*{organisation_id or PLATFORM, partner_id, above} - {None})
    held = await hold_organisations(tx, *{partner_id, above} - {None})
    if held[partner_id].parent_partner_id != above:
        raise Conflict(held[partner_id].version, message="Its parent partner was changed at this moment. Try again.")
    return held[partner_id], held.get(above)


async def bound_contracts(
    tx: Transaction, partner: Any, ceiling: DataAccessLevel | None, *, within: Collection[UUID]
) -> Begun:
    """Give a contract this ceiling, and every contract beneath it that stood above; the events of all that followed.

    `within` are the organisations in which the transaction acts.
    """
    acting, events, cascade_ids = {*within, partner.id}, list[Event](), tuple[UUID, ...]()
    level = [partner]
    while level:
        await tx.enter(*acting)
        for one in level:
            begun = await _bound(tx, one, ceiling)
            events += begun.events
            cascade_ids += begun.cascade_ids
        beneath = await list_sub_partners(tx, [one.id for one in level])
        level = [one for one in beneath if is_above(one.ceiling, ceiling)]
        acting |= {one.id for one in level}
    return Begun(events, cascade_ids)


async def _bound(tx: Transaction, partner: Any, ceiling: DataAccessLevel | None) -> Begun:
    await tx.update(organisations, partner.id, ceiling=ceiling)
    streams = {partner.id, tx.acting_for or PLATFORM}
    data = {"partner": f"organisation_{partner.id}", "ceiling": ceiling}
    known = Event(type=EventType.LEVEL_CEILING_SET, streams=tuple(streams), guest_id=partner.id, data=data)
    if ceiling == partner.ceiling:
        return Begun([known])
    facts = {"host": ALL_CUSTOMERS, "guest": partner.name, "ceiling": words(ceiling or UNBOUNDED)}
    await enqueue(tx, Mail(Template.CEILING_CHANGED, partner.id, addressed(await admins_of(tx, partner.id)), facts))
    keys = await list_connected(tx, partner.id, None, None)
    before = {} if partner.ceiling is None else {"before": partner.ceiling}
    cascade = Cascade(kind=CascadeKind.BOUND_PARTNERSHIPS, subject_id=partner.id, total=len(keys), facts=before)
    begun = await carry_out(tx, BOUNDING, cascade)
    return Begun([known, *begun.events], begun.cascade_ids)


async def _list_connected(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_connected(tx, cascade.subject_id, after, at_most)


async def _follow_each(tx: Transaction, cascade: Cascade, keys: Sequence[UUID]) -> list[Event]:
    contract = cascade.facts.get("before")
    events = list[Event]()
    for key in keys:
        row = await lock_reachable(tx, key)
        before = least(*(DataAccessLevel(one) for one in (contract, row.link_ceiling) if one is not None))
        events += await _follow(tx, key, before, tell_guest=False)
    return events


async def _is_bounded(tx: Transaction, cascade: Cascade) -> bool:
    """Nothing has to be marked: each partnership follows the ceiling that stands, and no other."""
    return True


BOUNDING: Final = Work(CascadeKind.BOUND_PARTNERSHIPS, _is_bounded, _list_connected, _follow_each, batch=20, at_once=50)
"""The connected partnerships of a partner whose contract has another ceiling, which every decision reads at once."""


async def _follow(tx: Transaction, key: UUID, before: DataAccessLevel, *, tell_guest: bool) -> list[Event]:
    """Bring one partnership under a ceiling that was `before`, and tell whom it concerns.

    A customer does not learn which person of its partner's parent it was.
    """
    row = await lock_reachable(tx, key)
    ceiling = ceiling_of(row)
    if row.state not in CONNECTED:
        return []
    events = await lower(tx, row, ceiling)
    if ceiling == before:  # two bounds were lowered to the same, and the first one that comes here lowers the level
        return events
    granted = DataAccessLevel(row.granted_level)
    level = ceiling if is_above(granted, ceiling) else granted
    facts = names(row) | {"ceiling": words(ceiling), "level": words(level)}
    told = [*await admins_of(tx, row.host_id), *(await admins_of(tx, row.guest_id) if tell_guest else ())]
    await enqueue(tx, Mail(Template.CEILING_CHANGED, row.guest_id, addressed(told), facts, partnership_id=row.id))
    known = event_of(row, EventType.LEVEL_CEILING_SET, told=tell_guest, data={"ceiling": ceiling.value})
    if tx.acting_for is None:
        return [known, *events]
    return [replace(event, unnamed_in={row.host_id: row.guest_name}) for event in (known, *events)]
