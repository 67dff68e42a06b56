"""The worker's part of a cascade: batch after batch until nothing is left (see `accord.services.cascades`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from accord.database.engine import Database
from accord.database.queries.cascade import advance, cascade_of, lock_cascade
from accord.domain.cascade import CascadeKind
from accord.services.activity import record
from accord.services.cascades import Work, principal_of
from accord.services.grants.account import ACCOUNT_SHARES
from accord.services.grants.cascade import PARTNERSHIP_SHARES
from accord.services.partnerships.ceiling import BOUNDING
from accord.services.partnerships.status import CLOSING, HOLDING, RELEASING
from accord.services.people.departure import PARTS

__all__ = ["WORKS", "finish_cascade"]

WORKS: Final[Mapping[CascadeKind, Work]] = MappingProxyType(
    {work.kind: work for work in (PARTNERSHIP_SHARES, ACCOUNT_SHARES, CLOSING, HOLDING, RELEASING, BOUNDING, PARTS)}
)


async def finish_cascade(database: Database, cascade_id: UUID) -> None:
    """Carry out what is left of a cascade; one that is finished is left alone."""
    while await _step(database, cascade_id):
        pass


async def _step(database: Database, cascade_id: UUID) -> bool:
    """Do one batch in a transaction of its own; is there more?"""
    async with database.platform() as tx:
        row = await lock_cascade(tx, cascade_id)
        if row is None:
            return False
        tx.principal, tx.acting_for = principal_of(row.author)
        cascade = cascade_of(row)
        work = WORKS[cascade.kind]
        keys = await work.list(tx, cascade, row.position, work.batch)
        events = await work.do(tx, cascade, keys) if keys else ()
        await advance(tx, cascade_id, keys)
        await record(tx, *events)
    return bool(keys)
