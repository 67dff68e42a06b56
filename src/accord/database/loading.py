"""Loading a world into an empty database: what was begun and never ended is known as such, and begun again.

The mark is a comment on the schema, by the owner; as long as somebody loads, that connection holds a lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from accord.database.caller import Driver
from accord.database.connections import connect
from accord.database.queue import SCHEMA

MARK: Final = "a world is being loaded"
LOADING: Final = 0x6C6F6164
"""The advisory lock of whoever loads."""


class AlreadyLoading(RuntimeError):
    """Another process is loading a world into this database at this moment."""


@asynccontextmanager
async def loading(owner_url: str) -> AsyncIterator[None]:
    """Around a load into an empty database: marked until it ends well; AlreadyLoading."""
    async with _alone(owner_url) as connection:
        await connection.execute(f"COMMENT ON SCHEMA accord IS '{MARK}'")
        yield
        await connection.execute("COMMENT ON SCHEMA accord IS NULL")


async def forget_interrupted(owner_url: str) -> bool:
    """Empty a database in which a load was begun and not ended: the schemas are gone; was it so? AlreadyLoading."""
    if not await is_marked(owner_url):
        return False
    async with _alone(owner_url) as connection:
        if not await _has_mark(connection):
            return False
        await connection.execute(f"DROP SCHEMA accord CASCADE; DROP SCHEMA {SCHEMA} CASCADE")
    return True


async def keep_interrupted(owner_url: str) -> None:
    """Take what an interrupted load left for what is wanted: it is not emptied later."""
    if await is_marked(owner_url):
        async with _alone(owner_url) as connection:
            await connection.execute("COMMENT ON SCHEMA accord IS NULL")


async def is_marked(owner_url: str) -> bool:
    """Was a load begun that has not ended?"""
    connection = await _connect(owner_url)
    try:
        return await _has_mark(connection)
    finally:
        await connection.close()


async def _has_mark(connection: Driver) -> bool:
    said = await connection.fetchval("SELECT obj_description(oid) FROM pg_namespace WHERE nspname = 'accord'")
    return bool(said == MARK)


@asynccontextmanager
async def _alone(owner_url: str) -> AsyncIterator[Driver]:
    connection = await _connect(owner_url)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOADING):
            raise AlreadyLoading("another process is loading a world into this database")
        yield connection
    finally:
        await connection.close()


async def _connect(owner_url: str) -> Driver:
    return await connect(owner_url)
