"""/live: the process answers. /ready: it can serve, which needs the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = structlog.stdlib.get_logger("accord.http.health")


KEPT: Final = 1.0
"""Seconds for which one answer holds for all who ask."""


class HealthRoutes:
    """`probe` reaches the database or raises; it has `seconds` for it. One probe runs at a time, for all who ask, and
    what it found is kept for a while: whoever asks, and however often, takes one connection at most."""

    def __init__(self, probe: Callable[[], Awaitable[None]], seconds: float = 2.0) -> None:
        self.probe = probe
        self.seconds = seconds
        self.probing: asyncio.Task[bool] | None = None
        self.found = False
        self.until = 0.0

    def routes(self) -> list[Route]:
        return [Route("/live", self.live), Route("/ready", self.ready)]

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(self, request: Request) -> Response:
        if await self.is_ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "unavailable"}, 503, headers={"retry-after": "1"})

    async def is_ready(self) -> bool:
        """Can the gateway serve? The answer is at most `KEPT` seconds old."""
        if time.monotonic() < self.until:
            return self.found
        if self.probing is None:
            self.probing = asyncio.create_task(self._probe())
        return await asyncio.shield(self.probing)

    async def _probe(self) -> bool:
        try:
            async with asyncio.timeout(self.seconds):
                await self.probe()
            self.found = True
        except Exception as error:  # noqa: BLE001 - whatever keeps it from serving
            log.warning("not ready", reason=type(error).__name__)
            self.found = False
        finally:
            self.probing = None
        self.until = time.monotonic() + KEPT
        return self.found
