"""Checkpoints: events of the platform's stream that have the heads of all other streams on record (model 4.12).

A stream that is cut, emptied or written again after a checkpoint no longer agrees with it, whatever its head says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import update

from accord.database.engine import Database, Transaction
from accord.database.queries.activity import list_moved_heads, lock_heads
from accord.database.tables.activity import chain_heads
from accord.domain.activity import EventType
from accord.domain.ids import global_id
from accord.domain.organisation import PLATFORM
from accord.services.activity import Event, record

__all__ = ["take_checkpoint"]

AT_ONCE: Final = 100
"""Heads that one event has on record; their streams wait while it is written."""


async def take_checkpoint(database: Database) -> int:
    """Put the head of every stream that has moved since the last checkpoint on record and return how many."""
    taken = 0
    while True:
        async with database.platform() as tx:
            moved = await list_moved_heads(tx, AT_ONCE)
            await _take(tx, moved)
        taken += len(moved)
        if len(moved) < AT_ONCE:
            return taken


async def _take(tx: Transaction, moved: Sequence[UUID]) -> None:
    if not moved:
        return
    heads = await lock_heads(tx, [PLATFORM, *moved])
    told = {global_id("organisation", head.stream_id): [head.sequence, head.hash] for head in heads if head.sequence}
    await record(tx, Event(type=EventType.CHAIN_CHECKPOINT, streams=(PLATFORM,), data={"heads": told}))
    for head in heads:
        on_record = update(chain_heads).where(chain_heads.c.stream_id == head.stream_id)
        await tx.execute(on_record.values(anchored=head.sequence))
