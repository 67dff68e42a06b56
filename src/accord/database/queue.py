"""The job queue (pgqueuer) in the schema `queue`: what the owner installs and what the other two roles may do there.

The gateway adds jobs in the transaction of the change and can neither read a payload nor delete one. The worker takes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from asyncpg import Connection as Driver
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy import Connection, DateTime, Text, column, delete, table
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_only

SCHEMA: Final = "queue"
MAIL: Final = "mail"


class QueueSettings(DBSettings):
    """The names of the queue's objects, from this file alone: pgqueuer's own read bare environment names."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


SETTINGS: Final = QueueSettings(db_schema=SCHEMA, channel=Channel("accord_queue"))
INSTALL: Final = QueryBuilderEnvironment(SETTINGS)
JOBS: Final = QueryQueueBuilder(SETTINGS)
SCHEDULES: Final = QuerySchedulerBuilder(SETTINGS)
JOB: Final = table(
    SETTINGS.queue_table, column("entrypoint", Text()), column("dedupe_key", Text()), column("status"), schema=SCHEMA
)
"""What other statements ask about jobs."""
TABLES: Final = tuple(
    f"{SCHEMA}.{name}"
    for name in (SETTINGS.queue_table, SETTINGS.queue_table_log, SETTINGS.statistics_table, SETTINGS.schedules_table)
)


async def driver_of(connection: AsyncConnection) -> Driver[Any]:
    """The driver's connection under SQLAlchemy's."""
    return _open((await connection.get_raw_connection()).driver_connection)


def _open(driver: Driver[Any] | None) -> Driver[Any]:
    if driver is None:
        raise RuntimeError("the connection is closed")
    return driver


def queries(driver: Driver[Any]) -> Queries:
    """pgqueuer's operations over a driver connection, inside whatever transaction it is in."""
    return Queries(AsyncpgDriver(driver), qbe=INSTALL, qbq=JOBS, qbs=SCHEDULES)


async def add_jobs(driver: Driver[Any], entrypoint: str, keys: Sequence[str]) -> None:
    """Add one job per key in the current transaction; a worker starts them after its commit.

    The key is the payload, and no two jobs that wait or run have the same; adding one again does nothing.
    """
    if keys:
        count = len(keys)
        await queries(driver).enqueue(
            [entrypoint] * count,
            [key.encode() for key in keys],
            [0] * count,
            dedupe_key=[f"{entrypoint}:{key}" for key in keys],
            on_conflict="skip",
        )


async def prune_log(connection: AsyncConnection, before: datetime) -> int:
    """Forget what the log says about jobs before an instant; how many entries."""
    log = table(SETTINGS.queue_table_log, column("created", DateTime(timezone=True)), schema=SCHEMA)
    forgotten = await connection.execute(delete(log).where(log.c.created < before))
    return forgotten.rowcount


def install(bind: Connection) -> None:
    """Install the queue as the owner; a migration step. asyncpg takes many statements only without preparing them."""
    await_only(_open(bind.connection.driver_connection).execute(INSTALL.build_install_query()))


def uninstall(bind: Connection) -> None:
    """Drop the queue with every job in it."""
    await_only(_open(bind.connection.driver_connection).execute(f"DROP SCHEMA {SCHEMA} CASCADE"))


def grants(gateway: str, worker: str) -> tuple[str, ...]:
    """The least that the two roles need, one statement each."""
    queue, log, statistics, schedules = TABLES
    return (
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {gateway}, {worker}",
        f"GRANT USAGE ON SEQUENCE {queue}_id_seq TO {gateway}",
        f"GRANT INSERT ON {queue}, {log} TO {gateway}",
        f"GRANT SELECT (id, entrypoint, priority, dedupe_key, status) ON {queue} TO {gateway}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {worker}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {queue}, {log}, {statistics}, {schedules} TO {worker}",
    )
