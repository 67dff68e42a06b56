"""Claims on invitations: who used a link that was mailed to another address, and what the organisation said to it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text

from accord.database.tables.metadata import instant, key, metadata, one_of, reference, version, words
from accord.domain.invitation_claim import ClaimState

invitation_claims: Final = Table(
    "invitation_claims",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("membership_id", ForeignKey("accord.memberships.id"), nullable=True),
    reference("contact_id", ForeignKey("accord.external_contacts.id"), nullable=True),
    Column("by_operator", Boolean(), nullable=False),
    Column("link_hash", Text(), nullable=False),
    Column("invited_email", Text(), nullable=False),
    words("roles"),
    Column("issuer", Text(), nullable=False),
    Column("subject", Text(), nullable=False),
    reference("user_id", nullable=True),
    Column("email", Text()),
    Column("email_verified", Boolean(), nullable=False),
    Column("display_name", Text()),
    Column("state", Text(), nullable=False),
    instant("claimed_at", nullable=False),
    instant("expires_at", nullable=False),
    reference("decided_by", nullable=True),
    instant("decided_at"),
    version(),
    one_of("state", ClaimState),
    CheckConstraint("(membership_id IS NULL) <> (contact_id IS NULL)", name="one_invitation"),
    CheckConstraint("(state IN ('CONFIRMED', 'REFUSED')) = (decided_at IS NOT NULL)", name="decided_once"),
)
"""`link_hash`: of the link that was used; a claim says nothing about a link that took its place. `by_operator`: the
operator made the invitation, and decides about the claim as long as there is no admin."""
Index("ix_invitation_claims_organisation", invitation_claims.c.organisation_id, invitation_claims.c.id)
Index("ix_invitation_claims_link", invitation_claims.c.link_hash)
Index(
    "uq_invitation_claims_waiting",
    invitation_claims.c.link_hash,
    unique=True,
    postgresql_where=invitation_claims.c.state == ClaimState.WAITING.value,
)
