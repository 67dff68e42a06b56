"""What acts on links, contracts and partners read: rows under lock, in the order parents before children."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from accord.database.engine import Transaction
from accord.database.tables.organisation import organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.domain.level import DataAccessLevel
from accord.domain.partner import LinkStatus
from accord.domain.partnership import CONNECTED, OPEN

__all__ = [
    "get_link",
    "hold_link",
    "hold_organisations",
    "list_active_links",
    "list_connected",
    "list_open",
    "list_promised_links",
    "list_sub_partners",
]

CONNECTED_NAMES = [state.value for state in CONNECTED]


async def hold_organisations(tx: Transaction, *organisation_ids: UUID) -> dict[UUID, Any]:
    """These organisations, locked in the order of their keys."""
    wanted = select(organisations).where(organisations.c.id.in_(organisation_ids)).order_by(organisations.c.id)
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
        .where(organisations.c.parent_partner_id.in_(partner_ids))
        .order_by(organisations.c.id)
        .with_for_update()
    )


async def list_connected(tx: Transaction, *, guest_id: UUID) -> Sequence[Any]:
    """The keys and hosts of a partner's active and suspended partnerships."""
    return await tx.all(
        select(partnerships.c.id, partnerships.c.host_id)
        .where(partnerships.c.guest_id == guest_id, partnerships.c.state.in_(CONNECTED_NAMES))
        .order_by(partnerships.c.id)
    )


async def list_open(tx: Transaction, organisation_id: UUID) -> Sequence[Any]:
    """The keys and both sides of every partnership of an organisation that has not ended."""
    either = or_(partnerships.c.host_id == organisation_id, partnerships.c.guest_id == organisation_id)
    return await tx.all(
        select(partnerships.c.id, partnerships.c.host_id, partnerships.c.guest_id)
        .where(either, partnerships.c.state.in_([state.value for state in OPEN]))
        .order_by(partnerships.c.id)
    )


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
