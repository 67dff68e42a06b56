"""Accounts by ID."""

from __future__ import annotations

from strawberry import ID

from accord.schema.connections import found, key_of
from accord.schema.context import Info
from accord.schema.types.sharing import Account


async def account(info: Info, id: ID) -> Account | None:
    """One account."""
    account: Account = found(await info.context.loaders.account_by_id.load(key_of("account", id)))
    return account
