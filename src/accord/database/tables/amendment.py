"""Amendments of partnerships: what they change, and who said what to it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, listed, metadata, one_of, reference, version
from accord.domain.amendment import TURN, AmendmentKind, AmendmentState
from accord.domain.partnership import GuestDecision, HostDecision, PartnershipSide

PENDING: Final = f"state IN ({listed(TURN)})"

amendments: Final = Table(
    "amendments",
    metadata,
    key(),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    Column("told_guest", Boolean(), nullable=False),
    Column("visible_guest_id", Uuid(), Computed("CASE WHEN told_guest THEN guest_id END", persisted=True)),
    Column("side", Text(), nullable=False),
    Column("kind", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    Column("terms_before", JSONB(), nullable=False),
    Column("terms_after", JSONB(), nullable=False),
    Column("opens_everything", Boolean(), nullable=False),
    reference("proposed_by", ForeignKey("accord.users.id")),
    instant("proposed_at", nullable=False),
    Column("host_decision", Text()),
    reference("host_decided_by", ForeignKey("accord.users.id"), nullable=True),
    instant("host_decided_at"),
    Column("guest_decision", Text()),
    reference("guest_decided_by", ForeignKey("accord.users.id"), nullable=True),
    instant("guest_decided_at"),
    Column("decision_reason", Text()),
    instant("lapses_at"),
    instant("ended_at"),
    version(),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    one_of("side", PartnershipSide),
    one_of("kind", AmendmentKind),
    one_of("state", AmendmentState),
    one_of("host_decision", HostDecision),
    one_of("guest_decision", GuestDecision),
    CheckConstraint(f"({PENDING}) = (ended_at IS NULL)", name="ended_once"),
    CheckConstraint(f"({PENDING}) = (lapses_at IS NOT NULL)", name="pending_lapses"),
    CheckConstraint("kind = 'WIDEN' OR state = 'APPLIED'", name="narrow_at_once"),
    CheckConstraint("told_guest OR (side = 'HOST' AND state NOT IN ('PENDING_GUEST', 'APPLIED'))", name="told"),
    CheckConstraint(
        "state <> 'APPLIED' OR (host_decided_by IS NOT NULL AND host_decision IN ('APPROVED', 'SKIPPED'))",
        name="host_applies",
    ),
    CheckConstraint(
        "state <> 'APPLIED' OR kind = 'NARROW' OR side = 'GUEST' OR guest_decision IS NOT DISTINCT FROM 'ACCEPTED'",
        name="guest_accepts",
    ),
    CheckConstraint(
        "host_decided_by <> guest_decided_by AND proposed_by <> "
        "CASE side WHEN 'HOST' THEN guest_decided_by ELSE host_decided_by END",
        name="two_people",
    ),
)
Index(
    "uq_amendments_open",
    amendments.c.partnership_id,
    amendments.c.told_guest,
    unique=True,
    postgresql_where=text(PENDING),
)
"""One that both sides know of, and at most one beside it that the guest does not know of yet."""
Index("ix_amendments_partnership", amendments.c.partnership_id, amendments.c.id)
Index("ix_amendments_lapses", amendments.c.lapses_at, postgresql_where=amendments.c.lapses_at.is_not(None))
