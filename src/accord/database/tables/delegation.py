"""Delegated roles, the partner's groups that hold them, and who is in these groups."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
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

from accord.database.tables.metadata import instant, key, metadata, one_of, reference, version, words
from accord.domain.delegation import DelegatedRole, DelegationState, RoleGroupState
from accord.domain.organisation import MembershipStatus

WHOLE: Final = ["id", "partnership_id", "host_id", "guest_id"]

role_delegations: Final = Table(
    "role_delegations",
    metadata,
    key(),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    Column("role", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    Column(
        "group_state",
        Text(),
        Computed(
            f"CASE WHEN state = 'ACTIVE' THEN '{RoleGroupState.ACTIVE}' ELSE '{RoleGroupState.DELETED}' END",
            persisted=True,
        ),
    ),
    words("notify_addresses"),
    reference("granted_by", ForeignKey("accord.users.id")),
    Column("role_version", Integer(), nullable=False, server_default=text("1")),
    instant("granted_at", nullable=False),
    instant("expires_at"),
    instant("ended_at"),
    version(),
    one_of("role", DelegatedRole),
    one_of("state", DelegationState),
    CheckConstraint("(state = 'ACTIVE') = (ended_at IS NULL)", name="ended_once"),
    CheckConstraint("cardinality(notify_addresses) BETWEEN 1 AND 20", name="somebody_told"),
    ForeignKeyConstraint(
        ["partnership_id", "host_id", "guest_id"],
        ["accord.partnerships.id", "accord.partnerships.host_id", "accord.partnerships.guest_id"],
    ),
    UniqueConstraint(*WHOLE, "role", "group_state", name="uq_role_delegations_whole"),
)
Index(
    "uq_role_delegations_live",
    role_delegations.c.partnership_id,
    role_delegations.c.role,
    unique=True,
    postgresql_where=role_delegations.c.state == DelegationState.ACTIVE.value,
)
Index("ix_role_delegations_partnership", role_delegations.c.partnership_id, role_delegations.c.id)
Index(
    "ix_role_delegations_expires",
    role_delegations.c.expires_at,
    postgresql_where=role_delegations.c.expires_at.is_not(None),
)

role_groups: Final = Table(
    "role_groups",
    metadata,
    key(),
    reference("delegation_id", unique=True),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    Column("role", Text(), nullable=False),
    Column("state", Text(), nullable=False),
    version(),
    one_of("state", RoleGroupState),
    ForeignKeyConstraint(
        ["delegation_id", *WHOLE[1:], "role", "state"],
        [f"accord.role_delegations.{column}" for column in (*WHOLE, "role", "group_state")],
        name="fk_role_groups_delegation",
        onupdate="CASCADE",
    ),
    UniqueConstraint(*WHOLE, name="uq_role_groups_whole"),
    UniqueConstraint("id", "state"),
)
"""One per delegation; its state is the delegation's, and follows it."""
Index("ix_role_groups_guest", role_groups.c.guest_id, role_groups.c.id)

role_group_members: Final = Table(
    "role_group_members",
    metadata,
    key(),
    reference("group_id"),
    reference("partnership_id"),
    reference("host_id"),
    reference("guest_id"),
    reference("user_id", ForeignKey("accord.users.id")),
    reference("added_by", ForeignKey("accord.users.id")),
    instant("added_at", nullable=False),
    instant("expires_at"),
    instant("ended_at"),
    Column(
        "group_state",
        Text(),
        Computed(f"CASE WHEN ended_at IS NULL THEN '{RoleGroupState.ACTIVE}' END", persisted=True),
    ),
    Column(
        "member_status",
        Text(),
        Computed(f"CASE WHEN ended_at IS NULL THEN '{MembershipStatus.ACTIVE}' END", persisted=True),
    ),
    ForeignKeyConstraint(
        ["group_id", *WHOLE[1:]],
        [f"accord.role_groups.{column}" for column in WHOLE],
        name="fk_role_group_members_group",
    ),
    ForeignKeyConstraint(
        ["group_id", "group_state"],
        ["accord.role_groups.id", "accord.role_groups.state"],
        name="fk_role_group_members_active_group",
    ),
    ForeignKeyConstraint(
        ["guest_id", "user_id", "member_status"],
        ["accord.memberships.organisation_id", "accord.memberships.user_id", "accord.memberships.status"],
        name="fk_role_group_members_active_member",
    ),
)
"""Whoever is in a group is an active member of the guest, and the group is not deleted; ended rows tell who was."""
Index(
    "uq_role_group_members_live",
    role_group_members.c.group_id,
    role_group_members.c.user_id,
    unique=True,
    postgresql_where=role_group_members.c.ended_at.is_(None),
)
Index(
    "ix_role_group_members_partnership",
    role_group_members.c.partnership_id,
    postgresql_where=role_group_members.c.ended_at.is_(None),
)
Index("ix_role_group_members_group", role_group_members.c.group_id, role_group_members.c.id)
Index(
    "ix_role_group_members_user",
    role_group_members.c.user_id,
    role_group_members.c.partnership_id,
    postgresql_where=role_group_members.c.ended_at.is_(None),
)
