"""API clients as acts and the edge read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, func, or_, select, update

from accord.database.engine import Database, Query, Transaction
from accord.database.queries.member import get_person
from accord.database.tables.api_client import api_clients
from accord.database.visibility import sees_api_client
from accord.domain.callers.api_client import NOTED_EVERY, ApiClientStatus
from accord.domain.errors import NotFound

ACTIVE: Final = api_clients.c.status == ApiClientStatus.ACTIVE.value
VISIBLE: Final = Query(
    select(api_clients).where(
        api_clients.c.id == bindparam("wanted", type_=Uuid()),
        api_clients.c.organisation_id == bindparam("organisation", type_=Uuid()),
        sees_api_client(),
    )
)


async def find_client(database: Database, client_id: UUID) -> Any:
    """Return the client of a secret or token, `alive` if it is neither revoked nor over by time; None for no client."""
    async with database.as_client(client_id) as connection:
        alive = and_(ACTIVE, api_clients.c.expires_at > database.clock()).label("alive")
        found = select(api_clients, alive).where(api_clients.c.id == client_id)
        return (await connection.execute(found)).first()


async def note_use(database: Database, client_id: UUID, organisation_id: UUID, now: datetime) -> None:
    """Keep when a client was last used, unless that was noted a moment ago or somebody holds it just now."""
    stale = or_(api_clients.c.last_used_at.is_(None), api_clients.c.last_used_at <= now - NOTED_EVERY)
    free = select(api_clients.c.id).where(api_clients.c.id == client_id, ACTIVE, stale)
    free = free.with_for_update(skip_locked=True)
    async with database.as_client(client_id, organisation_id) as connection:
        await connection.execute(update(api_clients).where(api_clients.c.id.in_(free)).values(last_used_at=now))


async def new_client_id(tx: Transaction) -> UUID:
    """The key of a client to be made: its secret names it."""
    made: UUID = await tx.scalar(select(func.accord.new_id(type_=Uuid())))
    return made


async def count_own_clients(tx: Transaction) -> int:
    """Return how many live clients the caller owns, in all organisations, and let nobody make another one meanwhile."""
    await get_person(tx, tx.person_id)
    return int(await tx.scalar(select(func.accord.count_own_clients(tx.now))))


async def hold_client(tx: Transaction, client_id: UUID) -> None:
    """Nobody acts as this client until the end of the act: what is under way comes first, all else after it."""
    await tx.first(select(func.pg_advisory_xact_lock(func.hashtextextended(str(client_id), 0))))


async def lock_client(tx: Transaction, organisation_id: UUID, client_id: UUID) -> Any:
    """A client of this organisation that the caller may see, locked; NotFound otherwise."""
    await tx.first(select(api_clients.c.id).where(api_clients.c.id == client_id).with_for_update())
    found = await tx.fetch(VISIBLE, wanted=client_id, organisation=organisation_id)
    if not found:
        raise NotFound(("apiClientId",))
    return found[0]


async def lock_owned_clients(tx: Transaction, organisation_id: UUID, owner_user_id: UUID) -> Sequence[Any]:
    """The clients of a person in an organisation that are not revoked, locked in order of their keys."""
    theirs = and_(api_clients.c.organisation_id == organisation_id, api_clients.c.owner_user_id == owner_user_id)
    return await tx.all(select(api_clients).where(theirs, ACTIVE).order_by(api_clients.c.id).with_for_update())
