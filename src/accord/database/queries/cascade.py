"""Cascades under way: begun by an act, taken by the worker a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database.engine import Transaction
from accord.database.sets import among
from accord.database.tables.cascade import cascades
from accord.domain.cascade import Cascade, CascadeKind


async def add_cascade(
    tx: Transaction, organisation_id: UUID, cascade: Cascade, facts: Mapping[str, str], author: Mapping[str, Any]
) -> UUID:
    """Insert a cascade that the worker finishes and return its key."""
    key: UUID = await tx.scalar(select(func.accord.new_id()))
    await tx.add(
        cascades,
        id=key,
        organisation_id=organisation_id,
        actor_user_id=tx.principal.person_id,
        kind=cascade.kind.value,
        subject_id=cascade.subject_id,
        facts=dict(facts),
        author=dict(author),
        total=cascade.total,
    )
    return key


async def lock_cascade(tx: Transaction, cascade_id: UUID) -> Any:
    """Lock an unfinished cascade and return its row, None for one that is finished.

    Raises Busy where another worker has it for longer than a statement waits for a lock.
    """
    unfinished = (cascades.c.id == cascade_id) & cascades.c.finished_at.is_(None)
    return await tx.first(select(cascades).where(unfinished).with_for_update())


async def list_unfinished(connection: AsyncConnection) -> Sequence[UUID]:
    """Return the keys of all cascades that are not finished, oldest first."""
    unfinished = select(cascades.c.id).where(cascades.c.finished_at.is_(None)).order_by(cascades.c.id)
    return (await connection.execute(unfinished)).scalars().all()


async def is_under_way(tx: Transaction, subject_id: UUID, kind: CascadeKind) -> bool:
    """Is the worker still at a cascade of this kind that rests on this organisation, which the act is within?"""
    unfinished = cascades.c.finished_at.is_(None) & (cascades.c.subject_id == subject_id)
    chosen = select(cascades.c.id).where(unfinished, cascades.c.kind == kind.value).limit(1)
    return await tx.first(chosen) is not None


async def advance(tx: Transaction, cascade_id: UUID, keys: Sequence[UUID]) -> None:
    """Note that the next things were done."""
    await _change(tx, cascade_id, done=cascades.c.done + len(keys), position=keys[-1])


async def pass_over(tx: Transaction, cascade_id: UUID, key: UUID) -> None:
    """Note that the next thing could not be done."""
    await _change(tx, cascade_id, position=key, failed=func.array_append(cascades.c.failed, key))


async def catch_up(tx: Transaction, cascade_id: UUID, key: UUID) -> None:
    """Note that a thing was done which was passed over before."""
    left = func.array_remove(cascades.c.failed, key)
    await _change(tx, cascade_id, done=cascades.c.done + 1, failed=left)


async def finish(tx: Transaction, cascade_id: UUID) -> None:
    """Note that nothing is left; who did it and why is forgotten here, and stands in the events for good."""
    await _change(tx, cascade_id, finished_at=tx.now, author=None, facts=None)


async def _change(tx: Transaction, cascade_id: UUID, **values: Any) -> None:
    await tx.execute(update(cascades).where(cascades.c.id == cascade_id).values(**values))


async def has_unfinished(tx: Transaction, people: Collection[UUID]) -> bool:
    """Is the worker still at something that one of these people has begun?"""
    theirs = among(cascades.c.actor_user_id, people) & cascades.c.finished_at.is_(None)
    return await tx.first(select(cascades.c.id).where(theirs).limit(1)) is not None


def cascade_of(row: Any) -> Cascade:
    """Return the cascade that a row keeps."""
    return Cascade(
        kind=CascadeKind(row.kind), subject_id=row.subject_id, total=row.total, facts=row.facts or {}, id=row.id
    )
