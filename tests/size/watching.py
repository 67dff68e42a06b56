"""What is looked at while something large is done: the loop's longest pause, and the parameters of statements."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from accord.database.engine import Database


@dataclass
class Pauses:
    """The longest time in seconds for which the loop's thread worked without turning to anybody else.

    It is processor time, so that a machine with other work on it measures the same.
    """

    longest: float = 0.0


@asynccontextmanager
async def pauses() -> AsyncIterator[Pauses]:
    """Watch the running loop.

    The garbage collector rests meanwhile: it would go through all that the tests have made, in more than 100 ms. How
    long a gateway's own pauses are, with it, `make bench` measures (`tests/performance/growth/acts.py`).
    """
    seen = Pauses()

    async def beat() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            seen.longest, before = max(seen.longest, now - before), now

    gc.disable()
    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        yield seen
    finally:
        await asyncio.sleep(0)
        gc.enable()
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


@dataclass
class Parameters:
    """The most parameters that one statement had, and that statement."""

    most: int = 0
    statement: str = ""


@contextmanager
def parameters(*databases: Database) -> Iterator[Parameters]:
    """Count what SQLAlchemy's statements bind."""
    seen = Parameters()

    def executed(_: Any, __: Any, statement: str, given: Any, ___: Any, many: bool) -> None:
        number = max(map(len, given), default=0) if many else len(given)
        if number > seen.most:
            seen.most, seen.statement = number, statement

    engines = [database.engine.sync_engine for database in databases]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", executed)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", executed)
