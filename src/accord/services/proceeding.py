"""The worker's part of a cascade: batch after batch until nothing is left (see `accord.services.cascades`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import structlog

from accord.database.engine import Busy, Database, OutcomeUnknown, TimedOut, Transaction
from accord.database.failures import code_of
from accord.database.queries.cascade import advance, cascade_of, catch_up, finish, lock_cascade, pass_over
from accord.domain.cascade import Cascade, CascadeKind
from accord.services.activity import record
from accord.services.cascades import Work, principal_of
from accord.services.grants.account import ACCOUNT_SHARES
from accord.services.grants.cascade import PARTNERSHIP_SHARES
from accord.services.partnerships.ceiling import BOUNDING
from accord.services.partnerships.status import CLOSING, HOLDING, RELEASING
from accord.services.people.departure import PARTS

__all__ = ["WORKS", "Unfinished", "finish_cascade"]

TRANSIENT: Final = (Busy, TimedOut, OutcomeUnknown)
"""The database's trouble, not that of a row."""

log = structlog.get_logger(__name__)

WORKS: Final[Mapping[CascadeKind, Work]] = MappingProxyType(
    {work.kind: work for work in (PARTNERSHIP_SHARES, ACCOUNT_SHARES, CLOSING, HOLDING, RELEASING, BOUNDING, PARTS)}
)


class Unfinished(Exception):
    """Some things could not be done, and are to be tried again later."""


async def finish_cascade(database: Database, cascade_id: UUID) -> None:
    """Carry out what is left of a cascade; one that is finished is left alone.

    A thing that can't be done keeps no other: it is logged, passed over, and tried again each time this is called.
    Raises Unfinished where some are left, and Busy, Lost or TimedOut where the database was the trouble.
    """
    while await _walk(database, cascade_id):
        pass
    await _catch_up(database, cascade_id)


async def _walk(database: Database, cascade_id: UUID) -> bool:
    """Do the next batch in a transaction of its own, or one thing where a batch can't be done; is there more?"""
    failure = Exception()
    for at_most in (None, 1):
        try:
            return await _step(database, cascade_id, at_most)
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 - one thing that can't be done keeps no other
            failure = error
    async with _taken(database, cascade_id) as (tx, row):
        for key in () if row is None else await _next(tx, cascade_of(row), row.position, 1):
            await pass_over(tx, cascade_id, key)
            _log(cascade_id, key, failure)
    return True


async def _step(database: Database, cascade_id: UUID, at_most: int | None) -> bool:
    async with _taken(database, cascade_id) as (tx, row):
        if row is None:
            return False
        cascade = cascade_of(row)
        keys = await _next(tx, cascade, row.position, at_most)
        if not keys:
            return False
        events = await WORKS[cascade.kind].do(tx, cascade, keys)
        await advance(tx, cascade_id, keys)
        await record(tx, *events)
    return True


async def _catch_up(database: Database, cascade_id: UUID) -> None:
    """Try what was passed over, each alone; finish the cascade if nothing is left."""
    async with _taken(database, cascade_id) as (tx, row):
        if row is None:
            return
        if not row.failed:
            await finish(tx, cascade_id)
            return
    left = [key for key in row.failed if not await _again(database, cascade_id, key)]
    if left:
        raise Unfinished
    await _catch_up(database, cascade_id)


async def _again(database: Database, cascade_id: UUID, key: UUID) -> bool:
    """Try one thing that was passed over, if it is still to be done; is it settled now?"""
    try:
        async with _taken(database, cascade_id) as (tx, row):
            if row is not None and key in row.failed:
                cascade = cascade_of(row)
                due = key in await _next(tx, cascade, _before(key), 1)
                events = await WORKS[cascade.kind].do(tx, cascade, [key]) if due else ()
                await catch_up(tx, cascade_id, key)
                await record(tx, *events)
    except TRANSIENT:
        raise
    except Exception as error:  # noqa: BLE001 - one thing that can't be done keeps no other
        _log(cascade_id, key, error)
        return False
    return True


@asynccontextmanager
async def _taken(database: Database, cascade_id: UUID) -> AsyncIterator[tuple[Transaction, Any]]:
    """A transaction in the name of who acted, with the cascade's row under lock, or None if it is finished."""
    async with database.platform() as tx:
        row = await lock_cascade(tx, cascade_id)
        if row is not None:
            tx.principal, tx.acting_for = principal_of(row.author)
        yield tx, row


async def _next(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int | None) -> Sequence[UUID]:
    """The next things after a key that are to be done, a batch or at most so many; none without the act's mark."""
    work = WORKS[cascade.kind]
    if not await work.is_marked(tx, cascade):
        return ()
    return await work.list(tx, cascade, after, at_most or work.batch)


def _before(key: UUID) -> UUID:
    """The key that is directly before another in their order."""
    return UUID(int=key.int - 1)


def _log(cascade_id: UUID, key: UUID, error: Exception) -> None:
    """Say what could not be done; the error's own text may hold values."""
    named = {"cascade": str(cascade_id), "row": str(key)}
    log.error("cascade.row_failed", **named, error=type(error).__name__, code=code_of(error))
