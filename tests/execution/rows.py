"""What the toy schema is made of: rows, what their columns hold, and who may read them.

An odd `ThingRow` fails where a column says so, one that three divides is null where it says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.permission import BasePermission, PermissionExtension

DEEPEST = 6
LONGEST = 5


class Problem(GraphQLError):
    """An expected error, with a code."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "PROBLEM", "about": message})


@dataclass(frozen=True)
class ThingRow:
    """What a Thing is made of."""

    number: int
    depth: int = 0

    @property
    def text(self) -> str | None:
        return None if self.number % 3 == 0 else f"thing {self.number}"

    def next(self, by: int = 1) -> ThingRow | None:
        return None if self.depth >= DEEPEST else ThingRow(self.number + by, self.depth + 1)

    def __getattr__(self, name: str) -> Any:
        made = COLUMNS.get(name)
        if made is None:
            raise AttributeError(f"a thing has no {name}")
        return made(self)


@dataclass(frozen=True)
class OtherRow:
    """Something that is named as well."""

    name: str


class Strange:
    """Of no type at all."""

    def __repr__(self) -> str:
        return "<strange>"


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"


def fails_if_odd(row: ThingRow) -> Any:
    if row.number % 2:
        raise Problem(f"{row.number} is odd")
    return row.number


COLUMNS: dict[str, Callable[[ThingRow], Any]] = {
    "name": lambda row: f"name {row.number}",
    "ratio": lambda row: row.number / 4,
    "truth": lambda row: row.number % 2 == 0,
    "key": lambda row: f"thing_{row.number}",
    "colour": lambda row: Colour.RED if row.number % 2 else Colour.GREEN,
    "shade": lambda row: "green" if row.number % 3 else None,
    "made_at": lambda row: datetime(2026, 1, 1 + row.number % 28, tzinfo=UTC),
    "data": lambda row: {"number": row.number, "list": [None, {"deep": True}]},
    "numbers": lambda row: list(range(row.number % 4)),
    "grid": lambda row: [[row.number, None], None, []],
    "hard_grid": lambda row: [[1, 2], [3, None if row.number % 3 == 0 else 4]],
    "words": lambda row: ("a", "b"),
    "large": lambda row: 2**31 + row.number if row.number % 2 else row.number,
    "bad_number": lambda row: "many" if row.number % 2 else 7,
    "bad_number_hard": lambda row: "many" if row.number % 2 else 7,
    "bad_colour": lambda row: "blue" if row.number % 2 else Colour.RED,
    "bad_colours": lambda row: [Colour.RED, "blue", None],
    "bad_list": lambda row: "text" if row.number % 2 else ["text"],
    "bad_ratio": lambda row: float("nan") if row.number % 2 else 1.5,
    "error_value": lambda row: Problem(f"value of {row.number}") if row.number % 2 else 3,
    "null_hard": lambda row: None if row.number % 3 == 0 else row.number,
    "failing_column": fails_if_odd,
    "pending": lambda row: later(row.number),
}


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


async def streamed(row: ThingRow) -> AsyncIterator[Any]:
    for number in range(3):
        if number == 2 and row.number % 2:
            raise Problem("the stream broke")
        yield number


class Denied(BasePermission):
    """Nobody may; needs no row."""

    needs_no_row = True

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        info.context.asked.append("denied")
        raise Problem("denied")


class Refused(BasePermission):
    """Nobody may; says so by its message."""

    message = "refused"
    needs_no_row = True

    def __init__(self) -> None:
        self.error_extensions = {"code": "REFUSED"}

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return False


class Admitted(BasePermission):
    """Everybody may."""

    needs_no_row = True

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        info.context.asked.append("admitted")
        return True


class EvenOnly(BasePermission):
    """Looks at the row."""

    message = "even ones only"

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:
        return bool(source.number % 2 == 0)


def guarded(*permissions: BasePermission, **options: Any) -> Any:
    """A field behind permissions."""
    return strawberry.field(extensions=[PermissionExtension(list(permissions), use_directives=False, **options)])
