"""Mails on their way out, and the notices of `viewer.notifications`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from accord.database.tables.metadata import key, metadata

STATES: Final = ("QUEUED", "SENT", "FAILED", "DEAD")
COUNTED: Final = ("id", "organisation_id", "address", "external", "ordinal", "created_at")
"""The columns of a mail that the gateway may read: what the caps need."""

mails = Table(
    "mails",
    metadata,
    key(),
    Column("organisation_id", UUID, ForeignKey("organisations.id"), nullable=False),
    Column("partnership_id", UUID, ForeignKey("partnerships.id")),
    Column("template", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("display_name", Text),
    Column("facts", JSONB, nullable=False),
    Column("secret", Text),
    Column("external", Boolean, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("state", Text, nullable=False, server_default="QUEUED"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    CheckConstraint(f"state IN {STATES}", name="state"),
    CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent_at"),
    CheckConstraint("state NOT IN ('SENT', 'DEAD') OR secret IS NULL", name="secret_scrubbed"),
    Index("ix_mails_counted", "organisation_id", "created_at", postgresql_where=text("external")),
    Index("ix_mails_created_at", "created_at"),
)

notifications = Table(
    "notifications",
    metadata,
    key(),
    Column("user_id", UUID, ForeignKey("users.id"), nullable=False),
    Column("organisation_id", UUID, ForeignKey("organisations.id"), nullable=False),
    Column("partnership_id", UUID, ForeignKey("partnerships.id")),
    Column("template", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
    Index("ix_notifications_user_id_created_at", "user_id", "created_at"),
)
