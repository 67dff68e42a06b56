"""Credentials that are wrong, of callers who are not signed in: counted where they are shown, by failure alone.

A secret of 256 random bits can't be guessed, so the limit protects no secret: it bounds the work that strangers cause.
A right credential is therefore not refused for the wrong ones of others behind its address, and one that Accord gave
out or signed, and that is over, is no guess. Beyond the limit a wrong one is answered RATE_LIMITED and counted no more,
and all checks for such addresses share a few turns of the process, and with them a few connections: a few wait for one,
the others are told RATE_LIMITED at once. What was right lately is checked without a turn, so that a flood behind the
same address may turn away at most somebody who comes for the first time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeVar

from starlette.requests import HTTPConnection

from accord.database.engine import Database
from accord.database.failures import GONE, Deadlock
from accord.database.queries.callers.allowance import note_failure
from accord.http.responses import busy, limited
from accord.http.shares import Shares

Checked = TypeVar("Checked")

BEARER: Final = "bearer"
COOKIE: Final = "cookie"
TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
TICKET: Final = "/tickets/redeem"
DIRECTORY: Final = "/scim/v2"
SIGN_IN: Final = "/auth/sign-in"
CALLBACK: Final = "/auth/callback"

OF_ADDRESS: Final = 4
"""As many times the failures of one named credential an address may have at one endpoint."""

TURNS: Final = 2
"""How many credentials a process checks at a time for addresses beyond their limit."""

CHECKED: Final = 64
"""How many credentials that were not right lately a process checks, with those that wait for a turn; an address has its
share of them."""

LATELY: Final = 60.0
"""Seconds for which an address counts as one beyond its limit: the limit comes back piece by piece."""

PATIENCE: Final = 5.0
"""Seconds that such a check waits for its turn."""

REMEMBERED: Final = 10_000
"""How many keys beyond their limit a process remembers; more are asked of the database again."""

RIGHT: Final = 10_000
"""How many credentials that were right lately a process remembers; those are checked without a turn."""

NETWORK: Final = 64
"""Bits of an IPv6 address that say whose it is: a household has all addresses below."""

TOO_MANY: Final = "Too many wrong credentials were shown in a while."
UNANSWERED: Final = (*GONE, Deadlock)


@dataclass(frozen=True, slots=True)
class Presented:
    """Where a credential is shown, from which address, which one it says that it is (empty where it names none), and
    its hash, empty for one that can be right once alone."""

    endpoint: str
    address: str
    named: str = ""
    digest: str = ""

    def keys(self, most: int) -> list[tuple[str, int]]:
        """What its failure is counted under, with how many a minute allows."""
        of_address = f"{self.endpoint} {self.address}"
        return [(of_address, most * OF_ADDRESS), (f"{of_address} {self.named}", most)]


class Failures:
    """How many credentials were wrong lately. The counts are kept in the database, for all processes of a deployment;
    `most` are those of one credential in a minute. `clock` tells the database's time, which is its own without one."""

    def __init__(self, database: Database, most: int = 30, clock: Callable[[], float] | None = None) -> None:
        self.database = database
        self.most = most
        self.clock = clock
        self.beyond: dict[str, float] = {}
        self.turns = asyncio.Semaphore(TURNS)
        self.checking = Shares(CHECKED)
        self.right: OrderedDict[str, None] = OrderedDict()

    async def checked(
        self,
        shown: Presented,
        check: Callable[[], Awaitable[Checked]],
        wrong: type[Exception],
        over: tuple[type[Exception], ...] = (),
    ) -> Checked:
        """Run the check of a credential and return what it found.

        Passes on what it raises. `wrong` is a failure, but for those of `over`, which the check raises for a credential
        that was right once: raises RATE_LIMITED instead once there were too many, and BUSY where nobody can say.
        """
        try:
            async with self._turn(shown):
                found = await check()
        except over:
            self.right.pop(shown.digest, None)
            raise
        except wrong:
            self.right.pop(shown.digest, None)
            await self._note(shown.keys(self.most))
            raise
        self._believe(shown.digest)
        return found

    async def take(self, shown: Presented, most: int) -> None:
        """Note one use of what leaves something behind for a stranger; raises RATE_LIMITED after `most` in a minute."""
        await self._note([(f"{shown.endpoint} {shown.address}", most)])

    @asynccontextmanager
    async def _turn(self, shown: Presented) -> AsyncIterator[None]:
        """At once for an address within its limits, and for what was right lately; for all else in turn.

        Raises RATE_LIMITED where too many of the address are checked already, so that a flood ends here, and BUSY where
        the wait is too long.
        """
        if shown.digest in self.right:
            yield
            return
        keys = shown.keys(self.most)
        if not self.checking.enter(shown.address):
            raise limited(TOO_MANY, max(1, ceil(self._wait(keys))), limit=keys[-1][1])
        try:
            if self._wait(keys, LATELY) <= 0:
                yield
                return
            await self._take_turn()
            try:
                yield
            finally:
                self.turns.release()
        finally:
            self.checking.leave(shown.address)

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.turns.acquire()
        except TimeoutError:
            raise busy() from None

    def _believe(self, digest: str) -> None:
        """Remember a credential that was right."""
        if not digest:
            return
        self.right[digest] = None
        self.right.move_to_end(digest)
        if len(self.right) > RIGHT:
            self.right.popitem(last=False)

    async def _note(self, keys: Sequence[tuple[str, int]]) -> None:
        seconds = self._wait(keys)
        if seconds <= 0:
            now = None if self.clock is None else self.clock()
            try:
                waits = await note_failure(self.database, keys, now)
            except UNANSWERED:
                raise busy() from None
            self._remember({key: wait for (key, _), wait in zip(keys, waits, strict=True) if wait > 0})
            seconds = max(waits)
        if seconds > 0:
            raise limited(TOO_MANY, ceil(seconds), limit=keys[-1][1])

    def _wait(self, keys: Sequence[tuple[str, int]], more: float = 0.0) -> float:
        """In how many seconds these may fail again, as far as this process remembers; 0 where they may now, and may
        have been allowed to for `more` seconds."""
        now = self._now()
        return max(0.0, *(self.beyond[key] + more - now if key in self.beyond else 0.0 for key, _ in keys))

    def _remember(self, beyond: Mapping[str, float]) -> None:
        """Keep which keys are beyond their limit, and until when."""
        now = self._now()
        if len(self.beyond) + len(beyond) > REMEMBERED:
            self.beyond = {key: until for key, until in self.beyond.items() if until + LATELY > now}
        if len(self.beyond) + len(beyond) <= REMEMBERED:
            self.beyond.update((key, now + wait) for key, wait in beyond.items())

    def _now(self) -> float:
        return time.monotonic() if self.clock is None else self.clock()


def address_of(connection: HTTPConnection) -> str:
    """The address of somebody who is not signed in, of IPv6 the network: what is counted together."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK), strict=False))
