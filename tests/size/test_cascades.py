"""What an act leaves to the worker is what the act itself would have done, in pieces and after any kill."""

from __future__ import annotations

from uuid import UUID

import pytest

from accord.database.engine import Database
from accord.database.queries.cascade import list_unfinished
from accord.domain.errors import DomainError, InvalidState
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.erasure import erase_person
from accord.services.people.member import remove_member
from accord.services.proceeding import Unfinished, finish_cascade
from tests.services.scene import Scene, Signer, set_scene
from tests.size.cases import CASES, PLACES, consequences, differences, limits
from tests.world import World

EVERYTHING = 10**6
MANY = 12


async def finish(worker: Database, world: World) -> list[UUID]:
    """Let the worker finish all that waits for it, and return what did."""
    async with worker.system() as connection:
        waiting = [*await list_unfinished(connection)]
    for key in waiting:
        await finish_cascade(worker, key)
    assert not await world.owner.fetchval("SELECT count(*) FROM accord.cascades WHERE finished_at IS NULL")
    return waiting


def leaving(scene: Scene) -> UUID:
    return scene["greta"].id


def test_every_kind_has_a_case() -> None:
    assert {case.kind for case in CASES.values()} == set(PLACES)


@pytest.mark.parametrize("number", [2, MANY])
@pytest.mark.parametrize("name", CASES)
async def test_the_worker_does_what_the_act_would_have_done(
    world: World, worker: Database, name: str, number: int
) -> None:
    """With few things, of which people are told one by one, and with many, of which they are told together."""
    case = CASES[name]
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, number)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
        begun = await consequences(by_worker, leaving(by_worker))
        await finish(worker, world)
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker))) == {}
    assert differences(begun, expected), "the worker had something to do"


@pytest.mark.parametrize(("name", "person"), [(name, case.denied) for name, case in CASES.items() if case.denied])
async def test_access_is_denied_before_the_worker_comes(world: World, worker: Database, name: str, person: str) -> None:
    case = CASES[name]
    scene = await set_scene(world)
    await case.grow(scene, MANY)
    given = {"account_id": scene.account, "signer": Signer()}
    await scene.act(person, sign_in_to_account, **given)
    with limits(case.kind, at_once=0):
        await case.act(scene)
        with pytest.raises(DomainError):
            await scene.act(person, sign_in_to_account, **given)
        assert await finish(worker, world)


POISON = """
CREATE FUNCTION accord.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.id = '{key}' THEN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE UPDATE ON accord.{table} FOR EACH ROW EXECUTE FUNCTION accord.poison();
"""
CURE = "DROP TRIGGER poison ON accord.{table}; DROP FUNCTION accord.poison()"


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("remove a partner", "shares", "guest_id"),
        ("close a guest", "partnerships", "guest_id"),
        ("suspend a partner", "partnerships", "guest_id"),
        ("deactivate a representative", "partnerships", "guest_id"),
    ],
)
async def test_a_thing_that_can_not_be_done_keeps_no_other(
    world: World, worker: Database, name: str, table: str, column: str
) -> None:
    """It is passed over, and done once it can be; then everything is as if it had been done at once."""
    case = CASES[name]
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, MANY)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    listed = f"SELECT id FROM accord.{table} WHERE {column} = $1 ORDER BY id OFFSET 5 LIMIT 1"
    key = await world.owner.fetchval(listed, by_worker.guest.id)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
        async with worker.system() as connection:
            (cascade,) = await list_unfinished(connection)
        await world.owner.execute(POISON.format(table=table, key=key))
        for _ in range(2):
            with pytest.raises(Unfinished):
                await finish_cascade(worker, cascade)
            row = await by_worker.row("cascades", cascade)
            assert (row["failed"], row["done"], row["finished_at"]) == ([key], row["total"] - 1, None)
        await world.owner.execute(CURE.format(table=table))
        await finish(worker, world)
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker))) == {}


async def test_nobody_is_erased_whose_acts_are_under_way(world: World, worker: Database) -> None:
    """The events that are still to come would name the person again."""
    scene = await set_scene(world)
    case = CASES["remove a partner"]
    await case.grow(scene, MANY)
    with limits(case.kind, at_once=0):
        await scene.act("arne", remove_partner, partnership_id=scene.partnership)
        await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
        erasing = {"user_id": scene["arne"].id, "reason": "Arne asks for it."}
        with pytest.raises(InvalidState):
            await world.operate(erase_person, **erasing)
        await finish(worker, world)
    await world.operate(erase_person, **erasing)
    left = "SELECT count(*) FROM accord.activity_events WHERE actor_name = 'Arne Harbour' AND stream_id = $1"
    assert not await world.owner.fetchval(left, scene.host.id)
    assert not await world.owner.fetchval("SELECT count(*) FROM accord.cascades WHERE author IS NOT NULL")
