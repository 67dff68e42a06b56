"""Invoices and wallets as acts read them: under lock, an invoice before the wallet it is paid from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from accord.database.engine import Transaction
from accord.database.tables.billing import invoices, wallets


async def hold_invoice(tx: Transaction, invoice_id: UUID, organisation_id: UUID | None = None) -> Any:
    """One invoice, of this organisation where one is named, locked until the end of the act, or None."""
    wanted = select(invoices).where(invoices.c.id == invoice_id)
    if organisation_id is not None:
        wanted = wanted.where(invoices.c.organisation_id == organisation_id)
    return await tx.first(wanted.with_for_update())


async def hold_wallet(tx: Transaction, organisation_id: UUID) -> Any:
    """The wallet of an organisation, locked until the end of the act, or None before its first top-up."""
    return await tx.first(select(wallets).where(wallets.c.id == organisation_id).with_for_update())


async def open_wallet(tx: Transaction, organisation_id: UUID, currency: str) -> Any:
    """As `hold_wallet`; where there is none, an empty one in this currency. Two who open it at once get the same."""
    made = insert(wallets).values(id=organisation_id, currency=currency, balance_minor=0, version=0)
    await tx.execute(made.on_conflict_do_nothing(index_elements=["id"]))
    return await hold_wallet(tx, organisation_id)
