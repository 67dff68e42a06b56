"""PostgreSQL frozen, killed, restarted, its connections terminated, its disk full: every answer in time and true."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from sqlalchemy import literal, select

from accord.database import connections
from accord.database.embedded import EmbeddedPostgres
from accord.database.engine import Database, Lost
from accord.database.query import Query
from accord.database.roles import prepare
from accord.http.health import KEPT
from tests.faults.stage import Load, Stage, frozen, staged
from tests.scale import CONTROL, count
from tests.servers import SETTINGS, DatabaseURLs, open_folder
from tests.world import identify

FROZEN: Final = count(test=5, check=5, prove=75)
STATEMENT: Final = count(test=2, check=2, prove=5)
"""Seconds for a statement: as they come in `make prove`, fewer in short runs, since most of a test waits for them."""

ONE: Final = Query(select(literal(1)))
FULL: Final = """
CREATE FUNCTION accord.full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON accord.accounts {when} FOR EACH ROW EXECUTE FUNCTION accord.full();
"""
"""PostgreSQL's own error for a full disk, raised by a trigger: no disk is filled."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    with EmbeddedPostgres(open_folder("accord-faults-"), settings=SETTINGS, ephemeral=True) as server:
        urls = DatabaseURLs.of(server, "accord")
        await prepare(urls.owner)
        async with staged(server, urls, tmp_path, statement_timeout=STATEMENT) as made:
            yield made


async def true(stage: Stage, load: Load) -> None:
    """What was said to be made is there, and what was refused is not."""
    owner = await asyncpg.connect(stage.urls.owner)
    try:
        made = {row["label"] for row in await owner.fetch("SELECT label FROM accord.accounts")}
    finally:
        await owner.close()
    for answer in load.answers:
        if answer.label is not None and "OUTCOME_UNKNOWN" not in answer.codes:
            assert (answer.label in made) == (not answer.codes), answer


async def test_frozen(stage: Stage) -> None:
    async with stage.load() as load:
        with frozen(stage.server):
            await asyncio.sleep(FROZEN)
        assert await stage.well_within() <= load.late
    assert not load.faults()
    assert "BUSY" in load.codes()
    await true(stage, load)


async def test_doors_while_it_is_frozen(stage: Stage) -> None:
    """Whatever a caller comes through, the answer is 503 with the time to come back."""
    doors: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/tickets/redeem", {"json": {"ticket": "x"}}),
        ("POST", "/oauth/token", {"data": {"grant_type": "client_credentials"}, "auth": ("a", "b")}),
        ("GET", "/scim/v2/Users", {"headers": {"authorization": "Bearer x"}}),
        ("GET", "/ready", {}),
    ]
    with frozen(stage.server):
        await asyncio.sleep(KEPT)  # what /ready found before holds for so long
        answers = await asyncio.gather(
            *(stage.client.request(method, stage.process.url + path, **given) for method, path, given in doors)
        )
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * len(doors)


async def test_killed_and_restarted(stage: Stage) -> None:
    for kind in (signal.SIGKILL, signal.SIGINT):
        async with stage.load() as load:
            os.kill(stage.server.process_id, kind)
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(stage.server.revive):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            assert await stage.well_within() <= load.late
        assert not load.faults(), kind
        await true(stage, load)


async def test_all_connections_terminated(stage: Stage) -> None:
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'accord_gateway'"
    root = await asyncpg.connect(stage.urls.superuser)
    try:
        async with stage.load() as load:
            for _ in range(count(test=5, check=5, prove=20)):
                await root.fetch(terminate)
                await asyncio.sleep(0.2)
            assert await stage.well_within() <= load.late
    finally:
        await root.close()
    assert not load.faults()
    await true(stage, load)


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["statement", "commit"])
async def test_disk_full(stage: Stage, when: str) -> None:
    await stage.world.owner.execute(FULL.format(when=when))
    refused = [await stage.ask(f"Full {number}") for number in range(3)]
    assert [(answer.codes, answer.retry_after) for answer in refused] == [(frozenset({"BUSY"}), "1")] * 3
    assert await stage.made() == set()
    await stage.world.owner.execute("DROP TRIGGER full_disk ON accord.accounts")
    assert not (await stage.ask("Room again")).codes


@CONTROL
async def test_without_deadlines_a_silent_database_holds_whoever_asks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the deadline of a statement nothing ends the wait."""
    monkeypatch.setattr(connections, "SILENCE", 3600.0)
    database = Database(stage.urls.gateway, statement_timeout=0.5)
    try:
        snapshot = database.snapshot(identify("nobody"))
        await snapshot.principal()
        with frozen(stage.server), pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await snapshot.fetch(ONE)
        await snapshot.close()
    finally:
        await database.close()


async def test_a_silent_database_is_lost_and_its_connection_cut(stage: Stage) -> None:
    database = Database(stage.urls.gateway, pool_size=1, statement_timeout=0.5)
    try:
        snapshot = database.snapshot(identify("nobody"))
        await snapshot.principal()
        await snapshot.close()
        with frozen(stage.server):
            snapshot = database.snapshot(identify("nobody"))
            with pytest.raises(Lost):
                await snapshot.principal()
            await snapshot.close()
        again = database.snapshot(identify("nobody"))
        assert (await again.principal()).standings == ()
        await again.close()
    finally:
        await database.close()
