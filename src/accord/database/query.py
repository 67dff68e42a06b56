"""A statement compiled once, and the rows that it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any, Final

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql.compiler import SQLCompiler

DIALECT: Final = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]


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
    """A Core SELECT compiled once, at its first use; values are given at each fetch, those about the caller (`viewer`)
    by themselves."""

    def __init__(self, statement: Select[Any], record: type[Row] = Row) -> None:
        self.statement = statement
        self.record = record

    @cached_property
    def _compiled(self) -> SQLCompiler:
        return self.statement.compile(dialect=DIALECT)

    @cached_property
    def sql(self) -> str:
        return str(self._compiled)

    @cached_property
    def names(self) -> Sequence[str]:
        """The statement's parameters, in their order."""
        return self._compiled.positiontup or ()

    @cached_property
    def fixed(self) -> Mapping[str, Any]:
        """The parameters that the statement itself has values for."""
        binds = self._compiled.binds
        return {name: value for name, value in self._compiled.params.items() if not binds[name].required}

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the statement's parameters; KeyError names one that nobody gave."""
        return [given[name] if name in given else self.fixed[name] for name in self.names]
