"""Heads of the activity chains, and the rows of one chain for its verification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database.engine import Transaction
from accord.database.tables.activity import activity_events, chain_heads

VERIFIED_AT_ONCE = 5_000


async def lock_heads(tx: Transaction, streams: Sequence[UUID]) -> Sequence[Any]:
    """The heads of these streams, locked in order of organisation so that two sides never wait for each other."""
    return await tx.all(
        select(chain_heads)
        .where(chain_heads.c.stream_id.in_(streams))
        .order_by(chain_heads.c.stream_id)
        .with_for_update()
    )


async def list_heads(connection: AsyncConnection) -> Sequence[Any]:
    """Every head that the connection's role sees."""
    return (await connection.execute(select(chain_heads).order_by(chain_heads.c.stream_id))).all()


async def list_chain(connection: AsyncConnection, stream_id: UUID, after: int) -> Sequence[Any]:
    """The next rows of one chain in their order."""
    statement = (
        select(activity_events)
        .where(activity_events.c.stream_id == stream_id, activity_events.c.sequence > after)
        .order_by(activity_events.c.sequence)
        .limit(VERIFIED_AT_ONCE)
    )
    return (await connection.execute(statement)).all()
