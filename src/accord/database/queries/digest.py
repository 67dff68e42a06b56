"""What people acting in organisations have changed and its admins were not told yet; read by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select

from accord.database.engine import Transaction
from accord.database.tables.setting import acting_changes

AT_ONCE: Final = 500


async def list_waiting(tx: Transaction, before: datetime) -> Sequence[UUID]:
    """The organisations whose oldest change was noted at this instant or before it."""
    wanted = (
        select(acting_changes.c.organisation_id)
        .group_by(acting_changes.c.organisation_id)
        .having(func.min(acting_changes.c.created_at) <= before)
        .limit(AT_ONCE)
    )
    return [row.organisation_id for row in await tx.all(wanted)]


async def take_changes(tx: Transaction, organisation_id: UUID) -> Sequence[str]:
    """All that was noted for an organisation, in order; taken once, whoever asks at the same time."""
    taken = delete(acting_changes).where(acting_changes.c.organisation_id == organisation_id)
    rows = await tx.all(taken.returning(acting_changes.c.id, acting_changes.c.change))
    return [row.change for row in sorted(rows, key=lambda row: row.id)]
