"""A request and its answer: the slot that it holds to the end, and a reader who has to take the answer in time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accord.http.slots import Slot

log = structlog.stdlib.get_logger("accord.http.exchange")

CONNECTION: Final = "accord.connection"
"""The name of the extension by which the server gives the connection of a request."""


class Connection(Protocol):
    """What the server tells of a connection (`http/protocol.py`), and what it can do with it."""

    @property
    def is_behind(self) -> bool:
        """Is something of what was sent not with the kernel yet?"""

    async def drain(self) -> None:
        """Wait until the kernel has everything, or the connection is lost."""

    def abort(self) -> None:
        """Cut the connection and forget what was to be sent."""

    def begin_work(self) -> None:
        """Keep the connection when there are too many: a request of it is served."""

    def end_work(self) -> None:
        """End what `begin_work` began."""


class Place(Protocol):
    """The place that a request takes in the process (`http/middleware.py`)."""

    def recognise(self) -> None:
        """Count the request among those of signed-in callers; raises BUSY where there are too many."""

    def belong(self, holder: str) -> None:
        """Count the request as one of this holder; raises BUSY where the holder has too many."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How an answer is written: in pieces of `piece` bytes. A reader may keep us waiting for `seconds` at a time, and
    has to take `rate` bytes a second in the long run; all answers of the process that wait may have `waiting` bytes."""

    seconds: float = 15.0
    rate: float = 8 * 1024
    waiting: int = 64 * 1024 * 1024
    piece: int = 64 * 1024


class Exchange:
    """One request from its first byte to the last of its answer. `memory` is what a streamed answer keeps, in bytes."""

    def __init__(self, connection: Connection | None) -> None:
        self.connection = connection
        self.place: Place | None = None
        self.holder = ""
        self.memory = 0
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, act: Callable[[], None]) -> None:
        """Do this once, when the kernel has the last byte of the answer or the connection is lost."""
        self._at_end.append(act)

    def begin_work(self) -> None:
        """Keep the connection of this request when there are too many."""
        if self.connection is not None:
            self.connection.begin_work()
            self.at_end(self.connection.end_work)

    def hold(self, slot: Slot, release: Callable[[Slot], None]) -> None:
        """Release the slot at the end of this exchange; raises BUSY where its holder has too many in this process."""
        self.holder = slot.holder
        self.at_end(lambda: release(slot))
        if self.place is not None:
            self.place.belong(slot.holder)
        self.begin_work()

    def close(self) -> None:
        acts, self._at_end = self._at_end, []
        for act in acts:
            act()


def exchange_of(connection: HTTPConnection) -> Exchange:
    """Return the exchange that a request belongs to."""
    exchange: Exchange = connection.scope["state"]["exchange"]
    return exchange


def recognise(connection: HTTPConnection) -> None:
    """Count a request among those of signed-in callers from here on; raises BUSY where there are too many."""
    exchange: Exchange | None = connection.scope.get("state", {}).get("exchange")
    if exchange is not None and exchange.place is not None:
        exchange.place.recognise()


class Exchanges:
    """Gives every request its exchange, writes its answer at the reader's pace, and ends the exchange."""

    def __init__(self, app: ASGIApp, pace: Pace) -> None:
        self.app = app
        self.pace = pace
        self.backlog = Backlog(pace.waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope.get("extensions", {}).get(CONNECTION))
        scope.setdefault("state", {})["exchange"] = exchange
        answer = Answer(send, exchange, self.pace, self.backlog)
        try:
            await self.app(scope, receive, answer.send)
        finally:
            exchange.close()


class Answer:
    """One answer on its way. Whoever takes too little of it is cut off, and what comes after goes nowhere."""

    def __init__(self, send: Send, exchange: Exchange, pace: Pace, backlog: Backlog) -> None:
        self._send = send
        self.exchange = exchange
        self.pace = pace
        self.backlog = backlog
        self.patience = pace.seconds
        self.is_cut = False

    async def send(self, message: Message) -> None:
        body: bytes = message.get("body", b"")
        size = len(body)
        if size <= self.pace.piece:
            await self._write(message, size)
            return
        for start in range(0, size, self.pace.piece):
            end = start + self.pace.piece
            more = end < size or message.get("more_body", False)
            await self._write({**message, "body": body[start:end], "more_body": more}, size)

    async def _write(self, message: Message, kept: int) -> None:
        if self.is_cut:
            return
        await self._send(message)
        connection = self.exchange.connection
        if connection is not None and connection.is_behind:
            await self._wait(connection, kept)
            self.patience = min(self.pace.seconds, self.patience + len(message.get("body", b"")) / self.pace.rate)

    async def _wait(self, connection: Connection, kept: int) -> None:
        """Wait for the reader; what the answer keeps in memory in the meantime counts in the backlog."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.backlog.add(self, max(kept, self.exchange.memory))
        try:
            async with asyncio.timeout(self.patience):
                await connection.drain()
        except TimeoutError:
            self.cut("the reader takes too little")
        finally:
            self.backlog.remove(self)
            self.patience -= loop.time() - began

    def cut(self, reason: str) -> None:
        """Cut the connection."""
        self.is_cut = True
        if self.exchange.connection is not None:
            self.exchange.connection.abort()
        log.info("an answer was cut off", reason=reason)


class Backlog:
    """The answers that wait for their readers. Where they are more than `limit` bytes together, the holder (an
    organisation) that has most of them loses its largest, so that nobody's readers cost another's."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.sizes: dict[Answer, int] = {}
        self.of_holder: Counter[str] = Counter()

    def add(self, answer: Answer, size: int) -> None:
        self.sizes[answer] = size
        self.of_holder[answer.exchange.holder] += size
        while sum(self.of_holder.values()) > self.limit and self.sizes:
            holder, _ = self.of_holder.most_common(1)[0]
            theirs: list[Any] = [one for one in self.sizes if one.exchange.holder == holder]
            largest = max(theirs, key=self.sizes.__getitem__)
            self.remove(largest)
            largest.cut("too many answers wait")

    def remove(self, answer: Answer) -> None:
        size = self.sizes.pop(answer, 0)
        holder = answer.exchange.holder
        self.of_holder[holder] -= size
        if self.of_holder[holder] <= 0:
            del self.of_holder[holder]
