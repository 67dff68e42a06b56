"""Conditions in which the planner is told where to begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, literal_column, select


def is_there(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    """As EXISTS, but asked for each row by itself: PostgreSQL might otherwise read once all that there could be, for
    the sake of a page. Whatever has an OFFSET is left where it stands."""
    found: Select[Any] = select(literal_column("1")).where(*where).offset(literal_column("0"))
    return exists(found)
