"""A load of a world that is interrupted leaves no part of it: the next one starts again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from accord.database.loading import AlreadyLoading, forget_interrupted, is_marked, keep_interrupted, loading
from accord.database.roles import prepare, unguarded_tables
from tests.http.test_command import environment
from tests.servers import DatabaseURLs
from tests.world import open_world

ORGANISATIONS = "SELECT count(*) FROM accord.organisations"


class Interrupted(Exception):
    """Somebody pressed Ctrl+C."""


async def part_of_a_world(urls: DatabaseURLs) -> None:
    """A load that ends after its first organisation."""

    async def load() -> None:
        async with loading(urls.owner), open_world(urls) as world:
            await world.organisation("Half")
            raise Interrupted

    with pytest.raises(Interrupted):
        await load()


async def count(urls: DatabaseURLs) -> int:
    connection = await asyncpg.connect(urls.superuser)
    try:
        found: int = await connection.fetchval(ORGANISATIONS)
        return found
    finally:
        await connection.close()


async def test_what_an_interrupted_load_left_is_emptied(database_urls: DatabaseURLs) -> None:
    await part_of_a_world(database_urls)
    assert await is_marked(database_urls.owner)
    assert await forget_interrupted(database_urls.owner)
    await prepare(database_urls.owner)
    assert await count(database_urls) == 0
    assert not await is_marked(database_urls.owner)
    assert not await forget_interrupted(database_urls.owner)
    connection = await asyncpg.connect(database_urls.superuser)
    assert await unguarded_tables(connection) == []
    await connection.close()


async def test_a_whole_world_and_one_that_somebody_kept_stay(database_urls: DatabaseURLs) -> None:
    async with loading(database_urls.owner), open_world(database_urls) as world:
        await world.organisation("Whole")
    assert not await forget_interrupted(database_urls.owner)
    assert await count(database_urls) == 1
    await part_of_a_world(database_urls)
    await keep_interrupted(database_urls.owner)
    assert not await forget_interrupted(database_urls.owner)
    assert await count(database_urls) == 2


async def test_nobody_empties_what_another_loads_at_this_moment(database_urls: DatabaseURLs) -> None:
    async with loading(database_urls.owner):
        for act in (forget_interrupted, keep_interrupted):
            with pytest.raises(AlreadyLoading):
                await act(database_urls.owner)
        with pytest.raises(AlreadyLoading):
            async with loading(database_urls.owner):
                raise AssertionError
    assert not await is_marked(database_urls.owner)


async def test_the_command_says_what_it_does_and_starts_again(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    await part_of_a_world(database_urls)
    command = [sys.executable, "-m", "accord", "demo"]
    done = subprocess.run(  # noqa: ASYNC221
        command, env=environment(database_urls, tmp_path), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == [
        "The demo world was not loaded to its end: starting again.",
        "Loading the demo world …",
        "The demo world is loaded.",
    ]
    assert await count(database_urls) > 2
