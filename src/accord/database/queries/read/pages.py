"""The shapes of reads: rows by their keys, rows under parents, keyset pages of many parents in one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy import any_ as any_of

from accord.database.engine import Query, Row
from accord.database.queries.read.ways import Sought, Way, looked_at
from accord.database.tables.metadata import folded

Predicate = ColumnElement[bool]
NOTHING_HIDDEN: Final[Mapping[str, str]] = MappingProxyType({})
LAST: Final = 2**128 - 1
LAST_SEQUENCE: Final = 2**63 - 1


class Item(Row):
    """A row that a connection can list: `position` is where it stands, unique and ascending."""

    type_name: str = ""

    @property
    def position(self) -> int:
        """The key as a number: keys are made in ascending order of time."""
        return UUID(self.key).int


def global_id(kind: str, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The typed ID, made where the row is read."""
    return func.concat(literal_column(f"'{kind}_'"), column).label("id")


def as_text(column: ColumnElement[Any], name: str | None = None) -> ColumnElement[str]:
    """A key as text: an object per UUID costs more than the rest of a read."""
    return cast(column, Text).label(name or str(column.key))


def wanted(name: str = "keys") -> Any:
    """A bound list of keys, given as text."""
    return any_of(cast(bindparam(name, type_=ARRAY(Text())), ARRAY(Uuid())))


def one_of(column: ColumnElement[Any], name: str) -> Predicate:
    """The column holds one of the bound names; None admits all."""
    names = bindparam(name, type_=ARRAY(Text()))
    return or_(names.is_(None), column == any_of(names))


def contains(name: str, *columns: ColumnElement[Any]) -> Predicate:
    """One of the columns contains the bound text, in any case; None admits all."""
    text = bindparam(name, type_=Text())
    return or_(text.is_(None), *(func.strpos(folded(column), folded(text)) > 0 for column in columns))


def equal(column: ColumnElement[Any], name: str, kind: Any = Text) -> Predicate:
    """The column equals the bound value; None admits all."""
    value = bindparam(name, type_=kind() if kind is not Uuid else Text())
    bound = cast(value, Uuid()) if kind is Uuid else value
    return or_(value.is_(None), column == bound)


def parents() -> FromClause:
    """The bound keys as a table of one column, `key`."""
    listed = cast(bindparam("keys", type_=ARRAY(Text())), ARRAY(Uuid()))
    return func.unnest(listed).table_valued("key", name="parent").render_derived()


PARENTS: Final = parents()
PARENT: Final[ColumnElement[Any]] = cast(PARENTS.c.key, Uuid())


def pair_key(first: str, second: str) -> str:
    """Return the key of a parent that is two rows together, as a connection under `PAIRS` takes it."""
    return f"{first} {second}"


def pairs() -> FromClause:
    """Return the bound keys of `pair_key` as a table of three columns: `key`, `first` and `second`.

    The offset keeps the planner from writing the casts into conditions: a table with a policy is looked up by index
    only with conditions that call no function which might tell what it sees.
    """
    listed = func.unnest(bindparam("keys", type_=ARRAY(Text()))).table_valued("key", name="listed").render_derived()
    parts = [cast(func.split_part(listed.c.key, " ", place), Uuid()) for place in (1, 2)]
    taken = select(listed.c.key, parts[0].label("first"), parts[1].label("second"))
    return taken.offset(literal_column("0")).subquery("pair")


PAIRS: Final = pairs()


@dataclass(frozen=True)
class Pages:
    """One connection: its page from the front, its page from the back, and its count, each for many parents at once.

    Bounds are exclusive. `newest_first` connections begin with the highest position. `filters` are those that a caller
    may leave out.
    """

    ascending: Query
    descending: Query
    count: Query
    newest_first: bool
    by_sequence: bool
    filters: frozenset[str]
    variant: Callable[[frozenset[str]], Pages]

    def narrowed(self, given: Mapping[str, Any]) -> Pages:
        """The statements with the filters that are given, and no word of the others: a plan that serves all values can
        use an index for a condition, and none for a condition or its absence."""
        return self.variant(frozenset(name for name in self.filters if given.get(name) is not None))

    def page(self, backward: bool) -> Query:
        """The statement for a page from the front, or from the back."""
        return self.descending if backward != self.newest_first else self.ascending

    def bounds(self, after: int | None, before: int | None) -> dict[str, Any]:
        """The bound values of a page's ends."""
        low, high = (before, after) if self.newest_first else (after, before)
        if self.by_sequence:
            return {
                "low": min(low or 0, LAST_SEQUENCE),
                "high": min(LAST_SEQUENCE if high is None else high, LAST_SEQUENCE),
            }
        return {"low": str(UUID(int=low or 0)), "high": str(UUID(int=LAST if high is None else high))}


def paged(
    record: type[Row],
    columns: Sequence[ColumnElement[Any]],
    source: FromClause,
    where: Sequence[Predicate],
    order: ColumnElement[Any],
    *,
    filters: Mapping[str, Predicate] = MappingProxyType({}),
    above: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
    below: Mapping[str, ColumnElement[Any]] = MappingProxyType({}),
    newest_first: bool = False,
    by_sequence: bool = False,
    hidden: Mapping[str, str] = NOTHING_HIDDEN,
    looked_up_by: Collection[str] = (),
    ways: Callable[[frozenset[str]], Sequence[Way]] | None = None,
    parents: FromClause = PARENTS,
) -> Pages:
    """The statements of a connection, without its filters; `where` names the parent as `PARENT`, or as the columns of
    `parents`. `above` and
    `below` are what a filter says of the positions, exclusive; NULL says nothing. `hidden` as in `shown`.
    `looked_up_by` are filters for which there is an index, so that a count looks at no other rows. `ways`: how the rows
    are found with these filters, where a walk through the whole list could find few; `order` is then unique under
    each parent."""

    @cache
    def variant(given: frozenset[str]) -> Pages:
        conditions = [*where, *(filters[name] for name in sorted(given))]
        low = [above[name] for name in sorted(given & above.keys())]
        high = [below[name] for name in sorted(given & below.keys())]
        found_in = None if ways is None else ways(given)
        ends = _Ends(order, by_sequence, low, high)
        pages = _both_ways(record, columns, source, conditions, ends, hidden, found_in, given, filters, parents)
        bounds = [order > func.greatest(0, *low)] if low else []
        bounds += [order < func.least(LAST_SEQUENCE, *high)] if high else []

        def sorted_out(way: Way) -> tuple[list[Predicate], list[Predicate]]:
            by_index = [filters[name] for name in sorted(given & frozenset(looked_up_by) - way.says)]
            by_row = [filters[name] for name in sorted(given - frozenset(looked_up_by) - way.says)]
            return [*where, *by_index, *bounds], by_row

        if found_in is not None:
            looked = looked_at(source, order, parents, found_in, sorted_out)
        else:
            looked = _looked_at(source, *sorted_out(Way(())), order.desc() if by_sequence else None, parents)
        return Pages(*pages, _count(looked, parents), newest_first, by_sequence, frozenset(filters), variant)

    return variant(frozenset())


@dataclass(frozen=True)
class _Ends:
    """The order of a list, and what filters say of the ends of a page.

    Each end is one condition, without COALESCE: of several PostgreSQL looks one up, and before the policies only what
    it knows to keep secrets.
    """

    order: ColumnElement[Any]
    by_sequence: bool
    low: Sequence[ColumnElement[Any]]
    high: Sequence[ColumnElement[Any]]

    def conditions(self) -> tuple[Predicate, Predicate]:
        low, high = func.greatest(self._bound("low"), *self.low), func.least(self._bound("high"), *self.high)
        return self.order > low, self.order < high

    def _bound(self, name: str) -> ColumnElement[Any]:
        return bindparam(name, type_=BigInteger()) if self.by_sequence else cast(bindparam(name, type_=Text()), Uuid())


def _both_ways(
    record: type[Row],
    columns: Sequence[ColumnElement[Any]],
    source: FromClause,
    where: Sequence[Predicate],
    ends: _Ends,
    hidden: Mapping[str, str],
    ways: Sequence[Way] | None,
    given: frozenset[str],
    filters: Mapping[str, Predicate],
    parents: FromClause,
) -> tuple[Query, Query]:
    """The page from the lowest position, and from the highest."""
    order = ends.order

    def others(way: Way) -> list[Predicate]:
        said = [filters[name] for name in sorted(way.says & given)]
        return [condition for condition in where if not any(condition is one for one in said)]

    def one_way(descending: bool) -> Query:
        rows = select(*columns, order.label("place")).select_from(source).where(*where)
        if ways is None:
            place = order.desc() if descending else order
            rows = rows.where(*ends.conditions()).order_by(place).limit(bindparam("size", type_=BigInteger()))
            item, inner = rows.correlate(parents).lateral("item"), parents
        else:
            places = Sought(source, order, parents, ends.conditions(), descending).found(ways, others)
            inner = parents.join(places, true())
            item = rows.where(order == places.c.place).limit(1).correlate(parents, places).lateral("item")
        columns_shown = [column for column in shown(item, hidden) if column.key != "place"]
        outer = select(as_text(parents.c.key, "parent"), *columns_shown).select_from(inner.join(item, true()))
        return Query(outer.order_by(item.c.place.desc() if descending else item.c.place), record)

    return one_way(False), one_way(True)


EXACTLY: Final = LAST_SEQUENCE - 1
"""As many rows as there can be, where a count has to be exact."""


def _looked_at(
    source: FromClause,
    within: Sequence[Predicate],
    matching: Sequence[Predicate],
    order: ColumnElement[Any] | None,
    parents: FromClause,
) -> Any:
    """The first `most` rows and one more, as a lateral table, with whether each `matched`."""
    first = (
        select(and_(true(), *matching).label("matched"))
        .select_from(source)
        .where(*within)
        .limit(bindparam("most", type_=BigInteger()) + 1)
    )
    first = first if order is None else first.order_by(order)
    return first.correlate(parents).lateral("looked_at")


def _count(rows: Any, parents: FromClause) -> Query:
    """How many of these rows under each parent match: a count looks at no more of them, however few match. `looked`
    says at how many it did."""
    total = func.count().filter(rows.c.matched).label("total")
    inner = select(total, func.count().label("looked")).select_from(rows).correlate(parents).lateral("counted")
    shown = (as_text(parents.c.key, "parent"), inner.c.total, inner.c.looked)
    return Query(select(*shown).select_from(parents.join(inner, true())))


def grouped(
    record: type[Row],
    columns: Sequence[ColumnElement[Any]],
    parent: ColumnElement[Any],
    *where: Predicate,
    order: ColumnElement[Any],
    source: FromClause | None = None,
) -> Query:
    """The rows under each bound parent, all of them, in order."""
    statement: Select[Any] = select(as_text(parent, "parent"), *columns)
    if source is not None:
        statement = statement.select_from(source)
    return Query(statement.where(parent == wanted(), *where).order_by(order), record)


def looked_up(
    record: type[Row],
    columns: Sequence[ColumnElement[Any]],
    key: ColumnElement[Any],
    *where: Predicate,
    hidden: Mapping[str, str] = NOTHING_HIDDEN,
    reach: str | None = None,
) -> Query:
    """The rows with the bound keys; `hidden` as in `shown`. `reach`: the function of the database that says which
    of the keys the policy can admit, so that a foreign one costs as much as a missing one."""
    keys = cast(bindparam("keys", type_=ARRAY(Text())), ARRAY(Uuid()))
    bound = wanted() if reach is None else any_of(getattr(func.accord, reach)(keys, type_=ARRAY(Uuid())))
    found = select(*columns).where(key == bound, *where)
    if hidden:
        # PostgreSQL would write the condition out for each of the columns again, but for the offset.
        found = select(*shown(found.offset(literal_column("0")).subquery("item"), hidden))
    return Query(found, record)


def shown(rows: FromClause, hidden: Mapping[str, str]) -> list[ColumnElement[Any]]:
    """The columns of these rows, each of `hidden` null where the column that it names does not hold. A condition of
    many words is asked once a row like that, not once for every column."""
    conditions = set(hidden.values())
    return [
        case((rows.c[hidden[column.key]], column)).label(column.key) if column.key in hidden else column
        for column in rows.c
        if column.key not in conditions
    ]
