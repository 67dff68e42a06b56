"""How often: what one caller may ask for in a while and at once, whichever process it comes to.

A caller has points that come back evenly. A request takes its slot and one point before its body is read, and what it
costs beyond that before it runs, when its document is known; a caller with no point left waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

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
from accord.database.queries.callers.allowance import RateLimits, Wanted, admit, begin_export, charge
from accord.http.documents import Prepared
from accord.http.limits import Measure
from accord.http.responses import HttpError, busy, limited
from accord.http.slots import UNANSWERED, Slot, SlotKeeper, rate_limit_headers

NO_BOUND: Final = 2**31 - 1
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

REFUSALS: Final = {
    "POINTS": "You have asked for too much in a while.",
    "GUESSES": "You have looked up too much in a while.",
    "PERSON": "You have too many requests under way.",
    "ORGANISATION": "Your organisation has too many requests under way.",
    "EXPORTS_OF_PERSON": "You have too many exports under way.",
    "EXPORTS_OF_ORGANISATION": "Your organisation has too many exports under way.",
}


@dataclass(frozen=True, slots=True)
class Price:
    """What a request costs: points, and guesses."""

    points: float = REFUSED
    guesses: int = 0


class Rates:
    """What callers have left. It is kept in the database, so that all processes of a deployment share it; where the
    database does not answer, nobody is admitted. `clock` tells the time in seconds, PostgreSQL does without one."""

    def __init__(
        self, database: Database, limits: RateLimits | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self.database = database
        self.limits = limits or RateLimits()
        self.clock = clock
        self.slots = SlotKeeper(database, self.limits, self._now)

    async def acquire(self, identity: Identity, price: Price) -> Slot:
        """Take a slot and the price for one request of this person, client or directory.

        Raises RATE_LIMITED for too many at once or with nothing left, 503 BUSY where nobody can say. More than may run
        at once are refused without asking the database: those of this process alone are too many.
        """
        key = (identity.issuer, identity.subject)
        if self.slots.under_way[key] >= self.limits.of_person:
            raise self._refusal({"refused": "PERSON", "waits": 1.0})
        self.slots.under_way[key] += 1
        try:
            taken = await self._take(identity, price)
        except BaseException:
            self._leave(key)
            raise
        if taken["refused"] is not None:
            self._leave(key)
            raise self._refusal(taken)
        slot = Slot(identity, self.limits, taken, price.points)
        self.slots.keep(slot)
        return slot

    def release(self, slot: Slot) -> None:
        """Give the slot back; may be called twice."""
        if not slot.released:
            self._leave((slot.identity.issuer, slot.identity.subject))
        self.slots.release(slot)

    async def charge(self, slot: Slot, price: Price) -> None:
        """Take what the price is more than the slot has paid; raises RATE_LIMITED where nothing was left, or BUSY.

        What it is less comes back with the slot.
        """
        rest = price.points - slot.paid
        if rest <= 0 and not price.guesses:
            slot.owe(rest)
            return
        wanted = Wanted(slot.identity.issuer, slot.identity.subject, rest, price.guesses)
        try:
            taken = await charge(self.database, wanted, slot.paid, self.limits, self._now())
        except UNANSWERED:
            raise busy() from None
        if taken["refused"] is not None:
            raise self._refusal(taken)
        slot.paid = price.points
        slot.note(taken)

    async def begin_export(self, slot: Slot) -> None:
        """Count the slot among the exports too; raises RATE_LIMITED where there are too many, or BUSY."""
        try:
            refused = await begin_export(self.database, slot.lease, self.limits, self._now())
        except UNANSWERED:
            raise busy() from None
        if refused is not None:
            raise self._refusal({"refused": refused, "waits": 1.0})
        slot.exports = True

    async def close(self) -> None:
        """Wait until everything is given back."""
        await self.slots.close()

    def _leave(self, key: tuple[str, str]) -> None:
        self.slots.under_way[key] -= 1
        if self.slots.under_way[key] <= 0:
            del self.slots.under_way[key]

    async def _take(self, identity: Identity, price: Price) -> Any:
        """Ask once more where the slots are taken and some of ours are just being given back.

        Callers of no organisation share the slots of one, but staff, who are kept out by nobody's tokens.
        """
        wanted = Wanted(identity.issuer, identity.subject, price.points, price.guesses)
        limits = replace(self.limits, of_organisation=NO_BOUND) if identity.operator else self.limits
        try:
            taken = await admit(self.database, wanted, limits, self._now())
            if taken["refused"] in ("PERSON", "ORGANISATION") and self.slots.giving_back is not None:
                await asyncio.shield(self.slots.giving_back)
                taken = await admit(self.database, wanted, limits, self._now())
        except UNANSWERED:
            raise busy() from None
        return taken

    def _refusal(self, taken: Any) -> HttpError:
        limits, refused = self.limits, taken["refused"]
        bounds = {
            "GUESSES": limits.guesses,
            "PERSON": limits.of_person,
            "ORGANISATION": limits.of_organisation,
            "EXPORTS_OF_PERSON": limits.exports_of_person,
            "EXPORTS_OF_ORGANISATION": limits.exports_of_organisation,
        }
        facts = {"limit": bounds[refused]} if refused in bounds else {}
        points = {"minute": limits.per_minute, "hour": limits.per_hour}
        spent = {name: taken[f"spent_{name}"] for name in points} if "spent_minute" in taken else None
        headers = {} if spent is None else rate_limit_headers(points, spent)
        return limited(REFUSALS[refused], ceil(taken["waits"]), headers, **facts)

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
