"""Acting sessions: who works in another organisation, on what basis and why (model 4.8)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text

from accord.database.tables.metadata import instant, key, metadata, one_of, reference
from accord.domain.acting import Basis, SessionState
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel

acting_sessions: Final = Table(
    "acting_sessions",
    metadata,
    key(),
    reference("user_id", ForeignKey("accord.users.id")),
    reference("home_id", ForeignKey("accord.organisations.id")),
    reference("host_id", ForeignKey("accord.organisations.id")),
    reference("partnership_id", ForeignKey("accord.partnerships.id"), nullable=True),
    Column("basis", Text(), nullable=False),
    Column("level", Text()),
    Column("role_key", Text()),
    reference("role_group_id", ForeignKey("accord.role_groups.id"), nullable=True),
    reference("contact_id", ForeignKey("accord.external_contacts.id"), nullable=True),
    Column("reason", Text()),
    Column("state", Text(), nullable=False),
    instant("started_at", nullable=False),
    instant("used_at", nullable=False),
    instant("ends_at", nullable=False),
    instant("ended_at"),
    Column("ip", Text(), nullable=False),
    Column("user_agent", Text(), nullable=False),
    one_of("basis", Basis),
    one_of("state", SessionState),
    one_of("level", (DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE)),
    one_of("role_key", DelegatedRole),
    CheckConstraint("home_id <> host_id", name="two_organisations"),
    CheckConstraint("(state = 'ACTIVE') = (ended_at IS NULL)", name="ended_once"),
    CheckConstraint("ends_at > started_at AND ends_at <= started_at + interval '60 minutes'", name="an_hour_at_most"),
    CheckConstraint(
        "CASE basis WHEN 'LEVEL' THEN level IS NOT NULL AND num_nonnulls(role_key, role_group_id, contact_id) = 0"
        " WHEN 'ROLE_GROUP' THEN num_nonnulls(role_key, role_group_id) = 2 AND num_nonnulls(level, contact_id) = 0"
        " ELSE num_nonnulls(role_key, contact_id) = 2 AND num_nonnulls(level, role_group_id) = 0 END",
        name="one_basis",
    ),
    CheckConstraint("partnership_id IS NOT NULL OR basis = 'CONTACT'", name="under_a_partnership"),
)
LIVE: Final = acting_sessions.c.ended_at.is_(None)
Index("ix_acting_sessions_user", acting_sessions.c.user_id, acting_sessions.c.id)
Index("ix_acting_sessions_partnership", acting_sessions.c.partnership_id, postgresql_where=LIVE)
Index("ix_acting_sessions_host", acting_sessions.c.host_id, postgresql_where=LIVE)
Index("ix_acting_sessions_ends", acting_sessions.c.ends_at, postgresql_where=LIVE)
