"""Invoices and wallets as the API reads them."""

from __future__ import annotations

from typing import Final

from accord.database.host_data import reads_bills
from accord.database.queries.read.pages import PARENT, Item, as_text, equal, global_id, looked_up, paged
from accord.database.tables.billing import invoices, wallet_entries, wallets
from accord.database.visibility import OPERATOR


class InvoiceRow(Item):
    """One invoice."""

    type_name = "Invoice"


class WalletRow(Item):
    """The wallet of one organisation; its ID is the organisation's."""

    type_name = "Wallet"


class WalletEntryRow(Item):
    """One movement of a wallet's balance."""

    type_name = "WalletEntry"


i, w, e = invoices.alias("i"), wallets.alias("w"), wallet_entries.alias("we")

INVOICE: Final = (
    global_id("invoice", i.c.id),
    i.c.number,
    i.c.issued_on,
    i.c.due_on,
    i.c.amount_minor,
    i.c.currency,
    i.c.state,
    i.c.paid_at,
    i.c.voided_at,
    i.c.version,
)
INVOICE_BY_ID: Final = looked_up(InvoiceRow, INVOICE, i.c.id, reads_bills(i.c.organisation_id) | OPERATOR)
"""Those who read bills, and the vendor's staff, whose document it is."""
INVOICES: Final = paged(
    InvoiceRow,
    INVOICE,
    i,
    (i.c.organisation_id == PARENT, reads_bills(i.c.organisation_id), equal(i.c.state, "state")),
    i.c.id,
    newest_first=True,
)
WALLET_BY_ORGANISATION: Final = looked_up(
    WalletRow,
    (global_id("organisation", w.c.id), w.c.currency, w.c.balance_minor, w.c.version),
    w.c.id,
    reads_bills(w.c.id),
)
WALLET_ENTRIES: Final = paged(
    WalletEntryRow,
    (
        global_id("entry", e.c.id),
        e.c.kind,
        e.c.amount_minor,
        e.c.balance_minor,
        e.c.currency,
        e.c.made_by_name,
        e.c.created_at,
        as_text(e.c.invoice_id),
    ),
    e,
    (e.c.organisation_id == PARENT, reads_bills(e.c.organisation_id)),
    e.c.id,
    newest_first=True,
)
