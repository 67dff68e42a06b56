"""Organisations, people, their identities and memberships."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from accord.database.tables.metadata import (
    folded,
    instant,
    key,
    made_at,
    metadata,
    modified_at,
    one_of,
    reference,
    version,
    words,
)
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import MembershipStatus, MemberSource, OrganisationStatus
from accord.domain.partner import PartnerProgram, PartnerStatus

organisations: Final = Table(
    "organisations",
    metadata,
    key(),
    Column("handle", Text(), nullable=False, unique=True),
    Column("name", Text(), nullable=False),
    Column("country_code", Text(), nullable=False),
    Column("partners_enabled", Boolean(), nullable=False, server_default=text("false")),
    Column("status", Text(), nullable=False, server_default=OrganisationStatus.ACTIVE),
    reference("created_for_id", ForeignKey("accord.organisations.id"), nullable=True, index=True),
    Column("partner_program", Text(), nullable=False, server_default=PartnerProgram.NONE),
    Column("partner_status", Text(), nullable=False, server_default=PartnerStatus.NONE),
    reference("parent_partner_id", ForeignKey("accord.organisations.id"), nullable=True, index=True),
    Column("ceiling", Text()),
    Column("partner_mails_per_day", Integer()),
    Column("member_mails_per_day", Integer()),
    Column("acting_mails_per_day", Integer()),
    version(),
    made_at(),
    one_of("status", OrganisationStatus),
    one_of("partner_program", PartnerProgram),
    one_of("partner_status", PartnerStatus),
    one_of("ceiling", DataAccessLevel),
    CheckConstraint("(partner_program = 'NONE') = (partner_status = 'NONE')", name="partner_has_status"),
    CheckConstraint("parent_partner_id IS NULL OR partner_program <> 'NONE'", name="parent_of_partner"),
    CheckConstraint("parent_partner_id <> id", name="not_own_parent"),
    CheckConstraint(
        "least(partner_mails_per_day, member_mails_per_day, acting_mails_per_day) > 0", name="mails_per_day_positive"
    ),
)

directory_entries: Final = Table(
    "directory_entries",
    metadata,
    reference("id", ForeignKey("accord.organisations.id"), primary_key=True),
    Column("listed", Boolean(), nullable=False, server_default=text("false")),
    Column("email", Text()),
    Column("request_code", Text(), unique=True),
    version(),
)
"""How an organisation may be found by others (Q19): one row each, keyed by it; no row means not at all."""
Index("ix_directory_entries_listed", directory_entries.c.id, postgresql_where=directory_entries.c.listed)

users: Final = Table(
    "users",
    metadata,
    key(),
    Column("email", Text(), nullable=False),
    Column("display_name", Text(), nullable=False),
    reference("home_organisation_id", ForeignKey("accord.organisations.id")),
    version(),
    modified_at(),
    made_at(),
)
Index("uq_users_home_email", users.c.home_organisation_id, folded(users.c.email), unique=True)
Index("ix_users_email", folded(users.c.email))

identities: Final = Table(
    "identities",
    metadata,
    Column("issuer", Text(), primary_key=True),
    Column("subject", Text(), primary_key=True),
    reference("user_id", ForeignKey("accord.users.id"), index=True),
    made_at(),
)

memberships: Final = Table(
    "memberships",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("user_id", ForeignKey("accord.users.id"), nullable=True, index=True),
    Column("email", Text(), nullable=False),
    Column("display_name", Text(), nullable=False),
    words("roles"),
    words("directory_roles"),
    Column("source", Text(), nullable=False, server_default=MemberSource.LOCAL),
    Column("unclaimed", Boolean(), nullable=False, server_default=text("false")),
    Column("delegated_admin", Boolean(), nullable=False, server_default=text("false")),
    Column("status", Text(), nullable=False),
    reference("invited_by", nullable=True),
    reference("invited_in", nullable=True),
    Column("vouched_by", Text()),
    Column("token_hash", Text(), nullable=True, unique=True),
    instant("token_expires_at"),
    instant("joined_at"),
    instant("removed_at"),
    version(),
    modified_at(),
    made_at(),
    one_of("status", MembershipStatus),
    one_of("source", MemberSource),
    UniqueConstraint("organisation_id", "user_id"),
    UniqueConstraint("organisation_id", "user_id", "status"),
    UniqueConstraint("id", "organisation_id"),
    CheckConstraint("status = 'INVITED' OR status = 'REMOVED' OR user_id IS NOT NULL", name="person_known"),
    CheckConstraint(
        "token_hash IS NULL OR status = 'INVITED' OR (status = 'ACTIVE' AND unclaimed)", name="token_while_invited"
    ),
    CheckConstraint("directory_roles <@ roles", name="directory_roles_held"),
)
"""`directory_roles`: those of the roles that a group of the directory alone gives. `unclaimed`: made by the directory,
and nobody has signed in as this person yet."""
Index(
    "ix_memberships_delegated",
    memberships.c.organisation_id,
    memberships.c.user_id,
    postgresql_where=memberships.c.delegated_admin,
)
Index("ix_memberships_organisation", memberships.c.organisation_id, memberships.c.id)
Index(
    "uq_memberships_invited",
    memberships.c.organisation_id,
    folded(memberships.c.email),
    unique=True,
    postgresql_where=memberships.c.status == MembershipStatus.INVITED.value,
)

Index("ix_memberships_address", memberships.c.organisation_id, folded(memberships.c.email))
Index(
    "ix_memberships_listed",
    memberships.c.organisation_id,
    memberships.c.id,
    postgresql_where=memberships.c.status.in_([MembershipStatus.ACTIVE.value, MembershipStatus.DEACTIVATED.value]),
)
"""The people whom a directory lists."""

sign_ins: Final = Table(
    "sign_ins",
    metadata,
    Column("token_hash", Text(), primary_key=True),
    reference("user_id", ForeignKey("accord.users.id")),
    made_at("first_used_at"),
    instant("expires_at", nullable=False),
)
"""Tokens that were used once, so that each makes one event `signin.platform`; kept until they expire."""
Index("ix_sign_ins_expires_at", sign_ins.c.expires_at)
