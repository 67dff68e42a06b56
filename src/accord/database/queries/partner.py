"""What acts on links, contracts and partners read: rows under lock, in the order parents before children."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from accord.database.engine import Transaction
from accord.database.sets import among
from accord.database.tables.organisation import organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus
from accord.domain.partner import LinkStatus, PartnerStatus
from accord.domain.partnership import CONNECTED, OPEN

__all__ = [
    "end_bare_links",
    "find_connected",
    "get_link",
    "get_organisation_status",
    "get_partner_status",
    "hold_link",
    "hold_organisations",
    "list_active_links",
    "list_connected",
    "list_open",
    "list_other_sides",
    "list_promised_links",
    "list_sub_partners",
    "lock_statuses",
]

CONNECTED_NAMES = [state.value for state in CONNECTED]
OPEN_NAMES = [state.value for state in OPEN]


async def hold_organisations(tx: Transaction, *organisation_ids: UUID) -> dict[UUID, Any]:
    """These organisations, locked in the order of their keys."""
    wanted = select(organisations).where(among(organisations.c.id, organisation_ids)).order_by(organisations.c.id)
    return {row.id: row for row in await tx.all(wanted.with_for_update())}


async def get_link(tx: Transaction, link_id: UUID) -> Any:
    """One link as it stands, or None."""
    return await tx.first(select(partner_links).where(partner_links.c.id == link_id))


async def hold_link(tx: Transaction, link_id: UUID) -> Any:
    """One link, locked until the end of the act, or None."""
    return await tx.first(select(partner_links).where(partner_links.c.id == link_id).with_for_update())


async def list_active_links(
    tx: Transaction, *, customer_id: UUID | None = None, partner_id: UUID | None = None
) -> Sequence[Any]:
    """The links that have not ended, of a customer or of a partner; of either where both are given."""
    sides: list[ColumnElement[bool]] = []
    if customer_id is not None:
        sides.append(partner_links.c.customer_id == customer_id)
    if partner_id is not None:
        sides.append(partner_links.c.partner_id == partner_id)
    return await tx.all(
        select(partner_links)
        .where(or_(*sides), partner_links.c.status == LinkStatus.ACTIVE.value)
        .order_by(partner_links.c.id)
        .with_for_update()
    )


async def list_sub_partners(tx: Transaction, partner_ids: Collection[UUID]) -> Sequence[Any]:
    """The partners directly beneath these, locked."""
    return await tx.all(
        select(organisations)
        .where(among(organisations.c.parent_partner_id, partner_ids))
        .order_by(organisations.c.id)
        .with_for_update()
    )


async def find_connected(tx: Transaction, host_id: UUID, guest_id: UUID) -> UUID | None:
    """Return the key of the active or suspended partnership of a pair; None if there is none."""
    pair = and_(partnerships.c.host_id == host_id, partnerships.c.guest_id == guest_id)
    found: UUID | None = await tx.scalar(
        select(partnerships.c.id).where(pair, partnerships.c.state.in_(CONNECTED_NAMES))
    )
    return found


async def list_connected(
    tx: Transaction, guest_id: UUID, after: UUID | None, at_most: int | None, *which: ColumnElement[bool]
) -> Sequence[UUID]:
    """Return the keys of a partner's next active and suspended partnerships after a key, in order, such as `which`."""
    of_partner = and_(partnerships.c.guest_id == guest_id, partnerships.c.state.in_(CONNECTED_NAMES), *which)
    return await _next(tx, of_partner, after, at_most)


async def list_open(tx: Transaction, organisation_id: UUID, after: UUID | None, at_most: int | None) -> Sequence[UUID]:
    """Return the keys of the next partnerships of an organisation, on either side, that have not ended."""
    either = or_(partnerships.c.host_id == organisation_id, partnerships.c.guest_id == organisation_id)
    return await _next(tx, and_(either, partnerships.c.state.in_(OPEN_NAMES)), after, at_most)


async def _next(tx: Transaction, which: ColumnElement[bool], after: UUID | None, at_most: int | None) -> Sequence[UUID]:
    chosen = select(partnerships.c.id).where(which).order_by(partnerships.c.id).limit(at_most)
    if after is not None:
        chosen = chosen.where(partnerships.c.id > after)
    return [row.id for row in await tx.all(chosen)]


async def list_other_sides(tx: Transaction, organisation_id: UUID, keys: Collection[UUID]) -> set[UUID]:
    """Return with whom an organisation has these partnerships."""
    sides = select(partnerships.c.host_id, partnerships.c.guest_id).where(among(partnerships.c.id, keys))
    return {side for row in await tx.all(sides) for side in row} - {organisation_id}


async def lock_statuses(tx: Transaction, organisation_id: UUID) -> None:
    """Let nobody else hold or release the partnerships of a partner until this transaction ends.

    The act that suspends a partner and the worker that goes through its partnerships exclude each other, so that no
    partnership is held by a word that was taken back meanwhile.
    """
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"partner {organisation_id}", 0))))


async def get_partner_status(tx: Transaction, organisation_id: UUID) -> PartnerStatus:
    """Return where an organisation stands in its programme."""
    status = select(organisations.c.partner_status).where(organisations.c.id == organisation_id)
    return PartnerStatus(await tx.scalar(status))


async def get_organisation_status(tx: Transaction, organisation_id: UUID) -> OrganisationStatus:
    """Return the status of an organisation."""
    status = select(organisations.c.status).where(organisations.c.id == organisation_id)
    return OrganisationStatus(await tx.scalar(status))


async def end_bare_links(tx: Transaction, link_ids: Collection[UUID]) -> set[UUID]:
    """End those of these links that no connected partnership carries; return their keys."""
    carried = exists().where(partnerships.c.link_id == partner_links.c.id, partnerships.c.state.in_(CONNECTED_NAMES))
    over = {"status": LinkStatus.ENDED.value, "ended_at": tx.now, "version": partner_links.c.version + 1}
    ended = update(partner_links).where(among(partner_links.c.id, link_ids), ~carried).values(**over)
    return {row.id for row in await tx.all(ended.returning(partner_links.c.id))}


async def list_promised_links(tx: Transaction, customer_id: UUID) -> Sequence[Any]:
    """The active links of a customer that come with a level, and have not begun."""
    begun = exists().where(partnerships.c.link_id == partner_links.c.id)
    promised = and_(
        partner_links.c.customer_id == customer_id,
        partner_links.c.status == LinkStatus.ACTIVE.value,
        partner_links.c.default_level != DataAccessLevel.NONE.value,
        ~begun,
    )
    return await tx.all(select(partner_links).where(promised).order_by(partner_links.c.id))
