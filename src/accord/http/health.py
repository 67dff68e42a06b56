"""/live: the process answers. /ready: it can serve, which needs the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = structlog.stdlib.get_logger("accord.http.health")


class HealthRoutes:
    """`probe` reaches the database or raises; it has `seconds` for it."""

    def __init__(self, probe: Callable[[], Awaitable[None]], seconds: float = 2.0) -> None:
        self.probe = probe
        self.seconds = seconds

    def routes(self) -> list[Route]:
        return [Route("/live", self.live), Route("/ready", self.ready)]

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self.seconds):
                await self.probe()
        except Exception as error:  # noqa: BLE001 - whatever keeps it from serving
            log.warning("not ready", reason=type(error).__name__)
            return JSONResponse({"status": "unavailable"}, 503, headers={"retry-after": "1"})
        return JSONResponse({"status": "ready"})
