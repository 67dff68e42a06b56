"""Links: that the vendor says who is whose partner."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text

from accord.database.tables.metadata import instant, key, made_at, metadata, one_of, reference, version
from accord.domain.level import DataAccessLevel
from accord.domain.partner import LinkKind, LinkStatus

partner_links: Final = Table(
    "partner_links",
    metadata,
    key(),
    reference("customer_id", ForeignKey("accord.organisations.id")),
    reference("partner_id", ForeignKey("accord.organisations.id")),
    Column("kind", Text(), nullable=False),
    Column("ceiling", Text()),
    Column("default_level", Text(), nullable=False, server_default=DataAccessLevel.NONE),
    Column("status", Text(), nullable=False, server_default=LinkStatus.ACTIVE),
    Column("created_by", Text(), nullable=False),
    instant("ended_at"),
    version(),
    made_at(),
    one_of("kind", LinkKind),
    one_of("status", LinkStatus),
    one_of("ceiling", DataAccessLevel),
    one_of("default_level", (DataAccessLevel.NONE, DataAccessLevel.SUPPORT)),
    UniqueConstraint("id", "customer_id", "partner_id"),
    CheckConstraint("customer_id <> partner_id", name="two_organisations"),
    CheckConstraint("(status = 'ENDED') = (ended_at IS NOT NULL)", name="ended_once"),
)
Index(
    "uq_partner_links_pair",
    partner_links.c.customer_id,
    partner_links.c.partner_id,
    unique=True,
    postgresql_where=text("status = 'ACTIVE'"),
)
Index(
    "uq_partner_links_of_record",
    partner_links.c.customer_id,
    unique=True,
    postgresql_where=text("status = 'ACTIVE' AND kind = 'PARTNER_OF_RECORD'"),
)
Index("ix_partner_links_customer", partner_links.c.customer_id, partner_links.c.id)
Index("ix_partner_links_partner", partner_links.c.partner_id, partner_links.c.id)
