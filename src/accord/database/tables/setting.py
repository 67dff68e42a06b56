"""Settings and features of organisations, and what people acting in them have changed and nobody was told yet."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text

from accord.database.tables.metadata import key, made_at, metadata, reference, version, words
from accord.domain.setting import FIRST_LOCALE, FIRST_TIME_ZONE

organisation_settings: Final = Table(
    "organisation_settings",
    metadata,
    reference("id", ForeignKey("accord.organisations.id"), primary_key=True),
    Column("locale", Text(), nullable=False, server_default=FIRST_LOCALE),
    Column("time_zone", Text(), nullable=False, server_default=FIRST_TIME_ZONE),
    words("notification_addresses"),
    Column("security_contact", Text()),
    version(),
    CheckConstraint("cardinality(notification_addresses) <= 20", name="addresses_bounded"),
)
"""One row an organisation, keyed by it; no row means the defaults. The display name is the organisation's name."""

organisation_features: Final = Table(
    "organisation_features",
    metadata,
    reference("organisation_id", ForeignKey("accord.organisations.id"), primary_key=True),
    Column("key", Text(), primary_key=True),
    Column("enabled", Boolean(), nullable=False),
    version(),
)
"""The features that somebody has set; the others are as the product has them at first."""

acting_changes: Final = Table(
    "acting_changes",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    Column("change", Text(), nullable=False),
    made_at(),
)
"""Lines of the daily digest for an organisation's admins (model 4.11); told and forgotten by the worker."""
Index("ix_acting_changes_organisation", acting_changes.c.organisation_id, acting_changes.c.created_at)
