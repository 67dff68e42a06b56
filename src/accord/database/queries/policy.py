"""Policies as acts read them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accord.database.engine import Transaction
from accord.database.tables.policy import organisation_policies
from accord.domain.policy import Policy

ENTRIES = tuple(field.name for field in fields(Policy))
LISTS = frozenset({"allowed_partners", "blocked_partners", "auto_approve_partners"})


async def get_policy(tx: Transaction, organisation_id: UUID) -> Policy:
    """What an organisation rules; the defaults where it never said anything, or nothing that the caller may know."""
    row = await tx.first(select(organisation_policies).where(organisation_policies.c.id == organisation_id))
    return Policy() if row is None else as_policy(row)


async def hold_policy(tx: Transaction, organisation_id: UUID) -> Any:
    """The row of a policy, locked until the end of the act, or None where there is none yet."""
    held = select(organisation_policies).where(organisation_policies.c.id == organisation_id).with_for_update()
    return await tx.first(held)


def as_policy(row: Any) -> Policy:
    """The entries of a row."""
    entries: dict[str, Any] = {name: getattr(row, name) for name in ENTRIES}
    return Policy(**entries | {name: frozenset(entries[name]) for name in LISTS})
