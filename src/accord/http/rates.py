"""How often: what one caller may ask for in a while and at once, whichever process it comes to.

A caller has points that come back evenly. What an operation costs is known when its document is, and is taken before
it runs, together with its place among those under way; whoever has no point left waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import structlog
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from accord.access.principal import Identity
from accord.database.engine import Database
from accord.database.failures import GONE, Deadlock
from accord.database.queries.callers.allowance import Lease, RateLimits, Wanted, admit, release
from accord.http.documents import Prepared
from accord.http.limits import Measure
from accord.http.responses import HttpError, busy, limited

log = structlog.stdlib.get_logger("accord.http.rates")

MUTATION: Final = 5.0
REFUSED: Final = 1.0
TOO_SLOW: Final = 50.0
"""As much as the dearest query: it has kept the gateway busy for as long as it may."""

DIRECTORY: Final = 1.0
"""What a directory asks for at once is one resource, or a page of them."""

EXPORT: Final = 50.0
"""A file is as dear as the dearest query, whatever it holds."""

PER_POINT: Final = 100
"""Cost of a query that is one point."""

GUESSES: Final = frozenset({"partnerLookup", "partnerDirectory", "invitation", "requestCustomer"})
"""Root fields by which somebody could guess what only those who were told should know."""

UNANSWERED: Final = (*GONE, Deadlock)
"""What it looks like when the database can't say what is left."""

SECONDS: Final = {"minute": 60, "hour": 3_600}
REFUSALS: Final = {
    "POINTS": "You have asked for too much in a while.",
    "GUESSES": "You have looked up too much in a while.",
    "PERSON": "You have too many requests under way.",
    "ORGANISATION": "Your organisation has too many requests under way.",
}


@dataclass(frozen=True, slots=True)
class Price:
    """What a request costs: points, and guesses."""

    points: float = REFUSED
    guesses: int = 0


class Place:
    """A request under way, and what its caller had left when it began."""

    def __init__(self, limits: RateLimits, taken: Any) -> None:
        self.points = {"minute": limits.per_minute, "hour": limits.per_hour}
        self.spent: dict[str, float] = {"minute": taken["spent_minute"], "hour": taken["spent_hour"]}
        self.further = 0.0

    def charge(self, points: float) -> None:
        """Take so many points more when it is over."""
        self.further += points

    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy`, as the draft of the HTTP working group writes them."""
        policies = [f'"{name}";q={points:g};w={SECONDS[name]:g}' for name, points in self.points.items()]
        left = [
            f'"{name}";r={max(0, int(points - self.spent[name]))};t={ceil(self.spent[name] * SECONDS[name] / points)}'
            for name, points in self.points.items()
        ]
        return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)}


class Rates:
    """What callers have left. It is kept in the database, so that all processes of a deployment share it; where the
    database does not answer, nobody is admitted. `clock` tells the time in seconds, PostgreSQL does without one."""

    def __init__(
        self, database: Database, limits: RateLimits | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self.database = database
        self.limits = limits or RateLimits()
        self.clock = clock
        self.over: list[Lease] = []
        self.giving_back: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def admitted(self, identity: Identity, price: Price) -> AsyncIterator[Place]:
        """One request of this person, client or directory; raises RATE_LIMITED for too many at once or with nothing
        left, 503 BUSY where nobody can say."""
        taken = await self._take(identity, price)
        place = Place(self.limits, taken)
        if taken["refused"] is not None:
            raise self._refusal(taken, place)
        lease = Lease(identity.issuer, identity.subject, taken["organisation"], taken["token"])
        try:
            yield place
        finally:
            self._give_back(replace(lease, points=place.further))

    async def close(self) -> None:
        """Wait until everything is given back."""
        while self.giving_back is not None:
            await self.giving_back

    async def _take(self, identity: Identity, price: Price) -> Any:
        """Ask once more where the places are full and some of ours are just being given back."""
        wanted = Wanted(identity.issuer, identity.subject, price.points, price.guesses)
        try:
            taken = await admit(self.database, wanted, self.limits, self._now())
            if taken["refused"] in ("PERSON", "ORGANISATION") and self.giving_back is not None:
                await asyncio.shield(self.giving_back)
                taken = await admit(self.database, wanted, self.limits, self._now())
        except UNANSWERED:
            raise busy() from None
        return taken

    def _refusal(self, taken: Any, place: Place) -> HttpError:
        limits = self.limits
        bounds = {"GUESSES": limits.guesses, "PERSON": limits.of_person, "ORGANISATION": limits.of_organisation}
        facts = {"limit": bounds[taken["refused"]]} if taken["refused"] in bounds else {}
        return limited(REFUSALS[taken["refused"]], ceil(taken["waits"]), place.headers(), **facts)

    def _give_back(self, lease: Lease) -> None:
        """Nobody waits for it: what is over while one statement is under way goes with the next."""
        self.over.append(lease)
        if self.giving_back is None:
            self.giving_back = asyncio.create_task(self._release())

    async def _release(self) -> None:
        try:
            while self.over:
                leases, self.over = self.over, []
                await release(self.database, leases, self.limits, self._now())
        except UNANSWERED as error:
            log.warning("places are not given back before their time is over", reason=type(error).__name__)
        finally:
            self.giving_back = None

    def _now(self) -> float | None:
        return None if self.clock is None else self.clock()


def price_of(prepared: Prepared, operation: OperationDefinitionNode, measure: Measure | None) -> Price:
    """A mutation 5 for each field, a query a hundredth of its cost, a document that is refused 1."""
    guesses = guesses_in(prepared, operation)
    if measure is None or prepared.errors:
        return Price(guesses=guesses)
    if operation.operation is OperationType.MUTATION:
        return Price(MUTATION * measure.fields, guesses)
    return Price(measure.cost / PER_POINT, guesses)


def guesses_in(prepared: Prepared, operation: OperationDefinitionNode) -> int:
    """How many of the root fields are guesses, also inside fragments."""
    fragments = {node.name.value: node for node in prepared.definitions() if isinstance(node, FragmentDefinitionNode)}
    found, waiting, seen = 0, [operation.selection_set], set[str]()
    while waiting:
        for node in waiting.pop().selections:
            found += isinstance(node, FieldNode) and node.name.value in GUESSES
            inner = _inside(node, fragments, seen)
            if inner is not None:
                waiting.append(inner)
    return found


def _inside(node: object, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> SelectionSetNode | None:
    """What a fragment adds to the root; each named one once, since a second time it changes nothing."""
    if isinstance(node, InlineFragmentNode):
        return node.selection_set
    if isinstance(node, FragmentSpreadNode) and node.name.value in fragments and node.name.value not in seen:
        seen.add(node.name.value)
        return fragments[node.name.value].selection_set
    return None
