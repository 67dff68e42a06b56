"""The worker: takes the outbox's jobs as they are committed and sends their mails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog
from asyncpg import Connection as Driver
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from accord.database import queue
from accord.database.engine import Database
from accord.database.queries import outbox
from accord.database.queries.outbox import Envelope
from accord.delivery import schedule
from accord.delivery.rendering import message
from accord.delivery.smtp import Refused, Smtp, Unavailable, send

POLL: Final = timedelta(seconds=2)
ABANDONED: Final = timedelta(seconds=20)
BATCH: Final = 5
RECONNECT: Final = (0.2, 10.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a mail is tried, and the pause after an attempt: growing, at most `longest`."""

    attempts: int = 12
    first: timedelta = timedelta(seconds=5)
    factor: float = 3.0
    longest: timedelta = timedelta(hours=1)

    def pause(self, attempts: int) -> timedelta:
        """After so many attempts (at least 1)."""
        grown = self.first.total_seconds() * self.factor ** min(attempts - 1, 30)
        return timedelta(seconds=min(grown, self.longest.total_seconds()))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the settings say about mails: `public_url` begins every link; without `smtp` mails stay queued."""

    public_url: str
    smtp: Smtp | None = None
    retry: Retry = Retry()


async def run(database: Database, delivery: Delivery, stop: asyncio.Event, sweep: schedule.Sweep) -> None:
    """Work until `stop` is set; `database` is the worker role's. A lost connection is made anew, for ever."""
    pause = RECONNECT[0]
    while not stop.is_set():
        try:
            async with _listening(database) as driver:
                pause = RECONNECT[0]
                await schedule.recover(database)
                await _work(database, driver, delivery, stop, sweep)
        except Exception as error:  # noqa: BLE001 - whatever broke, mails go out once it is mended
            log.warning("worker.interrupted", error=type(error).__name__, code=_code(error), again_in=pause)
        if not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, RECONNECT[1])


def _code(error: Exception) -> str | None:
    """PostgreSQL's code for what went wrong, None for other errors; their texts may hold values and are not logged."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


@asynccontextmanager
async def _listening(database: Database) -> AsyncIterator[Driver[Any]]:
    """A connection of its own for LISTEN, closed at the end and never given back to the pool."""
    async with database.engine.connect() as connection:
        try:
            yield await queue.driver_of(connection)
        finally:
            await connection.invalidate()


async def _work(
    database: Database, driver: Driver[Any], delivery: Delivery, stop: asyncio.Event, sweep: schedule.Sweep
) -> None:
    queries = queue.queries(driver)
    jobs = PgQueuer(queries.driver, channel=queue.SETTINGS.channel, queries=queries)
    driver.add_termination_listener(lambda _: jobs.shutdown.set())
    if delivery.smtp is not None:
        handler = partial(_deliver, database, delivery, delivery.smtp)
        jobs.entrypoint(queue.MAIL, on_failure="hold", accepts_context=False)(handler)
    schedule.register(jobs, database, sweep)
    stopping = asyncio.create_task(_stop_with(stop, jobs.shutdown))
    try:
        await jobs.run(
            dequeue_timeout=POLL,
            batch_size=BATCH,
            max_concurrent_tasks=2 * BATCH,
            heartbeat_timeout=ABANDONED,
            shutdown_on_listener_failure=True,
        )
    finally:
        stopping.cancel()


async def _stop_with(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stop.wait()
    shutdown.set()


async def _deliver(database: Database, delivery: Delivery, smtp: Smtp, job: Job) -> None:
    """Send the mail of a job; a mail that was sent already is left alone."""
    mail_id = UUID((job.payload or b"").decode())
    try:
        async with database.system() as connection:
            envelope = await outbox.get_envelope(connection, mail_id)
        if envelope is not None:
            await _attempt(database, delivery, smtp, envelope)
    except (RetryRequested, Refused):
        raise
    except Exception as error:  # noqa: BLE001 - the database's trouble, not the mail's: it costs no attempt
        raise RetryRequested(delivery.retry.first, type(error).__name__) from None


async def _attempt(database: Database, delivery: Delivery, smtp: Smtp, envelope: Envelope) -> None:
    try:
        await send(smtp, _letter(envelope, delivery, smtp))
    except Unavailable as error:
        await _try_again(database, delivery.retry, envelope, str(error))
    except Refused as error:
        await _give_up(database, envelope, str(error))
    async with database.system() as connection:
        await outbox.mark_sent(connection, envelope.id, datetime.now(UTC))


def _letter(envelope: Envelope, delivery: Delivery, smtp: Smtp) -> EmailMessage:
    try:
        return message(envelope, delivery.public_url, smtp)
    except Exception as error:  # noqa: BLE001 - made of the row alone: it would fail again
        raise Refused(f"cannot be written: {type(error).__name__} {error}") from None


async def _try_again(database: Database, retry: Retry, envelope: Envelope, error: str) -> NoReturn:
    attempts = envelope.attempts + 1
    if attempts >= retry.attempts:
        await _give_up(database, envelope, error)
    async with database.system() as connection:
        await outbox.mark_failed(connection, envelope.id, error)
    raise RetryRequested(retry.pause(attempts), error)


async def _give_up(database: Database, envelope: Envelope, error: str) -> NoReturn:
    """The dead letter: the mail is DEAD, its job is held as failed."""
    async with database.system() as connection:
        await outbox.mark_dead(connection, envelope.id, error)
    log.error("mail.dead", mail=str(envelope.id), template=envelope.template, attempts=envelope.attempts + 1)
    raise Refused(error)
