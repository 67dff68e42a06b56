"""The metadata that every table registers on, and the column shapes that tables share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Text,
    Uuid,
    func,
    text,
)

metadata: Final = MetaData(
    schema="accord",
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)


def key() -> Column[Any]:
    """The primary key: a UUIDv7 that the database makes."""
    return Column("id", Uuid(), primary_key=True, server_default=text("accord.new_id()"))


def reference(name: str, *arguments: Any, nullable: bool = False, **options: Any) -> Column[Any]:
    """A column that holds another row's key."""
    return Column(name, Uuid(), *arguments, nullable=nullable, **options)


def instant(name: str, *, nullable: bool = True) -> Column[Any]:
    """A point in time, stored in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def modified_at() -> Column[Any]:
    """When what a directory reads of the row was last changed; triggers keep it (migration 0018)."""
    return Column("modified_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))


def folded(value: Any) -> ColumnElement[str]:
    """Return a column or a value in the form in which names and addresses are compared, `domain.text.fold` in SQL."""
    form: ColumnElement[str] = func.accord.fold(value)
    return form


def made_at(name: str = "created_at") -> Column[Any]:
    """When the row was made, by the clock of its transaction."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def version() -> Column[Any]:
    """Counts the changes of a row, for optimistic locking; starts at 1."""
    return Column("version", Integer(), nullable=False, server_default=text("1"))


def words(name: str) -> Column[Any]:
    """A list of names."""
    return Column(name, ARRAY(Text()), nullable=False, server_default=text("'{}'"))


def one_of(column: str, values: Iterable[StrEnum], name: str | None = None) -> CheckConstraint:
    """The column holds one of these names only."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")


def listed(values: Iterable[StrEnum]) -> str:
    """Names as the inside of an SQL IN list."""
    return ", ".join(f"'{value}'" for value in sorted(values))
