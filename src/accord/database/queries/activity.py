"""Heads of the activity chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accord.database.engine import Transaction
from accord.database.sets import among
from accord.database.tables.activity import chain_heads
from accord.domain.organisation import PLATFORM


async def lock_heads(tx: Transaction, streams: Sequence[UUID]) -> Sequence[Any]:
    """The heads of these streams, locked in order of organisation so that two sides never wait for each other."""
    return await tx.all(
        select(chain_heads)
        .where(among(chain_heads.c.stream_id, streams))
        .order_by(chain_heads.c.stream_id)
        .with_for_update()
    )


async def list_moved_heads(tx: Transaction, at_most: int) -> Sequence[UUID]:
    """The streams that have moved on since a checkpoint had them on record."""
    moved = select(chain_heads.c.stream_id).where(
        chain_heads.c.sequence > chain_heads.c.anchored, chain_heads.c.stream_id != PLATFORM
    )
    return [row.stream_id for row in await tx.all(moved.order_by(chain_heads.c.stream_id).limit(at_most))]
