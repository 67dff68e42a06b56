"""One PostgreSQL server for a test session, also with several workers, and a fresh database for who asks.

With pytest-xdist the controller owns the server and the workers attach to it; `ACCORD_TEST_SERVER` names the state of
one that runs already. The template is migrated once, by the
first test that needs it; every other database is a copy.
"""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from accord.database.embedded import EmbeddedPostgres
from accord.database.roles import prepare
from tests.servers import (
    TEMPLATE,
    DatabaseURLs,
    administer,
    clone,
    drop,
    has_database,
    one_at_a_time,
    start_test_server,
)

SERVER = pytest.StashKey[EmbeddedPostgres]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the controller of pytest-xdist: start the server that all workers share."""
    stash = node.config.stash
    if SERVER not in stash:
        stash[SERVER] = start_test_server()
    node.workerinput["postgres"] = str(stash[SERVER].state)


def pytest_configure() -> None:
    """Imports and collected tests are looked through by no garbage collection, and what they leave but seldom."""
    gc.set_threshold(100_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (server := config.stash.get(SERVER, None)) is not None:
        server.stop()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """The server of this test session."""
    given: dict[str, str] = getattr(request.config, "workerinput", {})
    if state := given.get("postgres") or os.environ.get("ACCORD_TEST_SERVER"):
        yield EmbeddedPostgres(Path(state)).attach()
        return
    with start_test_server() as server:
        yield server


@pytest.fixture(scope="session")
async def migrated_template(postgres: EmbeddedPostgres) -> str:
    """The name of a database with all migrations, grants and policies; nobody may connect to it."""
    with one_at_a_time(postgres):
        if not await has_database(postgres, TEMPLATE):
            unfinished = f"{TEMPLATE}_unfinished"
            await drop(postgres, unfinished)
            await administer(postgres, f"CREATE DATABASE {unfinished} OWNER accord_owner")
            await prepare(postgres.url("owner", unfinished))
            await administer(postgres, f"ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")
    return TEMPLATE


@pytest.fixture
async def database_urls(postgres: EmbeddedPostgres, migrated_template: str) -> AsyncIterator[DatabaseURLs]:
    """A fresh, migrated database for one test."""
    urls = await clone(postgres, migrated_template)
    yield urls
    await drop(postgres, urls.name)


@pytest.fixture(scope="module")
async def module_database_urls(postgres: EmbeddedPostgres, migrated_template: str) -> AsyncIterator[DatabaseURLs]:
    """A fresh, migrated database that the tests of one module share."""
    urls = await clone(postgres, migrated_template)
    yield urls
    await drop(postgres, urls.name)
