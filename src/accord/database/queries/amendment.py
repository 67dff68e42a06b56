"""Amendments as acts read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Query, Transaction
from accord.database.tables.amendment import amendments
from accord.database.visibility import sees_amendment
from accord.domain.amendment import TURN
from accord.domain.errors import NotFound

AMENDMENT: Final = Query(
    select(amendments.c.partnership_id).where(
        amendments.c.id == bindparam("wanted", type_=Uuid()), sees_amendment(amendments)
    )
)


async def find_amendment(tx: Transaction, amendment_id: UUID) -> UUID:
    """The partnership of an amendment that the caller may see; NotFound otherwise."""
    found = await tx.fetch(AMENDMENT, wanted=amendment_id)
    if not found:
        raise NotFound(("amendmentId",))
    partnership_id: UUID = found[0].partnership_id
    return partnership_id


async def lock_amendment(tx: Transaction, amendment_id: UUID) -> Any:
    """An amendment whose partnership the act holds, locked."""
    return await tx.first(select(amendments).where(amendments.c.id == amendment_id).with_for_update())


async def lock_open(tx: Transaction, partnership_id: UUID) -> Sequence[Any]:
    """The amendments of a partnership that the act holds which wait for an answer, as far as the database shows them,
    locked."""
    return await tx.all(
        select(amendments)
        .where(amendments.c.partnership_id == partnership_id, amendments.c.state.in_([state.value for state in TURN]))
        .order_by(amendments.c.id)
        .with_for_update()
    )
