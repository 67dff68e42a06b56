"""The application around the routes: middleware in one list, and what happens to a request that fits no route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Lifespan

from accord.database.failures import Busy, OutcomeUnknown, TimedOut
from accord.http.exchange import Exchanges, Pace
from accord.http.forwarded import Forwarded
from accord.http.middleware import BodyDeadline, InFlight, LastResort, RequestScope, Strangers, Unhurried
from accord.http.responses import HttpError, error_response, of_database

REQUEST_HEADERS: Final = ("authorization", "content-type", "idempotency-key", "x-request-id", "accord-acting-session")
RESPONSE_HEADERS: Final = (
    "x-request-id",
    "retry-after",
    "accord-activity-head",
    "www-authenticate",
    "ratelimit",
    "ratelimit-policy",
)
CODES: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def edge(
    routes: Sequence[BaseRoute],
    *,
    cors_origins: Sequence[str] = (),
    body_timeout: float = 15.0,
    body_grace: float = 5.0,
    body_rate: float = 8 * 1024,
    in_flight: int = 200,
    strangers: int = 64,
    stranger_body_size: int = 8 * 1024,
    refusals: int = 20,
    pace: Pace | None = None,
    secure: bool = False,
    trusted_proxies: Sequence[str] = (),
    alone: bool = False,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """`secure`: reached by https, so that browsers may be told to stay there. `alone`: serves this
    machine, and no proxy."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=tuple(cors_origins),
        allow_methods=("GET", "POST"),
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
        allow_credentials=True,
        max_age=3600,
    )
    app = Starlette(
        routes=list(routes),
        middleware=[
            Middleware(RequestScope, secure=secure),
            Middleware(Exchanges, pace=pace or Pace()),
            Middleware(Forwarded, trusted=trusted_proxies, alone=alone),
            *([cors] if cors_origins else ()),
            Middleware(Unhurried, free=refusals),
            Middleware(LastResort),
            Middleware(InFlight, limit=in_flight),
            Middleware(BodyDeadline, seconds=body_timeout, grace=body_grace, rate=body_rate),
            Middleware(Strangers, limit=strangers, size=stranger_body_size),
        ],
        exception_handlers={
            HttpError: told,
            HTTPException: no_route,
            **dict.fromkeys((Busy, TimedOut, OutcomeUnknown), told_of_database),
        },
        lifespan=lifespan,
    )
    # the router would redirect to the Host header, which is the caller's to choose
    app.router.redirect_slashes = False
    return app


async def told(request: Request, error: Exception) -> Response:
    return error_response(request, cast("HttpError", error))


async def told_of_database(request: Request, error: Exception) -> Response:
    return error_response(request, of_database(error))


async def no_route(request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    code = CODES.get(refused.status_code, "BAD_REQUEST")
    return error_response(request, HttpError(refused.status_code, code, refused.detail, headers=refused.headers))
