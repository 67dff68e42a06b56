"""Partnerships, their attempts, invitation tokens and the terms of service."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, listed, made_at, metadata, one_of, reference, version, words
from accord.domain.level import DataAccessLevel
from accord.domain.partnership import OPEN, GuestDecision, Holder, HostDecision, PartnershipPath, PartnershipState

partnerships: Final = Table(
    "partnerships",
    metadata,
    key(),
    reference("host_id", ForeignKey("accord.organisations.id")),
    reference("guest_id", ForeignKey("accord.organisations.id")),
    Column("told_guest", Boolean(), nullable=False, server_default=text("false")),
    Column("visible_guest_id", Uuid(), Computed("CASE WHEN told_guest THEN guest_id END", persisted=True)),
    Column("asked_by_guest", Boolean(), nullable=False, server_default=text("false")),
    Column("path", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    reference("created_by_user_id", ForeignKey("accord.users.id"), nullable=True),
    reference("requester_user_id", ForeignKey("accord.users.id"), nullable=True),
    reference("owner_user_id", ForeignKey("accord.users.id"), nullable=True),
    Column("co_owner_ids", ARRAY(Uuid()), nullable=False, server_default=text("'{}'")),
    reference("representative_user_id", ForeignKey("accord.users.id"), nullable=True),
    Column("contact_email", Text()),
    words("purposes"),
    Column("access_mode", Text(), nullable=False, server_default="LIMITED"),
    Column("wallet_entrusted", Boolean(), nullable=False, server_default=text("false")),
    instant("starts_at"),
    instant("expires_at"),
    Column("auto_extend", Interval()),
    words("suspended_by"),
    reference("link_id", nullable=True),
    Column("granted_level", Text(), nullable=False, server_default=DataAccessLevel.NONE),
    reference("level_changed_by", ForeignKey("accord.users.id"), nullable=True),
    instant("level_changed_at"),
    instant("lapses_at"),
    instant("lapse_noticed_at"),
    Column("expiry_noticed_days", Integer()),
    Column("resends", Integer(), nullable=False, server_default=text("0")),
    instant("last_resent_at"),
    instant("ended_at"),
    Column("end_reason", Text()),
    version(),
    made_at(),
    one_of("state", PartnershipState),
    one_of("path", PartnershipPath),
    one_of("granted_level", DataAccessLevel),
    UniqueConstraint("id", "host_id", "guest_id"),
    ForeignKeyConstraint(
        ["link_id", "host_id", "guest_id"],
        ["accord.partner_links.id", "accord.partner_links.customer_id", "accord.partner_links.partner_id"],
        name="fk_partnerships_link_id",
    ),
    CheckConstraint(
        "path = 'VENDOR_LINK' OR (created_by_user_id IS NOT NULL AND requester_user_id IS NOT NULL)",
        name="made_by_somebody",
    ),
    CheckConstraint("granted_level = 'NONE' OR state IN ('ACTIVE', 'SUSPENDED')", name="level_while_connected"),
    CheckConstraint("granted_level <> 'MANAGE' OR level_changed_by IS NOT NULL", name="manage_by_a_person"),
    CheckConstraint("host_id <> guest_id", name="two_organisations"),
    CheckConstraint("access_mode IN ('LIMITED', 'COMPLETE')", name="access_mode_known"),
    CheckConstraint("NOT wallet_entrusted OR access_mode = 'COMPLETE'", name="wallet_with_complete"),
    CheckConstraint("state NOT IN ('ACTIVE', 'SUSPENDED') OR starts_at IS NOT NULL", name="connected_has_start"),
    CheckConstraint(
        "state NOT IN ('AWAITING_GUEST_ACCEPTANCE', 'DECLINED_BY_GUEST', 'ACTIVE', 'SUSPENDED') "
        "OR (owner_user_id IS NOT NULL AND told_guest)",
        name="approved_has_owner",
    ),
    CheckConstraint("state <> 'AWAITING_HOST_APPROVAL' OR told_guest = asked_by_guest", name="untold"),
    CheckConstraint("NOT asked_by_guest OR path = 'GUEST_REQUEST'", name="guest_asks"),
    CheckConstraint("(state = 'SUSPENDED') = (suspended_by <> '{}')", name="suspended_by_somebody"),
    CheckConstraint(f"suspended_by <@ ARRAY[{listed(Holder)}]", name="holders_known"),
    CheckConstraint("auto_extend > interval '0'", name="extension_positive"),
    CheckConstraint(f"(state IN ({listed(OPEN)})) = (ended_at IS NULL)", name="ended_once"),
)
Index(
    "uq_partnerships_open_pair",
    partnerships.c.host_id,
    partnerships.c.guest_id,
    unique=True,
    postgresql_where=text(f"state IN ({listed(OPEN)})"),
)
Index("ix_partnerships_host", partnerships.c.host_id, partnerships.c.id)
Index("ix_partnerships_visible_guest", partnerships.c.visible_guest_id, partnerships.c.id)
Index("ix_partnerships_guest", partnerships.c.guest_id, partnerships.c.host_id)
Index("ix_partnerships_owned", partnerships.c.owner_user_id, partnerships.c.host_id)
Index("ix_partnerships_representative", partnerships.c.representative_user_id)
Index("ix_partnerships_created_by", partnerships.c.created_by_user_id)
Index(
    "ix_partnerships_co_owned",
    partnerships.c.host_id,
    partnerships.c.id,
    postgresql_where=text("co_owner_ids <> '{}'::uuid[]"),
)
Index("ix_partnerships_link", partnerships.c.link_id)
Index("ix_partnerships_lapses", partnerships.c.lapses_at, postgresql_where=partnerships.c.lapses_at.is_not(None))

attempts: Final = Table(
    "attempts",
    metadata,
    key(),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    Column(
        "visible_guest_id",
        Uuid(),
        Computed("CASE WHEN by_guest OR host_decision IN ('APPROVED', 'SKIPPED') THEN guest_id END", persisted=True),
    ),
    Column("by_guest", Boolean(), nullable=False, server_default=text("false")),
    Column("number", Integer(), nullable=False),
    Column("terms", JSONB(), nullable=False),
    Column("reason", Text()),
    reference("submitted_by", ForeignKey("accord.users.id")),
    instant("submitted_at", nullable=False),
    Column("host_decision", Text()),
    reference("host_decided_by", ForeignKey("accord.users.id"), nullable=True),
    instant("host_decided_at"),
    Column("host_reason", Text()),
    Column("guest_decision", Text()),
    reference("guest_decided_by", ForeignKey("accord.users.id"), nullable=True),
    instant("guest_decided_at"),
    Column("guest_reason", Text()),
    reference("terms_version_id", ForeignKey("accord.terms_versions.id"), nullable=True),
    instant("lapses_at", nullable=False),
    Column("reminders_sent", Integer(), nullable=False, server_default=text("0")),
    instant("last_reminder_at"),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    UniqueConstraint("partnership_id", "number"),
    one_of("host_decision", HostDecision),
    one_of("guest_decision", GuestDecision),
    CheckConstraint(
        "guest_decision IS NULL OR coalesce(host_decision IN ('APPROVED', 'SKIPPED'), false)", name="host_first"
    ),
    CheckConstraint("host_decided_by IS NULL OR host_decided_by <> guest_decided_by", name="two_people"),
)

invitations: Final = Table(
    "invitations",
    metadata,
    Column("token_hash", Text(), primary_key=True),
    reference("partnership_id"),
    reference("attempt_id", ForeignKey("accord.attempts.id"), index=True),
    reference("host_id"),
    reference("guest_id"),
    Column("email", Text(), nullable=False),
    instant("expires_at", nullable=False),
    instant("used_at"),
    instant("voided_at"),
    made_at(),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
)
Index("ix_invitations_partnership", invitations.c.partnership_id)

terms_versions: Final = Table(
    "terms_versions",
    metadata,
    key(),
    Column("code", Text(), nullable=False),
    Column("version", Text(), nullable=False),
    Column("text", Text(), nullable=False),
    Column("text_hash", Text(), nullable=False),
    instant("published_at", nullable=False),
    UniqueConstraint("code", "version"),
)

terms_acceptances: Final = Table(
    "terms_acceptances",
    metadata,
    key(),
    reference("terms_version_id", ForeignKey("accord.terms_versions.id")),
    reference("partnership_id"),
    reference("attempt_id", ForeignKey("accord.attempts.id"), nullable=True, index=True),
    reference("amendment_id", ForeignKey("accord.amendments.id"), nullable=True),
    reference("host_id"),
    reference("guest_id"),
    reference("user_id", ForeignKey("accord.users.id")),
    instant("accepted_at", nullable=False),
    Column("ip", Text(), nullable=False),
    Column("user_agent", Text(), nullable=False),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    UniqueConstraint("amendment_id"),
    CheckConstraint("num_nonnulls(attempt_id, amendment_id) = 1", name="for_one_yes"),
)
