"""Where connections lead: through poolers, to several hosts, to a clock; and what is refused at the start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest

from accord.app import UnsafeDatabase, refuse_dangers
from accord.database import versions
from accord.database.connections import connect
from accord.database.engine import Database, Lost
from accord.database.pooling import is_pooled_by_transaction
from accord.database.pulse import Pulse
from accord.database.server_clock import ServerClock
from accord.http.health import HealthRoutes
from accord.starting import until_there
from tests.database.pooler import pooling
from tests.proxy import proxying
from tests.servers import DatabaseURLs
from tests.world import identify


def at(url: str, hosts: str) -> str:
    """The same URL with other hosts."""
    parts = urlsplit(url)
    return url.replace(parts.netloc.rpartition("@")[2], hosts)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.mark.parametrize("sharing", [True, False])
async def test_a_pooler_of_transactions_is_refused(module_database_urls: DatabaseURLs, sharing: bool) -> None:
    url = module_database_urls.gateway
    async with pooling(port_of(url), sharing=sharing) as port:
        pooled = at(url, f"127.0.0.1:{port}")
        async with asyncio.timeout(60):
            assert await is_pooled_by_transaction(pooled) == sharing
            database = Database(url)
            try:
                if sharing:
                    with pytest.raises(UnsafeDatabase, match="pool_mode = session"):
                        await refuse_dangers(database, pooled)
                else:
                    await refuse_dangers(database, pooled)
            finally:
                await database.close()


async def test_no_pooler_is_none(module_database_urls: DatabaseURLs) -> None:
    assert not await is_pooled_by_transaction(module_database_urls.gateway)


async def test_several_hosts(module_database_urls: DatabaseURLs) -> None:
    """The first one is not there; the second one can write."""
    url = at(module_database_urls.gateway, f"127.0.0.1:1,127.0.0.1:{port_of(module_database_urls.gateway)}")
    database = Database(url)
    try:
        snapshot = database.snapshot(identify("nobody"))
        assert (await snapshot.principal()).standings == ()
        await snapshot.close()
        await refuse_dangers(database, url)
    finally:
        await database.close()


async def test_a_url_that_is_none_says_so_in_one_line() -> None:
    database = Database("postgresql://u:canary@127.0.0.1:x/none")
    with pytest.raises(UnsafeDatabase, match="can't be used") as told:
        await refuse_dangers(database, "postgresql://u:canary@127.0.0.1:x/none")
    assert "canary" not in str(told.value)
    assert "\n" not in str(told.value)
    await database.close()


async def test_a_newer_and_an_older_schema_are_refused(database_urls: DatabaseURLs) -> None:
    owner, database = await asyncpg.connect(database_urls.owner), Database(database_urls.gateway)
    try:
        for version, said in (("9999", "newer version"), ("0017", "older schema")):
            await owner.execute("UPDATE accord.alembic_version SET version_num = $1", version)
            with pytest.raises(UnsafeDatabase, match=said):
                await refuse_dangers(database, database_urls.gateway)
    finally:
        await owner.close()
        await database.close()


async def test_the_clock_is_that_of_the_database(module_database_urls: DatabaseURLs) -> None:
    """A machine two hours ahead tells the database's time; without having asked it would tell its own."""
    ahead = ServerClock(lambda: datetime.now(UTC) + timedelta(hours=2))
    assert ahead() > datetime.now(UTC) + timedelta(hours=1)
    driver = await connect(module_database_urls.gateway)
    await ahead.read(driver)
    assert abs(ahead() - await driver.fetchval("SELECT clock_timestamp()")) < timedelta(seconds=30)
    assert 7_000 < ahead.ahead < 7_400
    await driver.close()


async def test_ready_says_which_part_is_not(database_urls: DatabaseURLs) -> None:
    owner = await asyncpg.connect(database_urls.owner)
    ahead = ServerClock(lambda: datetime.now(UTC) + timedelta(hours=2))
    pulse = Pulse(database_urls.gateway, ahead)
    health = HealthRoutes(pulse.ask, versions.known())
    try:
        parts = await health.look()
        assert {name: part["status"] for name, part in parts.items()} == {
            "database": "ok",
            "schema": "ok",
            "worker": "unknown",
            "mail": "ok",
            "clock": "differs",
        }
        await owner.execute(
            "INSERT INTO queue.pgqueuer_schedules (expression, entrypoint, next_run, heartbeat)"
            " VALUES ('* * * * *', 'expiry', now() - interval '1 hour', now() - interval '1 hour')"
        )
        await owner.execute("UPDATE accord.alembic_version SET version_num = '9999'")
        health.until = 0.0
        parts = await health.look()
        assert parts["worker"]["status"] == "late"
        assert 3_500 < parts["worker"]["overdueSeconds"] < 3_700
        assert parts["schema"]["status"] == "newer"
        await owner.execute("UPDATE accord.alembic_version SET version_num = '0017'")
        health.until = 0.0
        assert (await health.look())["schema"]["status"] == "outdated"
    finally:
        await pulse.close()
        await owner.close()


async def test_ready_needs_none_of_the_connections_of_requests(database_urls: DatabaseURLs) -> None:
    database = Database(database_urls.gateway, pool_size=1, pool_wait=0.1)
    pulse = Pulse(database_urls.gateway, database.server_clock)
    try:
        async with database.system():
            assert (await pulse.ask()).schema == versions.newest()
            assert len({id(vitals) for vitals in await asyncio.gather(*(pulse.ask() for _ in range(20)))}) == 1
    finally:
        await pulse.close()
        await database.close()


async def test_serving_waits_for_a_database_that_is_not_there_yet(module_database_urls: DatabaseURLs) -> None:
    """The proxy before it answers after a while."""
    url = module_database_urls.gateway
    async with proxying(port_of(url)) as proxy:
        through = at(url, f"127.0.0.1:{proxy.listens}")
        tries = 0

        async def forth(_: bytes) -> bool:
            nonlocal tries
            tries += 1
            return tries > 3

        proxy.forth = forth
        await until_there(through, "DATABASE_URL", 60)
        assert tries > 3
    database = Database("postgresql://a@127.0.0.1:1/none")
    await until_there("postgresql://a@127.0.0.1:1/none", "DATABASE_URL", 0)
    with pytest.raises(Lost):
        await database.snapshot(identify("nobody")).principal()
    await database.close()
