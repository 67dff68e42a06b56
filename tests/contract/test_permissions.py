"""Gate 1 stands before every field of the API: with any one of them taken away, the contract says which."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.types.field import StrawberryField

from accord.access.permissions import Action
from accord.schema.permissions import Requires, action_of, guarded, requires
from accord.schema.schema import schema
from tests.schema.test_guards import is_open


def fields_of(api: strawberry.Schema) -> dict[str, StrawberryField]:
    """Every field of every object type, also where it comes from an interface."""
    return {
        f"{name}.{field}": made.extensions["strawberry-definition"]
        for name, kind in api._schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
        for field, made in kind.fields.items()
    }


def bare(api: strawberry.Schema) -> set[str]:
    """The fields that ask for nothing, and are not in the reviewed list."""
    return {
        name for name, field in fields_of(api).items() if action_of(field) is None and not is_open(*name.split(".", 1))
    }


def test_every_field_asks_for_a_permission_or_is_in_the_reviewed_list() -> None:
    assert bare(schema) == set()


GUARDED = sorted(name for name, field in fields_of(schema).items() if action_of(field) is not None)


def test_a_field_without_its_guard_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GUARDED:
        if is_open(*name.split(".", 1)):
            continue
        field = fields_of(schema)[name]
        with monkeypatch.context() as patch:
            patch.setattr(field, "extensions", [e for e in field.extensions if not _is_guard(e)])
            assert name in bare(schema)


def _is_guard(extension: Any) -> bool:
    return any(isinstance(permission, Requires) for permission in getattr(extension, "permissions", ()))


@strawberry.interface
class Thing:
    id: strawberry.ID


@guarded(Action.ACCOUNT_READ)
@strawberry.type
class Guarded(Thing):
    label: str


@strawberry.type
class Overriding(Guarded):
    @strawberry.field  # type: ignore[misc]
    def id(self) -> strawberry.ID:  # type: ignore[override]
        return strawberry.ID("x")


@strawberry.type
class Query:
    thing: Thing = strawberry.field(extensions=[requires(Action.ACCOUNT_READ)])
    forgotten: int = 1


def test_a_forgotten_field_and_one_that_overrides_a_guarded_one_are_found() -> None:
    sample = strawberry.Schema(query=Query, types=[Guarded, Overriding])
    found = bare(sample)
    assert "Query.forgotten" in found
    assert "Overriding.id" in found
    assert "Guarded.label" not in found
    assert "Query.thing" not in found
