"""Gate 1 stands before every field, or the field stands in the list of those that need none."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLInterfaceType, GraphQLObjectType
from strawberry.types.field import StrawberryField

from accord.schema.permissions import action_of
from accord.schema.schema import schema

OPEN = {
    "Query.viewer": "anybody signed in may learn that the platform does not know them",
    "Query.supportContact": "for whoever meets an unmet prerequisite (S18)",
    "Viewer.memberships": "one's own; empty for somebody unknown",
    "SupportContact.*": "the vendor's own contact",
    "PageInfo.*": "of a connection whose field is guarded",
    "*Connection.*": "reached by a guarded field alone",
    "*Edge.*": "reached by a guarded field alone",
    "*Payload.*": "reached by a guarded mutation alone",
    "*Result.*": "reached by a guarded mutation alone",
    "*Receipt.*": "reached by a guarded mutation alone",
}
"""Reviewed: every field without a permission, and why."""

REFUSALS = {
    "NotFound", "Forbidden", "InvalidState", "Conflict", "ValidationError", "OrganisationContextMismatch",
    "PrerequisiteMissing", "LastAdmin", "LastLegalRepresentative", "RateLimited", "CeilingExceeded",
}  # fmt: skip


def fields() -> Iterator[tuple[str, str, StrawberryField]]:
    for name, kind in schema._schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                yield name, field_name, field.extensions["strawberry-definition"]


def printed(kind: str, field: str) -> str:
    found = schema._schema.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return str(found.fields[field].type)


def is_open(kind: str, field: str) -> bool:
    endings = ("Connection", "Edge", "Payload", "Result", "Receipt")
    if kind in REFUSALS or any(kind.endswith(ending) for ending in endings):
        return True
    return f"{kind}.{field}" in OPEN or f"{kind}.*" in OPEN


def test_every_field_carries_a_permission_or_is_listed_as_open() -> None:
    bare = {f"{kind}.{name}" for kind, name, field in fields() if action_of(field) is None and not is_open(kind, name)}
    assert bare == set()


def test_every_mutation_carries_a_permission() -> None:
    assert all(action_of(field) for kind, _, field in fields() if kind == "Mutation")


def test_no_open_entry_is_stale() -> None:
    names = {f"{kind}.{name}" for kind, name, field in fields() if action_of(field) is None}
    stale = {entry for entry in OPEN if "*" not in entry and entry not in names}
    assert stale == set()


def test_a_field_that_overrides_one_of_an_interface_is_guarded_too() -> None:
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.name not in REFUSALS:
            for interface in kind.interfaces:
                assert isinstance(interface, GraphQLInterfaceType)
                for name in interface.fields:
                    assert action_of(kind.fields[name].extensions["strawberry-definition"]), f"{kind.name}.{name}"


def test_guarded_fields_that_differ_from_their_type_may_be_null() -> None:
    """Denied is null and one error, so the position has to take a null."""
    for kind, name, field in fields():
        own = action_of(field)
        if own is None or kind in {"Query", "Mutation"}:
            continue
        of_type = {action_of(other) for k, _, other in fields() if k == kind} - {None}
        if len(of_type) > 1 and name not in {"id", "__typename"}:
            identity = next(
                action_of(f) for k, n, f in fields() if k == kind and n in {"id", "user", "handle", "customer"}
            )
            if own is not identity:
                assert not printed(kind, name).endswith("!"), f"{kind}.{name}"


def test_no_extension_wraps_every_resolver() -> None:
    assert not [extension for extension in schema.get_extensions() if extension._implements_resolve()]
