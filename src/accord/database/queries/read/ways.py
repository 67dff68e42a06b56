"""Lists whose rows are found in several ways, each by an index of its own.

A condition with an OR, or with a list of values, is no index's: PostgreSQL walks the list in its order and asks each
row, however few of them match. Here each alternative is a way by itself. A page takes the first rows of every way, and
of them the first; then the rows are read by their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, and_, bindparam, func, select, true, union_all

Predicate = ColumnElement[bool]
SIZE: Final = bindparam("size", type_=BigInteger())
MOST: Final = bindparam("most", type_=BigInteger()) + 1


@dataclass(frozen=True)
class Way:
    """One way to rows: no row is found in two of them, and each row of the list in one.

    `conditions` say which rows. `says` are the filters that they contain. `each`: a table of values, for each of which
    the conditions are looked up by themselves; `many`, where there may be more values than rows on a page. `prefix`: a
    column that the conditions hold to one value between two bounds. Rows come in its order first, as in its index
    alone: with an equation PostgreSQL may as well walk through the whole list, if it takes the value for a common one.
    """

    conditions: tuple[Predicate, ...]
    says: frozenset[str] = frozenset()
    each: FromClause | None = None
    many: bool = False
    prefix: ColumnElement[Any] | None = None

    def in_order(self, order: ColumnElement[Any], descending: bool) -> list[ColumnElement[Any]]:
        """What rows of this way are ordered by."""
        columns = [order] if self.prefix is None else [self.prefix, order]
        return [column.desc() for column in columns] if descending else columns


@dataclass(frozen=True)
class Sought:
    """What all ways have in common: the table, its order and parent, and the bounds of the page."""

    source: FromClause
    order: ColumnElement[Any]
    parents: FromClause
    bounds: tuple[Predicate, ...]
    descending: bool

    def first(self, way: Way, filters: Sequence[Predicate]) -> Select[Any]:
        """Select the places of the first rows that this way finds."""
        where = (*way.conditions, *filters)
        if way.each is None:
            return self._places(way, SIZE, where).correlate(self.parents)
        if way.many:
            return self._first_of_many(way, way.each, where)
        one = self._places(way, SIZE, where).correlate(self.parents, way.each).lateral("one")
        return self._merged(way.each, one)

    def _first_of_many(self, way: Way, each: FromClause, where: tuple[Predicate, ...]) -> Select[Any]:
        """Select the first places under many values without reading a whole page under each: a few of each make a page
        already, and nothing beyond its last row can be in the page that is asked for."""
        number = select(func.count()).select_from(each).correlate(self.parents).scalar_subquery()
        few = SIZE // func.greatest(number, 1, type_=BigInteger()) + 1
        one = self._places(way, few, where).correlate(self.parents, each).lateral("one")
        last = self._merged(each, one).offset(SIZE - 1).limit(1).scalar_subquery()
        beyond = select(func.coalesce(last, self._nowhere()).label("place")).correlate(self.parents).lateral("beyond")
        within = self.order >= beyond.c.place if self.descending else self.order <= beyond.c.place
        all_within = self._places(way, SIZE, (*where, within)).correlate(self.parents, each, beyond).lateral("two")
        return self._merged(beyond.join(each, true()), all_within)

    def _nowhere(self) -> ColumnElement[Any]:
        end = 0 if self.descending else 2**63 - 1
        return bindparam("nowhere", end, type_=BigInteger(), unique=True)

    def _places(self, way: Way, limit: ColumnElement[Any], where: Sequence[Predicate]) -> Select[Any]:
        places = select(self.order.label("place")).select_from(self.source).where(*where, *self.bounds)
        return places.order_by(*way.in_order(self.order, self.descending)).limit(limit)

    def _merged(self, each: FromClause, one: Any) -> Select[Any]:
        return self._in_order(select(one.c.place).select_from(each.join(one, true())), one)

    def _in_order(self, places: Select[Any], of: Any) -> Select[Any]:
        ordered = places.order_by(of.c.place.desc() if self.descending else of.c.place)
        return ordered.limit(SIZE).correlate(self.parents)

    def found(self, ways: Sequence[Way], filters: Callable[[Way], Sequence[Predicate]]) -> Any:
        """The places of the first rows of all ways, as a lateral table; `filters`: what a way does not say itself."""
        firsts = [self.first(way, filters(way)).subquery() for way in ways]
        parts = union_all(*(select(first.c.place) for first in firsts)).subquery("parts")
        return self._in_order(select(parts.c.place), parts).lateral("found")


def looked_at(
    source: FromClause,
    order: ColumnElement[Any],
    parents: FromClause,
    ways: Sequence[Way],
    filters: Callable[[Way], tuple[Sequence[Predicate], Sequence[Predicate]]],
) -> Any:
    """The first rows that a count looks at, as a lateral table, with whether each `matched`; `filters` says which
    conditions an index finds for a way, and which are asked of each row."""
    parts = []
    for way in ways:
        within, matching = filters(way)
        rows = select(and_(true(), *matching).label("matched")).select_from(source)
        rows = rows.where(*way.conditions, *within).order_by(*way.in_order(order, True)).limit(MOST)
        if way.each is None:
            parts.append(rows.correlate(parents).subquery())
            continue
        one = rows.correlate(parents, way.each).lateral("one")
        each = select(one.c.matched).select_from(way.each.join(one, true()))
        parts.append(each.limit(MOST).correlate(parents).subquery())
    whole = union_all(*(select(part.c.matched) for part in parts)).subquery("parts")
    return select(whole.c.matched).limit(MOST).correlate(parents).lateral("looked_at")
