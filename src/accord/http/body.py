"""Request bodies: read under a limit, then JSON that is no trap for what comes after."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request

from accord.http.responses import HttpError

STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
NO_BRACKET: Final = bytes(set(range(256)) - STEP.keys())


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


def refuse_shape(body: bytes, limits: BodyLimits) -> None:
    """Refuses what is nested too deeply or has too many values, from its punctuation alone."""
    if body.count(b"[") + body.count(b"{") <= limits.nesting and body.count(b",") < limits.values:
        return
    punctuation = STRING.sub(b"", body)
    values = punctuation.count(b",") + 1
    if values > limits.values:
        raise HttpError(400, "BAD_REQUEST", "The body has too many values.", limit=limits.values, actual=values)
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
