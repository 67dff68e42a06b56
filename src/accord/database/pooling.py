"""Is there a pooler in between that hands a connection to somebody else after each transaction?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from accord.database.caller import Driver
from accord.database.connections import connect

BACKEND: Final = "SELECT pg_backend_pid()"


async def is_pooled_by_transaction(url: str) -> bool:
    """Do two clients that are connected at the same time share a server's process?

    The settings of a session, its prepared statements, LISTEN and advisory locks would be somebody else's. The first
    client's process is asked for before and while the second one is in a transaction: a pooler for sessions, or none,
    leaves it where it was.
    """
    async with _connected(url) as first, _connected(url) as second:
        before = await _backend_of(first)
        async with second.transaction():
            held = await second.fetchval(BACKEND)
            after = await _backend_of(first)
    return held == before or after != before


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Driver]:
    driver = await connect(url, statements=0)
    try:
        yield driver
    finally:
        driver.terminate()


async def _backend_of(driver: Driver) -> int:
    async with driver.transaction():
        found: int = await driver.fetchval(BACKEND)
        return found
