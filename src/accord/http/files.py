"""Exported files that tell whether they are whole: a last line that counts, or a body that is cut (record 102)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from accord.database.engine import AccessRevoked, SessionOver
from accord.database.failures import Busy, OutcomeUnknown, TimedOut
from accord.http.csv import header, line
from accord.http.middleware import ResponseBroken

log = structlog.stdlib.get_logger("accord.http.files")

END: Final = "END"
"""The first cell of the last line. Events begin with a time; a row of a report has its count in the third cell, which
is empty in the last line."""

EXPECTED: Final = (AccessRevoked, Busy, OutcomeUnknown, SessionOver, TimedOut)
"""Why an export may fail in the middle without a fault of the program."""


class WholeFile(StreamingResponse):
    """A file on its way. What it is read from is closed with it, also where nobody takes the first byte."""

    def __init__(
        self, content: AsyncIterator[bytes], lines: AsyncGenerator[Sequence[bytes]], headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, headers=headers, media_type="text/csv; charset=utf-8")
        self.lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self.lines):
            await super().__call__(scope, receive, send)


async def whole_file(
    columns: Sequence[str], lines: AsyncGenerator[Sequence[bytes]], headers: Mapping[str, str], *, least: int
) -> WholeFile:
    """Return a CSV file as it is read: its header, its lines, and a last line that says how many these were.

    The first lines are read before this returns, so that what fails at once is refused with a status of its own.
    `least` is the number of lines that the caller could read when the export was counted.
    """
    first = await anext(lines, None)  # with () for the default, Python 3.11 fails
    return WholeFile(_written(columns, first or (), lines, least), lines, headers)


async def _written(
    columns: Sequence[str], first: Sequence[bytes], lines: AsyncGenerator[Sequence[bytes]], least: int
) -> AsyncIterator[bytes]:
    """Write the file; raise ResponseBroken, which cuts the connection before the body ends, where it is not whole.

    Fewer lines than were counted mean that rights were lost in the middle: with a proper end the file would look like
    everything that there is.
    """
    written = len(first)
    yield header(columns) + b"".join(first)
    try:
        async for some in lines:
            written += len(some)
            yield b"".join(some)
    except EXPECTED as error:
        log.warning("an export was broken off", reason=type(error).__name__, rows=written)
        raise ResponseBroken from None
    if written < least:
        log.warning("an export was broken off", reason="fewer rows than counted", rows=written, counted=least)
        raise ResponseBroken
    yield last_line(columns, written)


def last_line(columns: Sequence[str], rows: int) -> bytes:
    """Return the line that ends a whole file: `END` and the number of rows, then empty cells."""
    return line([END, rows, *[None] * (len(columns) - 2)])
