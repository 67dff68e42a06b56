"""/live: the process answers. /ready: it can serve, and how it stands with what it depends on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accord.database.pulse import Vitals

log = structlog.stdlib.get_logger("accord.http.health")

WORKER_LATE: Final = 180.0
"""Seconds by which the work of each minute may be overdue."""

MAIL_LATE: Final = 3600.0
"""Seconds for which a mail may wait."""

CLOCK_OFF: Final = 5.0
"""Seconds by which the clocks may differ; tokens are checked by the clock of this machine."""

EVERY: Final = 30.0
"""Seconds between two looks that nobody asks for."""

KEPT: Final = 1.0
"""Seconds for which one answer holds for all who ask."""

Part = dict[str, Any]


class HealthRoutes:
    """`ask` reaches the database or raises, within its own time; `knows` are the schema versions, oldest first.

    One question is under way at a time, for all who ask, and what it found holds for a while: whoever asks, and however
    often, takes one connection at most.
    """

    def __init__(self, ask: Callable[[], Awaitable[Vitals]], knows: tuple[str, ...]) -> None:
        self.ask = ask
        self.knows = knows
        self.said: dict[str, str] = {}
        self.looking: asyncio.Task[dict[str, Part]] | None = None
        self.parts: dict[str, Part] = {}
        self.until = 0.0

    def routes(self) -> list[Route]:
        return [Route("/live", self.live), Route("/ready", self.ready)]

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """200 while this gateway can serve, 503 otherwise; each part says how it stands."""
        parts = await self.look()
        if any(part["status"] in UNFIT for part in parts.values()):
            return JSONResponse({"status": "unavailable", "parts": parts}, 503, headers={"retry-after": "1"})
        return JSONResponse({"status": "ready", "parts": parts})

    async def look(self) -> dict[str, Part]:
        """Return the parts as they were at most `KEPT` seconds ago; a part that is another than before is logged."""
        if time.monotonic() < self.until:
            return self.parts
        if self.looking is None:
            self.looking = asyncio.create_task(self._look())
        return await asyncio.shield(self.looking)

    async def _look(self) -> dict[str, Part]:
        try:
            self.parts = parts_of(await self.ask(), self.knows)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from serving
            self.parts = {"database": {"status": "unreachable", "reason": type(error).__name__}}
        finally:
            self.looking = None
        self.until = time.monotonic() + KEPT
        for name, part in self.parts.items():
            self._tell(name, part)
        return self.parts

    def _tell(self, name: str, part: Part) -> None:
        before, self.said[name] = self.said.get(name, "ok"), part["status"]
        if part["status"] == before:
            return
        tell = log.info if part["status"] == "ok" else log.warning
        tell("not ready" if part["status"] in UNFIT else "health", part=name, **part)

    async def watch(self) -> None:
        """Look again and again, so that the log tells of what is wrong where nobody asks."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)


UNFIT: Final = frozenset({"unreachable", "outdated"})
"""With these a gateway can't serve. What is late or differs is no better with another gateway of the deployment."""


def parts_of(found: Vitals, knows: tuple[str, ...]) -> dict[str, Part]:
    """Each part with its status and figures, times in whole seconds."""
    return {
        "database": {"status": "ok"},
        "schema": {"status": _schema(found.schema, knows), "version": found.schema, "expected": knows[-1]},
        "worker": _worker(found.worker_overdue),
        "mail": _late(found.oldest_mail, MAIL_LATE, "oldestSeconds"),
        "clock": {
            "status": "ok" if abs(found.clock_ahead) <= CLOCK_OFF else "differs",
            "aheadSeconds": round(found.clock_ahead),
        },
    }


def _schema(version: str | None, knows: tuple[str, ...]) -> str:
    """A newer one was prepared for the next version: this one keeps serving until it is replaced."""
    if version == knows[-1]:
        return "ok"
    return "outdated" if version is None or version in knows else "newer"


def _worker(overdue: float | None) -> Part:
    if overdue is None:
        return {"status": "unknown"}
    return _late(max(overdue, 0.0), WORKER_LATE, "overdueSeconds")


def _late(seconds: float | None, most: float, name: str) -> Part:
    return {"status": "late" if (seconds or 0.0) > most else "ok", name: round(seconds or 0.0)}
