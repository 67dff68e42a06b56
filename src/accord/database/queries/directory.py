"""The directory of partners and the codes of customers, as acts look into them; functions of the database answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from accord.database.engine import Transaction
from accord.database.queries.partnership import find_partner
from accord.database.tables.organisation import directory_entries

__all__ = ["find_requestable", "hold_entry", "published_address"]


async def find_requestable(tx: Transaction, handle: str | None, request_code: str | None) -> Any:
    """The organisation that can be asked to become a customer, or None: by its request code, or by its handle where it
    has no code (4.4.1)."""
    found = await tx.scalar(select(func.accord.requestable(handle, request_code)))
    return None if found is None else await find_partner(tx, found)


async def published_address(tx: Transaction, handle: str) -> str | None:
    """The address that a listed partner has published."""
    found: str | None = await tx.scalar(select(func.accord.published_address(handle)))
    return found


async def hold_entry(tx: Transaction, organisation_id: UUID) -> Any:
    """How the own organisation may be found, locked; None where it never said."""
    return await tx.first(select(directory_entries).where(directory_entries.c.id == organisation_id).with_for_update())
