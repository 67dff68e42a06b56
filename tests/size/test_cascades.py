"""What an act leaves to the worker is what the act itself would have done, in pieces and after any kill."""

from __future__ import annotations

from uuid import UUID

import pytest

from accord.database.engine import Database
from accord.database.queries.cascade import list_unfinished
from accord.domain.errors import DomainError
from accord.services.grants.ticket import sign_in_to_account
from accord.services.proceeding import finish_cascade
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
