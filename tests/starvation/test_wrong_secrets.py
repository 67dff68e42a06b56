"""A stranger with made-up secrets, or one with many subjects, takes no place of those who are signed in."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from accord.domain.callers.api_client import new_secret
from accord.domain.callers.scim import new_credential
from tests.servers import DatabaseURLs
from tests.starvation.stage import Stage, read_answer, staged

FLOOD: Final = 215
PAUSE: Final = 0.5
"""Seconds between two requests of a connection: places are what is shown here, and not the processor."""

LINES: Final = {
    "directory": ("GET /scim/v2/Users", new_credential),
    "secret": ("POST /graphql", lambda: new_secret(uuid4())),
}


async def loop_with(stage: Stage, way: str, found: Counter[int]) -> None:
    """Show wrong secrets on one connection until cancelled."""
    line, secret = LINES[way]
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.process.port)
    try:
        while True:
            head = f"{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {secret()}\r\ncontent-length: 0\r\n\r\n"
            writer.write(head.encode())
            status, _, _ = await read_answer(reader)
            found[status] += 1
            await asyncio.sleep(PAUSE)
    finally:
        writer.close()


@pytest.mark.alone
@pytest.mark.parametrize("way", LINES)
async def test_others_are_served_while_wrong_secrets_are_shown(
    database_urls: DatabaseURLs, tmp_path: Path, way: str
) -> None:
    async with staged(database_urls, tmp_path) as stage:
        found = Counter[int]()
        flood = [asyncio.create_task(loop_with(stage, way, found)) for _ in range(FLOOD)]
        await asyncio.sleep(3.0)
        served = await stage.serve(20)
        for one in flood:
            one.cancel()
        await asyncio.wait(flood)
        assert served.statuses == {200: 20}, found
        assert found[429] > found[401]
