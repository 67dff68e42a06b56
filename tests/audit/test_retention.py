"""Mails, notices and people who are gone are kept for as long as the settings say, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from accord.database.engine import Database
from accord.delivery import retention
from accord.delivery.retention import Retention, apply_retention
from accord.services.people import member
from accord.services.people.joining import invite_member
from accord.settings import Settings
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import open_world

DAY = timedelta(days=1)


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        yield await set_scene(world)


@asynccontextmanager
async def worker(scene: Scene) -> AsyncIterator[Database]:
    database = Database(scene.world.urls.worker, pool_size=2, clock=scene.world.clock)
    try:
        yield database
    finally:
        await database.close()


async def run(scene: Scene, kept: Retention) -> None:
    async with worker(scene) as database:
        await apply_retention(database, kept, scene.world.clock.now)


async def write_mails(scene: Scene, state: str, days: int, count: int) -> None:
    now = scene.world.clock.now
    await scene.world.owner.execute(
        "INSERT INTO accord.mails (organisation_id, template, address, facts, external, ordinal, created_at, state,"
        " sent_at) SELECT $1, 'withdrawn', 'x@y.example', '{}', false, 0, $2, $3::text,"
        " CASE WHEN $3::text = 'SENT' THEN $2::timestamptz END FROM generate_series(1, $4)",
        *(scene.host.id, now - timedelta(days=days), state, count),
    )


async def test_old_mails_go_in_batches_and_those_to_be_sent_stay(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    await scene.world.owner.execute("DELETE FROM accord.mails")
    for state, days, count in (("SENT", 91, 8), ("DEAD", 91, 2), ("QUEUED", 91, 2), ("SENT", 89, 4)):
        await write_mails(scene, state, days, count)
    await run(scene, Retention(mails=None, notices=None))
    assert await scene.world.owner.fetchval("SELECT count(*) FROM accord.mails") == 16
    await run(scene, Retention(mails=90 * DAY))
    rows = await scene.world.owner.fetch("SELECT state, count(*) FROM accord.mails GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("QUEUED", 2), ("SENT", 4)]


async def test_the_worker_can_delete_no_mail_that_is_to_be_sent(scene: Scene) -> None:
    await scene.world.owner.execute("DELETE FROM accord.mails")
    for state in ("SENT", "DEAD", "QUEUED", "FAILED"):
        await write_mails(scene, state, 0, 1)
    async with worker(scene) as database, database.system() as connection:
        await connection.exec_driver_sql("DELETE FROM accord.mails")
    rows = await scene.world.owner.fetch("SELECT state FROM accord.mails ORDER BY 1")
    assert [row[0] for row in rows] == ["FAILED", "QUEUED"]


async def test_old_notices_go(scene: Scene) -> None:
    before = await scene.world.owner.fetchval("SELECT count(*) FROM accord.notifications")
    assert before
    await run(scene, Retention(notices=DAY))
    assert await scene.world.owner.fetchval("SELECT count(*) FROM accord.notifications") == before
    scene.world.clock.advance(days=2)
    await run(scene, Retention(notices=DAY))
    assert await scene.world.owner.fetchval("SELECT count(*) FROM accord.notifications") == 0


async def test_people_who_left_long_ago_are_erased_and_nobody_else(scene: Scene) -> None:
    world = scene.world
    gone, lately, back = [await world.person(scene.guest, name=f"Leaver {number}") for number in range(3)]
    for person in (gone, lately, back):
        await scene.act("greta", member.remove_member, membership_id=person.membership_id)
    invited = await scene.act("greta", invite_member, email="never@people.example", display_name="Never Joined")
    await scene.act("greta", member.remove_member, membership_id=invited)
    await world.join(back, scene.host)
    old = "UPDATE accord.memberships SET removed_at = $1 WHERE id = ANY ($2) OR email = 'never@people.example'"
    past = world.clock.now - 40 * DAY
    await world.owner.execute(old, past, [gone.membership_id, back.membership_id])
    people = "SELECT display_name FROM accord.users WHERE id = ANY ($1) ORDER BY id"
    keys = [gone.id, lately.id, back.id]
    await run(scene, Retention())
    assert "[erased]" not in [row[0] for row in await world.owner.fetch(people, keys)]
    await run(scene, Retention(people=30 * DAY))
    assert [row[0] for row in await world.owner.fetch(people, keys)] == ["[erased]", "Leaver 1", "Leaver 2"]
    assert (
        await world.owner.fetchval("SELECT display_name FROM accord.memberships WHERE id = $1", invited) == "[erased]"
    )
    assert not (await world.verify()).faults


async def test_one_person_who_fails_keeps_nobody_else(scene: Scene) -> None:
    world = scene.world
    people = [await world.person(scene.guest, name=f"Leaver {number}") for number in range(3)]
    for person in people:
        await scene.act("greta", member.remove_member, membership_id=person.membership_id)
    await world.owner.execute("UPDATE accord.memberships SET removed_at = '2020-01-01' WHERE removed_at IS NOT NULL")
    await world.owner.execute(
        "CREATE FUNCTION accord.poison() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF OLD.display_name = 'Leaver 0' THEN RAISE 'no'; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER poison BEFORE UPDATE ON accord.users FOR EACH ROW EXECUTE FUNCTION accord.poison()"
    )
    await run(scene, Retention(people=DAY))
    names = "SELECT display_name FROM accord.users WHERE id = ANY ($1) ORDER BY id"
    found = [row[0] for row in await world.owner.fetch(names, [person.id for person in people])]
    assert found == ["Leaver 0", "[erased]", "[erased]"]


def test_the_settings_are_in_days_and_0_is_for_ever() -> None:
    assert Settings().retention() == Retention(90 * DAY, 365 * DAY, None)
    given = Settings(mail_retention=0, notification_retention=0, person_retention=30)
    assert given.retention() == Retention(None, None, 30 * DAY)
