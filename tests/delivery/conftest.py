from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import pytest

from accord.database.engine import Database
from accord.delivery.smtp import Encryption, Smtp
from accord.delivery.worker import Delivery, Retry, run
from tests.delivery.sink import Sink
from tests.delivery.tenants import Owner, Tenant, found
from tests.servers import DatabaseURLs

PUBLIC_URL = "https://accord.example"
QUICK = Retry(attempts=3, first=timedelta(milliseconds=50), factor=2, longest=timedelta(seconds=1))

Working = Callable[..., AbstractAsyncContextManager[asyncio.Task[None]]]


async def no_sweep(database: Database, now: datetime) -> None:
    """Nothing is due."""


@pytest.fixture
async def owner(database_urls: DatabaseURLs) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The owner of the tables: no policy hides anything from it."""
    connection = await asyncpg.connect(database_urls.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def gateway(database_urls: DatabaseURLs) -> AsyncIterator[Database]:
    database = Database(database_urls.gateway)
    yield database
    await database.close()


@pytest.fixture
async def worker_database(database_urls: DatabaseURLs) -> AsyncIterator[Database]:
    database = Database(database_urls.worker)
    yield database
    await database.close()


@pytest.fixture
async def host(owner: Owner) -> Tenant:
    return await found(owner, "Meridian")


@pytest.fixture
async def guest(owner: Owner) -> Tenant:
    return await found(owner, "Kestrel")


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
def delivery(sink: Sink) -> Delivery:
    """Mails to the sink, tried again quickly."""
    smtp = Smtp("127.0.0.1", "accord@mail.example", sink.port, encryption=Encryption.NONE, timeout=5)
    return Delivery(PUBLIC_URL, smtp, QUICK)


@pytest.fixture
def working(worker_database: Database, delivery: Delivery) -> Working:
    """`async with working():` runs a worker meanwhile; it has to end by itself when told to stop."""

    @asynccontextmanager
    async def work(how: Delivery = delivery, sweep=no_sweep) -> AsyncIterator[asyncio.Task[None]]:  # type: ignore[no-untyped-def]
        stop = asyncio.Event()
        task = asyncio.create_task(run(worker_database, how, stop, sweep))
        try:
            yield task
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await asyncio.gather(task, return_exceptions=task.cancelled())

    return work
