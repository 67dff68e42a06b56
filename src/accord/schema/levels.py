"""Fields that are resolved for all rows of a level at once, on whichever executor runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import strawberry

from accord.access.permissions import Action
from accord.execution.declared import LEVEL, WholeLevel
from accord.schema.permissions import requires

Method = TypeVar("Method", bound=Callable[..., Any])
Value = TypeVar("Value")

if TYPE_CHECKING:
    Each: TypeAlias = list[Value | Exception]
else:

    class Each:
        """What the method of a level returns: a list, with one value of the field's type for each row."""

        def __class_getitem__(cls, value: Any) -> Any:
            return value


def whole(action: Action | None = None, description: str | None = None) -> Callable[[Method], Method]:
    """A field whose method takes the rows of a level as `rows: Parent[list[Row]]` and gives a value for each.

    An exception among the values is the error of its row; one that is raised is that of every row. `action` where it
    differs from the type's.
    """

    def make(method: Method) -> Method:
        made: Method = whole_field(method, partial(method, None), action, description)
        return made

    return make


def whole_field(
    method: Callable[..., Any], level: WholeLevel, action: Action | None = None, description: str | None = None
) -> Any:
    """The field that `level` answers for many rows, and `method` (with its signature) for the list of one."""
    return strawberry.field(
        resolver=_each(method),
        description=description,
        extensions=[requires(action)] if action else [],
        metadata={LEVEL: level},
    )


def _each(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method for one row, as the stock executor calls it."""
    if iscoroutinefunction(method):

        @wraps(method)
        async def awaited(*own: Any, rows: Any, **given: Any) -> Any:
            return _only(await method(*own, rows=[rows], **given))

        return awaited

    @wraps(method)
    def resolved(*own: Any, rows: Any, **given: Any) -> Any:
        return _only(method(*own, rows=[rows], **given))

    return resolved


def _only(values: list[Any]) -> Any:
    (value,) = values
    if isinstance(value, Exception):
        raise value
    return value
