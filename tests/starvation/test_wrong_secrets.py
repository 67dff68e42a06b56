"""A stranger with made-up secrets, one with many subjects, or a member who never pauses, costs others nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from accord.domain.callers.api_client import new_secret
from accord.domain.callers.scim import new_credential
from tests.processes import token
from tests.servers import DatabaseURLs
from tests.starvation.stage import Served, Stage, read_answer, staged

FLOOD: Final = 215
LINES: Final[Mapping[str, tuple[str, Callable[[Stage], str]]]] = {
    "directory": ("GET /scim/v2/Users", lambda _: new_credential()),
    "secret": ("POST /graphql", lambda _: new_secret(uuid4())),
    "nothing": ("POST /graphql", lambda _: "nothing"),
    "member": ("POST /graphql", lambda stage: token(stage.state, stage.attackers[0].email)),
}


async def loop_with(stage: Stage, way: str) -> None:
    """Show a credential on one connection, without pause, until cancelled."""
    line, credential = LINES[way]
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.process.port)
    try:
        while True:
            head = f"{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {credential(stage)}\r\ncontent-length: 0"
            writer.write(f"{head}\r\n\r\n".encode())
            await read_answer(reader)
    finally:
        writer.close()


async def flooded(stage: Stage, way: str, count: int) -> tuple[Served, Served]:
    """How others are served before the flood of this way, and while it lasts."""
    quiet = await stage.serve(100)
    flood = [asyncio.create_task(loop_with(stage, way)) for _ in range(FLOOD)]
    await asyncio.sleep(3.0)
    served = await stage.serve(count)
    for one in flood:
        one.cancel()
    await asyncio.wait(flood)
    return quiet, served


@pytest.mark.alone
@pytest.mark.parametrize("way", LINES)
async def test_others_are_served_while_somebody_never_pauses(
    database_urls: DatabaseURLs, tmp_path: Path, way: str
) -> None:
    async with staged(database_urls, tmp_path) as stage:
        quiet, served = await flooded(stage, way, 200)
        served.assert_unharmed(quiet)


@pytest.mark.alone
async def test_without_a_pause_the_processor_is_theirs(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, without=("hurry",)) as stage:
        quiet, served = await flooded(stage, "nothing", 8)
        assert served.median > 2 * quiet.median
