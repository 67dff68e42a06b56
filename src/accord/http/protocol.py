"""uvicorn's HTTP protocol with limits for the headers of a request: how long they take and how long they are."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 32 * 1024


class PatientProtocol(HttpToolsProtocol):
    """Waits `header_seconds` from the connection, or a request's first byte, to the end of the headers; then 408."""

    header_seconds = 10.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.header_deadline: asyncio.TimerHandle | None = None
        self.head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if getattr(self.cycle, "response_complete", True):
            self.await_headers()
        self.head += len(data)
        super().data_received(data)
        if self.header_deadline is not None and self.head > LARGEST_HEAD:
            self.refuse(431, "HEADERS_TOO_LARGE", "The headers are too long.")

    def on_headers_complete(self) -> None:
        self.stop_waiting()
        super().on_headers_complete()

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


def protocol_waiting(seconds: float) -> type[PatientProtocol]:
    """The protocol with another patience, for `uvicorn.Config(http=…)`."""
    return type("ConfiguredProtocol", (PatientProtocol,), {"header_seconds": seconds})
