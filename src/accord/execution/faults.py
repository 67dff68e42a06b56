"""What stands in a level's values where there is no value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Fault:
    """A place of the answer that has an error; the second pass decides what becomes null for it."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


def attempts(act: Callable[..., Any], rows: Iterable[Any], *given: Any) -> list[Any]:
    """`attempt` for each row."""
    values = []
    for row in rows:
        try:
            values.append(act(row, *given))
        except Exception as error:  # noqa: BLE001
            values.append(error)
    return values


def attempt(act: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What the call returns, or the exception that it raised."""
    try:
        return act(*given, **named)
    except Exception as error:  # noqa: BLE001
        return error
