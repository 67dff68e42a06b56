"""Accounts and their owners; shares, grants, access requests and sign-in tickets under a partnership."""

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
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from accord.database.tables.metadata import instant, key, made_at, metadata, one_of, reference, version
from accord.domain.organisation import MembershipStatus
from accord.domain.sharing import (
    AccessItemState,
    AccountKind,
    AccountRole,
    AccountStatus,
    GrantOrigin,
    GrantState,
    ShareState,
)

accounts: Final = Table(
    "accounts",
    metadata,
    key(),
    reference("host_id", ForeignKey("accord.organisations.id")),
    Column("kind", Text(), nullable=False),
    Column("category", Text()),
    Column("app", Text(), nullable=False),
    Column("label", Text(), nullable=False),
    Column("launch_url", Text(), nullable=False),
    Column("status", Text(), nullable=False, server_default=AccountStatus.ACTIVE),
    version(),
    made_at(),
    one_of("kind", AccountKind),
    one_of("status", AccountStatus),
    UniqueConstraint("id", "host_id"),
    CheckConstraint("kind = 'ACCOUNT' OR category IS NOT NULL", name="product_has_category"),
    CheckConstraint("launch_url LIKE 'https://%'", name="launch_url_https"),
)
Index("ix_accounts_host", accounts.c.host_id, accounts.c.id)

account_ownerships: Final = Table(
    "account_ownerships",
    metadata,
    reference("account_id", primary_key=True),
    reference("user_id", primary_key=True),
    reference("host_id"),
    made_at(),
    ForeignKeyConstraint(["account_id", "host_id"], ["accord.accounts.id", "accord.accounts.host_id"]),
    ForeignKeyConstraint(["host_id", "user_id"], ["accord.memberships.organisation_id", "accord.memberships.user_id"]),
)
Index("ix_account_ownerships_user", account_ownerships.c.user_id, account_ownerships.c.account_id)

shares: Final = Table(
    "shares",
    metadata,
    key(),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    reference("account_id"),
    reference("shared_by", ForeignKey("accord.users.id")),
    Column("state", Text(), nullable=False),
    instant("shared_at", nullable=False),
    instant("expires_at"),
    instant("ended_at"),
    version(),
    one_of("state", ShareState),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    ForeignKeyConstraint(["account_id", "host_id"], ["accord.accounts.id", "accord.accounts.host_id"]),
    UniqueConstraint("id", "partnership_id", "account_id", "host_id", "guest_id", name="uq_shares_whole"),
)
Index(
    "uq_shares_live",
    shares.c.partnership_id,
    shares.c.account_id,
    unique=True,
    postgresql_where=shares.c.state != ShareState.REMOVED.value,
)
Index("ix_shares_partnership", shares.c.partnership_id, shares.c.id)
Index("ix_shares_account", shares.c.account_id, shares.c.id)
Index("ix_shares_guest", shares.c.guest_id, shares.c.account_id)

WHOLE_SHARE: Final = ["id", "partnership_id", "account_id", "host_id", "guest_id"]


def _under_share() -> ForeignKeyConstraint:
    columns = ["share_id", *WHOLE_SHARE[1:]]
    return ForeignKeyConstraint(columns, [f"accord.shares.{column}" for column in WHOLE_SHARE])


grants: Final = Table(
    "grants",
    metadata,
    key(),
    reference("share_id"),
    reference("partnership_id"),
    reference("account_id"),
    reference("host_id"),
    reference("guest_id"),
    reference("user_id", ForeignKey("accord.users.id")),
    Column("role", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    Column(
        "member_status",
        Text(),
        Computed(f"CASE WHEN state = 'ACTIVE' THEN '{MembershipStatus.ACTIVE}' END", persisted=True),
    ),
    Column("origin", Text(), nullable=False),
    reference("granted_by", ForeignKey("accord.users.id")),
    instant("granted_at", nullable=False),
    instant("expires_at"),
    instant("last_used_at"),
    Column("expiry_noticed_days", Integer()),
    instant("ended_at"),
    version(),
    one_of("role", AccountRole),
    one_of("state", GrantState),
    one_of("origin", GrantOrigin),
    _under_share(),
    ForeignKeyConstraint(
        ["guest_id", "user_id", "member_status"],
        ["accord.memberships.organisation_id", "accord.memberships.user_id", "accord.memberships.status"],
        name="fk_grants_active_member",
    ),
)
Index(
    "uq_grants_live",
    grants.c.share_id,
    grants.c.user_id,
    unique=True,
    postgresql_where=grants.c.state == GrantState.ACTIVE.value,
)
Index("ix_grants_share", grants.c.share_id, grants.c.id)
Index("ix_grants_account", grants.c.account_id, grants.c.id)
Index("ix_grants_partnership", grants.c.partnership_id, grants.c.user_id)
Index("ix_grants_user", grants.c.user_id, grants.c.state)

access_items: Final = Table(
    "access_items",
    metadata,
    key(),
    reference("request_id"),
    reference("share_id"),
    reference("partnership_id"),
    reference("account_id"),
    reference("host_id"),
    reference("guest_id"),
    reference("member_user_id", ForeignKey("accord.users.id")),
    reference("requested_by", ForeignKey("accord.users.id")),
    Column("role", Text(), nullable=False),
    Column("note", Text()),
    Column("state", Text(), nullable=False),
    made_at(),
    instant("lapses_at", nullable=False),
    reference("decided_by", ForeignKey("accord.users.id"), nullable=True),
    instant("decided_at"),
    Column("decision_note", Text()),
    reference("grant_id", ForeignKey("accord.grants.id"), nullable=True),
    version(),
    one_of("role", AccountRole),
    one_of("state", AccessItemState),
    _under_share(),
)
Index(
    "uq_access_items_pending",
    access_items.c.share_id,
    access_items.c.member_user_id,
    unique=True,
    postgresql_where=access_items.c.state == AccessItemState.PENDING.value,
)
Index("ix_access_items_share", access_items.c.share_id, access_items.c.id)
Index("ix_access_items_member", access_items.c.member_user_id)
Index("ix_access_items_account", access_items.c.account_id, access_items.c.id)
Index("ix_access_items_partnership", access_items.c.partnership_id)
Index("ix_access_items_lapses", access_items.c.lapses_at, postgresql_where=access_items.c.state == "PENDING")

tickets: Final = Table(
    "tickets",
    metadata,
    key(),
    reference("account_id"),
    reference("host_id"),
    reference("guest_id", nullable=True),
    reference("grant_id", ForeignKey("accord.grants.id"), nullable=True, index=True),
    reference("user_id", ForeignKey("accord.users.id")),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("acting_session_id", ForeignKey("accord.acting_sessions.id"), nullable=True),
    Column("audience", Text(), nullable=False),
    Column("mfa", Boolean(), nullable=False, server_default=text("false")),
    instant("issued_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("redeemed_at"),
    instant("voided_at"),
    ForeignKeyConstraint(["account_id", "host_id"], ["accord.accounts.id", "accord.accounts.host_id"]),
    CheckConstraint("redeemed_at IS NULL OR voided_at IS NULL", name="one_end"),
)
Index("ix_tickets_account", tickets.c.account_id)
