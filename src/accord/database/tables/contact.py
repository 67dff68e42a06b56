"""What single people hold at a host: external contacts, and the customers that a partner assigns to its people."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
)

from accord.database.tables.metadata import (
    folded,
    instant,
    key,
    listed,
    made_at,
    metadata,
    one_of,
    reference,
    version,
    words,
)
from accord.domain.contact import ContactStatus
from accord.domain.delegation import DelegatedRole
from accord.domain.organisation import MembershipStatus

external_contacts: Final = Table(
    "external_contacts",
    metadata,
    key(),
    reference("host_id", ForeignKey("accord.organisations.id")),
    Column("email", Text(), nullable=False),
    words("roles"),
    Column("status", Text(), nullable=False),
    reference("invited_by", ForeignKey("accord.users.id")),
    reference("user_id", nullable=True),
    reference("home_id", nullable=True),
    reference("partnership_id", nullable=True),
    Column("token_hash", Text(), nullable=True, unique=True),
    instant("token_expires_at"),
    instant("accepted_at"),
    instant("converted_at"),
    instant("ended_at"),
    version(),
    made_at(),
    Column(
        "member_status",
        Text(),
        Computed(
            f"CASE WHEN user_id IS NOT NULL AND ended_at IS NULL THEN '{MembershipStatus.ACTIVE}' END", persisted=True
        ),
    ),
    one_of("status", ContactStatus),
    CheckConstraint(f"roles <@ ARRAY[{listed(DelegatedRole)}] AND cardinality(roles) > 0", name="roles_known"),
    CheckConstraint("(user_id IS NULL) = (home_id IS NULL)", name="person_at_home"),
    CheckConstraint("status = 'REMOVED' OR (status = 'INVITED') = (user_id IS NULL)", name="person_known"),
    CheckConstraint("token_hash IS NULL OR status = 'INVITED'", name="token_while_invited"),
    CheckConstraint("(partnership_id IS NULL) = (converted_at IS NULL)", name="converted_under"),
    CheckConstraint(
        "CASE status WHEN 'CONVERTED' THEN partnership_id IS NOT NULL WHEN 'REMOVED' THEN ended_at IS NOT NULL"
        " ELSE partnership_id IS NULL AND ended_at IS NULL END",
        name="ended_once",
    ),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "home_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
        name="fk_external_contacts_partnership",
    ),
    ForeignKeyConstraint(
        ["home_id", "user_id", "member_status"],
        ["accord.memberships.organisation_id", "accord.memberships.user_id", "accord.memberships.status"],
        name="fk_external_contacts_active_member",
    ),
)
"""A contact that has not ended is of an active member of its home; one that is converted ends with its partnership."""
Index("ix_external_contacts_host", external_contacts.c.host_id, external_contacts.c.id)
Index("ix_external_contacts_home", external_contacts.c.home_id, external_contacts.c.host_id)
Index("ix_external_contacts_user", external_contacts.c.user_id, external_contacts.c.host_id)
Index("ix_external_contacts_partnership", external_contacts.c.partnership_id, external_contacts.c.id)
Index(
    "uq_external_contacts_address",
    external_contacts.c.host_id,
    folded(external_contacts.c.email),
    unique=True,
    postgresql_where=external_contacts.c.ended_at.is_(None),
)
Index(
    "uq_external_contacts_live",
    external_contacts.c.host_id,
    external_contacts.c.user_id,
    unique=True,
    postgresql_where=external_contacts.c.ended_at.is_(None),
)

customer_assignments: Final = Table(
    "customer_assignments",
    metadata,
    key(),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    reference("user_id", ForeignKey("accord.users.id")),
    reference("assigned_by", ForeignKey("accord.users.id")),
    instant("assigned_at", nullable=False),
    instant("ended_at"),
    Column(
        "member_status",
        Text(),
        Computed(f"CASE WHEN ended_at IS NULL THEN '{MembershipStatus.ACTIVE}' END", persisted=True),
    ),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    ForeignKeyConstraint(
        ["guest_id", "user_id", "member_status"],
        ["accord.memberships.organisation_id", "accord.memberships.user_id", "accord.memberships.status"],
        name="fk_customer_assignments_active_member",
    ),
)
"""Which of a partner's people use its level at a customer; ended rows tell who did."""
Index(
    "uq_customer_assignments_live",
    customer_assignments.c.partnership_id,
    customer_assignments.c.user_id,
    unique=True,
    postgresql_where=customer_assignments.c.ended_at.is_(None),
)
Index("ix_customer_assignments_partnership", customer_assignments.c.partnership_id, customer_assignments.c.id)
Index("ix_customer_assignments_guest", customer_assignments.c.guest_id, customer_assignments.c.id)
Index(
    "ix_customer_assignments_user",
    customer_assignments.c.user_id,
    customer_assignments.c.partnership_id,
    postgresql_where=customer_assignments.c.ended_at.is_(None),
)
