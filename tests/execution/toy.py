"""A schema that has every shape a schema can have, and errors at every depth; what it answers depends on numbers alone.

A `Thing` has a number. Odd ones fail where a field says so, those that three divides are null where it says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry.permission import PermissionExtension
from strawberry.schema.config import StrawberryConfig

from accord.schema.levels import Each, whole
from accord.schema.loaders import Loader
from tests.execution.rows import (
    LONGEST,
    Admitted,
    Colour,
    Denied,
    EvenOnly,
    OtherRow,
    Problem,
    Refused,
    Strange,
    ThingRow,
    fails_if_odd,
    guarded,
    later,
    streamed,
)


@dataclass
class ToyContext:
    """One operation's loaders, and what was asked of whom."""

    asked: list[str] = field(default_factory=list)
    batches: list[list[int]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loader: Loader[int, Any] = Loader(self._batch)
        self.broken: Loader[int, Any] = Loader(self._break)

    async def _batch(self, keys: list[int]) -> list[Any]:
        self.batches.append(keys)
        await asyncio.sleep(0)
        return [Problem(f"no {key}") if key % 5 == 0 else None if key % 7 == 0 else ThingRow(key, 3) for key in keys]

    async def _break(self, keys: list[int]) -> list[Any]:
        raise Problem("the batch failed")


Info: TypeAlias = strawberry.Info[ToyContext, None]
Rows = strawberry.Parent[list[ThingRow]]
Row = strawberry.Parent[ThingRow]
LazyThing: TypeAlias = Annotated["Thing", strawberry.lazy("tests.execution.toy")]


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Other(Named):
    @strawberry.field
    def itself(self, root: strawberry.Parent[OtherRow]) -> Other:
        return root  # type: ignore[return-value]

    @strawberry.field
    def fails(self) -> str | None:
        raise ValueError("other")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, OtherRow)


@strawberry.type
class Plain:
    """Implements nothing, so that nobody asks whether a row is one."""

    value: int
    hard: int


Anything = Annotated["Thing | Other", strawberry.union("Anything")]


@strawberry.input
class Wanted:
    number: int
    words: list[str] | None = None
    colour: Colour = Colour.RED
    inner: Wanted | None = None


JSON = strawberry.scalars.JSON


@strawberry.type
class Thing(Named):
    number: int
    text: str | None
    ratio: float
    truth: bool
    key: strawberry.ID
    colour: Colour
    shade: Colour | None
    made_at: datetime
    data: JSON
    numbers: list[int]
    grid: list[list[int | None] | None]
    hard_grid: list[list[int]] | None
    words: list[str]
    large: int | None
    bad_number: int | None
    bad_number_hard: int
    bad_colour: Colour | None
    bad_colours: list[Colour | None]
    bad_list: list[str] | None
    bad_ratio: float | None
    error_value: int | None
    null_hard: int
    failing_column: int | None
    missing_column: int | None
    pending: int
    denied: int | None = guarded(Denied())
    denied_hard: int = guarded(Denied())
    refused: str | None = guarded(Refused())
    silent: list[int] | None = guarded(Refused(), fail_silently=True)
    admitted: int | None = strawberry.field(
        extensions=[PermissionExtension([Admitted()], use_directives=False)], name="admitted"
    )
    even_only: int | None = guarded(EvenOnly())

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ThingRow)

    @strawberry.field
    def mapped(self, root: Row) -> int:
        return root.number * 2

    @strawberry.field
    def fails(self, root: Row) -> int | None:
        return fails_if_odd(root)  # type: ignore[no-any-return]

    @strawberry.field
    def fails_hard(self, root: Row) -> int:
        return fails_if_odd(root)  # type: ignore[no-any-return]

    @strawberry.field
    def crashes(self, root: Row) -> int | None:
        raise ZeroDivisionError("not for clients")

    @strawberry.field
    async def slow(self, root: Row) -> str | None:
        await asyncio.sleep(0)
        return root.text

    @strawberry.field
    async def slow_fails_hard(self, root: Row) -> int:
        await asyncio.sleep(0)
        return fails_if_odd(root)  # type: ignore[no-any-return]

    @strawberry.field
    async def slow_gated(self, root: Row, info: Info) -> int | None:
        return root.number + len(info.path.as_list()) if hasattr(info.path, "as_list") else root.number

    @strawberry.field
    def place(self, info: Info) -> str:
        return ".".join(str(step) for step in info._raw_info.path.as_list())

    @strawberry.field
    def times(self, root: Row, by: int = 3, plus: list[int] | None = None) -> int:
        return root.number * by + sum(plus or [])

    @whole()
    async def leveled(self, rows: Rows, info: Info, by: int = 2) -> Each[int | None]:
        return [Problem(f"level {row.number}") if row.number % 4 == 1 else row.number * by for row in rows]

    @whole()
    def leveled_hard(self, rows: Rows, info: Info, wanted: Wanted | None = None) -> Each[int]:
        more = wanted.number if wanted else 0
        return [None if row.number % 3 == 0 else row.number + more for row in rows]  # type: ignore[misc]

    @whole()
    async def level_fails(self, rows: Rows, info: Info) -> Each[int | None]:
        raise Problem("the level failed")

    @whole()
    async def linked(self, rows: Rows, info: Info, by: int = 1) -> Each[LazyThing | None]:
        return await info.context.loader.level([row.number + by for row in rows])

    @whole()
    async def linked_hard(self, rows: Rows, info: Info) -> Each[LazyThing]:
        return await info.context.loader.level([row.number * 2 for row in rows])

    @whole()
    async def broken(self, rows: Rows, info: Info) -> Each[LazyThing | None]:
        return await info.context.broken.level([row.number for row in rows])

    @strawberry.field
    async def loaded(self, root: Row, info: Info) -> LazyThing | None:
        return await info.context.loader.load(root.number + 1)  # type: ignore[no-any-return]

    @strawberry.field
    def child(self, root: Row) -> LazyThing | None:
        return root.next()  # type: ignore[return-value]

    @strawberry.field
    def child_hard(self, root: Row) -> LazyThing:
        return root.next()  # type: ignore[return-value]

    @strawberry.field
    async def children(self, root: Row, count: int = 2) -> list[LazyThing]:
        return [root.next(by) for by in range(min(count, LONGEST))]  # type: ignore[misc]

    @strawberry.field
    def mixed(self, root: Row) -> list[LazyThing | None] | None:
        return [root.next(1), None, Problem("item"), root.next(2), Strange()]  # type: ignore[list-item]

    @strawberry.field
    def awaited(self, root: Row) -> list[int | None]:
        return [later(1), 2, later(Problem("awaited")), later(None)]  # type: ignore[list-item]

    @strawberry.field
    def awaited_hard(self, root: Row) -> list[int] | None:
        return [later(1), later(Problem("awaited") if root.number % 2 else 5)]  # type: ignore[list-item]

    @strawberry.field
    def streamed(self, root: Row) -> list[int] | None:
        return streamed(root)  # type: ignore[return-value]

    @strawberry.field
    def twice(self, root: Row) -> list[list[LazyThing] | None]:
        thing = root.next()
        return [[thing, thing], None, []]  # type: ignore[list-item]

    @strawberry.field
    def plain(self, root: Row) -> Plain | None:
        return Plain(value=root.number, hard=None if root.number % 3 == 0 else 1)  # type: ignore[arg-type]

    @strawberry.field
    def named(self, root: Row) -> Named:
        return root.next() if root.number % 2 else OtherRow("other")  # type: ignore[return-value]

    @strawberry.field
    def anything(self, root: Row) -> list[Anything | None]:
        return [root.next(), OtherRow("x"), None, root.next(3)]  # type: ignore[list-item]

    @strawberry.field
    def strange(self, root: Row) -> Named | None:
        return Strange()  # type: ignore[return-value]

    @strawberry.field
    def stranger(self, root: Row) -> LazyThing | None:
        return Strange()  # type: ignore[return-value]


def _echo(wanted: Wanted | None) -> str:
    if wanted is None:
        return "nothing"
    return f"{wanted.number} {wanted.words} {wanted.colour.name} ({_echo(wanted.inner)})"


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, number: int = 2) -> Thing | None:
        return ThingRow(number)  # type: ignore[return-value]

    @strawberry.field
    async def thing_hard(self, number: int = 2) -> Thing:
        return ThingRow(number)  # type: ignore[return-value]

    @strawberry.field
    def things(self, count: int = 3) -> list[Thing]:
        return [ThingRow(number) for number in range(min(count, LONGEST))]  # type: ignore[misc]

    @strawberry.field
    async def same(self) -> list[Thing | None]:
        row = ThingRow(4)
        return [row, ThingRow(5), row, None, row]  # type: ignore[list-item]

    @strawberry.field
    def named(self, other: bool = False) -> Named | None:
        return OtherRow("root") if other else ThingRow(3)  # type: ignore[return-value]

    @strawberry.field
    def anything(self) -> list[Anything]:
        return [ThingRow(1), OtherRow("two"), ThingRow(2), OtherRow("three")]  # type: ignore[list-item]

    @strawberry.field
    def echo(self, wanted: Wanted | None = None, many: list[Wanted] | None = None) -> str:
        return " | ".join([_echo(wanted), *map(_echo, many or [])])

    @strawberry.field
    def words(
        self, text: str = "default", colour: Colour = Colour.GREEN, numbers: list[int | None] | None = None
    ) -> str:
        return f"{text} {colour.name} {numbers}"

    @strawberry.field
    def fails(self) -> str | None:
        raise Problem("at the root")

    denied: int | None = guarded(Denied())

    @strawberry.field
    def nothing(self) -> Thing | None:
        return None


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, info: Info, word: str) -> Thing | None:
        info.context.log.append(f"begin {word}")
        await asyncio.sleep(0)
        info.context.log.append(f"end {word}")
        return ThingRow(len(info.context.log))  # type: ignore[return-value]

    @strawberry.mutation
    def refuse(self, info: Info) -> Thing | None:
        info.context.log.append("refuse")
        raise Problem("refused")

    @strawberry.mutation
    async def break_off(self, info: Info, number: int = 1) -> Thing:
        info.context.log.append("break off")
        if number % 2:
            raise Problem("broken off")
        return ThingRow(number)  # type: ignore[return-value]

    @strawberry.mutation
    def log(self, info: Info) -> list[str]:
        return list(info.context.log)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def counted(self, to: int = 3) -> AsyncIterator[Thing]:
        for number in range(to):
            yield ThingRow(number)  # type: ignore[misc]


class ToySchema(strawberry.Schema):
    """Says nothing in the log of what fails on purpose."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        return None


def toy_schema(executor: type[Any] | None = None) -> ToySchema:
    """The schema on the given executor; the stock one if none is named."""
    return ToySchema(
        Query,
        Mutation,
        Subscription,
        types=[Other, Thing],
        execution_context_class=executor,
        config=StrawberryConfig(),
    )
