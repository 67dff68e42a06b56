"""The header that makes a retry of a mutation safe (surface.md, conventions)."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import HTTPConnection

from accord.http.responses import HttpError

HEADER: Final = "idempotency-key"
LONGEST: Final = 255
KEY: Final = re.compile(rf"[ -~]{{1,{LONGEST}}}")


def idempotency_key(connection: HTTPConnection) -> str | None:
    """The key that a request names, None without one; 400 for several, and for what is no printable ASCII."""
    named = connection.headers.getlist(HEADER)
    if not named:
        return None
    if len(named) > 1 or not KEY.fullmatch(named[0]):
        message = f"`Idempotency-Key` is one word of 1 to {LONGEST} printable ASCII characters."
        raise HttpError(400, "IDEMPOTENCY_KEY_INVALID", message)
    return named[0]
