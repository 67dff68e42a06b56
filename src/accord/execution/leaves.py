"""Leaf values of a whole level, coerced as their type says."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.execution import Executor

from accord.execution.faults import Fault

Leaves: TypeAlias = Callable[[list[Any]], list[Any]]
"""The completed values in order: null for null, a Fault for an exception and for what the type refuses."""

NOTHING: Final[type] = type(None)
TEXT: Final[frozenset[type]] = frozenset({str, NOTHING})
TRUTH: Final[frozenset[type]] = frozenset({bool, NOTHING})
WHOLE: Final[frozenset[type]] = frozenset({int, NOTHING})
SMALLEST: Final = -(2**31)
LARGEST: Final = 2**31 - 1


def leaves_of(leaf: GraphQLLeafType) -> Leaves:
    """How a level of this type is completed."""
    if leaf is GraphQLString or leaf is GraphQLID:
        return _unchanged(leaf, TEXT)
    if leaf is GraphQLBoolean:
        return _unchanged(leaf, TRUTH)
    if leaf is GraphQLInt:
        return _small(leaf)
    if isinstance(leaf, GraphQLEnumType):
        return _named(leaf)
    return lambda values: _each(leaf, values)


def _unchanged(leaf: GraphQLLeafType, kinds: frozenset[type]) -> Leaves:
    def leaves(values: list[Any]) -> list[Any]:
        return values if kinds.issuperset(map(type, values)) else _each(leaf, values)

    return leaves


def _small(leaf: GraphQLLeafType) -> Leaves:
    def leaves(values: list[Any]) -> list[Any]:
        plain = WHOLE.issuperset(map(type, values))
        if plain and all(value is None or SMALLEST <= value <= LARGEST for value in values):
            return values
        return _each(leaf, values)

    return leaves


class _Names(dict[Any, str | None]):
    """The names of an enum's values of one class, each learnt when it is first met; what has no name is not kept."""

    def __init__(self, leaf: GraphQLEnumType) -> None:
        super().__init__({None: None})
        self._leaf = leaf

    def __missing__(self, value: Any) -> str:
        name: str = Executor.complete_leaf_value(self._leaf, value)
        self[value] = name
        return name


def _named(leaf: GraphQLEnumType) -> Leaves:
    known: dict[type, _Names] = {}

    def leaves(values: list[Any]) -> list[Any]:
        kinds = set(map(type, values)) - {NOTHING}
        if len(kinds) > 1 or any(kind is not str and not issubclass(kind, Enum) for kind in kinds):
            return _each(leaf, values)
        kind = kinds.pop() if kinds else NOTHING
        names = known[kind] if kind in known else known.setdefault(kind, _Names(leaf))
        try:
            return [names[value] for value in values]
        except Exception:  # noqa: BLE001
            return _each(leaf, values)

    return leaves


def _each(leaf: GraphQLLeafType, values: list[Any]) -> list[Any]:
    return [None if value is None else _one(leaf, value) for value in values]


def _one(leaf: GraphQLLeafType, value: Any) -> Any:
    if isinstance(value, Exception):
        return Fault(value)
    if value is Undefined:
        return None
    try:
        return Executor.complete_leaf_value(leaf, value)
    except Exception as error:  # noqa: BLE001
        return Fault(error)
