"""What came of mutations that were sent with a key, kept for whoever sends the same again (surface.md)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text, UniqueConstraint

from accord.database.tables.metadata import instant, key, metadata, reference

retries: Final = Table(
    "retries",
    metadata,
    key(),
    Column("actor", Text(), nullable=False),
    reference("acting_session_id", nullable=True),
    Column("mutation", Text(), nullable=False),
    Column("place", Text(), nullable=False),
    Column("key_hash", Text(), nullable=False),
    Column("arguments_hash", Text(), nullable=False),
    Column("result", LargeBinary()),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    UniqueConstraint(
        "actor",
        "acting_session_id",
        "mutation",
        "place",
        "key_hash",
        name="uq_retries_attempt",
        postgresql_nulls_not_distinct=True,
    ),
)
"""`result` is sealed: it may hold what is shown once. It is null only until the act's own transaction ends."""
Index("ix_retries_expires_at", retries.c.expires_at)
