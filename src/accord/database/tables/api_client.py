"""API clients of an organisation: who owns them, what they may, and until when (model 4.2)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Computed, ForeignKey, ForeignKeyConstraint, Index, Table, Text

from accord.database.tables.metadata import instant, key, made_at, metadata, one_of, reference, version, words
from accord.domain.callers.api_client import ApiClientStatus
from accord.domain.organisation import MembershipStatus

api_clients: Final = Table(
    "api_clients",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("owner_user_id", ForeignKey("accord.users.id")),
    Column("name", Text(), nullable=False),
    Column("secret_hash", Text(), nullable=False, unique=True),
    words("scopes"),
    instant("expires_at", nullable=False),
    Column("status", Text(), nullable=False),
    instant("last_used_at"),
    reference("revoked_by", ForeignKey("accord.users.id"), nullable=True),
    instant("revoked_at"),
    version(),
    made_at(),
    Column(
        "member_status",
        Text(),
        Computed(f"CASE WHEN status = 'ACTIVE' THEN '{MembershipStatus.ACTIVE}' END", persisted=True),
    ),
    one_of("status", (ApiClientStatus.ACTIVE, ApiClientStatus.REVOKED)),
    CheckConstraint("cardinality(scopes) > 0", name="scopes_named"),
    CheckConstraint(
        "expires_at > created_at AND expires_at <= created_at + interval '365 days'", name="a_year_at_most"
    ),
    CheckConstraint("(status = 'REVOKED') = (revoked_at IS NOT NULL)", name="revoked_once"),
    ForeignKeyConstraint(
        ["organisation_id", "owner_user_id", "member_status"],
        ["accord.memberships.organisation_id", "accord.memberships.user_id", "accord.memberships.status"],
        name="fk_api_clients_active_member",
    ),
)
"""A client that is not revoked is of an active member of its organisation."""
Index("ix_api_clients_organisation", api_clients.c.organisation_id, api_clients.c.id)
Index(
    "ix_api_clients_owner",
    api_clients.c.owner_user_id,
    api_clients.c.organisation_id,
    postgresql_where=api_clients.c.status == "ACTIVE",
)
