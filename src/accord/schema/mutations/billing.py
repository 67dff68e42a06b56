"""Invoices and the wallet."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed
from accord.schema.transaction import run, run_as_oneself
from accord.schema.types.billing import Invoice, MoneyInput, Wallet
from accord.services import billing


@strawberry.input
class PayInvoiceInput:
    organisation_id: ID
    invoice_id: ID
    expected_version: int | None = None


@strawberry.input
class TopUpWalletInput:
    organisation_id: ID
    amount: MoneyInput
    expected_version: int | None = None


@strawberry.input
class IssueInvoiceInput:
    customer_id: ID
    number: str = strawberry.field(description="Once for a customer.")
    amount: MoneyInput
    due_on: date


@strawberry.input
class VoidInvoiceInput:
    invoice_id: ID
    expected_version: int | None = None


@strawberry.type
class InvoicePayload(Changed, loader="invoice_by_id"):
    invoice: Invoice | None = None


@strawberry.type
class PayInvoicePayload(InvoicePayload): ...


@strawberry.type
class IssueInvoicePayload(InvoicePayload): ...


@strawberry.type
class VoidInvoicePayload(InvoicePayload): ...


@strawberry.type
class TopUpWalletPayload(Changed, loader="wallet_by_organisation"):
    wallet: Wallet | None = None


async def pay_invoice(info: Info, input: PayInvoiceInput) -> PayInvoicePayload | None:
    """Pays an invoice from the wallet: in full, once, in its currency, never below zero."""
    return await run(info, billing.pay_invoice, input, PayInvoicePayload)


async def top_up_wallet(info: Info, input: TopUpWalletInput) -> TopUpWalletPayload | None:
    """Puts money into the wallet; the first time says its currency for good."""
    return await run(info, billing.top_up_wallet, input, TopUpWalletPayload)


async def issue_invoice(info: Info, input: IssueInvoiceInput) -> IssueInvoicePayload | None:
    """Bills an organisation, as the vendor's staff."""
    return await run_as_oneself(info, billing.issue_invoice, input, IssueInvoicePayload)


async def void_invoice(info: Info, input: VoidInvoiceInput) -> VoidInvoicePayload | None:
    """Takes back an invoice that was not paid, as the vendor's staff."""
    return await run_as_oneself(info, billing.void_invoice, input, VoidInvoicePayload)
