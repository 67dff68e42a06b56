"""Policies: what each organisation rules for its partnerships."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, ForeignKey, Interval, Table, Uuid, text

from accord.database.tables.metadata import metadata, reference, version


def _organisations(name: str) -> Column[list[object]]:
    return Column(name, ARRAY(Uuid()), nullable=False, server_default=text("'{}'"))


organisation_policies: Final = Table(
    "organisation_policies",
    metadata,
    reference("id", ForeignKey("accord.organisations.id"), primary_key=True),
    Column("max_partnership_duration", Interval()),
    Column("default_auto_extend", Interval()),
    Column("require_mfa", Boolean(), nullable=False, server_default=text("false")),
    Column("require_reason", Boolean(), nullable=False, server_default=text("false")),
    _organisations("allowed_partners"),
    _organisations("blocked_partners"),
    _organisations("auto_approve_partners"),
    Column("host_admin_may_unshare", Boolean(), nullable=False, server_default=text("true")),
    Column("roles_only_to_partner_of_record", Boolean(), nullable=False, server_default=text("true")),
    Column("representative_manages_groups", Boolean(), nullable=False, server_default=text("false")),
    Column("explicit_assignment", Boolean(), nullable=False, server_default=text("false")),
    Column("admin_may_invite", Boolean(), nullable=False, server_default=text("false")),
    Column("frozen", Boolean(), nullable=False, server_default=text("false")),
    version(),
    CheckConstraint("max_partnership_duration > interval '0'", name="duration_positive"),
    CheckConstraint("default_auto_extend > interval '0'", name="extension_positive"),
)
"""One row an organisation, keyed by it; no row means the defaults."""
