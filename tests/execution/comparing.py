"""What "equal to the stock executor" means: data and extensions byte for byte, errors as a set by one rule.

Under a place that error propagation made null exactly one error counts, as "some error whose path starts there": which
of several it is depends on what was quicker. All other errors are compared whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import orjson


class Result(Protocol):
    """Of one operation."""

    @property
    def data(self) -> Any: ...

    @property
    def errors(self) -> Sequence[Any] | None: ...

    @property
    def extensions(self) -> Any: ...


def differences(ours: Result, stock: Result) -> list[str]:
    """In what two results differ; empty where they are equal."""
    found = []
    if _bytes(ours.data) != _bytes(stock.data):
        found.append(f"data: {_bytes(ours.data)!r} is not {_bytes(stock.data)!r}")
    if _bytes(ours.extensions) != _bytes(stock.extensions):
        found.append(f"extensions: {ours.extensions} is not {stock.extensions}")
    here, there = _errors(ours), _errors(stock)
    if here != there:
        found.append(f"errors: only here {sorted(here - there)}, only there {sorted(there - here)}")
    return found


def out_of_order(ours: Result) -> list[str]:
    """Errors that do not stand in document order, and places with more than one."""
    places = [_place(error.path or [], ours.data) for error in ours.errors or []]
    if places != sorted(places):
        return [f"errors are not in document order: {[error.path for error in ours.errors or []]}"]
    nulled = [place for place in (_nulled(error.path or [], ours.data) for error in ours.errors or []) if place]
    return [f"{place} was made null by more than one error" for place in set(nulled) if nulled.count(place) > 1]


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def _errors(result: Result) -> Counter[str]:
    known = []
    taken: set[Any] = set()
    for error in result.errors or ():
        nulled = _nulled(error.path or [], result.data) if error.path is not None else None
        if nulled is None:
            known.append(_bytes(error.formatted).decode())
        elif nulled not in taken:
            taken.add(nulled)
            known.append(f"some error under {nulled}")
    return Counter(known)


def _nulled(path: Sequence[Any], data: Any) -> tuple[Any, ...] | None:
    """The place above the error that is null because of it, None where the error's own place is."""
    for depth, step in enumerate(path):
        if data is None:
            return tuple(path[:depth]) or ("data",)
        data = data[step]
    return None


def _place(path: Sequence[Any], data: Any) -> list[int]:
    place = []
    for step in path:
        if data is None:
            break
        place.append(list(data).index(step) if isinstance(data, dict) else step)
        data = data[step]
    return place
