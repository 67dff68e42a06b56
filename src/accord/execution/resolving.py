"""How a field gets its values for a level: one for each row, an exception where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from inspect import isasyncgen
from types import GeneratorType
from typing import Any, Final, TypeAlias, cast

from graphql import GraphQLResolveInfo
from graphql.execution.values import get_argument_values
from strawberry.execution import optimized_is_awaitable
from strawberry.permission import BasePermission
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from accord.execution.faults import attempt, attempts
from accord.execution.levels import Level, Under
from accord.execution.plan import FieldPlan, Way

Values: TypeAlias = list[Any]
Coming: TypeAlias = Values | Awaitable[Values]

PLAIN: Final = frozenset(
    {type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset},
)


class Resolving:
    """Asks fields for their values; remembers for one run what every level of it shares."""

    def __init__(self, executor: StrawberryGraphQLCoreExecutionContext) -> None:
        self.executor = executor
        self._refused: dict[BasePermission, Exception | None] = {}
        self._arguments: dict[FieldPlan, dict[str, Any]] = {}

    def ask_gates_again(self) -> None:
        """What a caller may do can have changed."""
        self._refused.clear()

    def values(self, field: FieldPlan, level: Level) -> Coming:
        """The field's values for the rows of the level; nothing that has to be awaited is left in them."""
        rows = level.rows
        refused = self._refusal(field, level) if field.gates else None
        if refused is not None:
            return [refused] * len(rows)
        if field.way is Way.TYPENAME:
            return [field.parent.name] * len(rows)
        if field.way is Way.COLUMN:
            return self._settled(_column(field, level))
        if field.way is Way.MAPPED:
            return self._settled(attempts(cast("Any", field.mapped), rows))
        if field.way is Way.WHOLE:
            return self._whole(field, level)
        each = self._ordinary if field.way is Way.ORDINARY else self._resolved
        return self._settled([each(field, level, place) for place in range(len(rows))])

    def info(self, field: FieldPlan, level: Level, place: int = 0) -> GraphQLResolveInfo[Any]:
        """What the field's resolver is told for one row."""
        path = Under(level.places, field.key, field.parent.name).path(place)
        return self.executor.build_resolve_info(field.definition, field.nodes, field.parent, path)

    def _refusal(self, field: FieldPlan, level: Level) -> Exception | None:
        for gate in field.gates:
            if gate not in self._refused:
                self._refused[gate] = attempt(self._ask, gate, field, level)
            if (refused := self._refused[gate]) is not None:
                return refused
        return None

    def _ask(self, gate: BasePermission, field: FieldPlan, level: Level) -> None:
        answer = gate.has_permission(None, self._stated_info(field, level))
        if answer is True:
            return
        if answer is False:
            gate.on_unauthorized()
        raise TypeError(f"{type(gate).__name__} needs no row, so it answers True or False at once.")

    def _stated_info(self, field: FieldPlan, level: Level) -> Any:
        schema: Any = self.executor.schema
        return schema._strawberry_schema.config.info_class(
            _raw_info=self.info(field, level), _field=cast("StrawberryField", field.stated)
        )

    def _whole(self, field: FieldPlan, level: Level) -> Coming:
        count = len(level.rows)
        try:
            info = self._stated_info(field, level)
            found = cast("Any", field.whole)(level.rows, info, **self._converted(field, info))
        except Exception as error:  # noqa: BLE001
            return [error] * count
        return _awaited_whole(found, count) if optimized_is_awaitable(found) else _as_many(found, count)

    def _converted(self, field: FieldPlan, info: Any) -> dict[str, Any]:
        stated = cast("StrawberryField", field.stated)
        if not stated.arguments:
            return {}
        schema = info.schema
        registry = schema.schema_converter.scalar_registry
        return convert_arguments(self.arguments(field), stated.arguments, registry, schema.config, info)

    def arguments(self, field: FieldPlan) -> dict[str, Any]:
        """The coerced arguments, by the names of the schema. Errors: those of coercion."""
        if not field.definition.args and not field.nodes[0].arguments:
            return {}
        found = self._arguments.get(field)
        if found is None:
            executor = self.executor
            found = self._arguments[field] = get_argument_values(
                field.definition,
                field.nodes[0],
                executor.variable_values,
                field.details[0].fragment_variable_values,
                executor.hide_suggestions,
            )
        return found

    def _resolved(self, field: FieldPlan, level: Level, place: int) -> Any:
        resolve = field.definition.resolve or self.executor.field_resolver
        try:
            return resolve(level.rows[place], self.info(field, level, place), **self.arguments(field))
        except Exception as error:  # noqa: BLE001
            return error

    def _ordinary(self, field: FieldPlan, level: Level, place: int) -> Any:
        path = Under(level.places, field.key, field.parent.name).path(place)
        return attempt(self.executor.execute_field, field.parent, level.rows[place], field.details, path, None)

    def _settled(self, values: Values) -> Coming:
        return self.awaited(values) if self.must_wait(values) else values

    def must_wait(self, values: Sequence[Any]) -> bool:
        """Is there anything to await among them?"""
        kinds = set(map(type, values))
        return not kinds <= PLAIN and any(awaits(kind) for kind in kinds - PLAIN)

    async def awaited(self, values: Values) -> Values:
        """The values with what had to be awaited in its place, or its exception."""
        is_awaitable = self.executor.is_awaitable
        places = [place for place, value in enumerate(values) if is_awaitable(value)]
        results = await asyncio.gather(*(values[place] for place in places), return_exceptions=True)
        for place, result in zip(places, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
            values[place] = result
        return values


def awaits(kind: type) -> bool:
    """Can values of this class have to be awaited?"""
    return hasattr(kind, "__await__") or issubclass(kind, GeneratorType)


def _column(field: FieldPlan, level: Level) -> Values:
    if level.kind is not None:
        try:
            return list(map(field.reader(level.kind), level.rows))
        except Exception:  # noqa: BLE001, S110
            pass
    return attempts(getattr, level.rows, field.attribute)


def _as_many(found: Any, count: int) -> Values:
    values = list(found)
    if len(values) == count:
        return values
    error = RuntimeError(f"A level of {count} rows was answered with {len(values)} values.")
    return [error] * count


async def _awaited_whole(found: Awaitable[Sequence[Any]], count: int) -> Values:
    try:
        return _as_many(await found, count)
    except Exception as error:  # noqa: BLE001
        return [error] * count


async def drained(stream: Any) -> Any:
    """The items of an asynchronous iterable as a list, or the exception that ended it; it is closed in any case."""
    try:
        return [item async for item in stream]
    except Exception as error:  # noqa: BLE001
        return error
    finally:
        if isasyncgen(stream):
            await stream.aclose()
