"""What single people hold of a host, as it passes on and ends: contacts and assigned customers (model 4.10, S103)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, update

from accord.database.engine import Transaction
from accord.database.queries.contact import lock_convertible
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.domain.activity import EventType
from accord.domain.contact import CONTACT, ContactEvent, ContactStatus
from accord.domain.ids import global_id
from accord.services.activity import Event
from accord.services.grants.acting import end_sessions
from accord.services.pair import event_of

__all__ = ["EndedPersonal", "convert_contacts", "end_contact_sessions", "end_personal", "leave_personal"]


@dataclass(frozen=True, slots=True)
class EndedPersonal:
    """The contacts and assignments that ended, as rows."""

    contacts: Sequence[Any] = ()
    assignments: Sequence[Any] = ()
    sessions: Sequence[Any] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What a receipt says."""
        return {"contacts_ended": len(self.contacts), "assignments_ended": len(self.assignments)}

    @property
    def user_ids(self) -> frozenset[UUID]:
        """Whose contacts ended."""
        return frozenset(row.user_id for row in self.contacts)


async def convert_contacts(tx: Transaction, row: Any) -> list[Event]:
    """Put the active contacts of the host that are people of the guest under their partnership (S103, Q22).

    Called wherever a partnership becomes ACTIVE, with the row held. Each keeps person and roles, no group is made, and
    what it gives ends with the partnership from now on. The events to record.
    """
    state = CONTACT.move(ContactStatus.ACTIVE, ContactEvent.CONVERT)
    events = []
    for contact in await lock_convertible(tx, row.host_id, row.guest_id):
        converted = {"status": state.value, "partnership_id": row.id, "converted_at": tx.now}
        await tx.update(external_contacts, contact.id, **converted)
        data = {
            "contact": global_id("contact", contact.id),
            "user": global_id("user", contact.user_id),
            "roles": sorted(contact.roles),
        }
        events.append(event_of(row, EventType.CONTACT_CONVERTED, data=data))
    return events


async def end_personal(tx: Transaction, partnership_id: UUID) -> EndedPersonal:
    """End what people hold under a partnership that ends: its contacts stay CONVERTED and are of no use any more."""
    over = {"ended_at": tx.now, "version": external_contacts.c.version + 1}
    contacts = await _end(tx, external_contacts, external_contacts.c.partnership_id == partnership_id, **over)
    assignments = await _end(tx, customer_assignments, customer_assignments.c.partnership_id == partnership_id)
    return EndedPersonal(contacts, assignments, await end_contact_sessions(tx, [row.id for row in contacts]))


async def end_contact_sessions(tx: Transaction, contact_ids: Collection[UUID]) -> Sequence[Any]:
    """Revoke the sessions that rest on these contacts; the rows."""
    return await end_sessions(tx, among(acting_sessions.c.contact_id, contact_ids))


async def leave_personal(tx: Transaction, home_id: UUID, user_id: UUID) -> EndedPersonal:
    """End what somebody held as a person of this organisation, at any host; not the sessions, which end with more."""
    theirs = (external_contacts.c.home_id == home_id) & (external_contacts.c.user_id == user_id)
    gone = {"status": ContactStatus.REMOVED.value, "version": external_contacts.c.version + 1}
    contacts = await _end(tx, external_contacts, theirs, **gone)
    own = (customer_assignments.c.guest_id == home_id) & (customer_assignments.c.user_id == user_id)
    return EndedPersonal(contacts, await _end(tx, customer_assignments, own))


async def _end(tx: Transaction, table: Any, scope: ColumnElement[bool], **values: Any) -> Sequence[Any]:
    ended = update(table).where(scope, table.c.ended_at.is_(None)).values(**{"ended_at": tx.now, **values})
    return await tx.all(ended.returning(table))
