"""The PostgreSQL server of a test session, and databases cloned from one migrated template."""

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg

from accord.database.embedded import AlreadyRunning, EmbeddedPostgres

TEMPLATE = "accord_template"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "deadlock_timeout": "200ms",
    "max_connections": "200",
    "max_wal_size": "256MB",
}
CONNECTED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
SLOTS = 16
MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class DatabaseURLs:
    """`postgresql://` URLs of one database: its owner, the gateway, the worker, and the superuser of the server."""

    name: str
    owner: str
    gateway: str
    worker: str
    superuser: str

    @classmethod
    def of(cls, server: EmbeddedPostgres, name: str) -> "DatabaseURLs":
        return cls(name, *(server.url(role, name) for role in ("owner", "gateway", "worker", "superuser")))


def scratch() -> Path:
    """Where test servers live: in memory if there is room, which copies a database six times faster than a disk."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())


def open_folder(prefix: str) -> Path:
    """A new folder that the server's user can enter."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=scratch()))
    folder.chmod(0o755)
    return folder


def start_test_server(**settings: str) -> EmbeddedPostgres:
    """Start an empty server in the first free slot of this checkout; an orphan of a killed session is replaced.

    `settings` are more of the server's."""
    checkout = hashlib.sha256(__file__.encode()).hexdigest()[:8]
    root = scratch() / f"accord-tests-{os.getuid()}-{checkout}"
    for slot in range(SLOTS):
        try:
            return EmbeddedPostgres(root / str(slot), settings=SETTINGS | settings, ephemeral=True).start()
        except AlreadyRunning:
            continue
    raise RuntimeError(f"all {SLOTS} test servers in {root} are in use")


@contextmanager
def one_at_a_time(server: EmbeddedPostgres) -> Iterator[None]:
    """Processes of one test session take turns here."""
    with (server.state / "template.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


async def has_database(server: EmbeddedPostgres, name: str) -> bool:
    connection = await asyncpg.connect(server.url("superuser", "postgres"))
    try:
        return bool(await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name))
    finally:
        await connection.close()


async def administer(server: EmbeddedPostgres, statement: str) -> None:
    """Run a statement as the superuser outside any transaction."""
    connection = await asyncpg.connect(server.url("superuser", "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def clone(server: EmbeddedPostgres, template: str = TEMPLATE) -> DatabaseURLs:
    """A new database like the template, owned by the owner role."""
    name = f"test_{uuid4().hex}"
    await administer(server, f"CREATE DATABASE {name} OWNER accord_owner TEMPLATE {template} STRATEGY file_copy")
    return DatabaseURLs.of(server, name)


async def drop(server: EmbeddedPostgres, name: str) -> None:
    """Drop it with whoever is still connected; FORCE alone would look for them each 100 ms."""
    connection = await asyncpg.connect(server.url("superuser", "postgres"))
    try:
        while await connection.fetch(CONNECTED, name):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()
