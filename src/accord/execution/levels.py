"""The objects of a level, and where each of them stands in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from graphql.pyutils import Path


class Places:
    """Where the values of a level stand; a path is made only for a resolver or an error that asks for it."""

    def path(self, place: int) -> Path | None:
        """The path of one value; None at the root."""
        return None


class Under(Places):
    """The values of one field of the objects at `above`."""

    __slots__ = ("_above", "_key", "_type_name")

    def __init__(self, above: Places, key: str, type_name: str) -> None:
        self._above = above
        self._key = key
        self._type_name = type_name

    def path(self, place: int) -> Path:
        return Path(self._above.path(place), self._key, self._type_name)


class Items(Places):
    """The items of the lists at `above`, one after the other; what is no list has none."""

    __slots__ = ("_above", "_lists", "_spots")

    def __init__(self, above: Places, lists: Sequence[Any]) -> None:
        self._above = above
        self._lists = lists
        self._spots: list[tuple[int, int]] | None = None

    def path(self, place: int) -> Path:
        if self._spots is None:
            self._spots = [
                (owner, index)
                for owner, items in enumerate(self._lists)
                if type(items) is list
                for index in range(len(items))
            ]
        owner, index = self._spots[place]
        return Path(self._above.path(owner), index, None)


class Some(Places):
    """Those of the values at `above` that go on."""

    __slots__ = ("_above", "_kept")

    def __init__(self, above: Places, kept: Sequence[int]) -> None:
        self._above = above
        self._kept = kept

    def path(self, place: int) -> Path | None:
        return self._above.path(self._kept[place])


class Level:
    """Objects of one type that are asked the same; `kind` is their class where they share one."""

    __slots__ = ("kind", "places", "rows")

    def __init__(self, rows: list[Any], places: Places) -> None:
        self.rows = rows
        self.places = places
        kinds = set(map(type, rows))
        self.kind: type | None = kinds.pop() if len(kinds) == 1 else None


def without_repeats(rows: list[Any]) -> tuple[list[int], list[int]] | None:
    """Which rows to complete where the same one comes twice, and which of those stands at each place.

    None where each comes once.
    """
    if len(set(map(id, rows))) == len(rows):
        return None
    first: dict[int, int] = {}
    for place, row in enumerate(rows):
        first.setdefault(id(row), place)
    order = dict(zip(first, count()))
    return list(first.values()), [order[id(row)] for row in rows]
