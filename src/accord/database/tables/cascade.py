"""Cascades that an act has begun and the worker finishes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, made_at, metadata, one_of, reference
from accord.domain.cascade import CascadeKind

cascades: Final = Table(
    "cascades",
    metadata,
    key(),
    reference("organisation_id"),
    reference("actor_user_id", nullable=True),
    Column("kind", Text(), nullable=False),
    reference("subject_id"),
    Column("facts", JSONB(none_as_null=True)),
    Column("author", JSONB(none_as_null=True)),
    Column("total", Integer(), nullable=False),
    Column("done", Integer(), nullable=False, server_default=text("0")),
    reference("position", nullable=True),
    Column("failed", ARRAY(Uuid()), nullable=False, server_default=text("'{}'")),
    made_at(),
    instant("finished_at"),
    one_of("kind", CascadeKind),
    CheckConstraint("total > 0 AND done >= 0", name="counts"),
    CheckConstraint("(finished_at IS NULL) = (author IS NOT NULL)", name="author_until_finished"),
    CheckConstraint("(finished_at IS NULL) = (facts IS NOT NULL)", name="facts_until_finished"),
)
"""`organisation_id`: in whose name the act was done, the platform's for its operator. `author` is how the events name
who did it, and `facts` what its steps need; both are forgotten when it is finished. `position`: the last thing that
was reached; `failed`: things up to there that could not be done yet."""
Index("ix_cascades_organisation", cascades.c.organisation_id, cascades.c.id)
Index("ix_cascades_unfinished", cascades.c.id, postgresql_where=cascades.c.finished_at.is_(None))
