"""What a field says about itself, so that the engine can ask for a whole level at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import Parameter, signature
from typing import Any, Final, TypeAlias, cast

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
    function = cast("Callable[..., Any]", resolver.wrapped_func)
    taken = list(signature(function).parameters.values())
    if any(parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD for parameter in taken):
        return None
    count = len(taken)
    return function if count == 1 else lambda row: function(*(row,) * count)
