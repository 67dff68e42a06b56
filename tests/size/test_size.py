"""The acts at the size of real partners, with the limits that are in force."""

from __future__ import annotations

import sys
import time
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Select, select

from accord.database.engine import Database
from accord.database.tables.activity import chain_heads
from tests.scale import count
from tests.services.scene import set_scene
from tests.size.cases import CASES, limits
from tests.size.test_cascades import finish
from tests.size.watching import Parameters, Pauses, parameters, pauses
from tests.world import World

LONGEST_PAUSE: Final = 0.05
FEW: Final = 12
SIZES: Final = {
    "remove a partner": count(test=1_200, check=5_000),
    "archive an account": count(test=8, check=60),
    "close a guest": count(test=60, check=150, prove=1_000),
    "suspend a partner": count(test=60, check=400, prove=5_000),
    "release a partner": count(test=60, check=200, prove=5_000),
    "lower a ceiling": count(test=60, check=400, prove=5_000),
    "deactivate a representative": count(test=60, check=200, prove=1_000),
    "remove an owner": count(test=60, check=200, prove=2_000),
}


async def _carry_out(world: World, worker: Database, name: str, number: int) -> tuple[Parameters, Pauses]:
    """Let an act and the worker do a cascade of this size; the figures are printed where pytest shows output."""
    scene = await set_scene(world)
    await CASES[name].grow(scene, number)
    await world.owner.execute("ANALYZE")
    with parameters(world.database, worker) as bound:
        async with pauses() as seen:
            began = time.perf_counter()
            await CASES[name].act(scene)
            acted = time.perf_counter()
            await finish(worker, world)
    took = f"act {acted - began:.2f} s, worker {time.perf_counter() - acted:.2f} s"
    sys.stdout.write(f"{name}, {number}: {took}, longest pause {seen.longest * 1000:.0f} ms\n")
    return bound, seen


def test_every_act_has_a_size() -> None:
    assert SIZES.keys() == CASES.keys()


@pytest.mark.parametrize("name", SIZES)
async def test_an_act_of_any_size_lets_others_be_served(world: World, worker: Database, name: str) -> None:
    """Neither the act nor the worker's part of it keeps the loop, and no statement has more parameters than for few."""
    with limits(CASES[name].kind, at_once=0):
        by_worker, _ = await _carry_out(world, worker, name, FEW)
    by_act, _ = await _carry_out(world, worker, name, FEW)
    bound, seen = await _carry_out(world, worker, name, SIZES[name])
    assert bound.most <= max(by_act.most, by_worker.most), bound.statement
    assert seen.longest < LONGEST_PAUSE


async def test_parameters_that_grow_are_counted(world: World) -> None:
    def listing(number: int) -> Select[Any]:
        return select(chain_heads).where(chain_heads.c.stream_id.in_([UUID(int=key) for key in range(number)]))

    most = {}
    for number in (1, 9):
        async with world.database.system() as connection:
            with parameters(world.database) as seen:
                await connection.execute(listing(number))
        most[number] = seen.most
    assert most[9] == most[1] + 8


async def test_a_pause_is_seen() -> None:
    async with pauses() as seen:
        until = time.thread_time() + 2 * LONGEST_PAUSE
        while time.thread_time() < until:
            pass
    assert seen.longest > LONGEST_PAUSE
