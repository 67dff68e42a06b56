"""Whose turn it is, of all that send the same mutation under the same key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import update

from accord.database.caller import Driver
from accord.database.engine import Busy, Transaction
from accord.database.failures import Translated
from accord.database.tables.retry import retries
from accord.domain.callers.retry import KEPT_FOR, Attempt, KeyReused

TRIES: Final = 3
"""A row that stood in the way may be swept away before it is read."""

TAKE: Final = """
INSERT INTO accord.retries AS r
    (actor, acting_session_id, mutation, place, key_hash, arguments_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT uq_retries_attempt DO UPDATE
    SET arguments_hash = excluded.arguments_hash, result = NULL,
        created_at = excluded.created_at, expires_at = excluded.expires_at
    WHERE r.expires_at <= excluded.created_at
RETURNING r.id
"""
"""The row is the turn: whoever else inserts it waits until this transaction ends."""
READ: Final = """
SELECT arguments_hash, result FROM accord.retries
WHERE actor = $1 AND acting_session_id IS NOT DISTINCT FROM $2 AND mutation = $3 AND place = $4 AND key_hash = $5
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn to act, by the row that will keep the result, or the sealed result of who had it before."""

    row_id: UUID | None = None
    result: bytes | None = None


async def take_turn(raw: Driver, attempt: Attempt, now: datetime) -> Turn:
    """Wait until nobody else has the turn, then take it, or read what came of it; KeyReused, Busy."""
    same = (attempt.actor, attempt.session_id, attempt.mutation, attempt.place, attempt.key_hash)
    with Translated():
        for _ in range(TRIES):
            taken = await raw.fetchval(TAKE, *same, attempt.arguments, now, now + KEPT_FOR)
            if taken is not None:
                return Turn(taken)
            kept = await raw.fetchrow(READ, *same)
            if kept is not None and kept["arguments_hash"] != attempt.arguments:
                raise KeyReused
            if kept is not None:
                return Turn(result=kept["result"])
    raise Busy


async def keep_result(tx: Transaction, turn: Turn, result: bytes) -> None:
    """Keep what came of the turn; it is there for others once the act is."""
    await tx.execute(update(retries).where(retries.c.id == turn.row_id).values(result=result))
