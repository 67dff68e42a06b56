"""One run of a plan: level by level, the objects of a level together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final, TypeAlias, cast

from graphql import GraphQLError, GraphQLObjectType, Undefined
from graphql.execution import Executor
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import gather_with_cancel, is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable

from accord.execution.faults import Fault, attempt, attempts
from accord.execution.levels import Items, Level, Places, Some, Under, without_repeats
from accord.execution.plan import AbstractType, FieldPlan, ObjectPlan, Shape, Way
from accord.execution.resolving import Coming, Resolving, Values, drained

Objects: TypeAlias = list[dict[str, Any]]
NOTHING: Final = frozenset({type(None), type(Undefined)})
AT_ONCE: Final = frozenset({Way.TYPENAME, Way.COLUMN, Way.MAPPED})


class Run(Resolving):
    """Executes a plan. Completed values are data, with a Fault wherever something went wrong."""

    def __init__(self, executor: Any) -> None:
        super().__init__(executor)
        self.faulty = False
        self.plans: dict[int, ObjectPlan] = {}
        """The plans of the objects that stand where the schema says an interface or a union."""

    async def objects(self, plan: ObjectPlan, level: Level) -> Objects:
        """The level's rows as objects of the answer."""
        columns: list[Any] = [self._column(field, level) for field in plan.fields]
        waiting = [place for place, column in enumerate(columns) if type(column) is not list]
        if len(waiting) == 1:
            columns[waiting[0]] = await columns[waiting[0]]
        elif waiting:
            results = await gather_with_cancel(*(columns[place] for place in waiting))
            for place, result in zip(waiting, results, strict=True):
                columns[place] = result
        return _built(plan.keys, columns, len(level.rows))

    def _column(self, field: FieldPlan, level: Level) -> Coming:
        if field.way not in AT_ONCE:
            return self._asked(field, level)
        values = self.values(field, level)
        if type(values) is list and field.shape.leaves is not None:
            return self._leaves(field, field.shape, values)
        return self._completed(field, level, values)

    async def _asked(self, field: FieldPlan, level: Level) -> Values:
        """Resolvers are called by who awaits them: what is cancelled before was never begun."""
        values = self.values(field, level)
        if field.way is not Way.ORDINARY:
            return await self._completed(field, level, values)
        self.faulty = True
        settled = values if type(values) is list else await cast("Awaitable[Values]", values)
        return [Fault(value) if isinstance(value, Exception) else value for value in settled]

    async def _completed(self, field: FieldPlan, level: Level, values: Coming) -> Values:
        settled = values if type(values) is list else await cast("Awaitable[Values]", values)
        return await self._complete(field, field.shape, settled, Under(level.places, field.key, field.parent.name))

    async def _complete(self, field: FieldPlan, shape: Shape, values: Values, places: Places) -> Values:
        if shape.leaves is not None:
            return self._leaves(field, shape, values)
        if shape.item is not None:
            return self._demanded(field, shape, await self._lists(field, shape.item, values, places))
        if not any(kind in NOTHING or issubclass(kind, Exception) for kind in set(map(type, values))):
            return self._demanded(field, shape, await self._typed(field, shape, values, places))
        kept = [place for place, value in enumerate(values) if _goes_on(value)]
        made = await self._typed(field, shape, [values[place] for place in kept], Some(places, kept))
        spread: Values = [Fault(value) if isinstance(value, Exception) else None for value in values]
        for place, value in zip(kept, made, strict=True):
            spread[place] = value
        return self._demanded(field, shape, spread)

    def _leaves(self, field: FieldPlan, shape: Shape, values: Values) -> Values:
        return self._demanded(field, shape, cast("Any", shape.leaves)(values))

    def _demanded(self, field: FieldPlan, shape: Shape, made: Values) -> Values:
        """Marks a null where the schema allows none, and notes whether there is anything to place."""
        if not shape.nullable and None in made:
            message = f"Cannot return null for non-nullable field {field.parent.name}.{field.definition_name}."
            made = [Fault(TypeError(message)) if value is None else value for value in made]
        if not self.faulty and Fault in map(type, made):
            self.faulty = True
        return made

    async def _lists(self, field: FieldPlan, shape: Shape, values: Values, places: Places) -> Values:
        lists = [value if type(value) is list else await self._list(field, value) for value in values]
        items = list(chain.from_iterable(value for value in lists if type(value) is list))
        if self.must_wait(items):
            items = await self.awaited(items)
        made = await self._complete(field, shape, items, Items(places, lists))
        following = iter(made)
        return [list(islice(following, len(value))) if type(value) is list else value for value in lists]

    async def _list(self, field: FieldPlan, value: Any) -> Any:
        if is_async_iterable(value):
            value = await drained(value)
        if value is None or value is Undefined:
            return None
        if isinstance(value, Exception):
            return Fault(value)
        if not is_iterable(value):
            name = f"{field.parent.name}.{field.definition_name}"
            return Fault(GraphQLError(f"Expected Iterable, but did not find one for field '{name}'."))
        found = attempt(list, value)
        return Fault(found) if isinstance(found, Exception) else found

    async def _typed(self, field: FieldPlan, shape: Shape, rows: Values, places: Places) -> Values:
        """The rows as objects, each with the plan of its type."""
        if not rows:
            return []
        if shape.object is not None:
            return await self._of_type(field, shape.object, rows, places, memorable=False)
        types = await self._types(field, cast("AbstractType", shape.abstract), rows, places)
        made: Values = [Fault(type) if isinstance(type, Exception) else None for type in types]
        for runtime in dict.fromkeys(type for type in types if not isinstance(type, Exception)):
            kept = [place for place, type in enumerate(types) if type is runtime]
            some = [rows[place] for place in kept]
            objects = await self._of_type(field, runtime, some, Some(places, kept), memorable=True)
            for place, value in zip(kept, objects, strict=True):
                made[place] = value
        return made

    async def _types(self, field: FieldPlan, abstract: AbstractType, rows: Values, places: Places) -> Values:
        executor: Executor[Any] = self.executor
        resolve = abstract.resolve_type or executor.type_resolver
        info = self._info_at(field, places)
        names = attempts(resolve, rows, info, abstract)
        if self.must_wait(names):
            names = await self.awaited(names)
        return [
            name
            if isinstance(name, Exception)
            else attempt(executor.ensure_valid_runtime_type, name, abstract, field.details, info, row)
            for name, row in zip(names, rows, strict=True)
        ]

    async def _of_type(
        self, field: FieldPlan, type: GraphQLObjectType, rows: Values, places: Places, *, memorable: bool
    ) -> Values:
        refused = await self._refused_types(field, type, rows, places) if type.is_type_of is not None else {}
        plan = attempt(field.below, self.executor, type)
        if isinstance(plan, Exception):
            return [refused.get(place) or Fault(plan) for place in range(len(rows))]
        count = len(rows)
        if refused:
            kept = [place for place in range(count) if place not in refused]
            rows, places = [rows[place] for place in kept], Some(places, kept)
        objects = await self._once(plan, rows, places)
        if memorable:
            self.plans.update((id(made), plan) for made in objects)
        if not refused:
            return objects
        following = iter(objects)
        return [refused[place] if place in refused else next(following) for place in range(count)]

    async def _refused_types(
        self, field: FieldPlan, type: GraphQLObjectType, rows: Values, places: Places
    ) -> dict[int, Fault]:
        """The rows that their type does not know."""
        info = self._info_at(field, places)
        verdicts = attempts(cast("Any", type.is_type_of), rows, info)
        if verdicts.count(True) == len(rows):
            return {}
        if self.must_wait(verdicts):
            verdicts = await self.awaited(verdicts)
        return {
            place: Fault(
                verdict if isinstance(verdict, Exception) else invalid_return_type_error(type, row, field.details)
            )
            for place, (verdict, row) in enumerate(zip(verdicts, rows, strict=True))
            if isinstance(verdict, Exception) or not verdict
        }

    def _info_at(self, field: FieldPlan, places: Places) -> Any:
        path = cast("Any", places.path(0))
        return self.executor.build_resolve_info(field.definition, field.nodes, field.parent, path)

    async def _once(self, plan: ObjectPlan, rows: Values, places: Places) -> Values:
        """The rows as objects; one that comes more than once is completed once, where nobody can tell."""
        repeats = without_repeats(rows) if plan.repeatable else None
        if repeats is None:
            return await self.objects(plan, Level(rows, places)) if rows else []
        kept, order = repeats
        made = await self.objects(plan, Level([rows[place] for place in kept], Some(places, kept)))
        return [made[place] for place in order]


def _goes_on(value: Any) -> bool:
    return value is not None and value is not Undefined and not isinstance(value, Exception)


def _built(keys: Sequence[str], columns: Sequence[Values], count: int) -> Objects:
    return _builder(len(keys))(keys, columns) if keys else [{} for _ in range(count)]


@lru_cache(maxsize=256)
def _builder(count: int) -> Callable[[Sequence[str], Sequence[Values]], Objects]:
    """Makes objects of so many columns: a dict display, several times faster than `dict(zip(…))`.

    Its source depends on the number alone; keys are values in it.
    """
    numbers = range(count)
    keys = "".join(f"k{number}," for number in numbers)
    values = "".join(f"v{number}," for number in numbers)
    shown = ",".join(f"k{number}:v{number}" for number in numbers)
    source = f"lambda keys, columns: [{{{shown}}} for ({keys}) in (keys,) for ({values}) in zip(*columns, strict=True)]"
    made: Callable[[Sequence[str], Sequence[Values]], Objects] = eval(source, {"zip": zip})  # noqa: S307
    return made
