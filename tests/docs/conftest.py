"""One gateway for each document that is run."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from accord.demo.cast import OPERATOR
from tests.api.gateway import Api, running
from tests.servers import DatabaseURLs


@pytest.fixture
async def api(database_urls: DatabaseURLs, tmp_path: Path) -> AsyncIterator[Api]:
    """A gateway over an empty database, whose staff is the demo world's."""
    async with running(database_urls, tmp_path, staff=OPERATOR) as gateway:
        yield gateway
