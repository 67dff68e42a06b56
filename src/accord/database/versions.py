"""The version of the schema that a database has, against the one that this program is made for."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib import resources
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from accord.database.caller import Driver
from accord.database.connections import open_engine
from accord.database.walls import Patience

SCRIPTS: Final = str(resources.files("accord.database") / "migrations")
"""The folder of the migrations."""

STANDING: Final = "SELECT version_num FROM accord.alembic_version"
LOCK_WAIT: Final = "SET lock_timeout = 1000"


class NewerDatabase(RuntimeError):
    """The database was prepared by a newer version of Accord; the message says which versions."""

    def __init__(self, standing: str) -> None:
        super().__init__(
            f"the database has the schema {standing}, which this version of Accord does not know"
            f" (its newest is {newest()}); use the newer version"
        )


@lru_cache
def known() -> tuple[str, ...]:
    """The versions of the schema that this program knows, oldest first."""
    scripts = ScriptDirectory(SCRIPTS)
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def newest() -> str:
    """The version of the schema that this program is made for."""
    return known()[-1]


async def standing(driver: Driver) -> str | None:
    """The version that a database has, None for one that was never prepared."""
    if await driver.fetchval("SELECT to_regclass('accord.alembic_version') IS NULL"):
        return None
    found: str | None = await driver.fetchval(STANDING)
    return found


async def is_current(driver: Driver) -> bool:
    """Has the database the newest schema? NewerDatabase for one that this program does not know."""
    found = await standing(driver)
    if found is not None and found not in known():
        raise NewerDatabase(found)
    return found == newest()


async def migrate(owner_url: str, driver: Driver, patience: Patience) -> None:
    """Bring the schema to the newest version: an empty database at once, any other version by version, each whole or
    not at all."""
    if await is_current(driver):
        return
    found = await standing(driver)
    await driver.execute("CREATE SCHEMA IF NOT EXISTS accord")
    steps = known()[known().index(found) + 1 :] if found is not None else (newest(),)
    engine = open_engine(owner_url)
    try:
        for version in steps:
            await patience.try_until_done(partial(_upgrade, engine, version), f"what version {version} changes")
    finally:
        await engine.dispose()


async def _upgrade(engine: AsyncEngine, version: str) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(LOCK_WAIT)
        await connection.run_sync(_run, version)


def _run(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    command.upgrade(config, version)
