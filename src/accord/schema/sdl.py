"""The schema as text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import strawberry
from graphql import Node, Visitor, parse, print_ast, visit
from strawberry.printer import print_schema


def print_sdl(schema: strawberry.Schema) -> str:
    """The contract as the file has it, in the order of names, so that a difference is a change."""
    return print_ast(visit(parse(print_schema(schema)), ByName())) + "\n"


class ByName(Visitor):
    """Puts what has a name in its order."""

    def leave(self, node: Node, *_: object) -> Node | None:
        if not node.kind.endswith(("document", "type_definition")):
            return None
        ordered: dict[str, Any] = {
            part: tuple(sorted(getattr(node, part), key=name_of))
            for part in ("definitions", "fields", "values")
            if getattr(node, part, None)
        }
        return replace(node, **ordered) if ordered else None


def name_of(node: Node) -> str:
    """The name of a definition, a field or an enum's value."""
    return str(node.name.value)  # type: ignore[attr-defined]
