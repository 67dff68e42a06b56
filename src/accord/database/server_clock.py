"""The one clock of a deployment: PostgreSQL's, whatever the clock of the machine says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

NOW: Final = "SELECT clock_timestamp()"
CLOSE: Final = 1.0
"""Seconds of a round trip beyond which an answer says too little about the time; the answer before it stays."""


def machine_time() -> datetime:
    """What the clock of this machine says."""
    return datetime.now(UTC)


class ServerClock:
    """Tells PostgreSQL's time without asking for it each time: what it said last, and what has passed since.

    `machine` is the clock of this machine; it is used until PostgreSQL was asked, and compared afterwards.
    """

    def __init__(self, machine: Callable[[], datetime] = machine_time) -> None:
        self.machine = machine
        self._said: datetime | None = None
        self._at = 0.0

    def __call__(self) -> datetime:
        if self._said is None:
            return self.machine()
        return self._said + timedelta(seconds=time.monotonic() - self._at)

    async def read(self, driver: Any) -> None:
        """Ask PostgreSQL, and take the middle of the round trip for the instant of its answer."""
        asked = time.monotonic()
        said: datetime = await driver.fetchval(NOW)
        self.learn(said, asked)

    def learn(self, said: datetime, asked: float) -> None:
        """Take what PostgreSQL has just said in answer to a question of the monotonic instant `asked`."""
        answered = time.monotonic()
        if self._said is None or answered - asked <= CLOSE:
            self._said, self._at = said, (asked + answered) / 2

    @property
    def ahead(self) -> float:
        """Seconds by which the clock of this machine is ahead of PostgreSQL's; negative where it is behind."""
        return 0.0 if self._said is None else (self.machine() - self()).total_seconds()
