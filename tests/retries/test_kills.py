"""`kill -9` of the gateway around the commit: whoever sends the same again gets it done, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest

from tests.processes import Process, bind, gateway, token
from tests.proxy import Proxy, proxying
from tests.randomness import seeded
from tests.retries.copies import GENEROUS, create, effects, named
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

KILLS: Final = count(test=3, check=50)
LONGEST: Final = 0.5
"""Seconds after which a kill at any moment comes at the latest: about as long as a first mutation takes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A world, somebody who signs in, and the second process of the deployment, which nobody kills."""

    urls: DatabaseURLs
    state: Path
    world: World
    person: Person
    standing: Process
    client: httpx2.AsyncClient

    @property
    def token(self) -> str:
        return token(self.state, self.person.email)

    async def create(self, url: str, label: str, key: str) -> Any:
        return await create(self.client, url, self.token, named(self.person, label), key)


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs, tmp_path_factory: Any) -> AsyncIterator[Stage]:
    urls, state = module_database_urls, tmp_path_factory.mktemp("state")
    async with open_world(urls) as world:
        person = await world.person(await world.organisation())
        await bind(world.owner, state, person)
        async with gateway(urls, state, **GENEROUS) as standing, httpx2.AsyncClient(timeout=60) as client:
            yield Stage(urls, state, world, person, standing, client)


async def killed(stage: Stage, label: str, key: str, delay: float | None) -> None:
    """Send one keyed mutation to a process that dies: when its answer leaves it, or after a while."""
    async with gateway(stage.urls, stage.state, **GENEROUS) as victim, proxying(victim.port) as proxy:
        if delay is None:
            kill_at_the_answer(victim, proxy)
        else:
            asyncio.get_running_loop().call_later(delay, victim.kill)
        with suppress(httpx2.TransportError):
            answer = await stage.create(f"http://127.0.0.1:{proxy.listens}", label, key)
            assert delay is not None, answer


def kill_at_the_answer(victim: Process, proxy: Proxy) -> None:
    async def back(_: bytes) -> bool:
        victim.kill()
        return False

    proxy.back = back


async def test_a_kill_between_commit_and_answer(stage: Stage) -> None:
    for number in range(KILLS):
        label, key = f"Between {number}", str(uuid4())
        await killed(stage, label, key, None)
        assert await effects(stage.world.owner, label) == (1, 1)
        answer = await stage.create(stage.standing.url, label, key)
        assert answer["data"]["createAccount"]["account"]["label"] == label, answer
        assert await effects(stage.world.owner, label) == (1, 1)
    assert not (await stage.world.verify()).faults


async def test_a_kill_at_any_moment(stage: Stage) -> None:
    random = seeded()
    for number in range(KILLS):
        label, key = f"Any {number}", str(uuid4())
        await killed(stage, label, key, random.random() * LONGEST)
        answer = await stage.create(stage.standing.url, label, key)
        assert answer["data"]["createAccount"]["account"]["label"] == label, answer
        assert await effects(stage.world.owner, label) == (1, 1)
    assert not (await stage.world.verify()).faults


async def test_without_the_key_it_is_done_twice(stage: Stage) -> None:
    """The negative control: a retry that nothing tells from a new act."""
    await killed(stage, "Twice", str(uuid4()), None)
    await stage.create(stage.standing.url, "Twice", str(uuid4()))
    assert await effects(stage.world.owner, "Twice") == (2, 2)
