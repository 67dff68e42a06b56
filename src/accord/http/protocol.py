"""uvicorn's HTTP protocol with limits for connections: how many there are, how long the headers of a request take and
how long they are, and how much of an answer waits in the process."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from accord.http.exchange import CONNECTION

LARGEST_HEAD: Final = 32 * 1024
SEND_BUFFER: Final = 128 * 1024
"""What the kernel keeps of an answer that is not read; its own default grows to megabytes for each connection."""

MOST_PIPELINED: Final = 32
"""Requests that may wait on a connection for the answers to those before them; it is cut beyond."""

FREE_PIECES: Final = 256
LEAST_PIECE: Final = 64
"""Pieces that a body may come in: so many, and one more for each so many bytes. Each chunk is at least one piece."""

RESERVED_FILES: Final = 128
"""Files that are no connections of clients: the database's, the log, libraries."""


class Connections:
    """The open connections of a process, at most `limit`.

    One more takes the place of one that waits for its client: the one that has waited longest, of the address that has
    most of them waiting. Connections whose requests are served are left alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.open = 0
        self.waiting: dict[str, dict[PatientProtocol, None]] = {}

    def add(self, connection: PatientProtocol) -> None:
        self.open += 1
        self.rest(connection)
        if self.open > self.limit:
            crowd: dict[PatientProtocol, None] = max(self.waiting.values(), key=len)
            longest = next(iter(crowd))
            self.work(longest)
            longest.abort()

    def remove(self, connection: PatientProtocol) -> None:
        self.open -= 1
        self.work(connection)

    def rest(self, connection: PatientProtocol) -> None:
        """Count the connection among those that wait for their clients."""
        self.waiting.setdefault(connection.address, {})[connection] = None

    def work(self, connection: PatientProtocol) -> None:
        """Count it no longer among those that wait."""
        crowd = self.waiting.get(connection.address)
        if crowd is not None:
            crowd.pop(connection, None)
            if not crowd:
                del self.waiting[connection.address]


class TooMany(Exception):
    """A connection is cut for what it sends; the parser passes it on, and the rest is not read."""


class PatientProtocol(HttpToolsProtocol):
    """Waits `header_seconds` from the connection, or a request's first byte, to the end of the headers; then 408.

    It is the `Connection` of `http/exchange.py`, and given to the application as an extension of the scope.
    """

    header_seconds = 10.0
    registry: Connections | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.header_deadline: asyncio.TimerHandle | None = None
        self.head = 0
        self.pieces = 0
        self.size = 0
        self.address = ""
        self.served = 0
        self.is_counted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # nothing waits unseen: `is_behind` is true as soon as the kernel does not take all
        transport.set_write_buffer_limits(high=0)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.address = self.client[0] if self.client else ""
        if self.registry is not None:
            self.is_counted = True
            self.registry.add(self)
        self.await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        if self.registry is not None and self.is_counted:
            self.is_counted = False
            self.registry.remove(self)
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if getattr(self.cycle, "response_complete", True):
            self.await_headers()
        self.head += len(data)
        super().data_received(data)
        if self.header_deadline is not None and self.head > LARGEST_HEAD:
            self.refuse(431, "HEADERS_TOO_LARGE", "The headers are too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            # all that one piece of data holds is parsed at once: what comes after this request is not kept
            self.forget()
            raise TooMany
        self.stop_waiting()
        self.pieces = self.size = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.pieces += 1
        self.size += len(body)
        if self.pieces > FREE_PIECES + self.size / LEAST_PIECE:
            if self.pipeline or self.cycle.response_started:
                self.forget()
            else:
                self.refuse(400, "BAD_REQUEST", "The body comes in too many small pieces.")
            raise TooMany
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Start the next request, and read on when no other waits."""
        super().on_response_complete()
        if self.pipeline and not self.transport.is_closing():
            self.flow.pause_reading()

    def forget(self) -> None:
        """Cut the connection, and drop the requests that wait on it."""
        self.pipeline.clear()
        self.abort()

    @property
    def is_behind(self) -> bool:
        return self.flow.write_paused

    async def drain(self) -> None:
        await self.flow.drain()

    def abort(self) -> None:
        self.transport.abort()

    def begin_work(self) -> None:
        self.served += 1
        if self.registry is not None and self.is_counted:
            self.registry.work(self)

    def end_work(self) -> None:
        self.served -= 1
        if self.registry is not None and self.is_counted and self.served == 0:
            self.registry.rest(self)

    def await_headers(self) -> None:
        if self.header_deadline is None:
            self.head = 0
            self.header_deadline = self.loop.call_later(self.header_seconds, self.give_up)

    def stop_waiting(self) -> None:
        if self.header_deadline is not None:
            self.header_deadline.cancel()
            self.header_deadline = None

    def give_up(self) -> None:
        self.refuse(408, "REQUEST_TIMEOUT", "The request took too long to arrive.")

    def send_400_response(self, msg: str) -> None:
        self.refuse(400, "BAD_REQUEST", "This is not HTTP.")

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answers what never became a request, and ends the connection."""
        self.stop_waiting()
        if self.transport.is_closing():
            return
        body = json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
        self.transport.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json; charset=utf-8\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        )
        self.transport.close()


def protocol_waiting(seconds: float, connections: int | None = None) -> type[PatientProtocol]:
    """Return the protocol with another patience and at most so many connections, for `uvicorn.Config(http=…)`."""
    registry = None if connections is None else Connections(connections)
    return type("ConfiguredProtocol", (PatientProtocol,), {"header_seconds": seconds, "registry": registry})


def allow_connections(wanted: int) -> int:
    """Raise the limit of open files for so many connections as far as the system lets us, and return how many fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - RESERVED_FILES))
