"""A worker that is killed in the middle of a cascade loses nothing and does nothing twice."""

from __future__ import annotations

import asyncio
from multiprocessing.process import BaseProcess
from random import Random
from typing import Final
from uuid import UUID

import pytest

from accord.database.engine import Database
from accord.services.proceeding import finish_cascade
from tests.processes import FORKING
from tests.scale import count
from tests.services.scene import set_scene
from tests.size.cases import CASES, consequences, differences, limits
from tests.world import World

KILLS: Final = count(test=3, check=10)
EVERYTHING: Final = 10**6
UNFINISHED: Final = "SELECT id FROM accord.cascades WHERE finished_at IS NULL"
DONE: Final = "SELECT done FROM accord.cascades WHERE id = $1"


def work(url: str, name: str, key: UUID) -> None:
    """The life of one worker, which does one thing at a time."""

    async def live() -> None:
        with limits(CASES[name].kind, at_once=0, batch=1):
            await finish_cascade(Database(url), key)

    asyncio.run(live())


def begin(url: str, name: str, key: UUID) -> BaseProcess:
    process = FORKING.Process(target=work, args=(url, name, key), daemon=True)
    process.start()
    return process


async def _until(world: World, key: UUID, done: int) -> None:
    """Wait until so many things of a cascade are done, by whatever process."""
    async with asyncio.timeout(60):
        while await world.owner.fetchval(DONE, key) < done:  # noqa: ASYNC110 - no event comes from there
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("name", CASES)
async def test_kills_in_the_middle_change_nothing(world: World, name: str) -> None:
    case, moment = CASES[name], Random(0)
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, 2 * KILLS)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
    key = await world.owner.fetchval(UNFINISHED)
    for kill in range(KILLS):
        worker = begin(world.urls.worker, name, key)
        await _until(world, key, 1 + kill)
        await asyncio.sleep(moment.uniform(0, 0.02))
        worker.kill()
        await asyncio.to_thread(worker.join)
    assert await world.owner.fetchval(UNFINISHED), "every kill met a worker in the middle"
    last = begin(world.urls.worker, name, key)
    await asyncio.to_thread(last.join)
    assert not await world.owner.fetchval(UNFINISHED)
    gone = "greta"
    expected = await consequences(by_act, by_act[gone].id)
    assert differences(expected, await consequences(by_worker, by_worker[gone].id)) == {}
