"""What a field says about itself, so that the engine can ask for a whole level at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from strawberry.permission import BasePermission, PermissionExtension
from strawberry.types.field import StrawberryField

LEVEL: Final = "level"
"""The name in a field's metadata under which its WholeLevel stands."""

WholeLevel: TypeAlias = Callable[..., Awaitable[Sequence[Any]] | Sequence[Any]]
"""`(rows, info, **arguments)` -> one value for each row, in order; a value that is an exception is that row's error.

What it raises is the error of every row. `info` is that of the first row.
"""


def whole_level_of(field: StrawberryField) -> WholeLevel | None:
    """How the field is resolved for a level; None where it says nothing."""
    found: WholeLevel | None = field.metadata.get(LEVEL)
    return found


def gates_of(field: StrawberryField) -> tuple[BasePermission, ...] | None:
    """The permissions that stand before the field and need no row, so that asking once is enough.

    None where anything else is wrapped around the field.
    """
    if not field.extensions:
        return ()
    if len(field.extensions) > 1:
        return None
    (extension,) = field.extensions
    if type(extension) is not PermissionExtension or extension.fail_silently:
        return None
    permissions = tuple(extension.permissions)
    return permissions if all(getattr(gate, "needs_no_row", False) for gate in permissions) else None


def mapped_by(field: StrawberryField) -> Callable[[Any], Any] | None:
    """The field as a function of its row alone; None where it takes more than the row or has to be awaited."""
    resolver = field.base_resolver
    if resolver is None or field.is_async or resolver.arguments or resolver.info_parameter is not None:
        return None
    takes_self = resolver.self_parameter is not None
    named = [known.name for known in (resolver.parent_parameter, resolver.root_parameter) if known is not None]

    def mapped(row: Any) -> Any:
        return resolver(*((row,) if takes_self else ()), **dict.fromkeys(named, row))

    return mapped
