"""Invoices, the wallet and money."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read import billing as read
from accord.database.queries.read.billing import InvoiceRow, WalletEntryRow, WalletRow
from accord.domain import billing
from accord.schema.connections import listing
from accord.schema.context import Info
from accord.schema.links import link
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.scalars import BigInt
from accord.schema.types.enums import EntryKind, InvoiceState
from accord.schema.types.node import Node


@guarded(Action.INVOICE_READ)
@strawberry.type(description="An amount in the minor units of its currency: 1250 EUR are 12.50 euros.")
class Money:
    amount_minor: BigInt
    currency: str = strawberry.field(description="ISO 4217.")


@strawberry.input(description="An amount in the minor units of its currency: 1250 EUR are 12.50 euros.")
class MoneyInput:
    row: ClassVar = billing.Money
    amount_minor: BigInt
    currency: str = strawberry.field(description="ISO 4217, in capitals.")


def money_in(column: str, description: str | None = None) -> Any:
    """The money in a column and the row's currency."""

    def resolve(root: Parent[Any]) -> Money:
        return Money(amount_minor=BigInt(getattr(root, column)), currency=root.currency)

    return strawberry.field(resolver=resolve, description=description)


@guarded(Action.INVOICE_READ)
@strawberry.type(description="A bill of the vendor; paid from the wallet (S113).")
class Invoice(Node):
    id: ID
    version: int
    number: str
    issued_on: date
    due_on: date
    amount: Money = money_in("amount_minor")
    state: InvoiceState
    paid_at: datetime | None
    voided_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, InvoiceRow)


@guarded(Action.BILLING_READ)
@strawberry.type(description="A movement of a wallet's balance.")
class WalletEntry:
    kind: EntryKind
    amount: Money = money_in("amount_minor", "Below zero: it was paid out.")
    balance: Money = money_in("balance_minor", "After this entry.")
    invoice: Invoice | None = link("invoice_by_id", "invoice_id")
    made_by_name: str
    created_at: datetime

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, WalletEntryRow)


@guarded(Action.BILLING_READ)
@strawberry.type(description="What an organisation pays its invoices from.")
class Wallet:
    version: int
    balance: Money = money_in("balance_minor")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, WalletRow)

    @field(description="Newest first.")
    def entries(
        self,
        root: Parent[WalletRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[WalletEntry]:
        return listing(info, read.WALLET_ENTRIES, root.key, span(first, after, last, before))
