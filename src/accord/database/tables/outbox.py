"""Mails on their way out, and the notices of `viewer.notifications`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, metadata, one_of, reference
from accord.domain.notice import MailState, Template

COUNTED: Final = ("id", "organisation_id", "address", "external", "ordinal", "created_at")
"""The columns of a mail that the gateway may read: its key, and what the caps need."""

mails: Final = Table(
    "mails",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("partnership_id", ForeignKey("accord.partnerships.id"), nullable=True),
    Column("template", Text(), nullable=False),
    Column("address", Text(), nullable=False),
    Column("display_name", Text()),
    Column("facts", JSONB(), nullable=False),
    Column("secret", Text()),
    Column("external", Boolean(), nullable=False),
    Column("ordinal", SmallInteger(), nullable=False),
    Column("state", Text(), nullable=False, server_default=MailState.QUEUED),
    Column("attempts", Integer(), nullable=False, server_default=text("0")),
    Column("last_error", Text()),
    instant("created_at", nullable=False),
    instant("sent_at"),
    one_of("template", Template),
    one_of("state", MailState),
    CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent_at_when_sent"),
    CheckConstraint("state NOT IN ('SENT', 'DEAD') OR secret IS NULL", name="secret_forgotten"),
)
Index("ix_mails_counted", mails.c.organisation_id, mails.c.created_at, postgresql_where=mails.c.external)
Index("ix_mails_created_at", mails.c.created_at)

notifications: Final = Table(
    "notifications",
    metadata,
    key(),
    reference("user_id", ForeignKey("accord.users.id")),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("partnership_id", ForeignKey("accord.partnerships.id"), nullable=True),
    Column("template", Text(), nullable=False),
    Column("subject", Text(), nullable=False),
    Column("text", Text(), nullable=False),
    instant("created_at", nullable=False),
    instant("read_at"),
    one_of("template", Template),
)
Index("ix_notifications_user_id_created_at", notifications.c.user_id, notifications.c.created_at, notifications.c.id)
