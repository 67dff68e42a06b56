from collections.abc import AsyncIterator

import pytest

from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import World, open_world


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    """One world for the tests of a module; each test has organisations of its own in it."""
    async with open_world(
        module_database_urls, pool_wait=30.0, lock_timeout=30.0, statement_timeout=60.0, idle_timeout=60.0
    ) as made:
        yield made


@pytest.fixture
async def scene(world: World) -> Scene:
    """An active partnership: Mia of the host owns it and an account, Greta represents the guest."""
    return await set_scene(world)
