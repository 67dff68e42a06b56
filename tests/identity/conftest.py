"""One stage for the tests of a module, and a browser for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.identity.stage import Browser, Stage, open_stage
from tests.servers import DatabaseURLs


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("state")
    async with open_stage(module_database_urls, folder) as made:
        yield made


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[Browser]:
    async with Browser(stage) as made:
        yield made


@pytest.fixture
async def another(stage: Stage) -> AsyncIterator[Browser]:
    async with Browser(stage) as made:
        yield made


@pytest.fixture
async def third(stage: Stage) -> AsyncIterator[Browser]:
    async with Browser(stage) as made:
        yield made
