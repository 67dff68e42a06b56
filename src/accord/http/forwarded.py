"""What a proxy tells of whom it asks for: believed of the proxies that the deployment names, and of nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from accord.http.responses import HttpError, error_response

log = structlog.stdlib.get_logger("accord.http")

SIGNS: Final = frozenset({b"forwarded", b"via", b"x-real-ip"})
PREFIX: Final = b"x-forwarded-"
OLD: Final = "1.0"
"""The version of HTTP by which nginx asks unless it is told another; browsers and libraries have left it long ago."""

REMEMBERED: Final = 100
"""How many peers are told of, each once."""

ALONE: Final = (
    "This gateway runs in development, where anybody may sign in as anybody: it answers this machine and no proxy."
    " Ask it directly, or set ACCORD_ENVIRONMENT=production to serve others."
)


class Forwarded:
    """Takes the caller's address and scheme from `X-Forwarded-For` and `X-Forwarded-Proto` of the `trusted` proxies.

    Such headers of another peer change nothing; the log tells of that peer once. `alone`: requests that came through a
    proxy are refused, whoever it is.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str] = (), *, alone: bool = False) -> None:
        self.app = app
        believing: Any = app
        self.proxies = ProxyHeadersMiddleware(believing, list(trusted))
        self.alone = alone
        self.told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.alone and (is_forwarded(scope) or scope.get("http_version") == OLD):
            refusal = HttpError(403, "FORBIDDEN", ALONE)
            await error_response(HTTPConnection(scope), refusal)(scope, receive, send)
            return
        self._tell(scope)
        through: Any = self.proxies
        await through(scope, receive, send)

    def _tell(self, scope: Scope) -> None:
        peer = scope["client"][0] if scope.get("client") else ""
        if peer in self.told or len(self.told) >= REMEMBERED or peer in self.proxies.trusted_hosts:
            return
        if is_forwarded(scope):
            self.told.add(peer)
            log.warning("forwarded headers of a peer that is not in TRUSTED_PROXIES are not believed", peer=peer)


def is_forwarded(scope: Scope) -> bool:
    """Did a proxy leave a sign in the headers?"""
    return any(name in SIGNS or name.startswith(PREFIX) for name, _ in scope["headers"])
