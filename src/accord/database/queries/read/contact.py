"""External contacts and assigned customers as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Uuid

from accord.database.personal import sees_assignment, sees_contact
from accord.database.queries.read.pages import (
    PARENT,
    Item,
    as_text,
    equal,
    global_id,
    looked_up,
    one_of,
    paged,
)
from accord.database.tables.contact import customer_assignments, external_contacts


class ContactRow(Item):
    """One external contact."""

    type_name = "ExternalContact"


class AssignmentRow(Item):
    """One customer assigned to one person."""

    type_name = "CustomerAssignment"


c, a = external_contacts.alias("c"), customer_assignments.alias("a")

CONTACT: Final = (
    global_id("contact", c.c.id),
    as_text(c.c.host_id),
    c.c.email,
    c.c.roles,
    c.c.status,
    as_text(c.c.invited_by),
    as_text(c.c.user_id),
    as_text(c.c.partnership_id),
    c.c.created_at,
    c.c.accepted_at,
    c.c.converted_at,
    c.c.ended_at,
    c.c.version,
)
ASSIGNMENT: Final = (
    global_id("assignment", a.c.id),
    as_text(a.c.partnership_id),
    as_text(a.c.host_id),
    as_text(a.c.user_id),
    as_text(a.c.assigned_by),
    a.c.assigned_at,
)
STANDING: Final = (a.c.ended_at.is_(None), sees_assignment(a))

CONTACT_BY_ID: Final = looked_up(ContactRow, CONTACT, c.c.id, sees_contact(c))
CONTACTS_OF_HOST: Final = paged(
    ContactRow, CONTACT, c, (c.c.host_id == PARENT, sees_contact(c), one_of(c.c.status, "status")), c.c.id
)
CONTACTS_OF_PARTNERSHIP: Final = paged(
    ContactRow, CONTACT, c, (c.c.partnership_id == PARENT, sees_contact(c), one_of(c.c.status, "status")), c.c.id
)
CONTACTS_OF_PERSON: Final = paged(
    ContactRow, CONTACT, c, (c.c.user_id == PARENT, c.c.ended_at.is_(None), sees_contact(c)), c.c.id
)
ASSIGNMENTS_OF_GUEST: Final = paged(
    AssignmentRow, ASSIGNMENT, a, (a.c.guest_id == PARENT, *STANDING, equal(a.c.user_id, "person", Uuid)), a.c.id
)
ASSIGNMENTS_OF_PARTNERSHIP: Final = paged(
    AssignmentRow, ASSIGNMENT, a, (a.c.partnership_id == PARENT, *STANDING), a.c.id
)
