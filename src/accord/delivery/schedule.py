"""What is done by the clock, by one worker at a time however many there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from pgqueuer import PgQueuer
from pgqueuer.models import Schedule

from accord.database import queue
from accord.database.engine import Database
from accord.database.queries import outbox
from accord.database.queries.cascade import list_unfinished
from accord.delivery.retention import Retention, apply_retention
from accord.services.checkpoint import take_checkpoint
from accord.services.housekeeping import forget

EVERY_MINUTE: Final = "* * * * *"
EVERY_FIVE_MINUTES: Final = "*/5 * * * *"
EVERY_TEN_MINUTES: Final = "*/10 * * * *"
EVERY_HOUR: Final = "17 * * * *"
EVERY_HOUR_LATER: Final = "47 * * * *"
LINK_LIVES: Final = timedelta(hours=72)
LOG_KEPT: Final = timedelta(days=30)

Sweep = Callable[[Database, datetime], Awaitable[None]]
"""Writes what time has brought about: lapses, expiries and the notices before them."""


def register(jobs: PgQueuer, database: Database, sweep: Sweep, retention: Retention) -> None:
    """Put the clock's work on a worker."""

    async def expiry(_: Schedule) -> None:
        await sweep(database, database.clock())

    async def checkpoint(_: Schedule) -> None:
        await take_checkpoint(database)

    async def housekeeping(_: Schedule) -> None:
        await tidy(database, database.clock())
        await recover(database)

    async def forgetting(_: Schedule) -> None:
        await forget(database, database.clock())

    async def retained(_: Schedule) -> None:
        await apply_retention(database, retention, database.clock())

    jobs.schedule("expiry", EVERY_MINUTE, accepts_context=False)(expiry)
    jobs.schedule("forgetting", EVERY_FIVE_MINUTES, accepts_context=False)(forgetting)
    jobs.schedule("checkpoint", EVERY_TEN_MINUTES, accepts_context=False)(checkpoint)
    jobs.schedule("housekeeping", EVERY_HOUR, accepts_context=False)(housekeeping)
    jobs.schedule("retention", EVERY_HOUR_LATER, accepts_context=False)(retained)


async def recover(database: Database) -> None:
    """Give every mail that is to be sent, and every cascade that is to be finished, a job again if it has lost its own
    (a worker that was cancelled, say)."""
    async with database.system() as connection:
        driver = await queue.driver_of(connection)
        for work, keys in (
            (queue.MAIL, await outbox.list_stranded(connection)),
            (queue.CASCADE, await list_unfinished(connection)),
        ):
            await queue.add_jobs(driver, work, [str(key) for key in keys])


async def tidy(database: Database, now: datetime) -> None:
    """Forget tokens whose links are dead, and the queue's old log."""
    async with database.system() as connection:
        await outbox.scrub_secrets(connection, now - LINK_LIVES)
        await queue.prune_log(connection, now - LOG_KEPT)
