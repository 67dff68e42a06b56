"""Browsers that are signed in, and those on their way to an identity provider."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text

from accord.database.tables.metadata import instant, key, metadata, reference, words

browser_sessions: Final = Table(
    "browser_sessions",
    metadata,
    key(),
    Column("token_hash", Text(), nullable=False, unique=True),
    Column("issuer", Text(), nullable=False),
    Column("subject", Text(), nullable=False),
    reference("user_id", ForeignKey("accord.users.id"), nullable=True),
    Column("email", Text()),
    Column("email_verified", Boolean(), nullable=False),
    Column("name", Text()),
    Column("mfa", Boolean(), nullable=False),
    words("speaks_for"),
    instant("started_at", nullable=False),
    instant("used_at", nullable=False),
    instant("ends_at", nullable=False),
    instant("ended_at"),
    CheckConstraint("ends_at > started_at AND ends_at <= started_at + interval '12 hours'", name="a_day_at_work"),
)
"""What the provider said when a browser signed in; of the cookie only its hash. Kept until the end of its time."""
Index("ix_browser_sessions_identity", browser_sessions.c.issuer, browser_sessions.c.subject)
Index("ix_browser_sessions_user", browser_sessions.c.user_id, postgresql_where=browser_sessions.c.ended_at.is_(None))
Index("ix_browser_sessions_ends_at", browser_sessions.c.ends_at)

sign_in_attempts: Final = Table(
    "sign_in_attempts",
    metadata,
    Column("secret_hash", Text(), primary_key=True),
    Column("issuer", Text(), nullable=False),
    Column("return_to", Text(), nullable=False),
    instant("expires_at", nullable=False),
)
"""Who went to a provider and may come back once: keyed by the hash of the browser's secret."""
Index("ix_sign_in_attempts_expires_at", sign_in_attempts.c.expires_at)
