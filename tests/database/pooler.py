"""A pooler in the smallest form: after each transaction a client's connection to the server is anybody's.

Every client brings a connection of its own and signs in over it. From then on a message of a client that has none takes
the connection that was given back last, and it is given back when the server says that it is idle.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

End: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SSL: int = 80_877_103
IDLE: bytes = b"Z\x00\x00\x00\x05I"


class Pooler:
    """Pools the connections to one server by transaction, or not at all if not `sharing`."""

    def __init__(self, port: int, *, sharing: bool) -> None:
        self.port = port
        self.sharing = sharing
        self.idle: list[End] = []
        self.opened: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its start to its end."""
        held: End = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened += [writer, held[1]]
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            held[1].write(await self._start(reader, writer))
            while not await self._answered(held, writer, until=b"ZR"):
                held[1].write(await _message(reader))
            idle = True
            while True:
                if self.sharing and idle:
                    self.idle.append(held)
                message = await _message(reader)
                if self.sharing and idle:
                    held = self.idle.pop()
                held[1].write(message)
                while message[:1] not in (b"S", b"Q", b"X"):
                    if message[:1] == b"H":
                        await self._answered(held, writer, until=b"nT")
                    message = await _message(reader)
                    held[1].write(message)
                idle = await self._answered(held, writer, until=b"Z")
        writer.transport.abort()

    async def _start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        while True:
            size = await reader.readexactly(4)
            rest = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
            if struct.unpack("!I", rest[:4])[0] != SSL:
                return size + rest
            writer.write(b"N")

    async def _answered(self, held: End, writer: asyncio.StreamWriter, until: bytes) -> bool:
        """Pass messages of the server on until one of these kinds; was it idle then?"""
        while True:
            message = await _message(held[0])
            writer.write(message)
            if message[:1] in (until[i : i + 1] for i in range(len(until))):
                if message[:1] == b"R" and message[5:9] in (b"\x00\x00\x00\x00", b"\x00\x00\x00\x0c"):
                    continue
                return message == IDLE


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


@asynccontextmanager
async def pooling(port: int, *, sharing: bool) -> AsyncIterator[int]:
    """The port of a pooler before the server of this port."""
    pooler = Pooler(port, sharing=sharing)
    server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in pooler.opened:
            writer.transport.abort()
        await asyncio.sleep(0.05)
