"""Activity: append-only events in one chain per organisation, and the head of each chain."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, metadata, one_of, reference
from accord.domain.activity import Outcome

activity_events: Final = Table(
    "activity_events",
    metadata,
    key(),
    reference("stream_id"),
    Column("sequence", BigInteger(), nullable=False),
    instant("occurred_at", nullable=False),
    Column("type", Text(), nullable=False),
    Column("outcome", Text(), nullable=False),
    reference("actor_user_id", nullable=True),
    Column("actor_name", Text(), nullable=False),
    reference("actor_home_organisation_id", nullable=True),
    reference("acting_session_id", nullable=True),
    reference("actor_api_client_id", nullable=True),
    reference("host_id", nullable=True),
    reference("guest_id", nullable=True),
    reference("partnership_id", nullable=True),
    reference("account_id", nullable=True),
    Column("account_label", Text()),
    Column("app", Text()),
    Column("location", Text()),
    Column("os", Text()),
    Column("device", Text()),
    Column("ip", Text()),
    Column("reason", Text()),
    Column("data", JSONB(), nullable=False),
    Column("previous_hash", Text(), nullable=False),
    Column("hash", Text(), nullable=False),
    one_of("outcome", Outcome),
    UniqueConstraint("stream_id", "sequence"),
)
Index("ix_activity_events_account", activity_events.c.stream_id, activity_events.c.account_id, "sequence")
Index("ix_activity_events_partnership", activity_events.c.stream_id, activity_events.c.partnership_id, "sequence")
Index("ix_activity_events_actor", activity_events.c.stream_id, activity_events.c.actor_user_id, "sequence")
Index("ix_activity_events_occurred_at", activity_events.c.stream_id, activity_events.c.occurred_at)

Index(
    "ix_activity_events_session",
    activity_events.c.stream_id,
    activity_events.c.acting_session_id,
    "sequence",
    postgresql_where=activity_events.c.acting_session_id.is_not(None),
)

chain_heads: Final = Table(
    "chain_heads",
    metadata,
    Column("stream_id", Uuid(), primary_key=True),
    Column("sequence", BigInteger(), nullable=False),
    Column("hash", Text(), nullable=False),
)
