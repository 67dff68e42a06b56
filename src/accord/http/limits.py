"""What a document may ask for: one analysis, linear in its size, before any resolver runs.

Every fragment is measured once for one parent; a spread adds that measure, a list multiplies it. A field with a
selection costs one per parent, a leaf a tenth, the wrappers of a connection nothing, so that the cost is near the
number of fetches. A list without a page counts as `Limits.list_size` items, introspection lists as one (graphql-core
limits their nesting itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from graphql.type import introspection_types

WRAPPERS: Final = frozenset({"edges", "node", "nodes", "pageInfo"})
SIZES: Final = frozenset({"first", "last", "ids"})
TENTHS: Final = 10
NESTING: Final = 60
LARGEST: Final = 2**31


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may ask for. `source` in characters, `cost` in fetches."""

    source: int = 32 * 1024
    tokens: int = 2_000
    comments: int = 100
    fragments: int = 50
    depth: int = 15
    aliases: int = 30
    root_fields: int = 20
    root_mutations: int = 10
    cost: int = 5_000
    nodes: int = 10_000
    page: int = 100
    page_default: int = 25
    list_size: int = 10


class Refusal(GraphQLError):
    """A document over a limit; the client is told which, the limit and what it asked for."""

    def __init__(self, code: str, message: str, limit: int, actual: int, node: FieldNode | None = None) -> None:
        super().__init__(
            f"{message}: {actual}, the limit is {limit}.",
            node,
            extensions={"code": code, "limit": limit, "actual": actual},
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """A selection for one parent. `aliases` also counts a name selected again in the same braces; `tenths` is cost."""

    depth: int = 0
    aliases: int = 0
    tenths: int = 0
    nodes: int = 0
    fields: int = 0

    @property
    def cost(self) -> int:
        return ceil(self.tenths / TENTHS)

    def __add__(self, other: Measure) -> Measure:
        return Measure(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.tenths + other.tenths,
            self.nodes + other.nodes,
            self.fields + other.fields,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk stands: the type whose fields are selected, how deep, and the page size of a connection."""

    type: GraphQLNamedType | None
    level: int
    page: int = 0

    def within(self, type: GraphQLNamedType | None, page: int = 0) -> Place:
        return Place(type, self.level + 1, page)


class Survey:
    """One walk through one operation with its variables; None when they are not known, then they name no page."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        limits: Limits,
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.operation = operation
        self.variables = variables
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[tuple[str, int], Measure] = {}
        self.depends_on: set[str] = set()

    def measure(self) -> Measure:
        root = self.schema.get_root_type(self.operation.operation)
        return self.selections(self.operation.selection_set, Place(root, 0), set())

    def selections(self, selection_set: SelectionSetNode, place: Place, seen: set[str]) -> Measure:
        if place.level > NESTING:
            raise Refusal("QUERY_TOO_DEEP", "The query is nested too deeply", self.limits.depth, place.level)
        if not selection_set.selections:
            message = "Syntax Error: Expected Name, found '}'."
            raise GraphQLError(message, selection_set, extensions={"code": "GRAPHQL_PARSE_FAILED"})
        total = Measure()
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                total += self.field(node, place, seen)
            elif isinstance(node, InlineFragmentNode):
                condition = self.named(node.type_condition.name.value) if node.type_condition else place.type
                total += self.selections(node.selection_set, Place(condition, place.level + 1, place.page), seen)
            elif isinstance(node, FragmentSpreadNode):
                total += self.fragment(node.name.value, place)
        return total

    def fragment(self, name: str, place: Place) -> Measure:
        """A fragment in a cycle adds nothing here: validation refuses it."""
        key = (name, place.page)
        if key not in self.known:
            self.known[key] = Measure()
            node = self.fragments.get(name)
            if node is not None:
                condition = self.named(node.type_condition.name.value)
                self.known[key] = self.selections(
                    node.selection_set, Place(condition, place.level + 1, place.page), set()
                )
        return self.known[key]

    def field(self, node: FieldNode, place: Place, seen: set[str]) -> Measure:
        name = node.name.value
        answer_name = node.alias.value if node.alias else name
        aliases = int(node.alias is not None or answer_name in seen)
        seen.add(answer_name)
        definition = self.schema.get_field(place.type, name) if is_composite_type(place.type) else None
        page = self.page(node, definition)
        if node.selection_set is None:
            return Measure(1, aliases, 1, 0, 1)
        type = get_named_type(definition.type) if definition else None
        many = definition is not None and is_list_type(get_nullable_type(definition.type))
        size = self.size(definition, place, page) if many else 1
        inner = self.selections(node.selection_set, place.within(type, 0 if many else page), set())
        own = 0 if is_wrapper(name, place.type) else TENTHS
        nodes = size * (inner.nodes + 1) if many else inner.nodes
        return Measure(inner.depth + 1, aliases + inner.aliases, own + size * inner.tenths, nodes, 1)

    def size(self, definition: GraphQLField | None, place: Place, page: int) -> int:
        if place.type is not None and place.type.name in introspection_types:
            return 1
        return page or place.page or self.limits.list_size

    def page(self, node: FieldNode, definition: GraphQLField | None) -> int:
        """The largest page that the field's `first`, `last` or `ids` asks for, 0 for a field that has none.

        Raises PAGE_TOO_LARGE.
        """
        if definition is None or not definition.args.keys() & SIZES:
            return 0
        sizes = [self.number(argument.value) for argument in node.arguments or () if argument.name.value in SIZES]
        page = max((size for size in sizes if size is not None), default=self.limits.page_default)
        if page > self.limits.page:
            message = f"The page of `{node.name.value}` is too large"
            raise Refusal("PAGE_TOO_LARGE", message, self.limits.page, page, node)
        return max(page, 0)

    def number(self, value: ValueNode) -> int | None:
        """A page size, or the length of a list; None where validation will refuse the value or the default stands."""
        if isinstance(value, VariableNode):
            return self.variable(value.name.value)
        if isinstance(value, IntValueNode):
            return min(int(value.value), LARGEST) if len(value.value) <= 10 else LARGEST
        return len(value.values) if isinstance(value, ListValueNode) else None

    def variable(self, name: str) -> int | None:
        self.depends_on.add(name)
        if self.variables is None:
            return None
        if name in self.variables:
            return counted(self.variables[name])
        for definition in self.operation.variable_definitions or ():
            default = definition.default_value
            if definition.variable.name.value == name and default and not isinstance(default, VariableNode):
                return self.number(default)
        return None

    def named(self, name: str) -> GraphQLNamedType | None:
        return self.schema.get_type(name)


def counted(value: object) -> int | None:
    if isinstance(value, list):
        return len(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(min(max(value, 0), LARGEST))


def is_wrapper(name: str, parent: GraphQLNamedType | None) -> bool:
    return name in WRAPPERS and parent is not None and parent.name.endswith(("Connection", "Edge"))


def check_shape(measure: Measure, limits: Limits) -> None:
    """Raises the Refusal of a document that is too deep or has too many aliases."""
    if measure.depth > limits.depth:
        raise Refusal("QUERY_TOO_DEEP", "The query is nested too deeply", limits.depth, measure.depth)
    if measure.aliases > limits.aliases:
        raise Refusal("TOO_MANY_ALIASES", "The query has too many aliases", limits.aliases, measure.aliases)


def check(measure: Measure, operation: OperationType, limits: Limits) -> None:
    """Raises the first Refusal that applies."""
    check_shape(measure, limits)
    roots = limits.root_mutations if operation is OperationType.MUTATION else limits.root_fields
    if measure.fields > roots:
        raise Refusal("TOO_MANY_ROOT_FIELDS", "The query has too many root fields", roots, measure.fields)
    if measure.nodes > limits.nodes:
        raise Refusal("QUERY_TOO_COMPLEX", "The query asks for too many objects", limits.nodes, measure.nodes)
    if measure.cost > limits.cost:
        raise Refusal("QUERY_TOO_COMPLEX", "The query costs too much", limits.cost, measure.cost)
