"""The second pass, where anything went wrong: which places become null, and the errors in document order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLError
from graphql.error import located_error

from accord.execution.faults import Fault
from accord.execution.plan import FieldPlan, ObjectPlan, Shape, Way

Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]


class Raised(Exception):
    """An error whose place may not be null: it goes on to what holds the place."""

    def __init__(self, error: GraphQLError) -> None:
        self.error = error


class Placing:
    """Walks completed data by its plan and makes it what the client gets.

    An error takes the nearest place above it that may be null, and with it the errors that lay below that place.
    """

    def __init__(self, plans: Mapping[int, ObjectPlan], propagates: bool) -> None:
        self.errors: list[GraphQLError] = []
        self._plans = plans
        self._propagates = propagates

    def object(self, plan: ObjectPlan, made: Mapping[str, Any], path: Steps) -> dict[str, Any]:
        """The object at `path`. Errors: Raised for one that takes the object too."""
        return {field.key: self.field(field, made[field.key], (*path, field.key)) for field in plan.fields}

    def field(self, field: FieldPlan, value: Any, path: Steps) -> Any:
        """The value of one field. Errors: Raised for one that takes the object of the field too."""
        if field.way is Way.ORDINARY and not isinstance(value, Fault):
            return value
        return self._value(field, field.shape, value, path)

    def _value(self, field: FieldPlan, shape: Shape, value: Any, path: Steps) -> Any:
        before = len(self.errors)
        try:
            return self._inner(field, shape, value, path)
        except Raised as raised:
            if not shape.nullable and self._propagates:
                raise
            del self.errors[before:]
            self.errors.append(raised.error)
            return None

    def _inner(self, field: FieldPlan, shape: Shape, value: Any, path: Steps) -> Any:
        if type(value) is Fault:
            raise Raised(_located(value.error, field.nodes, path))
        if value is None or shape.leaves is not None:
            return value
        if shape.item is not None:
            item = shape.item
            return [self._value(field, item, each, (*path, place)) for place, each in enumerate(value)]
        plan = self._plans[id(value)] if shape.object is None else field.plans[shape.object]
        return self.object(plan, value, path)


def _located(error: Exception, nodes: list[FieldNode], path: Steps) -> GraphQLError:
    return located_error(error, nodes, list(path))


def in_document_order(errors: Iterable[GraphQLError], data: Any) -> list[GraphQLError]:
    """Errors of both executors by where they stand in the answer."""
    return sorted(errors, key=lambda error: _place(error.path or [], data))


def _place(path: Iterable[Step], data: Any) -> list[int]:
    place = []
    for step in path:
        if isinstance(data, dict) and step in data:
            place.append(list(data).index(step))
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            place.append(step)
            data = data[step]
        else:
            break
    return place
