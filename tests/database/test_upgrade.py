"""Two versions of the gateway on one database while it is upgraded, with data in it and asked all the time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx2
import pytest

from accord.app import create_app
from accord.database import versions
from accord.database.embedded import EmbeddedPostgres
from accord.database.roles import prepare
from tests.faults.stage import FREE, Load, staged, until
from tests.http.gateway import settings_for
from tests.processes import PUBLIC
from tests.scale import count
from tests.servers import DatabaseURLs

ASKED: Final = count(test=25, check=25, prove=1_000)
"""Answers of each version at each stage."""

NEXT: Final = """
from alembic import op

revision = "9999"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE accord.accounts ADD COLUMN note text, ADD CONSTRAINT note_short CHECK (length(note) < 80)")
    op.execute("ALTER TABLE accord.users ADD COLUMN greeting text NOT NULL DEFAULT 'Hello'")
    op.execute("CREATE INDEX ix_accounts_note ON accord.accounts (note)")
    op.execute("UPDATE accord.accounts SET note = label WHERE length(label) < 80")
    op.execute("CREATE OR REPLACE FUNCTION accord.next_version() RETURNS int LANGUAGE sql AS 'SELECT 1'")
"""
"""What a later version may add: columns, a constraint and an index of tables in use, values for the rows that are."""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Within the context of what is given, this process is of the next version."""
    folder = tmp_path / "migrations"
    shutil.copytree(versions.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(newest=versions.newest()))
    monkeypatch.setattr(versions, "SCRIPTS", str(folder))
    versions.known.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    versions.known.cache_clear()


async def more(*loads: Load) -> None:
    """Wait until each was answered often enough since now."""
    wanted = [(load, len(load.answers) + ASKED) for load in loads]
    await until(lambda: all(len(load.answers) >= number for load, number in wanted))


async def test_an_upgrade_beside_both_versions(
    postgres: EmbeddedPostgres, database_urls: DatabaseURLs, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with staged(postgres, database_urls, tmp_path) as stage, stage.load(clients=4) as old:
        await more(old)
        request.getfixturevalue("next_version")
        await prepare(database_urls.owner)
        await more(old)
        app = create_app(settings_for(database_urls, tmp_path, public_url=PUBLIC, **FREE))
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, timeout=120) as client:
            newer = replace(stage, client=client)
            async with newer.load(clients=4) as new:
                await more(old, new)
            assert (await client.get(f"{PUBLIC}/ready")).json()["parts"]["schema"]["status"] == "ok"
        assert await stage.world.owner.fetchval("SELECT count(*) FROM accord.accounts WHERE note = label") > 0
        ready = await stage.client.get(f"{stage.process.url}/ready")
        assert (ready.status_code, ready.json()["parts"]["schema"]["status"]) == (200, "newer")
    for load in (old, new):
        assert not load.codes(), load.codes()
        assert max(answer.took for answer in load.answers) < load.late
