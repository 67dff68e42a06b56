"""The plan of an operation: its merged selections as a tree of levels, made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Final, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    is_introspection_type,
    is_leaf_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.type import TypeNameMetaFieldDef
from strawberry.permission import BasePermission
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from accord.execution.declared import WholeLevel, gates_of, mapped_by, whole_level_of
from accord.execution.leaves import Leaves, leaves_of

AbstractType: TypeAlias = GraphQLInterfaceType | GraphQLUnionType
Selected: TypeAlias = Mapping[str, list[FieldDetails]]
Reader: TypeAlias = Callable[[Any], Any]


class Shape:
    """One step of a field's type: whether it may be null, and what it is else."""

    __slots__ = ("abstract", "item", "leaves", "nullable", "object")

    def __init__(self, type: GraphQLOutputType) -> None:
        self.nullable = not isinstance(type, GraphQLNonNull)
        inner: Any = type.of_type if isinstance(type, GraphQLNonNull) else type
        self.item = Shape(inner.of_type) if isinstance(inner, GraphQLList) else None
        self.leaves: Leaves | None = leaves_of(inner) if is_leaf_type(inner) else None
        self.object: GraphQLObjectType | None = inner if isinstance(inner, GraphQLObjectType) else None
        self.abstract: AbstractType | None = (
            inner if isinstance(inner, GraphQLInterfaceType | GraphQLUnionType) else None
        )

    @property
    def named(self) -> GraphQLObjectType | AbstractType | None:
        """The type at the bottom, where it has fields."""
        return self.item.named if self.item is not None else self.object or self.abstract


class Way(Enum):
    """How a field gets its values."""

    TYPENAME = auto()
    COLUMN = auto()
    """An attribute of the row."""
    MAPPED = auto()
    """A function of the row alone."""
    WHOLE = auto()
    """One call for the level."""
    EACH = auto()
    """The field's resolver, once for each object."""
    ORDINARY = auto()
    """The stock executor, from here down."""


class FieldPlan:
    """One response key of a level, with everything about it that no row changes."""

    __slots__ = (
        "attribute",
        "definition",
        "definition_name",
        "details",
        "gates",
        "key",
        "mapped",
        "nodes",
        "parent",
        "plans",
        "readers",
        "shape",
        "stated",
        "way",
        "whole",
    )

    def __init__(self, parent: GraphQLObjectType, key: str, details: list[FieldDetails], field: GraphQLField) -> None:
        self.parent = parent
        self.key = key
        self.details = details
        self.nodes: list[FieldNode] = [detail.node for detail in details]
        self.definition = field
        self.shape = Shape(field.type)
        self.definition_name = self.nodes[0].name.value
        self.plans: dict[GraphQLObjectType, ObjectPlan] = {}
        self.readers: dict[type, Reader] = {}
        self.gates: tuple[BasePermission, ...] = ()
        self.mapped: Reader | None = None
        self.whole: WholeLevel | None = None
        self.attribute = ""
        known = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        self.stated: StrawberryField | None = known if isinstance(known, StrawberryField) else None
        self.way = self._way()

    def _way(self) -> Way:
        if self.definition is TypeNameMetaFieldDef:
            return Way.TYPENAME
        named = self.shape.named
        if named is not None and is_introspection_type(named):
            return Way.ORDINARY
        gates = None if self.stated is None else gates_of(self.stated)
        if self.stated is None or gates is None:
            return Way.EACH
        return self._way_of(self.stated, gates)

    def _way_of(self, stated: StrawberryField, gates: tuple[BasePermission, ...]) -> Way:
        self.whole, self.mapped = whole_level_of(stated), mapped_by(stated)
        if (
            self.whole is None
            and self.mapped is None
            and (stated.base_resolver or stated.default_resolver is not getattr)
        ):
            return Way.EACH
        self.gates, self.attribute = gates, stated.python_name
        if self.whole is not None:
            return Way.WHOLE
        return Way.COLUMN if self.mapped is None else Way.MAPPED

    def reader(self, kind: type) -> Reader:
        """Reads the attribute of rows of this class; a class may say itself how that is done best."""
        found = self.readers.get(kind)
        if found is None:
            own = getattr(kind, "column_reader", None)
            found = self.readers[kind] = attrgetter(self.attribute) if own is None else own(self.attribute)
        return found

    def below(self, executor: Executor[Any], type: GraphQLObjectType) -> ObjectPlan:
        """The plan of the objects that the field leads to."""
        found = self.plans.get(type)
        if found is None:
            selected = executor.collect_subfields(type, self.details).grouped_field_set
            found = self.plans[type] = planned(executor, type, selected)
        return found


class ObjectPlan:
    """What is selected of the objects of one type, in the order of the answer."""

    __slots__ = ("fields", "keys", "repeatable", "type")

    def __init__(self, type: GraphQLObjectType, fields: list[FieldPlan], *, repeatable: bool = False) -> None:
        self.type = type
        self.fields = fields
        self.keys = tuple(field.key for field in fields)
        self.repeatable = repeatable
        """May a row that is met twice be completed once? Not where somebody could tell the difference."""


def planned(executor: Executor[Any], type: GraphQLObjectType, selected: Selected) -> ObjectPlan:
    """The plan of objects of this type, as far down as the schema says what type there is."""
    fields = []
    for key, details in selected.items():
        definition = executor.schema.get_field(type, details[0].node.name.value)
        if definition is not None:
            fields.append(FieldPlan(type, key, details, definition))
    return ObjectPlan(type, fields, repeatable=all(_is_repeatable(executor, field) for field in fields))


PLANNED: Final = frozenset({Way.TYPENAME, Way.COLUMN, Way.MAPPED, Way.WHOLE})


def _is_repeatable(executor: Executor[Any], field: FieldPlan) -> bool:
    named = field.shape.named
    if isinstance(named, GraphQLObjectType) and field.way is not Way.ORDINARY:
        return field.below(executor, named).repeatable and field.way in PLANNED
    return named is None and field.way in PLANNED
