from collections.abc import AsyncIterator

import pytest

from tests.servers import DatabaseURLs
from tests.world import World, open_world


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    """One world for the races of a module; its clock stands still."""
    async with open_world(
        module_database_urls, pool_wait=30.0, lock_timeout=30.0, statement_timeout=60.0, idle_timeout=60.0
    ) as made:
        yield made
