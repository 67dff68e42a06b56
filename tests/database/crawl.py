"""Reads all that the API shows to people, and prints whose IDs it met: `python -m tests.database.crawl < task.json`.

A process of its own, because queries are made when the product is imported: with `open` given, every predicate is true
and every decision a yes from the start.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_leaf_type,
    is_required_argument,
)

ID: Final = re.compile(r"([a-z]+)_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
ENVELOPES: Final = ("Connection", "Edge", "PageInfo")
AT_ONCE: Final = 100


def open_predicates() -> None:
    """Switch the first wall off: predicates, decisions and gate 1."""
    true = importlib.import_module("sqlalchemy").true
    decision = importlib.import_module("accord.access.decision")
    walls = ("visibility", "visible_activity", "personal", "host_data")
    for module in (importlib.import_module(f"accord.database.{name}") for name in walls):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__annotations__.get("return") == "Predicate":
                setattr(module, name, lambda *_: true())
    allow = decision.Allow(())
    vars(decision).update(may_ever=lambda *_: True, decide=lambda *_, **__: allow)


def selection(kind: GraphQLObjectType, depth: int) -> str:
    """Every field of a type that needs no argument; of the things behind them their fields, so many steps deep."""
    lines = [line for name, field in kind.fields.items() if (line := _selected(kind, name, field, depth))]
    return " ".join(lines)


def _selected(kind: GraphQLObjectType, name: str, field: GraphQLField, depth: int) -> str:
    if any(is_required_argument(argument) for argument in field.args.values()):
        return ""
    alias = f"{kind.name}_{name}: {name}"
    target = get_named_type(field.type)
    if is_leaf_type(target):
        return alias
    given = f"{alias}(first: 50)" if "first" in field.args else alias
    if is_interface_type(target):
        return f"{given} {{ __typename id }}"
    assert isinstance(target, GraphQLObjectType)
    left = depth if target.name.endswith(ENVELOPES) else depth - 1
    inside = selection(target, left) if left >= 0 else ""
    return f"{given} {{ {inside} }}" if inside else ""


def documents(schema: GraphQLSchema) -> Iterator[tuple[str, bool]]:
    """The operations, and whether each is asked once for every so many IDs."""
    nodes = [
        f"... on {kind.name} {{ {selection(kind, 1)} }}"
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and any(i.name == "Node" for i in kind.interfaces)
    ]
    yield f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename {' '.join(nodes)} }} }}", True
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        if (
            name != "organisation"
            and is_composite_type(get_named_type(field.type))
            and (line := _selected(schema.query_type, name, field, 2))
        ):
            yield f"{{ {line} }}", False


def ids_in(data: Any) -> Iterator[tuple[str, str]]:
    """Every global ID in an answer, wherever it stands."""
    if isinstance(data, dict):
        for value in data.values():
            yield from ids_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from ids_in(value)
    elif isinstance(data, str) and (found := ID.fullmatch(data)):
        yield found[1], found[2]


async def crawl(task: dict[str, Any]) -> dict[str, Any]:
    """What each person met, by kind; and the codes of the errors. Documents of the schema itself need no validation."""
    caches = importlib.import_module("strawberry.extensions")
    build = importlib.import_module("accord.schema.schema").build_schema
    schema = build([caches.ParserCache, caches.DisableValidation])
    contexts = importlib.import_module("accord.schema.context")
    engine = importlib.import_module("accord.database.engine")
    world = importlib.import_module("tests.world")
    clients = importlib.import_module("tests.services.clients")
    now = datetime.fromisoformat(task["now"])
    database = engine.Database(task["url"], clock=lambda: now)
    operations = list(documents(schema._schema))
    met: dict[str, Any] = {}
    codes: dict[str, int] = defaultdict(int)
    try:
        for person in task["people"]:
            identity = world.identify(person["subject"], operator=person["operator"])
            if "client" in person:
                identity = clients.client_identity(UUID(person["client"]), UUID(person["organisation"]))
            session = UUID(person["session"]) if "session" in person else None
            context = contexts.Context(database, identity, contexts.Support("x", "help@vendor.example"), None, session)
            seen: dict[str, set[str]] = defaultdict(set)
            for document, by_ids in operations:
                for variables in chunks(task["ids"]) if by_ids else ({},):
                    result = await schema.execute(document, variable_values=variables, context_value=context)
                    for error in result.errors or ():
                        codes[(error.extensions or {}).get("code", error.message)] += 1
                    for kind, key in ids_in(result.data):
                        seen[kind].add(key)
            met[person.get("session", person.get("client", person["subject"]))] = {
                kind: sorted(found) for kind, found in seen.items()
            }
    finally:
        await database.close()
    return {"met": met, "codes": codes}


def chunks(ids: list[str]) -> Iterator[dict[str, list[str]]]:
    for start in range(0, len(ids), AT_ONCE):
        yield {"ids": ids[start : start + AT_ONCE]}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    if given["open"]:
        open_predicates()
    json.dump(asyncio.run(crawl(given)), sys.stdout)
