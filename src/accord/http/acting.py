"""The header that names the acting session of a request, and the answer where that session is over (model 4.8)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.requests import HTTPConnection

from accord.database.engine import AccessRevoked, SessionOver
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.http.responses import HttpError
from accord.schema.errors import of_session

HEADER: Final = "accord-acting-session"


def acting_session(connection: HTTPConnection) -> UUID | None:
    """The session that a request names; 403 SESSION_ENDED for more than one, and for what is no session's ID."""
    named = connection.headers.getlist(HEADER)
    if not named:
        return None
    try:
        (only,) = named
        return parse_id("session", only)
    except (NotFound, ValueError):
        raise over(SessionOver()) from None


def over(error: AccessRevoked | SessionOver) -> HttpError:
    """The refusal of a session that is good for nothing any more."""
    told = of_session(error)
    return HttpError(403, told.code, told.message)
