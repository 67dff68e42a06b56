"""Invoices, and the wallet of each organisation with its entries."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from accord.database.tables.metadata import instant, key, made_at, metadata, one_of, reference, version
from accord.domain.billing import LARGEST_BALANCE, EntryKind, InvoiceState


def _currency() -> Column[Any]:
    return Column("currency", Text(), nullable=False)


def _is_currency() -> CheckConstraint:
    return CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_known")


invoices: Final = Table(
    "invoices",
    metadata,
    key(),
    reference("organisation_id", ForeignKey("accord.organisations.id")),
    Column("number", Text(), nullable=False),
    Column("issued_on", Date(), nullable=False),
    Column("due_on", Date(), nullable=False),
    Column("amount_minor", BigInteger(), nullable=False),
    _currency(),
    Column("state", Text(), nullable=False, server_default=InvoiceState.OPEN),
    instant("paid_at"),
    instant("voided_at"),
    version(),
    made_at(),
    one_of("state", InvoiceState),
    _is_currency(),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("due_on >= issued_on", name="due_after_issue"),
    CheckConstraint("(state = 'PAID') = (paid_at IS NOT NULL)", name="paid_at_when_paid"),
    CheckConstraint("(state = 'VOID') = (voided_at IS NOT NULL)", name="voided_at_when_void"),
    UniqueConstraint("organisation_id", "number"),
    UniqueConstraint("id", "organisation_id", "currency", name="uq_invoices_whole"),
)
Index("ix_invoices_organisation", invoices.c.organisation_id, invoices.c.id)

wallets: Final = Table(
    "wallets",
    metadata,
    reference("id", ForeignKey("accord.organisations.id"), primary_key=True),
    _currency(),
    Column("balance_minor", BigInteger(), nullable=False, server_default=text("0")),
    version(),
    _is_currency(),
    CheckConstraint(f"balance_minor BETWEEN 0 AND {LARGEST_BALANCE}", name="balance_not_negative"),
    UniqueConstraint("id", "currency"),
)
"""One row an organisation, keyed by it, made by the first top-up; its currency never changes."""

wallet_entries: Final = Table(
    "wallet_entries",
    metadata,
    key(),
    reference("organisation_id"),
    _currency(),
    Column("kind", Text(), nullable=False),
    Column("amount_minor", BigInteger(), nullable=False),
    Column("balance_minor", BigInteger(), nullable=False),
    reference("invoice_id", nullable=True),
    reference("made_by", ForeignKey("accord.users.id")),
    Column("made_by_name", Text(), nullable=False),
    made_at(),
    one_of("kind", EntryKind),
    CheckConstraint("(kind = 'PAYMENT') = (amount_minor < 0)", name="sign_of_kind"),
    CheckConstraint("(kind = 'PAYMENT') = (invoice_id IS NOT NULL)", name="payment_of_invoice"),
    CheckConstraint("amount_minor <> 0 AND balance_minor >= 0", name="amounts_possible"),
    ForeignKeyConstraint(
        ["organisation_id", "currency"],
        ["accord.wallets.id", "accord.wallets.currency"],
        name="fk_wallet_entries_wallet",
    ),
    ForeignKeyConstraint(
        ["invoice_id", "organisation_id", "currency"],
        ["accord.invoices.id", "accord.invoices.organisation_id", "accord.invoices.currency"],
        name="fk_wallet_entries_invoice",
    ),
    UniqueConstraint("invoice_id"),
)
"""What moved a balance, and the balance after it; an invoice is paid by one entry at most, in its own currency."""
Index("ix_wallet_entries_organisation", wallet_entries.c.organisation_id, wallet_entries.c.id)
