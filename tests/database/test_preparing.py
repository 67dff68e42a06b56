"""`accord migrate` beside a system that is in use: nothing to do takes no lock, and the rest waits for nobody long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from accord.database import roles, versions, walls
from accord.database.embedded import EmbeddedPostgres
from accord.database.policies import policies_of
from accord.database.roles import prepare
from accord.database.versions import NewerDatabase
from accord.database.walls import InUse
from accord.starting import migrated
from tests.faults.stage import Load, staged
from tests.scale import count
from tests.servers import DatabaseURLs

RUNS: Final = count(test=3, check=5, prove=20)
EXCLUSIVE: Final = """
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE c.relnamespace = 'accord'::regnamespace AND l.mode = 'AccessExclusiveLock'
"""


@asynccontextmanager
async def reading(urls: DatabaseURLs) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A reader of every table whose transaction stays open, as that of a backup."""
    reader = await asyncpg.connect(urls.superuser)
    try:
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            for table in await reader.fetch("SELECT tablename FROM pg_tables WHERE schemaname IN ('accord', 'queue')"):
                await reader.execute(f"SELECT 1 FROM {'queue' if 'pgq' in table[0] else 'accord'}.{table[0]} LIMIT 1")
            yield reader
    finally:
        await reader.close()


def unharmed(load: Load) -> None:
    """Nobody waited long, and nobody was refused."""
    assert not load.codes(), load.codes()
    assert max(answer.took for answer in load.answers) < load.late


async def test_nothing_to_do_beside_a_backup_and_a_load(
    postgres: EmbeddedPostgres, database_urls: DatabaseURLs, tmp_path: Path
) -> None:
    async with staged(postgres, database_urls, tmp_path) as stage, reading(database_urls), stage.load() as load:
        for _ in range(RUNS):
            await prepare(database_urls.owner, 0)
    unharmed(load)


async def test_new_policies_beside_a_load(
    postgres: EmbeddedPostgres, database_urls: DatabaseURLs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has policies of its own, so that every table is locked, one after the other."""
    async with staged(postgres, database_urls, tmp_path) as stage, stage.load() as load:
        for run in range(RUNS):
            given = {
                table: [*every, f"CREATE POLICY run_{run} ON accord.{table} TO accord_worker USING (false)"]
                for table, every in policies_of().items()
            }
            monkeypatch.setattr(roles, "policies_of", lambda given=given: given)
            await prepare(database_urls.owner)
    unharmed(load)
    standing = "SELECT count(*) FROM pg_policies WHERE policyname LIKE 'run_%'"
    assert await stage_count(database_urls, standing) == len(policies_of())


async def stage_count(urls: DatabaseURLs, statement: str, *given: Any) -> int:
    owner = await asyncpg.connect(urls.owner)
    try:
        found: int = await owner.fetchval(statement, *given)
        return found
    finally:
        await owner.close()


async def test_what_is_kept_from_its_locks_says_so_in_one_line(database_urls: DatabaseURLs) -> None:
    """A table that somebody reads all the time, and a policy on it that was changed by hand."""
    owner = await asyncpg.connect(database_urls.owner)
    await owner.execute("DROP POLICY accord_gateway_select ON accord.users")
    await owner.close()
    async with reading(database_urls):
        began = time.monotonic()
        with pytest.raises(InUse, match="users is in use by others"):
            await prepare(database_urls.owner, 1)
        assert time.monotonic() - began < 30
    await prepare(database_urls.owner)
    assert await stage_count(
        database_urls,
        "SELECT count(*) FROM pg_policies WHERE tablename = 'users' AND policyname = 'accord_gateway_select'",
    )


async def test_nothing_to_do_locks_nothing_and_what_differs_is_found(database_urls: DatabaseURLs) -> None:
    owner = await asyncpg.connect(database_urls.owner)
    try:
        made = walls.Walls(owner, policies_of(), roles.RIGHTS, ("accord_gateway", "accord_worker"))
        async with owner.transaction():
            assert await made.differing() == []
            assert await owner.fetchval(EXCLUSIVE) == 0
        for change, part in (
            ("CREATE POLICY more ON accord.users USING (true)", "users"),
            ("ALTER TABLE accord.shares DISABLE ROW LEVEL SECURITY", "shares"),
            ("GRANT DELETE ON accord.users TO accord_gateway", walls.GRANTED),
            ("GRANT UPDATE (number) ON accord.attempts TO accord_gateway", walls.GRANTED),
        ):
            await owner.execute(change)
            assert await made.differing() == [part], change
            await prepare(database_urls.owner)
            assert await made.differing() == []
    finally:
        await owner.close()


async def test_an_old_version_on_a_newer_schema_says_so(database_urls: DatabaseURLs) -> None:
    owner = await asyncpg.connect(database_urls.owner)
    await owner.execute("UPDATE accord.alembic_version SET version_num = '9999'")
    await owner.close()
    with pytest.raises(NewerDatabase, match="9999"):
        await prepare(database_urls.owner)
    with pytest.raises(RuntimeError, match=f"9999.*{versions.newest()}"):
        await migrated(database_urls.owner, 0)


async def test_processes_that_prepare_at_once(database_urls: DatabaseURLs) -> None:
    owner = await asyncpg.connect(database_urls.owner)
    await owner.execute("DROP POLICY accord_gateway_select ON accord.users")
    await owner.close()
    await asyncio.gather(*(prepare(database_urls.owner) for _ in range(4)))
