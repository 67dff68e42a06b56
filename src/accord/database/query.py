"""A statement compiled once, and the rows that it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row with its columns as attributes; `id` is the global ID and `key` the UUID in it, both as text."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    def column_reader(cls, name: str) -> Callable[[Any], Any]:
        """Reads one attribute of many rows; a column without the detour over `__getattr__`."""
        return attrgetter(name) if hasattr(cls, name) else itemgetter(name)

    @property
    def key(self) -> str:
        """The row's UUID as text."""
        return str(self["id"]).partition("_")[2]


class Query:
    """A Core SELECT compiled once; values are given at each fetch, those about the caller (`viewer`) by themselves."""

    def __init__(self, statement: Select[Any], record: type[Row] = Row) -> None:
        dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
        compiled = statement.compile(dialect=dialect)
        self.sql = str(compiled)
        self.names: Sequence[str] = compiled.positiontup or ()
        self.fixed: Mapping[str, Any] = {
            name: value for name, value in compiled.params.items() if not compiled.binds[name].required
        }
        self.record = record

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the statement's parameters; KeyError names one that nobody gave."""
        return [given[name] if name in given else self.fixed[name] for name in self.names]
