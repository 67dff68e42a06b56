"""How it stands with the database and with what works on it, asked on a connection that no request waits for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from accord.database.caller import Driver
from accord.database.connections import SessionLimits, connect
from accord.database.server_clock import ServerClock

VITALS: Final = "SELECT clock_timestamp() AS now, v.* FROM accord.vitals() v"
WITHIN: Final = 1.5
"""Seconds for an answer, a new connection included."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was found. Times in seconds: by how much the workers are overdue (None where none ever worked), how old the
    oldest mail is that waits, by how much the clock of this machine is ahead of PostgreSQL's."""

    schema: str | None
    worker_overdue: float | None
    oldest_mail: float | None
    clock_ahead: float


class Pulse:
    """Asks for the vitals, one at a time however many want to know, and sets the clock by the answer."""

    def __init__(self, url: str, clock: ServerClock) -> None:
        self.url = url
        self.clock = clock
        self._driver: Driver | None = None
        self._asking: asyncio.Task[Vitals] | None = None

    async def ask(self) -> Vitals:
        """The vitals now; raises what the driver raises, or TimeoutError, where PostgreSQL does not answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Close the connection."""
        if self._asking is not None:
            await asyncio.wait({self._asking})
        if self._driver is not None:
            await self._driver.close()

    async def _ask(self) -> Vitals:
        try:
            async with asyncio.timeout(WITHIN):
                if self._driver is None or self._driver.is_closed():
                    limits = SessionLimits(statement=WITHIN, lock=WITHIN)
                    self._driver = await connect(self.url, limits, within=WITHIN)
                asked = time.monotonic()
                row = await self._driver.fetchrow(VITALS)
        except BaseException:
            if self._driver is not None:
                self._driver.terminate()
            raise
        self.clock.learn(row["now"], asked)
        return Vitals(row["schema_version"], row["worker_overdue"], row["oldest_mail"], self.clock.ahead)
