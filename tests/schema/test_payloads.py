"""Payloads that show one changed object: the field and the loader that their class names."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType
from strawberry.utils.str_converters import to_camel_case

from accord.schema.loaders import Loaders
from accord.schema.mutations.payloads import Changed
from accord.schema.schema import schema


def subclasses(kind: type[Changed]) -> Iterator[type[Changed]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_each_has_its_loader_and_its_field() -> None:
    types = schema._schema.type_map
    kinds = {kind.__name__: kind for kind in subclasses(Changed) if kind.__name__ in types}
    assert len(kinds) > 30
    for name, kind in kinds.items():
        shown = types[name]
        assert isinstance(shown, GraphQLObjectType)
        assert hasattr(Loaders, kind.loader), name
        assert {to_camel_case(kind.shown), "errors"} <= shown.fields.keys(), name


@pytest.mark.parametrize("result", [uuid4(), SimpleNamespace(id=uuid4())])
async def test_what_a_service_returns_is_loaded_into_it(result: Any) -> None:
    async def load(key: str) -> str:
        return f"row {key}"

    class OneField(Changed, loader="thing_by_id"):
        thing: Any = None

        def __init__(self, thing: Any) -> None:
            self.thing = thing

    info: Any = SimpleNamespace(
        context=SimpleNamespace(loaders=SimpleNamespace(thing_by_id=SimpleNamespace(load=load)))
    )
    made = await OneField.of(info, result)
    assert made.thing == f"row {getattr(result, 'id', result)}"


def test_two_fields_are_not_one() -> None:
    with pytest.raises(ValueError, match="too many values"):

        class TwoFields(Changed, loader="thing_by_id"):
            thing: Any = None
            another: Any = None
