"""Does an answer keep what schema and document promise? Everything that it does not is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
)

ANSWER_KEYS: Final = {"data", "errors", "extensions"}
ERROR_KEYS: Final = {"message", "locations", "path", "extensions"}
CODE: Final = re.compile(r"[A-Z][A-Z_]+")
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
LARGEST_INT: Final = 2**31
Path = tuple[str | int, ...]


def faults(schema: GraphQLSchema, document: DocumentNode, answer: object) -> list[str]:
    """What is wrong with the answer to the only operation of a document that has no variables; empty if nothing."""
    if not isinstance(answer, Mapping):
        return ["the answer is no object"]
    return [*_envelope(answer), *_errors(answer), *Walk(schema, document).root(answer.get("data"))]


def _envelope(answer: Mapping[str, Any]) -> Iterator[str]:
    if strange := answer.keys() - ANSWER_KEYS:
        yield f"unknown entries of the answer: {sorted(strange)}"
    if not isinstance(answer.get("extensions", {}), Mapping):
        yield "extensions are no object"
    errors = answer.get("errors")
    if "errors" in answer and not (isinstance(errors, list) and errors):
        yield "errors must be left out or hold one"
    if answer.get("data") is None and not errors:
        yield "neither data nor errors"


def _errors(answer: Mapping[str, Any]) -> Iterator[str]:
    for error in answer.get("errors") or ():
        if not isinstance(error, Mapping) or error.keys() - ERROR_KEYS:
            yield f"not the shape of an error: {error}"
            continue
        if not isinstance(error.get("message"), str) or not error["message"]:
            yield f"an error without message: {error}"
        code = (error.get("extensions") or {}).get("code")
        if not isinstance(code, str) or not CODE.fullmatch(code):
            yield f"an error without code: {error}"
        elif code == "INTERNAL":
            yield f"INTERNAL: {error}"
        if not _are_locations(error.get("locations", [])):
            yield f"strange locations: {error}"
        yield from _error_path(error, answer)


def _are_locations(given: object) -> bool:
    return isinstance(given, list) and all(
        isinstance(place, dict)
        and place.keys() == {"line", "column"}
        and all(_is_int(n) and n > 0 for n in place.values())
        for place in given
    )


def _error_path(error: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """An error in a field stands where the data are null, or under the null that it made of its parent."""
    if "path" not in error:
        if answer.get("data") is not None:
            yield f"an error of the request beside data: {error}"
        return
    value = answer.get("data")
    for step in error["path"]:
        if value is None:
            return
        known = isinstance(value, list) if _is_int(step) else isinstance(value, Mapping)
        if not known or (step not in value if isinstance(value, Mapping) else step >= len(value)):
            yield f"no such path: {error}"
            return
        value = value[step]
    if value is not None:
        yield f"an error at a path that has a value: {error}"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Walk:
    """Data and document, side by side."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        (self.operation,) = operations
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def root(self, data: object) -> Iterator[str]:
        if data is None:
            return
        kind = self.schema.get_root_type(self.operation.operation)
        assert kind is not None
        yield from self.members(kind, [self.operation.selection_set], data, ())

    def members(
        self, kind: GraphQLNamedType, selections: Sequence[SelectionSetNode], value: object, at: Path
    ) -> Iterator[str]:
        """Has an object what was selected, in that order, and nothing else?"""
        if not isinstance(value, Mapping):
            yield f"{at}: no object but {value!r}"
            return
        concrete = self.concrete(kind, selections, value)
        if concrete is None:
            yield f"{at}: __typename is none of {kind}: {value.get('__typename')!r}"
            return
        wanted = self.collect(concrete, selections)
        if list(value) != list(wanted):
            yield f"{at}: selected were {list(wanted)}, answered {list(value)}"
        for name in wanted.keys() & value.keys():
            yield from self.field(concrete, wanted[name], value[name], (*at, name))

    def concrete(
        self, kind: GraphQLNamedType, selections: Sequence[SelectionSetNode], value: Mapping[str, Any]
    ) -> GraphQLObjectType | None:
        """The object's own type; an abstract one is asked for its name in every document that is checked."""
        if not is_abstract_type(kind):
            assert isinstance(kind, GraphQLObjectType)
            return kind
        return next(
            (found for found in self.schema.get_possible_types(kind) if found.name == value.get("__typename")), None
        )

    def field(self, parent: GraphQLObjectType, nodes: list[FieldNode], value: object, at: Path) -> Iterator[str]:
        definition = self.schema.get_field(parent, nodes[0].name.value)
        if definition is None:
            yield f"{at}: {parent} has no such field"
            return
        inner = [node.selection_set for node in nodes if node.selection_set is not None]
        yield from self.value(definition.type, inner, value, at)
        if nodes[0].name.value == "__typename" and value != parent.name:
            yield f"{at}: the type is {parent}, not {value!r}"

    def value(
        self, kind: GraphQLOutputType, selections: Sequence[SelectionSetNode], value: object, at: Path
    ) -> Iterator[str]:
        if isinstance(kind, GraphQLNonNull):
            if value is None:
                yield f"{at}: null in place of {kind}"
                return
            kind = kind.of_type
        if value is None:
            return
        if isinstance(kind, GraphQLList):
            if not isinstance(value, list):
                yield f"{at}: no list but {value!r}"
                return
            for place, element in enumerate(value):
                yield from self.value(kind.of_type, selections, element, (*at, place))
        elif selections:
            yield from self.members(get_named_type(kind), selections, value, at)
        elif not fits(kind, value):
            yield f"{at}: {value!r} is no {kind}"

    def collect(
        self, concrete: GraphQLObjectType, selections: Sequence[SelectionSetNode]
    ) -> dict[str, list[FieldNode]]:
        """The fields that an object of this type answers, by the names they answer to."""
        wanted: dict[str, list[FieldNode]] = {}
        for selection_set in selections:
            for node in selection_set.selections:
                if isinstance(node, FieldNode):
                    wanted.setdefault((node.alias or node.name).value, []).append(node)
                    continue
                inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)
                if inner.type_condition is None or self.applies(inner.type_condition.name.value, concrete):
                    for name, nodes in self.collect(concrete, [inner.selection_set]).items():
                        wanted.setdefault(name, []).extend(nodes)
        return wanted

    def applies(self, name: str, concrete: GraphQLObjectType) -> bool:
        condition = self.schema.type_map[name]
        return condition is concrete or (is_abstract_type(condition) and self.schema.is_sub_type(condition, concrete))


def fits(kind: object, value: object) -> bool:
    """Is this a value of a leaf type? A scalar that is not known here is an error of the test."""
    if isinstance(kind, GraphQLEnumType):
        return value in kind.values
    known: dict[str, bool] = {
        "Int": _is_int(value) and -LARGEST_INT <= value < LARGEST_INT,  # type: ignore[operator]
        "String": isinstance(value, str),
        "ID": isinstance(value, str) and value != "",
        "Boolean": isinstance(value, bool),
        "DateTime": isinstance(value, str) and INSTANT.fullmatch(value) is not None,
        "Date": isinstance(value, str) and DAY.fullmatch(value) is not None,
        "BigInt": _is_int(value) and abs(value) < 2**53,  # type: ignore[arg-type]
        "JSON": True,
    }
    return known[str(kind)]
