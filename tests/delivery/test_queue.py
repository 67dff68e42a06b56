"""The queue's schema is what the library of this version installs, whatever the environment says."""

from __future__ import annotations

import pytest

from accord.database import queue
from tests.delivery.tenants import Owner


async def test_the_installed_queue_is_current(owner: Owner) -> None:
    plan = await queue.queries(owner).plan_upgrade()
    assert list(plan.statements) == []


async def test_an_older_queue_is_found_out(owner: Owner) -> None:
    await owner.execute("ALTER TABLE queue.pgqueuer DROP COLUMN headers")
    plan = await queue.queries(owner).plan_upgrade()
    assert any("headers" in statement for statement in plan.statements)


def test_bare_environment_names_do_not_rename_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHANNEL", "QUEUE_TABLE", "FUNCTION", "PGQUEUER_CHANNEL", "PGQUEUER_PREFIX", "PGQUEUER_SCHEMA"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("DURABILITY", "volatile")
    assert queue.QueueSettings(db_schema="queue", channel=queue.SETTINGS.channel) == queue.SETTINGS
