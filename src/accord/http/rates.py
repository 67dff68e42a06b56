"""How often: what one caller may ask for in a while and at once. Kept by this process, for itself alone.

A caller has points that come back evenly. What an operation costs is known when it has run, so that it is taken then;
whoever has none left waits.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Final

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
from accord.http.documents import Prepared
from accord.http.responses import HttpError

KEPT: Final = 10_000
MUTATION: Final = 5.0
REFUSED: Final = 1.0
TOO_SLOW: Final = 50.0
"""As much as the dearest query: it has kept the gateway busy for as long as it may."""

EXPORT: Final = 50.0
"""A file is as dear as the dearest query, whatever it holds."""

PER_POINT: Final = 100
"""Cost of a query that is one point."""

GUESSES: Final = frozenset({"partnerLookup", "invitation"})
"""Root fields by which somebody could guess what only those who were told should know."""


class Allowance:
    """`points` that each key may spend within `seconds`; they come back evenly. The longest unused key is forgotten."""

    def __init__(self, points: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.points = points
        self.seconds = seconds
        self.clock = clock
        self.spent: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def left(self, key: Hashable) -> float:
        """How many points the key has now; below zero after something dear."""
        spent, at = self.spent.get(key, (0.0, 0.0))
        return self.points - max(0.0, spent - (self.clock() - at) * self.points / self.seconds)

    def spend(self, key: Hashable, points: float) -> None:
        """Take points, whether or not they are there."""
        self.spent[key] = (self.points - self.left(key) + points, self.clock())
        self.spent.move_to_end(key)
        if len(self.spent) > KEPT:
            self.spent.popitem(last=False)

    def wait(self, key: Hashable, points: float = 1.0) -> int:
        """Whole seconds until the key has these points; 0 if it has them now."""
        missing = min(points, self.points) - self.left(key)
        return 0 if missing <= 0 else ceil(missing * self.seconds / self.points)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Points of one person in a minute and in an hour, guesses in a minute, requests at once."""

    per_minute: int = 2_000
    per_hour: int = 5_000
    guesses: int = 30
    at_once: int = 10


class Rates:
    """What each caller has left."""

    def __init__(self, limits: RateLimits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits or RateLimits()
        self.windows = {
            "minute": Allowance(self.limits.per_minute, 60, clock),
            "hour": Allowance(self.limits.per_hour, 3_600, clock),
        }
        self.guesses = Allowance(self.limits.guesses, 60, clock)
        self.running = Counter[Hashable]()

    @contextmanager
    def admitted(self, identity: Identity) -> Iterator[None]:
        """One request of this person; raises RATE_LIMITED for too many at once, or with no points left."""
        person = key_of(identity)
        waits = max(window.wait(person) for window in self.windows.values())
        if waits:
            raise limited("You have asked for too much in a while.", waits, self.headers(identity))
        if self.running[person] >= self.limits.at_once:
            raise limited("You have too many requests under way.", 1, limit=self.limits.at_once)
        self.running[person] += 1
        try:
            yield
        finally:
            self.running[person] -= 1
            if not self.running[person]:
                del self.running[person]

    def guess(self, key: Hashable, times: int = 1) -> None:
        """So many guesses of somebody; raises RATE_LIMITED."""
        if waits := self.guesses.wait(key, times) if times else 0:
            raise limited("You have looked up too much in a while.", waits, limit=self.limits.guesses)
        self.guesses.spend(key, times)

    def spend(self, identity: Identity, points: float) -> None:
        """What the operation cost, from every window."""
        for window in self.windows.values():
            window.spend(key_of(identity), points)

    def headers(self, identity: Identity) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy`, as the draft of the HTTP working group writes them."""
        person = key_of(identity)
        windows = self.windows.items()
        return {
            "ratelimit-policy": ", ".join(
                f'"{name}";q={window.points:g};w={window.seconds:g}' for name, window in windows
            ),
            "ratelimit": ", ".join(
                f'"{name}";r={max(0, int(window.left(person)))};t={window.wait(person, window.points)}'
                for name, window in windows
            ),
        }


def key_of(identity: Identity) -> Hashable:
    """A person is who the token says; not yet known people count as well."""
    return identity.issuer, identity.subject


def limited(message: str, seconds: int, headers: Mapping[str, str] | None = None, **facts: int) -> HttpError:
    given = {**(headers or {}), "retry-after": str(seconds)}
    return HttpError(429, "RATE_LIMITED", message, headers=given, retryAfter=seconds, **facts)


def points_of(operation: OperationDefinitionNode | None, cost: object) -> float:
    """A mutation 5 for each field, a query a hundredth of its cost, a document that was refused 1."""
    if operation is None or not isinstance(cost, int):
        return REFUSED
    if operation.operation is OperationType.MUTATION:
        return MUTATION * len(operation.selection_set.selections)
    return cost / PER_POINT


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
