"""A scene with the gateway and the directories of its two organisations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scim.bench import Bench, open_bench
from tests.servers import DatabaseURLs
from tests.services.scene import set_scene
from tests.world import World, open_world


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    """One world for the tests of a module; each test has organisations of its own in it."""
    async with open_world(module_database_urls, pool_wait=30.0, lock_timeout=30.0) as made:
        yield made


@pytest.fixture
async def bench(world: World, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(await set_scene(world), tmp_path) as opened:
        yield opened
