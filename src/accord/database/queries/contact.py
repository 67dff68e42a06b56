"""External contacts and assigned customers as acts read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, bindparam, distinct, func, select, true

from accord.database.engine import Query, Transaction
from accord.database.personal import level_holders, may_use_level, sees_contact
from accord.database.queries.partnership import lock_reachable
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.database.tables.metadata import folded
from accord.database.tables.partnership import partnerships
from accord.domain.acting import Basis
from accord.domain.contact import ContactStatus
from accord.domain.errors import NotFound, ValidationError
from accord.domain.partnership import CONNECTED
from accord.domain.text import is_same_address

holders = level_holders(partnerships).lateral("holders")
CONNECTED_NAMES: Final = [state.value for state in CONNECTED]
VISIBLE: Final = Query(
    select(external_contacts).where(
        external_contacts.c.id == bindparam("wanted", type_=Uuid()),
        external_contacts.c.host_id == bindparam("host", type_=Uuid()),
        sees_contact(),
    )
)

LEVEL_HOLDERS: Final = Query(
    select(func.count(distinct(holders.c.user_id)))
    .select_from(partnerships.join(holders, true()))
    .where(partnerships.c.id == bindparam("wanted", type_=Uuid()))
)


async def list_with_address(tx: Transaction, host_id: UUID, email: str) -> Sequence[Any]:
    """Return the contacts of a host that have this address and have not ended, locked.

    Raises ValidationError where one has another address that can't be told from this one.
    """
    same = folded(external_contacts.c.email) == folded(email)
    open_ones = (external_contacts.c.host_id == host_id) & external_contacts.c.ended_at.is_(None)
    found = await tx.all(select(external_contacts).where(open_ones, same).with_for_update())
    if not all(is_same_address(row.email, email) for row in found):
        raise ValidationError("email", "A contact has an address that can't be told from this one.")
    return found


async def find_invited_contact(tx: Transaction, token_hash: str) -> Any:
    """The contact that a mailed token invites, or None; the token has been shown to the database."""
    return await tx.first(select(external_contacts).where(external_contacts.c.token_hash == token_hash))


async def lock_invited_contact(tx: Transaction, token_hash: str) -> Any:
    """As `find_invited_contact`, locked."""
    found = select(external_contacts).where(external_contacts.c.token_hash == token_hash)
    return await tx.first(found.with_for_update())


async def is_contact(tx: Transaction, host_id: UUID, user_id: UUID) -> bool:
    """Is this person a contact of the host that has not ended?"""
    theirs = (external_contacts.c.host_id == host_id) & (external_contacts.c.user_id == user_id)
    found = select(external_contacts.c.id).where(theirs, external_contacts.c.ended_at.is_(None))
    return await tx.first(found) is not None


async def lock_contact(tx: Transaction, host_id: UUID, contact_id: UUID) -> Any:
    """A contact of this host that the caller may see, locked; NotFound otherwise."""
    await tx.first(select(external_contacts.c.id).where(external_contacts.c.id == contact_id).with_for_update())
    found = await tx.fetch(VISIBLE, wanted=contact_id, host=host_id)
    if not found:
        raise NotFound(("contactId",))
    return found[0]


async def lock_convertible(tx: Transaction, host_id: UUID, home_id: UUID) -> Sequence[Any]:
    """The active contacts of a host that are people of this organisation, locked in order of their keys."""
    active = external_contacts.c.status == ContactStatus.ACTIVE.value
    pair = (external_contacts.c.host_id == host_id) & (external_contacts.c.home_id == home_id)
    return await tx.all(
        select(external_contacts).where(pair, active).order_by(external_contacts.c.id).with_for_update()
    )


async def lock_connected(tx: Transaction, host_id: UUID, guest_id: UUID) -> Any:
    """The connected partnership of a pair, locked, with what acts read of it; None where there is none.

    One that is about to be connected is waited for.
    """
    pair = (partnerships.c.host_id == host_id) & (partnerships.c.guest_id == guest_id)
    held = select(partnerships.c.id).where(pair, partnerships.c.ended_at.is_(None)).with_for_update()
    for found in await tx.all(held):
        row = await lock_reachable(tx, found.id)
        if row.state in CONNECTED_NAMES:
            return row
    return None


def level_lost(guest_id: UUID, partnership_ids: Collection[UUID] = ()) -> ColumnElement[bool]:
    """Sessions on a level of this guest's people who may use it no more; in these partnerships where any are named."""
    p, s = partnerships.alias(), acting_sessions.alias()
    still = select(s.c.id).join(p, p.c.id == s.c.partnership_id).where(may_use_level(p, s.c.user_id))
    of_guest = and_(acting_sessions.c.home_id == guest_id, acting_sessions.c.basis == Basis.LEVEL.value)
    named = among(acting_sessions.c.partnership_id, partnership_ids) if partnership_ids else true()
    return and_(of_guest, named, acting_sessions.c.id.not_in(still))


async def count_level_holders(tx: Transaction, partnership_id: UUID) -> int:
    """Return how many of the guest's people may use an effective level of this partnership now."""
    (row,) = await tx.fetch(LEVEL_HOLDERS, wanted=partnership_id)
    return int(row[0])


async def find_assignment(tx: Transaction, user_id: UUID, partnership_id: UUID) -> UUID | None:
    """The key of a person's assignment in a partnership that the act holds, or None."""
    theirs = (customer_assignments.c.user_id == user_id) & (customer_assignments.c.partnership_id == partnership_id)
    key: UUID | None = await tx.scalar(
        select(customer_assignments.c.id).where(theirs, customer_assignments.c.ended_at.is_(None))
    )
    return key
