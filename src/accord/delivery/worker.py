"""The worker: takes the outbox's jobs as they are committed and sends their mails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog
from asyncpg import Connection
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from accord.database import queue
from accord.database.caller import Driver
from accord.database.engine import Database
from accord.database.failures import code_of
from accord.database.queries import outbox
from accord.database.queries.outbox import Envelope
from accord.delivery import schedule
from accord.delivery.bounce import bounce_of
from accord.delivery.rendering import message
from accord.delivery.retention import Retention
from accord.delivery.smtp import Refused, Smtp, Unavailable, send
from accord.services.proceeding import Unfinished, finish_cascade

POLL: Final = timedelta(seconds=2)
ABANDONED: Final = timedelta(seconds=20)
BATCH: Final = 5
IN_DOUBT: Final = 1
"""Mails that a worker hands over at a time; as many can be sent twice when it is killed in that moment."""
INTERRUPTED: Final = timedelta(seconds=5)
"""How long a cascade waits whose step has failed, a deadlock or a lost database most often."""
PASSED_OVER: Final = timedelta(minutes=5)
"""How long one waits whose rest can't be written."""
RECONNECT: Final = (0.2, 10.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a mail is tried, and the pause after an attempt: growing, at most `longest`; for four days in all, as
    RFC 5321 (4.5.4.1) asks."""

    attempts: int = 103
    first: timedelta = timedelta(seconds=5)
    factor: float = 3.0
    longest: timedelta = timedelta(hours=1)

    def pause(self, attempts: int) -> timedelta:
        """After so many attempts (at least 1)."""
        grown = self.first.total_seconds() * self.factor ** min(attempts - 1, 30)
        return timedelta(seconds=min(grown, self.longest.total_seconds()))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the settings say about mails: `public_url` begins every link; without `smtp` mails stay queued. `retention`:
    how long they and others are kept."""

    public_url: str
    smtp: Smtp | None = None
    retry: Retry = Retry()
    retention: Retention = field(default_factory=Retention)


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
            log.warning("worker.interrupted", error=type(error).__name__, code=code_of(error), again_in=pause)
        if not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, RECONNECT[1])


@asynccontextmanager
async def _listening(database: Database) -> AsyncIterator[Connection[Any]]:
    """A connection of its own for LISTEN, closed at the end and never given back to the pool."""
    async with database.engine.connect() as connection:
        try:
            yield await queue.driver_of(connection)
        finally:
            await connection.invalidate()


async def _work(
    database: Database, driver: Connection[Any], delivery: Delivery, stop: asyncio.Event, sweep: schedule.Sweep
) -> None:
    queries = queue.queries(driver)
    jobs = PgQueuer(queries.driver, channel=queue.SETTINGS.channel, queries=queries)
    driver.add_termination_listener(lambda _: jobs.shutdown.set())
    if delivery.smtp is not None:
        handler = partial(_deliver, _Post(database, delivery, delivery.smtp, asyncio.Semaphore(IN_DOUBT)))
        jobs.entrypoint(queue.MAIL, on_failure="hold", accepts_context=False)(handler)
    jobs.entrypoint(queue.CASCADE, on_failure="hold", accepts_context=False)(partial(_finish, database))
    schedule.register(jobs, database, sweep, delivery.retention)
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


class _Doubtful(Exception):
    """Another worker has begun to send this mail and may still be at it."""


@dataclass(frozen=True, slots=True)
class _Post:
    """What sending one mail after the other needs. `doubts` bounds how many may be with the server unanswered, which is
    how many a worker that is killed may send a second time."""

    database: Database
    delivery: Delivery
    smtp: Smtp
    doubts: asyncio.Semaphore


async def _finish(database: Database, job: Job) -> None:
    """Carry out what an act has left to the worker; where something fails, the rest is tried again a little later."""
    cascade_id = UUID((job.payload or b"").decode())
    try:
        await finish_cascade(database, cascade_id)
    except Unfinished:
        raise RetryRequested(PASSED_OVER, "some rows failed") from None
    except Exception as error:  # noqa: BLE001 - what was committed is done, and the rest has to be
        log.error(  # noqa: TRY400 - a text may hold values
            "cascade.interrupted", cascade=str(cascade_id), error=type(error).__name__, code=code_of(error)
        )
        raise RetryRequested(INTERRUPTED, type(error).__name__) from None


async def _deliver(post: _Post, job: Job) -> None:
    """Send the mail of a job; a mail that was sent already is left alone."""
    mail_id, first = UUID((job.payload or b"").decode()), post.delivery.retry.first
    try:
        async with post.database.system() as connection:
            envelope = await outbox.get_envelope(connection, mail_id)
        if envelope is not None:
            await _attempt(post, envelope)
    except (RetryRequested, Refused):
        raise
    except _Doubtful:
        raise RetryRequested(max(first, post.smtp.longest_doubt / 3), "in doubt") from None
    except Exception as error:  # noqa: BLE001 - the database's trouble, not the mail's: it costs no attempt
        raise RetryRequested(first, type(error).__name__) from None


async def _attempt(post: _Post, envelope: Envelope) -> None:
    letter = await _written(post, envelope)
    try:
        async with AsyncExitStack() as stack:
            await _hand_over(post, envelope, letter, stack)
    except Unavailable as error:
        await _try_again(post.database, post.delivery.retry, envelope, str(error))
    except Refused as error:
        await _give_up(post.database, envelope, str(error))


async def _hand_over(post: _Post, envelope: Envelope, letter: EmailMessage, stack: AsyncExitStack) -> None:
    """Give the message to the server between two commits: it is being sent, and it was sent.

    The connection of the second is at hand before the message leaves, so that the mail is in doubt for as short a time
    as can be: a worker that is killed in between leaves a mail that another sends again, with the same Message-ID.
    """
    held: list[Driver] = []

    async def begin() -> None:
        await stack.enter_async_context(post.doubts)
        held.append(await stack.enter_async_context(post.database.statement()))
        now = post.database.clock()
        if not await outbox.claim(held[0], envelope.id, now, now - post.smtp.longest_doubt):
            raise _Doubtful

    async def taken() -> None:
        await outbox.mark_sent(held[0], envelope.id, post.database.clock())
        await stack.aclose()

    await send(post.smtp, letter, begin, taken)


async def _written(post: _Post, envelope: Envelope) -> EmailMessage:
    """The message of a mail; one that cannot be written is given up."""
    try:
        return message(envelope, post.delivery.public_url, post.smtp)
    except Exception as error:  # noqa: BLE001 - made of the row alone: it would fail again
        await _give_up(post.database, envelope, f"cannot be written: {type(error).__name__} {error}")


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
    facts = {"mail": str(envelope.id), "template": envelope.template, "attempts": envelope.attempts + 1}
    log.error("mail.dead", **facts, bounce=bounce_of(error).value)
    raise Refused(error)
