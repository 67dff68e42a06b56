"""A gateway that says how long its event loop stood still: `accord` with one more path, for the growth benchmark.

A task wakes every few milliseconds. What the loop's thread computed between two wakings is a pause that the gateway
made; what the clock went on by is that with what other processes of the machine took.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import orjson

from accord import __main__ as command
from accord.app import create_app

BEAT: Final = 0.002
"""Seconds between two wakings."""

PATH: Final = "/longest-pause"
"""Where the longest pauses since the last question are read."""


class Watched:
    """An application and its event loop's longest pauses, in milliseconds."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.computed = 0.0
        self.passed = 0.0
        self.beating: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the path of the pauses; everything else is the application's."""
        if self.beating is None:
            self.beating = asyncio.create_task(self.beat())
        if scope["type"] == "http" and scope["path"] == PATH:
            await self.answer(send)
        else:
            await self.inner(scope, receive, send)

    async def beat(self) -> None:
        """Measure for as long as the gateway lives."""
        computed, passed = time.thread_time(), time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.thread_time(), time.perf_counter()
            self.computed = max(self.computed, (now[0] - computed) * 1e3)
            self.passed = max(self.passed, (now[1] - passed - BEAT) * 1e3)
            computed, passed = now

    async def answer(self, send: Any) -> None:
        """Say the longest pauses, and begin again."""
        body = orjson.dumps({"computed": self.computed, "passed": self.passed})
        self.computed = self.passed = 0.0
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def watch() -> None:
    """Let the command make watched applications."""
    setattr(command, "create_app", lambda settings: Watched(create_app(settings)))  # noqa: B010


if __name__ == "__main__":
    watch()
    command.app()
