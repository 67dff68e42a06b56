"""Invoices of the vendor, and the wallet that they are paid from (model 4.15)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from accord.domain.lifecycle import LifeCycle


class InvoiceState(StrEnum):
    OPEN = "OPEN"
    PAID = "PAID"
    VOID = "VOID"


class InvoiceEvent(StrEnum):
    PAY = "pay"
    VOID = "void"


INVOICE: Final = LifeCycle(
    {
        (InvoiceState.OPEN, InvoiceEvent.PAY): InvoiceState.PAID,
        (InvoiceState.OPEN, InvoiceEvent.VOID): InvoiceState.VOID,
    }
)


class EntryKind(StrEnum):
    """Why a wallet's balance moved."""

    TOP_UP = "TOP_UP"
    PAYMENT = "PAYMENT"


NOT_ENOUGH: Final = "INSUFFICIENT_FUNDS"
"""The state of a wallet that does not cover what is to be paid."""
