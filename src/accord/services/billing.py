"""Invoices of the vendor, and the wallet that they are paid from: all or nothing, once (model 4.15, S97, S113, Q21)."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.host_data import hold_invoice, hold_wallet, open_wallet
from accord.database.queries.partnership import get_organisation
from accord.database.queries.recipients import admins_of, names_of
from accord.database.tables.billing import invoices, wallet_entries, wallets
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.billing import (
    INVOICE,
    LARGEST_BALANCE,
    NOT_ENOUGH,
    EntryKind,
    InvoiceEvent,
    InvoiceState,
    Money,
    payable,
)
from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM
from accord.services.activity import Event, record
from accord.services.digest import acting_partner
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed

__all__ = ["issue_invoice", "pay_invoice", "top_up_wallet", "void_invoice"]


async def issue_invoice(tx: Transaction, *, customer_id: UUID, number: str, amount: Money, due_on: date) -> UUID:
    """The vendor's staff bills an organisation; issued today, by UTC. A number is given once to a customer."""
    _require_operator(tx, customer_id)
    if await get_organisation(tx, customer_id) is None:
        raise NotFound(("customerId",))
    number, amount = text.name("number", number), payable("amount", amount)
    issued_on = tx.now.astimezone(UTC).date()
    if due_on < issued_on:
        raise ValidationError("dueOn", "This lies in the past.")
    values = {"organisation_id": customer_id, "number": number, "issued_on": issued_on, "due_on": due_on}
    values |= {"amount_minor": amount.amount_minor, "currency": amount.currency}
    try:
        async with tx.connection.begin_nested():
            invoice_id = await tx.insert(invoices, **values)
    except IntegrityError:
        raise Conflict(1, number, ("number",), message="There is an invoice with this number already.") from None
    await record(tx, _billed(EventType.INVOICE_ISSUED, customer_id, invoice_id, number, amount, PLATFORM))
    return invoice_id


async def void_invoice(tx: Transaction, *, invoice_id: UUID, expected_version: int | None = None) -> UUID:
    """The vendor's staff takes an invoice back that was not paid."""
    require(tx.principal, Action.INVOICE_ISSUE, Target(), now=tx.now)
    row = await hold_invoice(tx, invoice_id)
    if row is None:
        raise NotFound(("invoiceId",))
    _require_operator(tx, row.organisation_id)
    check_version(row, expected_version, row.state)
    state = INVOICE.move(InvoiceState(row.state), InvoiceEvent.VOID)
    await tx.update(invoices, row.id, state=state.value, voided_at=tx.now)
    event = EventType.INVOICE_VOIDED
    await record(tx, _billed(event, row.organisation_id, row.id, row.number, _amount(row), PLATFORM))
    return invoice_id


async def pay_invoice(
    tx: Transaction, *, organisation_id: UUID, invoice_id: UUID, expected_version: int | None = None
) -> UUID:
    """Pay an open invoice in full from the wallet: once, in its currency, never below zero.

    Invoice and wallet are locked in this order, so of two payments at once the second meets what the first has left.
    """
    _require(tx, Action.INVOICE_PAY, organisation_id)
    row = await hold_invoice(tx, invoice_id, organisation_id)
    if row is None:
        raise NotFound(("invoiceId",))
    check_version(row, expected_version, row.state)
    state = INVOICE.move(InvoiceState(row.state), InvoiceEvent.PAY)
    amount = _amount(row)
    wallet = await hold_wallet(tx, organisation_id)
    if wallet is None:
        raise InvalidState(NOT_ENOUGH, ("topUpWallet",), ("invoiceId",))
    if wallet.currency != amount.currency:
        raise ValidationError("invoiceId", f"The invoice is in {amount.currency}, the wallet in {wallet.currency}.")
    if wallet.balance_minor < amount.amount_minor:
        raise InvalidState(NOT_ENOUGH, ("topUpWallet",), ("invoiceId",))
    await _move(tx, wallet, EntryKind.PAYMENT, -amount.amount_minor, invoice_id)
    await tx.update(invoices, row.id, state=state.value, paid_at=tx.now)
    await _tell_payment(tx, row, amount)
    await record(tx, _billed(EventType.INVOICE_PAID, organisation_id, row.id, row.number, amount))
    return invoice_id


async def top_up_wallet(
    tx: Transaction, *, organisation_id: UUID, amount: Money, expected_version: int | None = None
) -> UUID:
    """Put money into the wallet; the first time makes it, in that currency for good. Never while acting (4.9)."""
    _require(tx, Action.WALLET_TOP_UP, organisation_id)
    amount = payable("amount", amount)
    wallet = await open_wallet(tx, organisation_id, amount.currency)
    check_version(wallet, expected_version, None)
    if wallet.currency != amount.currency:
        raise ValidationError("amount", f"The wallet is in {wallet.currency}.")
    if wallet.balance_minor + amount.amount_minor > LARGEST_BALANCE:
        raise ValidationError("amount", "The wallet cannot hold this much.")
    await _move(tx, wallet, EntryKind.TOP_UP, amount.amount_minor, None)
    data = {"amountMinor": amount.amount_minor, "currency": amount.currency}
    await record(tx, Event(type=EventType.WALLET_TOPPED_UP, streams=(organisation_id,), data=data))
    return organisation_id


async def _move(tx: Transaction, wallet: Any, kind: EntryKind, by: int, invoice_id: UUID | None) -> None:
    """One entry, and the balance after it; the wallet is locked."""
    balance = wallet.balance_minor + by
    await tx.update(wallets, wallet.id, balance_minor=balance)
    await tx.add(
        wallet_entries,
        organisation_id=wallet.id,
        currency=wallet.currency,
        kind=kind.value,
        amount_minor=by,
        balance_minor=balance,
        invoice_id=invoice_id,
        made_by=tx.person_id,
        made_by_name=tx.principal.display_name,
    )


async def _tell_payment(tx: Transaction, row: Any, amount: Money) -> None:
    """The admins learn at once that somebody acting has paid (4.11)."""
    if tx.principal.acting is None:
        return
    names = await names_of(tx, row.organisation_id)
    facts = {
        "organisation": names[row.organisation_id],
        "actor": tx.principal.display_name,
        "partner": await acting_partner(tx),
        "number": row.number,
        "amount": str(amount),
    }
    told = addressed(await admins_of(tx, row.organisation_id))
    await enqueue(tx, Mail(Template.INVOICE_PAID, row.organisation_id, told, facts))


def _amount(row: Any) -> Money:
    return Money(row.amount_minor, row.currency)


def _billed(kind: EventType, organisation_id: UUID, invoice_id: UUID, number: str, of: Money, *more: UUID) -> Event:
    data: dict[str, Any] = {"invoice": f"invoice_{invoice_id}", "number": number}
    data |= {"amountMinor": of.amount_minor, "currency": of.currency}
    return Event(type=kind, streams=(organisation_id, *more), data=data)


def _require(tx: Transaction, action: Action, organisation_id: UUID) -> None:
    require(tx.principal, action, Target(organisation_id=organisation_id), now=tx.now, acting_for=tx.acting_for)


def _require_operator(tx: Transaction, customer_id: UUID) -> None:
    require(tx.principal, Action.INVOICE_ISSUE, Target(), now=tx.now)
    if customer_id in tx.principal.organisations:
        raise Forbidden(Action.INVOICE_ISSUE, "NO_GRANT", "Staff does not act on an organisation of its own.")
