"""Cascades as the API reads them."""

from __future__ import annotations

from typing import Final

from accord.database.queries.read.pages import Item, global_id, looked_up
from accord.database.tables.cascade import cascades
from accord.database.visibility import sees_cascade


class CascadeRow(Item):
    """How far the worker has come with a cascade."""

    type_name = "Cascade"


c = cascades.alias("c")
CASCADE: Final = (
    global_id("cascade", c.c.id),
    c.c.kind,
    c.c.total,
    c.c.done.label("finished"),
    c.c.finished_at.is_not(None).label("done"),
    c.c.created_at,
    c.c.finished_at,
)
CASCADE_BY_ID: Final = looked_up(CascadeRow, CASCADE, c.c.id, sees_cascade(c))
