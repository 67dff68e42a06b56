"""Answers: GraphQL JSON for everything, errors included, in the media type that the caller asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from accord.database.failures import OutcomeUnknown, TimedOut

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
SCIM: Final = "application/scim+json"
SCIM_PATH: Final = "/scim/"
QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
STATUS: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "ACCESS_REVOKED": 403,
    "SESSION_ENDED": 403,
    "BODY_TOO_LARGE": 413,
    "ANSWER_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "BUSY": 503,
    "TIMEOUT": 504,
    "OUTCOME_UNKNOWN": 504,
}
"""Codes that a status of its own tells, whatever the media type."""


class HttpError(Exception):
    """A request that gets an answer before, or instead of, an operation."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **facts: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.facts = facts

    def but(self, addition: str) -> HttpError:
        """Return the same error with one more sentence."""
        return HttpError(self.status, self.code, f"{self.message} {addition}", headers=self.headers, **self.facts)


def is_larger(content: object, limit: int) -> bool:
    """Is this content larger than so many bytes as JSON? Counts names and strings alone, and no further than the limit:
    the answer is found before the JSON is made."""
    size, waiting = 0, [content]
    while waiting and size <= limit:
        value = waiting.pop()
        values: Iterable[Any] = value if isinstance(value, list | tuple) else ()
        if isinstance(value, dict):
            size += sum(map(len, value))
            values = value.values()
        for inner in values:
            if isinstance(inner, str):
                size += len(inner)
            elif isinstance(inner, dict | list | tuple):
                waiting.append(inner)
    return size > limit


def busy() -> HttpError:
    """The answer of somebody who can't be served now, and may come again at once."""
    return HttpError(503, "BUSY", "The service is busy. Please try again.", headers={"retry-after": "1"})


def limited(message: str, seconds: int, headers: Mapping[str, str] | None = None, **facts: int) -> HttpError:
    """The answer of somebody who has asked too often, and may come again in so many seconds."""
    given = {**(headers or {}), "retry-after": str(seconds)}
    return HttpError(429, "RATE_LIMITED", message, headers=given, retryAfter=seconds, **facts)


def of_database(error: Exception) -> HttpError:
    """What a caller is told when the database could not do it, whichever door it came through."""
    if isinstance(error, OutcomeUnknown):
        return HttpError(504, "OUTCOME_UNKNOWN", "The change may have been made. Read before you repeat it.")
    return HttpError(504, "TIMEOUT", "This took too long.") if isinstance(error, TimedOut) else busy()


class GraphQLResponse(Response):
    """JSON in one of the two media types of GraphQL over HTTP."""

    def __init__(
        self, content: Mapping[str, Any], status: int, media_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(orjson.dumps(content), status, headers, f"{media_type}; charset=utf-8")


def error_response(connection: HTTPConnection, error: HttpError) -> Response:
    """One error without data, in the media type that fits the request; below `/scim` as SCIM says it."""
    if str(connection.scope.get("path", "")).startswith(SCIM_PATH):
        return scim_error(error)
    item = {"message": error.message, "extensions": {"code": error.code, **error.facts}}
    content = {"errors": [item], "extensions": {"requestId": request_id(connection)}}
    media_type = accepted(connection.headers.get("accept")) or JSON
    return GraphQLResponse(content, error.status, media_type, error.headers)


def scim_error(error: HttpError) -> Response:
    """An error in the shape of RFC 7644, 3.12; limits and the like are facts of the sentence there."""
    figures = [f"{name} {value}" for name, value in error.facts.items() if name in ("limit", "actual")]
    detail = f"{error.message} ({', '.join(figures)})" if figures else error.message
    content = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(error.status),
        "detail": detail,
    }
    if error.status == 400:
        content["scimType"] = error.facts.get("scim_type") or "invalidSyntax"
    elif error.facts.get("scim_type"):
        content["scimType"] = error.facts["scim_type"]
    return Response(orjson.dumps(content), error.status, error.headers, f"{SCIM}; charset=utf-8")


def request_id(connection: HTTPConnection) -> str:
    found: str = connection.scope.get("state", {}).get("request_id", "")
    return found


LONGEST_ACCEPT: Final = 1_024
"""Characters of an `Accept` header that are read; a longer one counts as none."""


def accepted(header: str | None) -> str | None:
    """The media type to answer in, None when the caller takes neither.

    `application/json` where nothing is said, or too much, or all is equal: clients that know the other one name it.
    """
    if not header or len(header) > LONGEST_ACCEPT:
        return JSON
    best: tuple[float, int, int, str] | None = None
    for order, part in enumerate(header.split(",")):
        name, quality = _range(part)
        for media_type in (JSON, GRAPHQL_RESPONSE):
            exact = _matches(name, media_type)
            if exact is None or quality <= 0:
                continue
            candidate = (quality, exact, -order, media_type)
            if best is None or candidate[:3] > best[:3]:
                best = candidate
    return best[3] if best else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _quality(value.strip())
    return name, 1.0


def _quality(text: str) -> float:
    return float(text) if QUALITY.fullmatch(text) else 0.0


def _matches(name: str, media_type: str) -> int | None:
    return {media_type: 2, "application/*": 1, "*/*": 0}.get(name)


def request_status(errors: Sequence[GraphQLError], media_type: str) -> int:
    """The status of an answer without data, by GraphQL over HTTP."""
    codes = [str((error.extensions or {}).get("code")) for error in errors]
    told = [STATUS[code] for code in codes if code in STATUS]
    if told:
        return max(told)
    return 400 if media_type == GRAPHQL_RESPONSE else 200
