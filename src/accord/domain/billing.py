"""Invoices of the vendor, and the wallet that they are paid from (model 4.15).

Money is an integer in minor units and a currency of ISO 4217; never a float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accord.domain.errors import ValidationError
from accord.domain.lifecycle import LifeCycle

LARGEST_AMOUNT: Final = 10**12
LARGEST_BALANCE: Final = 2**53 - 1
"""What every client reads without loss: the integers of JSON in JavaScript."""

CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
NO_CURRENCY: Final = frozenset({"XXX", "XTS"})
WITHOUT_DECIMALS: Final = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
WITH_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
WITH_FOUR_DECIMALS: Final = frozenset({"CLF", "UYW"})


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor units of a currency: 1250 EUR are 12.50 euros, 1250 JPY are 1250 yen."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        digits = _decimals(self.currency)
        whole, rest = divmod(abs(self.amount_minor), 10**digits)
        sign = "-" if self.amount_minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}d} {self.currency}" if digits else f"{sign}{whole} {self.currency}"


def payable(field: str, money: Money) -> Money:
    """An amount that can be charged or paid in: above zero, at most 10^12 minor units, in a currency."""
    if not CURRENCY.fullmatch(money.currency) or money.currency in NO_CURRENCY:
        raise ValidationError(field, "The currency is three capitals of ISO 4217, such as EUR.")
    if not 0 < money.amount_minor <= LARGEST_AMOUNT:
        raise ValidationError(field, f"The amount is from 1 to {LARGEST_AMOUNT} minor units.")
    return money


def _decimals(currency: str) -> int:
    if currency in WITHOUT_DECIMALS:
        return 0
    if currency in WITH_THREE_DECIMALS:
        return 3
    return 4 if currency in WITH_FOUR_DECIMALS else 2


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
