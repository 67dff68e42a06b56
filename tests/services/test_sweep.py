"""The sweep with rows that can't be written, and housekeeping with more than one statement can delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from accord.database.engine import Database, Lost
from accord.database.queries import expiry as due
from accord.services import housekeeping
from accord.services.expiry import sweep
from accord.services.housekeeping import forget
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

DUE: Final = count(test=60, check=100, prove=1_000)
POISONED: Final = 10
KEYS: Final = count(test=2_000, check=20_000, prove=1_500_000)
POISON: Final = """
CREATE FUNCTION accord.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF EXISTS (SELECT FROM accord.poisoned p WHERE p.id = NEW.id) THEN
        RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TABLE accord.poisoned (id uuid PRIMARY KEY);
GRANT SELECT ON accord.poisoned TO accord_worker;
CREATE TRIGGER poison BEFORE UPDATE ON accord.{table} FOR EACH ROW EXECUTE FUNCTION accord.poison();
"""
ATTEMPTS: Final = """
INSERT INTO accord.retries (actor, mutation, place, key_hash, arguments_hash, created_at, expires_at)
SELECT 'somebody', 'renameMe', 'renameMe', 'k' || n, 'a', now() - interval '3 days',
    now() + make_interval(days => CASE WHEN n <= $1 THEN -1 ELSE 1 END)
FROM generate_series(1, $1 + 10) n
"""


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        yield made


@pytest.fixture
async def worker(world: World) -> AsyncIterator[Database]:
    database = Database(world.urls.worker, clock=world.clock)
    yield database
    await database.close()


async def waiting(world: World, number: int) -> None:
    """So many partnerships that lapse, each with a guest of its own."""
    host = await world.organisation("Harbour")
    asker = await world.person(host)
    for _ in range(number):
        await world.request(asker, await world.organisation())


async def poison(world: World, number: int) -> list[Any]:
    await world.owner.execute(POISON.format(table="partnerships"))
    first = "SELECT id FROM accord.partnerships ORDER BY id LIMIT $1"
    rows = await world.owner.fetch(f"INSERT INTO accord.poisoned {first} RETURNING id", number)
    return [row["id"] for row in rows]


@pytest.mark.parametrize("at_once", [500, 5])
async def test_poisoned_rows_keep_no_other(
    world: World, worker: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """The poisoned ones come first, and with pages of 5 they fill the first two pages at each sweep."""
    monkeypatch.setattr(due, "AT_ONCE", at_once)
    await waiting(world, DUE)
    bad = await poison(world, POISONED)
    world.clock.advance(days=31)
    lapsed = "SELECT count(*) FROM accord.partnerships WHERE state = 'LAPSED'"
    for _ in range(2):
        with capture_logs() as said:
            await sweep(worker, world.clock.now)
        assert await world.owner.fetchval(lapsed) == DUE - POISONED
        failed = [line for line in said if line["event"] == "sweep.row_failed"]
        assert [line["row"] for line in failed if line["step"] == "lapse"] == [str(key) for key in bad]
        assert {line["code"] for line in failed} == {"23514"}
    await world.owner.execute("DELETE FROM accord.poisoned")
    await sweep(worker, world.clock.now)
    assert await world.owner.fetchval(lapsed) == DUE


async def test_a_step_that_fails_keeps_no_other(world: World, worker: Database) -> None:
    await waiting(world, 1)
    await world.owner.execute("REVOKE SELECT ON accord.grants FROM accord_worker")
    world.clock.advance(days=31)
    with capture_logs() as said:
        await sweep(worker, world.clock.now)
    assert await world.owner.fetchval("SELECT state FROM accord.partnerships") == "LAPSED"
    assert {line["step"] for line in said if line["event"] == "sweep.step_failed"} == {"expire grant", "warn of grant"}


async def test_old_keys_go_in_lots(world: World, worker: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many lots, each far from the limit on statements."""
    monkeypatch.setattr(housekeeping, "LOT", min(housekeeping.LOT, KEYS // 7))
    await world.owner.execute(ATTEMPTS, KEYS)
    await forget(worker, world.clock.now)
    assert await world.owner.fetchval("SELECT count(*) FROM accord.retries") == 10


async def test_a_table_that_cannot_be_cleared_keeps_no_other(world: World, worker: Database) -> None:
    await world.owner.execute(ATTEMPTS, 5)
    await world.owner.execute("REVOKE DELETE ON accord.sign_ins FROM accord_worker")
    with capture_logs() as said:
        await forget(worker, world.clock.now + timedelta(hours=1))
    assert await world.owner.fetchval("SELECT count(*) FROM accord.retries") == 10
    assert [line["table"] for line in said if line["event"] == "housekeeping.failed"] == ["sign_ins"]


async def test_the_sweep_ends_without_a_database(world: World) -> None:
    """A database that is lost is no matter of a row: the worker connects again."""
    lost = Database("postgresql://accord_worker@127.0.0.1:1/none")
    with pytest.raises(Lost):
        await sweep(lost, world.clock.now)
    await lost.close()
