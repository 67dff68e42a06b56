"""What surrounds every request: its id, its log line, its deadline for the body, and the last resort."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accord.http.body import read_body
from accord.http.exchange import exchange_of
from accord.http.failures import address_of
from accord.http.responses import HttpError, busy, error_response
from accord.http.shares import Shares

log = structlog.stdlib.get_logger("accord.http")

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
QUIET: Final = frozenset({"/live", "/ready"})
BAD_REQUEST: Final = 400
SIGNED_IN: Final = ("/graphql", "/exports/", "/scim/v2/")


class RequestScope:
    """Gives every request an id, which the caller may bring, and one log line; sets the headers that nobody set."""

    def __init__(self, app: ASGIApp, secure: bool = False) -> None:
        self.app = app
        hsts = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
        self.headers = {**HEADERS, **hsts} if secure else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        brought = Headers(scope=scope).get("x-request-id", "")
        request_id = brought if REQUEST_ID.fullmatch(brought) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                if scope["path"] not in QUIET:
                    spent = round((time.perf_counter() - started) * 1000, 1)
                    log.info(
                        "request", method=scope["method"], path=scope["path"][:200], status=status, milliseconds=spent
                    )


class LastResort:
    """What nobody expected: logged once under the request's id, answered with INTERNAL and nothing of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ResponseBroken:
            raise
        except Exception:
            connection = HTTPConnection(scope)
            identifier = scope["state"]["request_id"]
            log.exception("unexpected error", id=identifier)
            if begun:
                raise ResponseBroken from None
            error = HttpError(500, "INTERNAL", "Something went wrong on our side.", id=identifier)
            await error_response(connection, error)(scope, receive, send)


class ResponseBroken(Exception):
    """An answer that had begun can't be finished; the server cuts the connection."""


class BodyDeadline:
    """A body has `seconds` to arrive, from the end of the headers to its last byte; then 408 and the end.

    It has to be on its way all along: `grace` seconds, and one more for each `rate` bytes that have come.
    """

    def __init__(self, app: ASGIApp, seconds: float, grace: float = 5.0, rate: float = 8 * 1024) -> None:
        self.app = app
        self.seconds = seconds
        self.grace = grace
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = asyncio.get_running_loop().time()
        complete, size = False, 0

        async def receive_in_time() -> Message:
            nonlocal complete, size
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(began + min(self.seconds, self.grace + size / self.rate)):
                    message = await receive()
            except TimeoutError:
                raise HttpError(
                    408, "REQUEST_TIMEOUT", "The body took too long to arrive.", headers={"connection": "close"}
                ) from None
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)


class Unhurried:
    """Holds back, for `delay` seconds, refusals of an address that had `free` of them within a second.

    Somebody who runs into a limit and asks again without pause would keep the processor from everybody else. What waits
    holds nothing: its slot and its places are given back before.
    """

    def __init__(
        self, app: ASGIApp, free: int, delay: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.free = free
        self.delay = delay
        self.clock = clock
        self.refused: Counter[str] = Counter()
        self.second = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            refuses = message["type"] == "http.response.start" and message["status"] >= BAD_REQUEST
            if kept or (refuses and self.is_hurried(address_of(connection))):
                kept.append(message)
            else:
                await send(message)

        await self.app(scope, receive, keep)
        if kept:
            exchange_of(connection).close()
            await asyncio.sleep(self.delay)
        for message in kept:
            await send(message)

    def is_hurried(self, address: str) -> bool:
        """Count one refusal more; had the address all that a second has?"""
        second = int(self.clock())
        if second != self.second:
            self.refused.clear()
            self.second = second
        self.refused[address] += 1
        return self.refused[address] > self.free


class InFlight:
    """The places of this process for requests on paths where callers sign in.

    At most `limit` are of signed-in callers, and as many of callers whom nobody has recognised yet, of which an address
    has its share: what a stranger shows, and however long it is looked at, takes no place of anybody else. The last
    places of signed-in callers go to those who have few of them (`Place.belong`).
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.arriving = Shares(limit)
        self.running = 0
        self.of_holder: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_signed_in(scope["path"]):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        address = address_of(connection)
        if not self.arriving.enter(address):
            await error_response(connection, busy())(scope, receive, send)
            return
        place = exchange_of(connection).place = Place(self, address)
        try:
            await self.app(scope, receive, send)
        finally:
            place.leave()


class Place:
    """The place of one request: among those who arrive, then among those of signed-in callers."""

    def __init__(self, all: InFlight, address: str) -> None:
        self.all = all
        self.address = address
        self.is_recognised = False
        self.holder: str | None = None

    def recognise(self) -> None:
        """Count the request among those of signed-in callers; raises BUSY where there are too many."""
        if self.is_recognised:
            return
        if self.all.running >= self.all.limit:
            raise busy()
        self.all.arriving.leave(self.address)
        self.all.running += 1
        self.is_recognised = True

    def belong(self, holder: str) -> None:
        """Count the request as one of this holder (an organisation).

        Raises BUSY where the holder has more than half as many as are free: many of them together leave something.
        """
        free = self.all.limit - self.all.running
        if self.all.of_holder[holder] > free // 2:
            raise busy()
        self.all.of_holder[holder] += 1
        self.holder = holder

    def leave(self) -> None:
        """Give the place back."""
        if not self.is_recognised:
            self.all.arriving.leave(self.address)
            return
        self.all.running -= 1
        if self.holder is not None:
            self.all.of_holder[self.holder] -= 1
            if self.all.of_holder[self.holder] <= 0:
                del self.all.of_holder[self.holder]


class Strangers:
    """Requests for which nobody has to sign in: a pool of their own, at most `limit` at once in this process.

    A body of theirs is read whole, under a limit of its own, before the request takes its place; an address has its
    share of the pool.
    """

    def __init__(self, app: ASGIApp, limit: int, size: int) -> None:
        self.app = app
        self.size = size
        self.pool = Shares(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET or is_signed_in(scope["path"]):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await read_body(request, self.size)
        except HttpError as error:
            await error_response(request, error)(scope, receive, send)
            return
        address = address_of(request)
        if not self.pool.enter(address):
            await error_response(request, busy())(scope, receive, send)
            return
        exchange_of(request).at_end(partial(self.pool.leave, address))
        exchange_of(request).begin_work()
        await self.app(scope, replaying(body, receive), send)


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that begins with a body which was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def is_signed_in(path: str) -> bool:
    """Is this a path where callers sign in before anything is read of them?"""
    return path.startswith(SIGNED_IN)
