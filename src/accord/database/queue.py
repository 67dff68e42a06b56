"""The job queue (pgqueuer) in the schema `queue`: what the owner installs and what the other two roles may do there.

The gateway adds jobs in the transaction of the change, by a function, and has no right to any row of the queue: neither
to a payload nor to what other tenants wait for. The worker takes them.
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
CASCADE: Final = "cascade"


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
        await driver.execute(ADD, entrypoint, list(keys))


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


ADD: Final = f"SELECT {SCHEMA}.add_jobs($1, $2)"
ENQUEUE: Final = "int[], text[], bytea[], interval[], text[], jsonb[]"
"""The parameters of pgqueuer's own statement, in its order."""


def functions() -> tuple[str, ...]:
    """The statements that make the functions which add jobs: pgqueuer's own statement, and its only use from outside.

    They are made at every migration of a database, so that they are those of the pgqueuer that is installed.
    """
    return (
        f"""CREATE OR REPLACE FUNCTION {SCHEMA}.enqueue({ENQUEUE}) RETURNS TABLE (ord bigint, id bigint)
            LANGUAGE sql SET search_path = {SCHEMA}, pg_temp AS $sql${JOBS.build_enqueue_query("skip")}$sql$""",
        f"""CREATE OR REPLACE FUNCTION {SCHEMA}.add_jobs(entrypoint text, keys text[]) RETURNS void
            LANGUAGE sql SECURITY DEFINER SET search_path = {SCHEMA}, pg_temp AS $sql$
            SELECT FROM (
                SELECT array_agg(0) AS priorities, array_agg(entrypoint) AS entrypoints,
                    array_agg(convert_to(key, 'UTF8')) AS payloads, array_agg(interval '0') AS delays,
                    array_agg(entrypoint || ':' || key) AS dedupe_keys, array_agg('null'::jsonb) AS headers
                FROM unnest(keys) key
            ) wanted, {SCHEMA}.enqueue(priorities, entrypoints, payloads, delays, dedupe_keys, headers) $sql$""",
    )


def functions_for(gateway: str, worker: str) -> dict[str, tuple[str, ...]]:
    """Who may call each function of the queue, beside its owner; those of triggers need no right."""
    return {"add_jobs": (gateway, worker), "enqueue": ()}


def grants(gateway: str, worker: str) -> tuple[str, ...]:
    """The least that the two roles need, one statement each."""
    queue, log, statistics, schedules = TABLES
    return (
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {gateway}, {worker}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {worker}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {queue}, {log}, {statistics}, {schedules} TO {worker}",
    )
