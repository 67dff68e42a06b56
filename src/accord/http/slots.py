"""Slots: requests under way, each counted from its first byte until its answer is with the kernel.

A slot is taken in the database, so that all processes count together. It lasts for a lease, which is renewed as long as
the request does; the slots of a process that dies end with their leases.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import ceil
from typing import Any, Final

import structlog

from accord.access.principal import Identity
from accord.database.engine import Database
from accord.database.failures import GONE, Deadlock
from accord.database.queries.callers.allowance import Lease, RateLimits, end_exports, release, renew

log = structlog.stdlib.get_logger("accord.http.slots")

UNANSWERED: Final = (*GONE, Deadlock)
"""What it looks like when the database can't say what is left."""

SECONDS: Final = {"minute": 60, "hour": 3_600}
RENEWALS: Final = 3
"""How often a lease is renewed before it would end."""

LONGEST_PAUSE: Final = 1.0
"""Seconds before the slots of a database that did not answer are given back again: at first none, then ever more."""


class Slot:
    """A request under way, and what its caller had left when it began. `paid` are the points taken so far."""

    def __init__(self, identity: Identity, limits: RateLimits, taken: Any, paid: float) -> None:
        self.identity = identity
        self.organisation_id = taken["organisation"]
        self.token: int = taken["token"]
        self.exports = False
        self.released = False
        self.paid = paid
        self.owed = 0.0
        self.points = {"minute": limits.per_minute, "hour": limits.per_hour}
        self.note(taken)

    @property
    def holder(self) -> str:
        """Whose share of the process's memory its answer takes."""
        return str(self.organisation_id or (self.identity.issuer, self.identity.subject))

    @property
    def lease(self) -> Lease:
        """The slot as the database knows it."""
        return Lease(
            self.identity.issuer, self.identity.subject, self.organisation_id, self.token, self.owed, self.exports
        )

    def note(self, taken: Any) -> None:
        """Keep what the caller has spent, as the database said it last."""
        self.spent: dict[str, float] = {"minute": taken["spent_minute"], "hour": taken["spent_hour"]}

    def owe(self, points: float) -> None:
        """Take so many points more when the slot is given back; fewer, where they are negative."""
        self.owed += points
        self.paid += points
        self.spent = {name: max(0.0, spent + points) for name, spent in self.spent.items()}

    def headers(self) -> dict[str, str]:
        """Return `RateLimit` and `RateLimit-Policy` as the draft of the HTTP working group writes them."""
        return rate_limit_headers(self.points, self.spent)


class SlotKeeper:
    """The slots of this process: renews their leases and gives them back, never both at once.

    `now` tells the time in seconds, None where PostgreSQL shall.
    """

    def __init__(self, database: Database, limits: RateLimits, now: Callable[[], float | None]) -> None:
        self.database = database
        self.limits = limits
        self.now = now
        self.held: set[Slot] = set()
        self.under_way: Counter[tuple[str, str]] = Counter()
        self.over: list[Slot] = []
        self.giving_back: asyncio.Task[None] | None = None
        self.renewing: asyncio.Task[None] | None = None
        self.turn = asyncio.Lock()
        self.closing = asyncio.Event()

    def keep(self, slot: Slot) -> None:
        """Renew the slot until it is released."""
        self.held.add(slot)
        if self.renewing is None:
            self.renewing = asyncio.create_task(self._renew())

    def release(self, slot: Slot) -> None:
        """Give the slot back, once. Nobody waits for it: what is over while one statement runs goes with the next."""
        if slot.released:
            return
        slot.released = True
        self.held.discard(slot)
        self.over.append(slot)
        if self.giving_back is None:
            self.giving_back = asyncio.create_task(self._release())

    async def close(self) -> None:
        """Wait until everything is given back; a database that does not answer is asked once more."""
        self.closing.set()
        while self.giving_back is not None:
            await self.giving_back
        if self.renewing is not None:
            self.renewing.cancel()
            await asyncio.wait([self.renewing])

    async def _release(self) -> None:
        """Until none is left. What a lost connection kept from being given back is so on the next; the leases of a
        database that does not answer for so long are over by themselves."""
        tries, clock = 0, asyncio.get_running_loop().time
        until = clock() + self.limits.lease
        try:
            while self.over:
                reason = await self._give_back()
                if reason is None:
                    tries, until = 0, clock() + self.limits.lease
                elif clock() > until or (tries and self.closing.is_set()):
                    log.warning("slots are not given back before their leases end", reason=reason)
                    self.over.clear()
                else:
                    await self._pause(min(tries / 10, LONGEST_PAUSE))
                    tries += 1
        finally:
            self.giving_back = None

    async def _give_back(self) -> str | None:
        """Give back what is over; return why not, None if done. What is owed is taken last: were it taken before
        something that fails, it would be taken again."""
        async with self.turn:
            slots, self.over = self.over, []
            leases = [slot.lease for slot in slots]
            exports = [lease for lease in leases if lease.exports]
            try:
                if exports:
                    await end_exports(self.database, exports, self.now())
                await release(self.database, leases, self.limits, self.now())
            except UNANSWERED as error:
                self.over = slots + self.over
                return type(error).__name__
        return None

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the gateway stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closing.wait()

    async def _renew(self) -> None:
        try:
            fresh: set[Slot] = set()
            while self.held:
                await asyncio.sleep(self.limits.lease / RENEWALS)
                await self._renew_once(sorted(self.held & fresh, key=lambda slot: slot.token))
                fresh = set(self.held)
        finally:
            self.renewing = None

    async def _renew_once(self, slots: Sequence[Slot]) -> None:
        """Renew those of them that are still held; those taken since the last time have most of their lease left."""
        async with self.turn:
            lasting = [slot for slot in slots if not slot.released]
            if not lasting:
                return
            try:
                tokens = await renew(self.database, [slot.lease for slot in lasting], self.limits, self.now())
            except UNANSWERED as error:
                log.warning("leases are not renewed", reason=type(error).__name__)
                return
            for slot, token in zip(lasting, tokens, strict=True):
                slot.token = token


def rate_limit_headers(points: dict[str, int], spent: dict[str, float]) -> dict[str, str]:
    policies = [f'"{name}";q={most:g};w={SECONDS[name]:g}' for name, most in points.items()]
    left = [
        f'"{name}";r={max(0, int(most - spent[name]))};t={ceil(spent[name] * SECONDS[name] / most)}'
        for name, most in points.items()
    ]
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)}
