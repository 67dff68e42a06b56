"""The reads of one operation: one connection, one instant, and the caller's rights of that instant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from accord.access.principal import Identity, Principal
from accord.database import acting, caller
from accord.database.caller import Driver, viewer_binds
from accord.database.connections import give_back
from accord.database.failures import SnapshotClosed, Translated
from accord.database.query import Query


@dataclass(frozen=True, slots=True)
class _Opened:
    """A snapshot that has begun: its connection, the caller, and what the predicates ask about the caller."""

    raw: Driver
    principal: Principal
    binds: dict[str, Any]


class Snapshot:
    """The reads of one operation: one connection, one instant, opened by the first of them."""

    def __init__(self, engine: AsyncEngine, identity: Identity, now: datetime, session: UUID | None = None) -> None:
        self.identity = identity
        self.session = session
        self.now = now
        self._engine = engine
        self._lock = asyncio.Lock()
        self._closed = False
        self._connection: AsyncConnection | None = None
        self._raw: Driver | None = None
        self._opened: _Opened | None = None

    async def principal(self) -> Principal:
        """The caller with the rights of this instant."""
        async with self._lock:
            return (await self._ensure()).principal

    async def fetch(self, query: Query, **given: Any) -> list[Any]:
        """The rows of one query; statements of one operation run one at a time."""
        async with self._lock:
            opened = await self._ensure()
            with Translated():
                rows: list[Any] = await opened.raw.fetch(
                    query.sql, *query.arguments(opened.binds | given), record_class=query.record
                )
            return rows

    async def close(self) -> None:
        """Give the connection back; later fetches are refused. May be called twice."""
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _ensure(self) -> _Opened:
        if self._closed:
            raise SnapshotClosed
        if self._opened is None:
            try:
                self._opened = await self._open()
            except BaseException:
                self._closed = True
                raise
        return self._opened

    async def _open(self) -> _Opened:
        with Translated():
            self._connection = await self._engine.connect()
            raw = self._raw = await driver_of(self._connection)
            told = caller.told(self.identity, acting=self.session is not None)
            await raw.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {told}")
            principal = await caller.rights_of(raw, self.identity, self.now)
            if self.session is not None:
                principal = await acting.resolve(raw, principal, self.session, self.now)
                await caller.enter(raw, principal.acts_for)
        return _Opened(raw, principal, viewer_binds(principal, self.now))

    async def _close(self) -> None:
        async with self._lock:
            self._closed = True
            connection, self._connection, self._raw = self._connection, None, None
            if connection is None:
                return
            await give_back(connection, began=True)


async def driver_of(connection: AsyncConnection) -> Driver:
    """The asyncpg connection under SQLAlchemy's."""
    raw = await connection.get_raw_connection()
    driver: Driver = raw.driver_connection
    return driver
