"""A TCP proxy on the loopback interface that loses what it is told to lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Pass = Callable[[bytes], Awaitable[bool]]
"""Sees what goes through one way; False cuts the connection before it is passed on."""


async def everything(_: bytes) -> bool:
    """Lets everything pass."""
    return True


class Proxy:
    """Passes bytes to `port` and back. `forth` and `back` may be set anew at any time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.forth: Pass = everything
        self.back: Pass = everything
        self.listens = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either end or the proxy has enough."""
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.create_task(self._pump(reader, back, forth=True)),
            asyncio.create_task(self._pump(there, writer, forth=False)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, back):
            end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, forth: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if not await (self.forth if forth else self.back)(data):
                    return
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxying(port: int) -> AsyncIterator[Proxy]:
    """A proxy that listens on a port of its own."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.listens = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
