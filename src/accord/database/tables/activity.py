"""Activity: append-only events in one chain per organisation, and the head of each chain."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
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
    Column("facts", ARRAY(Text()), nullable=False, server_default=text("'{}'")),
    Column("salt", LargeBinary()),
    Column("fact_keys", JSONB(none_as_null=True)),
    Column("erased", JSONB(none_as_null=True)),
    Column("previous_hash", Text(), nullable=False),
    Column("hash", Text(), nullable=False),
    one_of("outcome", Outcome),
    CheckConstraint("sequence > 0", name="sequence_counts"),
    UniqueConstraint("stream_id", "sequence"),
)
"""`facts` names the personal facts of an event, whose salt is `salt`. Where some of them were erased, `erased` keeps
their commitments and `fact_keys` the derived salts of the others (docs/chain.md)."""
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

Index("ix_activity_events_type", activity_events.c.stream_id, activity_events.c.type, "sequence")
Index(
    "ix_activity_events_outcome",
    activity_events.c.stream_id,
    activity_events.c.outcome,
    "sequence",
    postgresql_where=text("outcome <> 'SUCCESS'"),
)
Index(
    "ix_activity_events_app",
    activity_events.c.stream_id,
    activity_events.c.app,
    "sequence",
    postgresql_where=activity_events.c.app.is_not(None),
)
OTHER_SIDE: Final = "\nCASE\n WHEN stream_id = host_id THEN guest_id\n ELSE host_id\nEND"
"""As PostgreSQL writes it, so that a comparison of the schemas finds no difference."""
Index("ix_activity_events_partner", activity_events.c.stream_id, text(f"({OTHER_SIDE})"), "sequence")
Index(
    "ix_activity_events_third",
    activity_events.c.stream_id,
    activity_events.c.guest_id,
    "sequence",
    postgresql_where=text(f"guest_id <> stream_id AND ({OTHER_SIDE}) IS DISTINCT FROM guest_id"),
)

chain_heads: Final = Table(
    "chain_heads",
    metadata,
    Column("stream_id", Uuid(), primary_key=True),
    Column("sequence", BigInteger(), nullable=False),
    Column("hash", Text(), nullable=False),
    Column("anchored", BigInteger(), nullable=False, server_default=text("0")),
)
"""`anchored`: the number that the newest checkpoint in the platform's stream has on record."""
