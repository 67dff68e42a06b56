"""Directories: the credentials they come by, what they say of people, and their groups with the roles these give."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import (
    folded,
    instant,
    key,
    made_at,
    metadata,
    modified_at,
    reference,
    version,
    words,
)

scim_credentials: Final = Table(
    "scim_credentials",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    Column("label", Text(), nullable=False),
    Column("token_hash", Text(), nullable=False, unique=True),
    reference("created_by", ForeignKey("accord.users.id")),
    instant("expires_at", nullable=False),
    instant("revoked_at"),
    version(),
    made_at(),
)
Index("ix_scim_credentials_organisation", scim_credentials.c.organisation_id, scim_credentials.c.id)

scim_users: Final = Table(
    "scim_users",
    metadata,
    reference("id", ForeignKey("accord.memberships.id"), primary_key=True),
    reference("organisation_id"),
    Column("user_name", Text(), nullable=False),
    Column("external_id", Text()),
    Column("profile", JSONB(), nullable=False, server_default=text("'{}'")),
    instant("refused_at"),
    version(),
    modified_at(),
    ForeignKeyConstraint(
        ["id", "organisation_id"],
        ["accord.memberships.id", "accord.memberships.organisation_id"],
        name="fk_scim_users_member",
    ),
    UniqueConstraint("organisation_id", "external_id"),
)
"""What the directory says of a member, keyed by the membership; nobody but the organisation reads it. `refused_at`:
when the admins were last told that this person is the last of them."""
Index("uq_scim_users_user_name", scim_users.c.organisation_id, folded(scim_users.c.user_name), unique=True)
Index(
    "ix_scim_users_addresses",
    func.accord.sent_addresses(scim_users.c.profile),
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
)

scim_groups: Final = Table(
    "scim_groups",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    Column("display_name", Text(), nullable=False),
    Column("external_id", Text()),
    words("roles"),
    Column("given_by", JSONB(), nullable=False, server_default=text("'{}'")),
    Column("member_count", Integer(), nullable=False, server_default=text("0")),
    Column("members_digest", BigInteger(), nullable=False, server_default=text("0")),
    version(),
    modified_at(),
    made_at(),
    UniqueConstraint("id", "organisation_id"),
    UniqueConstraint("organisation_id", "external_id"),
    CheckConstraint("NOT ('LEGAL_REPRESENTATIVE' = ANY (roles))", name="never_legal_representative"),
)
"""Groups of a directory, with the roles that the organisation's own table gives to their people. `given_by`: who has
put each role on the group, by its name. `member_count` and `members_digest` say how many people are in it and, as a
mark that does not depend on their order, who they are; a trigger keeps both (migration 0028)."""
Index("ix_scim_groups_name", scim_groups.c.organisation_id, folded(scim_groups.c.display_name))

scim_group_members: Final = Table(
    "scim_group_members",
    metadata,
    reference("group_id", primary_key=True),
    reference("membership_id", primary_key=True, index=True),
    reference("organisation_id"),
    reference("added_by", ForeignKey("accord.users.id"), nullable=True),
    ForeignKeyConstraint(
        ["group_id", "organisation_id"],
        ["accord.scim_groups.id", "accord.scim_groups.organisation_id"],
        name="fk_scim_group_members_group",
    ),
    ForeignKeyConstraint(
        ["membership_id", "organisation_id"],
        ["accord.memberships.id", "accord.memberships.organisation_id"],
        name="fk_scim_group_members_member",
    ),
)
"""`added_by`: who made the credential by which the person was put in; null where that was not kept."""
