"""uvicorn's HTTP protocol with a deadline for the headers of a request, which it has not."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BODY: Final = b'{"errors":[{"message":"The request took too long to arrive.","extensions":{"code":"REQUEST_TIMEOUT"}}]}'
ANSWER: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n"
    b"content-length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


class PatientProtocol(HttpToolsProtocol):
    """Waits `header_seconds` from the connection, or a request's first byte, to the end of the headers; then 408."""

    header_seconds = 10.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.header_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if getattr(self.cycle, "response_complete", True):
            self.await_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self.stop_waiting()
        super().on_headers_complete()

    def await_headers(self) -> None:
        if self.header_deadline is None:
            self.header_deadline = self.loop.call_later(self.header_seconds, self.give_up)

    def stop_waiting(self) -> None:
        if self.header_deadline is not None:
            self.header_deadline.cancel()
            self.header_deadline = None

    def give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)
            self.transport.close()


def protocol_waiting(seconds: float) -> type[PatientProtocol]:
    """The protocol with another patience, for `uvicorn.Config(http=…)`."""
    return type("ConfiguredProtocol", (PatientProtocol,), {"header_seconds": seconds})
