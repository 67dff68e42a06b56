"""Request bodies: read under a limit, then JSON that is no trap for what comes after."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request

from accord.http.responses import HttpError

STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
NO_BRACKET: Final = bytes(set(range(256)) - STEP.keys())


AT_ONCE: Final = 64 * 1024
"""Bytes of a body up to which it is read as one piece; more is done in pieces, so that others get their turn."""

WINDOW: Final = 4 * 1024
"""Characters that are decoded at once of a large body."""

BLANK: Final = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`size` in bytes, `nesting` in levels, `digits` of one number, `values` in all lists and objects together."""

    size: int = 256 * 1024
    nesting: int = 32
    digits: int = 64
    values: int = 10_000


async def read_body(request: Request, size: int) -> bytes:
    """The whole body; raises BODY_TOO_LARGE as soon as it is known to be longer."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > size:
        raise too_large(size, int(announced))
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > size:
                raise too_large(size, len(body))
    except ClientDisconnect:
        raise HttpError(400, "BAD_REQUEST", "The body ended too early.") from None
    return bytes(body)


class Arriving:
    """A body that is being read while its request is told whether it may run. `close` gives it up."""

    def __init__(self, request: Request, size: int) -> None:
        self._reading = asyncio.create_task(read_body(request, size))

    async def at_once(self) -> bytes | None:
        """Return the body if it is here already; None if it has to be waited for or is refused."""
        await asyncio.sleep(0)
        reading = self._reading
        return reading.result() if reading.done() and reading.exception() is None else None

    async def whole(self) -> bytes:
        """Wait for the body; raises what `read_body` does."""
        return await self._reading

    def close(self) -> None:
        """Read no further."""
        if not self._reading.done():
            self._reading.cancel()
        elif not self._reading.cancelled():
            self._reading.exception()


def read_object(body: bytes, limits: BodyLimits) -> dict[str, Any]:
    """The JSON object in a body; raises BAD_REQUEST for anything else."""
    if not body:
        raise bad_request("The body is empty.")
    refuse_shape(body, limits)
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, parse_int=number(int, limits), parse_float=number(finite, limits), parse_constant=constant
        )
        if SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise bad_request("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise bad_request("The body is not a JSON object.")
    return value


def read_slowly(body: bytes, limits: BodyLimits) -> dict[str, Any]:
    """Return the JSON object in a large body, as `read_object` does. For a thread: no step of it takes long, while the
    decoder of the library would hold all other threads until it has the whole."""
    try:
        reading = _Reading(body.decode("utf-8"), limits)
        value, end = reading.value(reading.skip(0), 0)
    except UnicodeError:
        raise bad_request("The body is not UTF-8.") from None
    except (ValueError, RecursionError, IndexError):
        raise bad_request("The body is not JSON.") from None
    if reading.skip(end) != len(reading.text):
        raise bad_request("The body is not JSON.")
    if not isinstance(value, dict):
        raise bad_request("The body is not a JSON object.")
    return value


class _Reading:
    """A JSON text that is read piece by piece: what fits into a window by the library, what does not by its parts."""

    def __init__(self, text: str, limits: BodyLimits) -> None:
        self.text = text
        self.limits = limits
        self.values = 0
        self.decode = json.JSONDecoder(
            parse_int=number(int, limits), parse_float=number(finite, limits), parse_constant=constant
        ).raw_decode

    def skip(self, at: int) -> int:
        """Return where the next character stands that is no blank."""
        found = BLANK.match(self.text, at)
        return at if found is None else found.end()

    def value(self, at: int, level: int) -> tuple[Any, int]:
        """Return the value that begins here, and where it ends; ValueError where there is none."""
        window = self.text[at : at + WINDOW]
        try:
            value, length = self.decode(window)
        except ValueError:
            return self._by_parts(at, level)
        if length == len(window) and at + length < len(self.text):
            return self._by_parts(at, level)  # a number may go on behind the window
        self._count(window[:length], value, level)
        return value, at + length

    def _by_parts(self, at: int, level: int) -> tuple[Any, int]:
        opening = self.text[at]
        if opening not in "[{":
            value, end = self.decode(self.text, at)
            self._count("", value, level)
            return value, end
        if level >= self.limits.nesting:
            self._refuse_nesting(level + 1)
        return self._list(at, level) if opening == "[" else self._object(at, level)

    def _list(self, at: int, level: int) -> tuple[list[Any], int]:
        found = list[Any]()
        at = self.skip(at + 1)
        while self.text[at] != "]" or found:
            value, at = self.value(at, level + 1)
            found.append(value)
            at, is_over = self._next(at, "]")
            if is_over:
                return found, at
        return found, at + 1

    def _object(self, at: int, level: int) -> tuple[dict[str, Any], int]:
        found = dict[str, Any]()
        at = self.skip(at + 1)
        while self.text[at] != "}" or found:
            name, at = self.value(at, level + 1)
            at = self.skip(at)
            if not isinstance(name, str) or self.text[at] != ":":
                raise ValueError(at)
            found[name], at = self.value(self.skip(at + 1), level + 1)
            at, is_over = self._next(at, "}")
            if is_over:
                return found, at
        return found, at + 1

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """Return where the next part begins, or the end of the whole and True."""
        at = self.skip(at)
        if self.text[at] == closing:
            return at + 1, True
        if self.text[at] != ",":
            raise ValueError(at)
        return self.skip(at + 1), False

    def _count(self, piece: str, value: Any, level: int) -> None:
        """Count the values of a piece against the limits, and refuse half a surrogate pair, which no text may hold."""
        self.values += 1
        if "," in piece or piece[:1] in ("[", "{"):
            raw = piece.encode("utf-8")
            refuse_shape(raw, replace(self.limits, nesting=self.limits.nesting - level))
            self.values += STRING.sub(b"", raw).count(b",")
        if self.values > self.limits.values:
            raise too_many(self.limits.values, self.values)
        if isinstance(value, str):
            value.encode("utf-8")
        elif "\\u" in piece:
            json.dumps(value, ensure_ascii=False).encode("utf-8")

    def _refuse_nesting(self, level: int) -> NoReturn:
        limit = self.limits.nesting
        raise HttpError(400, "BAD_REQUEST", "The body is nested too deeply.", limit=limit, actual=level)


def refuse_shape(body: bytes, limits: BodyLimits) -> None:
    """Refuses what is nested too deeply or has too many values, from its punctuation alone."""
    if body.count(b"[") + body.count(b"{") <= limits.nesting and body.count(b",") < limits.values:
        return
    punctuation = STRING.sub(b"", body)
    values = punctuation.count(b",") + 1
    if values > limits.values:
        raise too_many(limits.values, values)
    steps = map(STEP.__getitem__, punctuation.translate(None, NO_BRACKET))
    level = max(accumulate(steps), default=0)
    if level > limits.nesting:
        raise HttpError(400, "BAD_REQUEST", "The body is nested too deeply.", limit=limits.nesting, actual=level)


def number(convert: Callable[[str], Any], limits: BodyLimits) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if len(text) > limits.digits:
            raise HttpError(400, "BAD_REQUEST", "A number has too many digits.", limit=limits.digits, actual=len(text))
        return convert(text)

    return read


def finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise bad_request("A number is too large.")
    return value


def constant(name: str) -> NoReturn:
    raise bad_request(f"{name} is not JSON.")


def bad_request(message: str) -> HttpError:
    return HttpError(400, "BAD_REQUEST", message)


def too_large(limit: int, actual: int) -> HttpError:
    return HttpError(
        413, "BODY_TOO_LARGE", "The body is too large.", headers={"connection": "close"}, limit=limit, actual=actual
    )


def too_many(limit: int, actual: int) -> HttpError:
    return HttpError(400, "BAD_REQUEST", "The body has too many values.", limit=limit, actual=actual)
