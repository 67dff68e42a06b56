"""Sets of rows in one statement: its parameters stay as few however many rows it is about.

PostgreSQL takes at most 32,767 parameters, and each of them costs the driver time; so keys go as one array, and new
rows as one JSON text. A list of rows or keys that a tenant's size decides goes through these functions and no other
way (`tests/contract/test_sets.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Insert,
    Table,
    TableValuedAlias,
    Text,
    Update,
    any_,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from accord.database.engine import Transaction

__all__ = ["SLICE", "among", "given_rows", "insert_rows", "slices", "update_rows"]

SLICE: Final = 250
"""Rows that go into one statement. Making them ready takes some milliseconds, in which nobody else is served."""


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition that a column has one of these values, as one parameter."""
    return column == any_(cast(list(values), ARRAY(column.type)))


def slices(rows: Iterable[Any], size: int = SLICE) -> Iterator[list[Any]]:
    """Cut rows into lists of at most `size`."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


async def insert_rows(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns; the other columns have their defaults. Nothing is read back."""
    for some in slices(rows):
        await tx.execute(_insertion(table, some))


async def update_rows(tx: Transaction, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Give the row with each key the values beside it; return how many rows were changed."""
    return sum([await tx.execute(_change(table, key, some)) for some in slices(rows)])


def _insertion(table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    return insert(table).inline().from_select(list(rows[0]), select(*given_rows(table, rows).c))


def _change(table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> Update:
    given = given_rows(table, rows)
    values = {one.name: one for one in given.c if one.name != key}
    # by the keys alone as well: of the other relation, PostgreSQL takes for granted that it has a hundred rows
    named = among(table.c[key], [row[key] for row in rows])
    return update(table).where(table.c[key] == given.c[key], named).values(**values)


def given_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> TableValuedAlias:
    """Return the rows, at least one, as a relation with the types of the table's columns."""
    typed = [column(name, table.c[name].type) for name in rows[0]]
    listed = cast(literal(json.dumps(rows, default=_written, ensure_ascii=False), Text()), JSONB)
    return func.jsonb_to_recordset(listed).table_valued(*typed, name="given").render_derived(with_types=True)


def _written(value: object) -> object:
    """A value that JSON has no form for, as PostgreSQL reads it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no column takes a {type(value).__name__}")
