"""The loader: one batch per turn and per level, and a waiter that goes away spoils nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiodataloader import DataLoader

from accord.schema.loaders import Loader


class Batches:
    """Doubles numbers, and remembers in which batches it was asked for them; -1 fails."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, keys: list[int]) -> list[int]:
        self.asked.append(keys)
        await self.gate.wait()
        if -1 in keys:
            raise LookupError("no")
        return [key * 2 for key in keys]


async def test_what_is_asked_for_in_one_turn_is_one_batch() -> None:
    batches = Batches()
    loader = Loader(batches)
    assert await asyncio.gather(*(loader.load(key) for key in (1, 2, 1, 3))) == [2, 4, 2, 6]
    assert await loader.load(2) == 4
    assert batches.asked == [[1, 2, 3]]


async def test_a_level_is_one_batch_without_a_future_per_key() -> None:
    batches = Batches()
    loader = Loader(batches)
    assert await loader.load_many([3, 1, 3, 2]) == [6, 2, 6, 4]
    assert batches.asked == [[3, 1, 2]]
    assert not loader._cache
    assert await loader.load_many([2, 4]) == [4, 8]
    assert await loader.load(1) == 2
    assert batches.asked == [[3, 1, 2], [4]]


async def test_levels_and_single_keys_share_what_is_under_way() -> None:
    batches = Batches()
    batches.gate.clear()
    loader = Loader(batches)
    level = loader.load_many([1, 2])
    await asyncio.sleep(0)
    single, other = loader.load(2), loader.load_many([2, 1])
    await asyncio.sleep(0)
    batches.gate.set()
    assert (await level, await single, await other) == ([2, 4], 4, [4, 2])
    assert batches.asked == [[1, 2]]


@pytest.mark.parametrize("ask", ["load", "load_many"])
async def test_a_cancelled_waiter_does_not_spoil_the_key(ask: str) -> None:
    batches = Batches()
    batches.gate.clear()
    loader = Loader(batches)

    async def wait() -> int:
        return await loader.load(1) if ask == "load" else (await loader.load_many([1]))[0]

    leaving, staying = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0)
    batches.gate.set()
    assert await staying == 2
    assert await wait() == 2
    assert batches.asked == [[1]]


async def test_the_stock_loader_spoils_the_key() -> None:
    """The negative control: without our mending the second waiter is cancelled by the first."""
    batches = Batches()
    batches.gate.clear()

    async def batch(keys: list[int]) -> list[int]:
        return await batches(keys)

    loader: DataLoader[int, int] = DataLoader(batch)

    async def wait() -> int:
        return await loader.load(1)

    leaving, staying = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0)
    batches.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await staying


@pytest.mark.parametrize("ask", ["load", "load_many"])
async def test_a_failed_batch_fails_its_waiters_and_is_asked_again(ask: str) -> None:
    batches = Batches()
    loader = Loader(batches)

    async def wait(key: int) -> int:
        return await loader.load(key) if ask == "load" else (await loader.load_many([key]))[0]

    with pytest.raises(LookupError):
        await wait(-1)
    with pytest.raises(LookupError):
        await wait(-1)
    assert await wait(1) == 2
    assert batches.asked == [[-1], [-1], [1]]
