"""Mails on their way out, those that wait, and the notices of `viewer.notifications`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.tables.metadata import instant, key, metadata, one_of, reference
from accord.domain.mail_budget import MailBudget
from accord.domain.notice import MailState, Template

COUNTED: Final = (
    *("id", "organisation_id", "address", "address_key", "template", "about", "budget", "external", "ordinal"),
    "created_at",
)
"""The columns of a mail that the gateway may read: its key, and what the caps need."""

mails: Final = Table(
    "mails",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("partnership_id", ForeignKey("accord.partnerships.id"), nullable=True),
    Column("template", Text(), nullable=False),
    Column("address", Text(), nullable=False),
    Column("address_key", Text(), nullable=False, server_default=text("''")),
    Column("about", Text()),
    Column("budget", Text()),
    Column("display_name", Text()),
    Column("facts", JSONB(), nullable=False),
    Column("secret", Text()),
    Column("external", Boolean(), nullable=False),
    Column("ordinal", SmallInteger(), nullable=False),
    Column("state", Text(), nullable=False, server_default=MailState.QUEUED),
    Column("attempts", Integer(), nullable=False, server_default=text("0")),
    Column("last_error", Text()),
    instant("created_at", nullable=False),
    instant("claimed_at"),
    instant("sent_at"),
    one_of("template", Template),
    one_of("state", MailState),
    one_of("budget", MailBudget),
    CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent_at_when_sent"),
    CheckConstraint("state <> 'SENDING' OR claimed_at IS NOT NULL", name="claimed_at_when_sending"),
    CheckConstraint("state NOT IN ('SENT', 'DEAD') OR secret IS NULL", name="secret_forgotten"),
)
Index(
    "ix_mails_budget",
    mails.c.organisation_id,
    mails.c.budget,
    mails.c.created_at,
    postgresql_where=mails.c.budget.is_not(None),
)
Index("ix_mails_recipient", mails.c.organisation_id, mails.c.address_key, mails.c.created_at)
Index("ix_mails_created_at", mails.c.created_at)
Index("ix_mails_waiting", mails.c.created_at, postgresql_where=mails.c.state.in_((MailState.QUEUED, MailState.FAILED)))

mail_turns: Final = Table(
    "mail_turns",
    metadata,
    Column("key", Text(), primary_key=True),
    instant("until", nullable=False),
    Column("count", Integer(), nullable=False),
    Column("waiting", Boolean(), nullable=False, server_default=text("false")),
)
"""How many mails of one kind, about one pair, have left for one recipient within the hour that ends at `until`, and
whether others wait for its end. The key is a hash: the row says nothing about whom it concerns."""

held_mails: Final = Table(
    "held_mails",
    metadata,
    key(),
    Column("key", Text(), nullable=False),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    reference("partnership_id", ForeignKey("accord.partnerships.id"), nullable=True),
    Column("template", Text(), nullable=False),
    Column("address", Text(), nullable=False),
    Column("about", Text()),
    Column("budget", Text()),
    Column("display_name", Text()),
    Column("facts", JSONB(), nullable=False),
    Column("secret", Text()),
    instant("due_at"),
    instant("created_at", nullable=False),
    one_of("template", Template),
    one_of("budget", MailBudget),
    CheckConstraint("(due_at IS NULL) = (secret IS NULL)", name="due_at_with_secret"),
)
"""Mails over a cap. One with a link waits until `due_at`, and only the newest of its key leaves; the others are merged
into one digest when the hour of their key is over."""
Index("ix_held_mails_key", held_mails.c.key)
Index("ix_held_mails_due_at", held_mails.c.due_at, postgresql_where=held_mails.c.due_at.is_not(None))

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
Index("ix_notifications_created_at", notifications.c.created_at)
