"""The load: so many connections that each send their next request as soon as the last one is answered.

The client does as little as it can, so that it is not what is measured: requests are made beforehand, and of an answer
it reads the status and the length.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

CONNECTIONS: Final = 8
LONGEST: Final = 60.0
"""Seconds that one answer may take."""


class Unanswered(Exception):
    """A server gave no answer, or another one than it should."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it is sent."""

    host: str
    port: int
    raw: bytes

    @classmethod
    def post(cls, url: str, body: dict[str, Any], **headers: str) -> Call:
        """A POST of JSON; header names are written with underscores."""
        parts, content = urlsplit(url), orjson.dumps(body)
        assert parts.hostname is not None
        assert parts.port is not None
        named = {"host": parts.netloc, "content-type": "application/json", "accept": "application/json"}
        named |= {"content-length": str(len(content))} | {name.replace("_", "-"): it for name, it in headers.items()}
        lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        return cls(parts.hostname, parts.port, "\r\n".join([*lines, "", ""]).encode() + content)

    @classmethod
    def get(cls, url: str) -> Call:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        return cls(parts.hostname, parts.port, f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode())


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.pieces: list[bytes] = []
        self.missing = -1
        self.answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(Unanswered(f"the connection was closed ({exc})"))

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        if self.missing < 0:
            self._begin()
        else:
            self.missing -= len(data)
        if self.missing == 0 and self.answer is not None and not self.answer.done():
            self.answer.set_result(b"".join(self.pieces))

    async def ask(self, call: Call) -> bytes:
        """The whole answer with its head; raises Unanswered for any status but 200."""
        self.pieces, self.missing = [], -1
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(call.raw)
        return await self.answer

    def _begin(self) -> None:
        """Read how long the body is, once the head is here."""
        read = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        head, found, body = read.partition(b"\r\n\r\n")
        if not found:
            return
        _, length, rest = head.lower().partition(b"\r\ncontent-length: ")
        if not head.startswith(b"HTTP/1.1 200") or not length:
            self._fail(Unanswered(read[:2000].decode(errors="replace")))
            return
        self.missing = int(rest.partition(b"\r\n")[0]) - len(body)

    def _fail(self, error: Unanswered) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)


async def connect(call: Call) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, call.host, call.port)
    return connection


async def ask(call: Call) -> bytes:
    """The body of one answer, on a connection of its own."""
    connection = await connect(call)
    try:
        async with asyncio.timeout(LONGEST):
            return (await connection.ask(call)).partition(b"\r\n\r\n")[2]
    finally:
        connection.transport.close()


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of a load. Times in seconds."""

    times: tuple[float, ...]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, part: int) -> float:
        """The time within which so many of a hundred were answered."""
        return quantiles(self.times, n=100, method="inclusive")[part - 1] if len(self.times) > 1 else self.times[0]


async def load(calls: Sequence[Call], seconds: float, connections: int = CONNECTIONS) -> Answers:
    """Send for so many seconds; what is under way then is waited for. Connections share the calls in turn."""
    opened = [(await connect(calls[n % len(calls)]), calls[n % len(calls)]) for n in range(connections)]
    times: list[float] = []
    began = time.perf_counter()

    async def one(connection: Connection, call: Call) -> None:
        while (sent := time.perf_counter()) < began + seconds:
            await connection.ask(call)
            times.append(time.perf_counter() - sent)

    try:
        async with asyncio.timeout(seconds + LONGEST), asyncio.TaskGroup() as group:
            for connection, call in opened:
                group.create_task(one(connection, call))
        return Answers(tuple(times), time.perf_counter() - began)
    finally:
        for connection, _ in opened:
            connection.transport.close()
