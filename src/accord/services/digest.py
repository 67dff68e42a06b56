"""What an organisation's admins are told of people who act in it: payments at once, the rest once a day (4.11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries.host_data import list_waiting, take_changes
from accord.database.queries.recipients import admins_of, names_of
from accord.database.tables.setting import acting_changes
from accord.domain.notice import Template
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed

__all__ = ["acting_partner", "note_change", "tell_change", "tell_changes", "waiting_for_digest"]

EVERY: Final = timedelta(days=1)
LISTED: Final = 100
"""Changes that one mail lists; the activity has them all."""


async def note_change(tx: Transaction, organisation_id: UUID, change: str) -> None:
    """Put a change by somebody who acts in the organisation on its admins' daily digest; at home there is none.

    `change` says what, as in `changed settings: locale`. Call it before `activity.record`.
    """
    if tx.principal.acting is not None:
        await tx.add(acting_changes, organisation_id=organisation_id, change=await _line(tx, change))


async def tell_change(tx: Transaction, organisation_id: UUID, change: str) -> None:
    """As `note_change`, told at once."""
    if tx.principal.acting is not None:
        await _send(tx, organisation_id, [await _line(tx, change)])


async def _line(tx: Transaction, change: str) -> str:
    return f"{tx.principal.display_name} ({await acting_partner(tx)}) {change}"


async def acting_partner(tx: Transaction) -> str:
    """The name of the organisation that the acting person is of."""
    acting = tx.principal.acting
    names = await names_of(tx, acting.home_id) if acting is not None else {}
    return next(iter(names.values()), "another organisation")


async def waiting_for_digest(tx: Transaction, after: UUID | None) -> Sequence[UUID]:
    """The organisations whose oldest change that nobody was told of is a day old, in order, of those after a key."""
    return await list_waiting(tx, tx.now - EVERY, after)


async def tell_changes(tx: Transaction, organisation_id: UUID) -> None:
    """Tell an organisation's admins what was changed in it."""
    changes = await take_changes(tx, organisation_id)
    if changes:
        await _send(tx, organisation_id, changes)


async def _send(tx: Transaction, organisation_id: UUID, changes: Sequence[str]) -> None:
    left = len(changes) - LISTED
    listed = [*changes[:LISTED], *([f"and {left} more"] if left > 0 else [])]
    names = await names_of(tx, organisation_id)
    facts = {"organisation": names[organisation_id], "count": str(len(changes)), "changes": "\n".join(listed)}
    told = addressed(await admins_of(tx, organisation_id))
    await enqueue(tx, Mail(Template.ACTING_DIGEST, organisation_id, told, facts))
