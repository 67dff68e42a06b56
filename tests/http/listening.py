"""An application listening on a port of this machine, in this event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from accord.http.protocol import protocol_waiting


@asynccontextmanager
async def listening(app: Starlette, *, header_seconds: float = 10.0, port: int = 0, **given: Any) -> AsyncIterator[int]:
    """The port; the server ends with the block."""
    config = uvicorn.Config(
        app,
        port=port,
        http=protocol_waiting(header_seconds),
        ws="none",
        log_config=None,
        timeout_graceful_shutdown=1,
        **given,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    async with asyncio.timeout(30):
        while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running
