"""How a connection to PostgreSQL is opened, borrowed from a pool and given back, each within a bounded time.

PostgreSQL bounds its statements itself. Where it does not answer at all (frozen, or a network that swallows packets),
the deadlines here apply: a statement gets a little more than its own limit, giving back gets `GIVING_BACK`, and then
the connection is cut.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from accord.database.caller import Driver
from accord.database.server_clock import ServerClock

CONNECTING: Final = 5.0
"""Seconds for opening a connection."""

SILENCE: Final = 1.0
"""Seconds beyond its own limit after which PostgreSQL does not answer a statement any more."""

GIVING_BACK: Final = 0.5
"""Seconds for rolling back and returning a connection to the pool; then it is cut."""

STATEMENTS: Final = 400
"""How many statements a connection keeps prepared: more than there are, so that none is planned again."""

KEEPALIVE: Final[tuple[tuple[str, int], ...]] = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 3),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 15_000),
)
"""A peer that vanished is noticed within 20 seconds when nothing is sent, within 15 when something is."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """The limits of a session, in seconds; `durable` off makes a crash forget the last moments."""

    statement: float = 5.0
    lock: float = 2.0
    idle: float = 10.0
    durable: bool = True

    @property
    def silence(self) -> float:
        """Seconds after which a statement that was not answered never will be."""
        return self.statement + SILENCE

    def settings(self) -> str:
        """The statements that begin a session: a pooler would refuse them as parameters of its start."""
        given = {
            "plan_cache_mode": "force_generic_plan",
            "statement_timeout": str(int(self.statement * 1000)),
            "lock_timeout": str(int(self.lock * 1000)),
            "idle_in_transaction_session_timeout": str(int(self.idle * 1000)),
            **({} if self.durable else {"synchronous_commit": "off"}),
        }
        return "; ".join(f"SET {name} = '{value}'" for name, value in given.items())


class Watched(asyncpg.Connection):  # type: ignore[misc]
    """A connection whose socket notices a peer that has vanished."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        watch(transport.get_extra_info("socket"))

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the driver's signature
        """Say goodbye, or cut the connection where that takes longer than `GIVING_BACK`, whatever was asked for."""
        await super().close(timeout=GIVING_BACK)


def watch(given: Any) -> None:
    """Switch keepalives on for a TCP socket, as far as the system has them."""
    if given is None or given.family not in (socket.AF_INET, socket.AF_INET6):
        return
    given.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if (option := getattr(socket, name, None)) is not None:
            given.setsockopt(socket.IPPROTO_TCP, option, value)


def plain_url(url: str) -> str:
    """The URL as libpq writes it, whatever PostgreSQL scheme was given."""
    _, separator, rest = url.partition("://")
    return f"postgresql://{rest}" if separator else url


async def connect(
    url: str, limits: SessionLimits | None = None, *, within: float = CONNECTING, statements: int = STATEMENTS
) -> Driver:
    """Open a connection; with limits, its session has them from the start.

    Where the URL names several hosts, the one that can write is taken unless the URL says otherwise.
    """
    several = {"target_session_attrs": "read-write"} if _has_several_hosts(url) else {}
    ends = asyncio.get_running_loop().time() + within
    opened: Driver = await _opened(
        plain_url(url),
        timeout=within,
        command_timeout=None if limits is None else limits.silence,
        statement_cache_size=statements,
        max_cacheable_statement_size=0,
        max_cached_statement_lifetime=0,
        connection_class=Watched,
        server_settings={"application_name": "accord"},
        **several,
    )
    if limits is not None:
        try:
            async with asyncio.timeout_at(ends):
                await opened.execute(limits.settings())
        except BaseException:
            opened.terminate()
            raise
    return opened


async def _opened(url: str, **given: Any) -> Driver:
    try:
        return await asyncpg.connect(url, **given)
    except ValueError:
        raise asyncpg.ClientConfigurationError("the URL of the database can't be read") from None


def _has_several_hosts(url: str) -> bool:
    parts = urlsplit(plain_url(url))
    return "," in parts.netloc.rpartition("@")[2] and "target_session_attrs=" not in parts.query


def open_engine(
    url: str, limits: SessionLimits | None = None, clock: ServerClock | None = None, **pool: Any
) -> AsyncEngine:
    """A pool of such connections, each of which sets the clock when it is opened."""

    async def opened() -> Driver:
        connection = await connect(url, limits)
        try:
            if clock is not None:
                await clock.read(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={"async_creator_fn": opened, "prepared_statement_cache_size": STATEMENTS},
        **pool,
    )
    event.listen(engine.sync_engine, "reset", _roll_back)
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    return engine


@asynccontextmanager
async def borrowed(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool; whatever was begun on it and not committed is rolled back afterwards."""
    connection = await engine.connect()
    try:
        yield connection
    finally:
        await give_back(connection)


async def give_back(connection: AsyncConnection, *, began: bool = False) -> None:
    """Roll back and return a connection to its pool, or cut it where that takes too long. Nothing interrupts it.

    `began` says that a transaction was begun past SQLAlchemy. The driver cannot say: it learns the state of a
    transaction late where a statement was cancelled.
    """
    giving = asyncio.ensure_future(_give_back(connection, began=began))
    try:
        await asyncio.shield(giving)
    except asyncio.CancelledError:
        await asyncio.wait({giving})
        raise


async def _give_back(connection: AsyncConnection, *, began: bool) -> None:
    driver = await _driver_under(connection)
    if driver is None:
        await connection.close()
        return
    cutting = asyncio.get_running_loop().call_later(GIVING_BACK, driver.terminate)
    try:
        if began and not driver.is_closed():
            await driver.execute("ROLLBACK")
        if driver.is_closed():
            await connection.invalidate()
        await connection.close()
    except Exception:  # noqa: BLE001 - whatever it was, the connection is good for nothing any more
        driver.terminate()
        with suppress(SQLAlchemyError):
            await connection.invalidate()
        await connection.close()
    finally:
        cutting.cancel()


async def _driver_under(connection: AsyncConnection) -> Driver | None:
    """The driver's connection; None where the pool has already taken it back."""
    if connection.closed or connection.invalidated:
        return None
    found: Driver = (await connection.get_raw_connection()).driver_connection
    return found


def _roll_back(dbapi_connection: Any, _record: Any, state: Any) -> None:
    """A transaction that SQLAlchemy did not begin never reaches the next user of the connection."""
    driver = dbapi_connection.driver_connection
    if not state.terminate_only and not driver.is_closed() and driver.is_in_transaction():
        await_only(driver.execute("ROLLBACK"))


def _refuse_dead(dbapi_connection: Any, _record: Any, _fairy: Any) -> None:
    """A connection that the server has closed is replaced before anybody gets it; others may be well, or new."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError
