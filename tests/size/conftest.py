from collections.abc import AsyncIterator

import pytest

from accord.database.engine import Database
from tests.servers import DatabaseURLs
from tests.services.conftest import world
from tests.world import World

__all__ = ["world"]


@pytest.fixture(scope="module")
async def worker(module_database_urls: DatabaseURLs, world: World) -> AsyncIterator[Database]:
    """The worker's connections, with the world's clock."""
    made = Database(module_database_urls.worker, clock=world.clock, pool_size=2, lock_timeout=30.0)
    yield made
    await made.close()
