"""PATCH operations in one shape, whatever shape a directory sends them in.

RFC 7644 knows one way to write an operation. Microsoft Entra writes `Add`, `Replace` and `Remove`, adds `"$ref": null`
to members and names the old value of what it removes; Okta sends a whole object without a path. All of it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import Resource

ABSENT: Final = object()
CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
SINGLE: Final = frozenset({"active", "username", "displayname", "externalid"})
"""Attributes of one value, which older versions of Entra wrap in a list of one object."""

ASSIGNED_HERE: Final = frozenset({"id", "meta", "groups", "schemas"})
"""What the service alone says; RFC 7643 lets a directory send it with a whole resource, and ignores it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `path` has no schema of the standard in front of it; `value` is `ABSENT` where there is none."""

    op: str
    path: str | None
    value: Any = ABSENT

    @property
    def attribute(self) -> str:
        """The attribute that the path begins with, in lower case."""
        return (self.path or "").partition("[")[0].partition(".")[0].strip().lower()

    @property
    def is_whole(self) -> bool:
        """Is the path the attribute itself, without a filter or a part of it?"""
        return (self.path or "").strip().lower() == self.attribute

    def payload(self) -> dict[str, Any]:
        """Return the operation as RFC 7644 writes it."""
        given = {"op": self.op, "path": self.path, "value": self.value}
        return {name: value for name, value in given.items() if value is not ABSENT and (name != "path" or value)}


def read_operations(kind: type[Resource[Any]], payload: Mapping[str, Any]) -> list[Operation | Any]:
    """Return the operations of a PATCH in order; one that is no operation at all stays as it is, to be refused."""
    listed = named(payload, "operations")
    if not isinstance(listed, list):
        return []
    return [one for given in listed for one in _read(kind, given)]


def named(payload: Mapping[str, Any], name: str) -> Any:
    """Return the member of an object by its name in any case, or `ABSENT`."""
    found = [value for key, value in payload.items() if key.lower() == name]
    return found[-1] if found else ABSENT


def single(value: Any) -> Any:
    """Return the value of an attribute that has one, out of the lists and objects around it."""
    for _ in range(3):
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        inner = named(value, "value") if isinstance(value, Mapping) else ABSENT
        if inner is not ABSENT:
            value = inner
    return value


def _read(kind: type[Resource[Any]], given: Any) -> Iterator[Operation | Any]:
    op = named(given, "op") if isinstance(given, Mapping) else ABSENT
    path = named(given, "path") if isinstance(given, Mapping) else ABSENT
    if not isinstance(op, str) or not (path in (ABSENT, None) or isinstance(path, str)):
        yield given
        return
    value, path = named(given, "value"), _own(kind, path) if isinstance(path, str) else None
    if path:
        yield _shaped(Operation(op.strip().lower(), path, value))
    else:
        yield from _split(kind, Operation(op.strip().lower(), None, value))


def _split(kind: type[Resource[Any]], whole: Operation) -> Iterator[Operation]:
    """An operation without a path says several things: one operation for each attribute of its value."""
    value = whole.value
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if not isinstance(value, Mapping) or not value:
        yield whole
        return
    for name, inner in value.items():
        own = _own(kind, str(name))
        if not own:
            yield from _split(kind, Operation(whole.op, None, inner))
        elif own.lower() not in ASSIGNED_HERE:
            yield _shaped(Operation(whole.op, own, inner))


def _own(kind: type[Resource[Any]], path: str) -> str:
    """Return a path without the schema of this kind in front of it, which may be all that it says."""
    schema, trimmed = f"{CORE}{kind.__name__}".lower(), path.strip()
    if trimmed.lower() == schema:
        return ""
    return trimmed[len(schema) + 1 :] if trimmed.lower().startswith(f"{schema}:") else trimmed


def _shaped(operation: Operation) -> Operation:
    """Take the deviations of known directories out of one operation."""
    if operation.is_whole and operation.attribute in SINGLE and operation.op in ("add", "replace"):
        return Operation(operation.op, operation.path, single(operation.value))
    if operation.op == "remove" and operation.attribute != "members":
        return _removing(operation, (operation.path or "").strip())
    return operation


def _removing(operation: Operation, path: str) -> Operation:
    """The path says what goes, and the old value beside it is for the record; an address without its value is none."""
    if operation.is_whole and operation.attribute == "emails" and isinstance(operation.value, list | Mapping):
        entries = operation.value if isinstance(operation.value, list) else [operation.value]
        said = [one for one in entries if isinstance(one, Mapping)]
        named_by = [{key: one[key] for key in one if one[key] is not None} for one in said]
        return Operation("remove", path, named_by)
    return Operation("remove", path[: -len(".value")] if path.lower().endswith("].value") else path)
