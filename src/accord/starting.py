"""Gets ready to serve: the database is there, migrated and safe, with the demo world where it is wanted."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import structlog
import typer

from accord import demo
from accord.app import UNUSABLE, UnsafeDatabase, open_database, reason_of, refuse_dangers, url_of
from accord.database import roles
from accord.database.connections import connect
from accord.database.failures import Lost, meaning
from accord.database.loading import AlreadyLoading, forget_interrupted, keep_interrupted
from accord.database.queries.read.demo import is_empty, list_people
from accord.database.versions import NewerDatabase
from accord.database.walls import InUse
from accord.settings import Settings

log = structlog.stdlib.get_logger("accord")

PAUSES: Final = (0.2, 2.0)
"""Seconds between two tries to reach a database: at first, and at most."""


async def prepare(settings: Settings, is_ours: bool) -> list[dict[str, Any]]:
    """Migrates where the owner's URL is known, loads the demo world where it is wanted; who there is to be."""
    wanted = settings.in_development and (settings.demo if settings.demo is not None else is_ours)
    if settings.owner_url is not None:
        await whole(settings, settings.owner_url.get_secret_value(), wanted)
    await safe_to_serve(settings)
    if not settings.in_development or settings.worker_url is None:
        return []
    worker = open_database(settings, "worker_url", pool_size=1)
    try:
        if wanted and settings.owner_url is not None and await is_empty(worker):
            await load_aloud(settings)
        return await list_people(worker)
    finally:
        await worker.close()


async def whole(settings: Settings, owner_url: str, demo_wanted: bool) -> None:
    """Migrates; what an interrupted load of the demo world has left is emptied where it is to be loaded, else kept."""
    await migrate_once_there(settings, owner_url)
    try:
        if not demo_wanted:
            await keep_interrupted(owner_url)
        elif await forget_interrupted(owner_url):
            typer.echo("The demo world was not loaded to its end: starting again.")
            await migrated(owner_url, settings.migrate_wait)
    except AlreadyLoading as error:
        raise UnsafeDatabase(str(error)) from error


async def load_aloud(settings: Settings) -> None:
    typer.echo("Loading the demo world …")
    try:
        await demo.load(settings)
    except AlreadyLoading as error:
        raise UnsafeDatabase(str(error)) from error


async def migrate_once_there(settings: Settings, owner_url: str) -> None:
    """Waits for the database of OWNER_URL, then brings it up to date."""
    await until_there(owner_url, "OWNER_URL", settings.database_wait)
    await migrated(owner_url, settings.migrate_wait)


async def migrated(owner_url: str, within: float) -> None:
    """Brings the database up to date; UnsafeDatabase says in one line why that could not be."""
    try:
        await roles.prepare(owner_url, within)
    except (NewerDatabase, InUse) as error:
        raise UnsafeDatabase(str(error)) from error
    except UNUSABLE as error:
        raise UnsafeDatabase(f"the database of OWNER_URL can't be prepared ({reason_of(error)})") from error


async def safe_to_serve(settings: Settings) -> None:
    """Waits for the database of DATABASE_URL; UnsafeDatabase where it must not be served."""
    url = url_of(settings, "database_url")
    await until_there(url, "DATABASE_URL", settings.database_wait)
    gateway = open_database(settings, "database_url", pool_size=1)
    try:
        await refuse_dangers(gateway, url)
    finally:
        await gateway.close()


async def until_there(url: str, name: str, within: float) -> None:
    """Waits for a server that does not answer yet, for `within` seconds at most. Whatever else is wrong with it is told
    by whoever uses it."""
    ends, pause, told = time.monotonic() + within, PAUSES[0], False
    while True:
        try:
            connection = await connect(url)
        except UNUSABLE as error:
            if meaning(error) is not Lost or time.monotonic() + pause > ends:
                return
            if not told:
                log.warning("waiting for the database", of=name, reason=type(error).__name__, seconds=within)
            told = True
        else:
            connection.terminate()
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSES[1])
