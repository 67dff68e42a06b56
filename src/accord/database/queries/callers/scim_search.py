"""Filters and orders of a directory as conditions in SQL, so that PostgreSQL alone looks at what they may match."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from scim2_models import InvalidFilterException
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import ColumnElement, and_, case, cast, exists, false, func, literal, not_, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.queries.lookup import Named
from accord.database.tables.metadata import folded
from accord.database.tables.organisation import memberships, users
from accord.database.tables.scim import scim_group_members, scim_groups, scim_users
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.domain.organisation import MembershipStatus
from accord.domain.text import spellings

Condition: TypeAlias = ColumnElement[bool]
ORDERS: Final[Mapping[CompareOperator, Callable[[Any, Any], Condition]]] = {
    CompareOperator.eq: operator.eq,
    CompareOperator.gt: operator.gt,
    CompareOperator.ge: operator.ge,
    CompareOperator.lt: operator.lt,
    CompareOperator.le: operator.le,
}
LookUp: TypeAlias = tuple[Named | None, tuple[str, ...]]
"""Values that an index finds, and by what; without a name they are keys."""

USER_LOOKUPS: Final[Mapping[str, Named]] = {
    "username": Named.USER_NAME,
    "externalid": Named.EXTERNAL_ID,
    "emails": Named.ADDRESS,
    "emails.value": Named.ADDRESS,
}
GROUP_LOOKUPS: Final[Mapping[str, Named]] = {
    "displayname": Named.GROUP_NAME,
    "externalid": Named.GROUP_EXTERNAL_ID,
    "members": Named.GROUP_OF,
    "members.value": Named.GROUP_OF,
}
"""What the filters of Entra, Okta and others ask for by `eq`, in lower case."""

MOST_TERMS: Final = 40
"""Comparisons of one filter: each is made for every person or group of the organisation."""

m, u, s = memberships.alias("m"), users.alias("u"), scim_users.alias("s")
g, gm = scim_groups.alias("g"), scim_group_members.alias("gm")
USER_NAME: Final = func.coalesce(s.c.user_name, u.c.email)
PROFILE: Final = func.coalesce(s.c.profile, cast({}, JSONB))
USER_MODIFIED: Final = func.greatest(u.c.modified_at, m.c.modified_at, s.c.modified_at, m.c.created_at)
GROUP_MODIFIED: Final = func.greatest(g.c.modified_at, g.c.created_at)


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `exact` where the case of letters counts, `address` where it is an e-mail address."""

    column: ColumnElement[Any]
    exact: bool = False
    address: bool = False


@dataclass(frozen=True, slots=True)
class Boolean:
    column: ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Instant:
    column: ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Many:
    """The values of an attribute that has several: `source` lists them, `attributes` are those of each."""

    source: Callable[[Condition], Condition]
    attributes: Mapping[str, Any] = field(default_factory=dict)


Attribute: TypeAlias = Text | Boolean | Instant | Many


def _emails() -> Many:
    """The addresses as they are shown: those that the directory sent, of somebody at home elsewhere the one of home."""
    sent, of = PROFILE["emails"], m.c.organisation_id == u.c.home_organisation_id
    first = func.jsonb_build_object("value", u.c.email, "type", "work", "primary", True)
    several = func.coalesce(func.jsonb_typeof(sent) == "array", false()) & (sent != cast([], JSONB))
    listed = case((of & several, sent), else_=func.jsonb_build_array(first))
    each = func.jsonb_array_elements(listed).table_valued("value", name="email").render_derived()
    value = cast(each.c.value, JSONB)
    attributes = {
        "value": Text(value["value"].astext, address=True),
        "type": Text(value["type"].astext),
        "primary": Boolean(value["primary"].astext == "true"),
    }
    return Many(lambda wanted: exists(select(literal(1)).select_from(each).where(wanted)), attributes)


def _groups() -> Many:
    inside, of = gm.alias("inside"), g.alias("of")
    joined = inside.join(of, of.c.id == inside.c.group_id)
    attributes = {
        "value": Text("scimgroup_" + cast(of.c.id, s.c.user_name.type)),
        "display": Text(of.c.display_name),
        "type": Text(literal("direct")),
    }

    def source(wanted: Condition) -> Condition:
        return exists(select(literal(1)).select_from(joined).where(inside.c.membership_id == m.c.id, wanted))

    return Many(source, attributes)


def _members() -> Many:
    inside = gm.alias("inside")
    attributes = {
        "value": Text("membership_" + cast(inside.c.membership_id, s.c.user_name.type)),
        "type": Text(literal("User")),
    }

    def source(wanted: Condition) -> Condition:
        return exists(select(literal(1)).select_from(inside).where(inside.c.group_id == g.c.id, wanted))

    return Many(source, attributes)


NAMES: Final = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
USER: Final[Mapping[str, Attribute]] = {
    "id": Text("membership_" + cast(m.c.id, s.c.user_name.type), exact=True),
    "externalid": Text(s.c.external_id, exact=True),
    "username": Text(USER_NAME),
    "displayname": Text(u.c.display_name),
    "active": Boolean(m.c.status == MembershipStatus.ACTIVE.value),
    "emails": _emails(),
    "groups": _groups(),
    "name": Text(PROFILE["name"].astext),
    **{f"name.{name.lower()}": Text(PROFILE["name"][name].astext) for name in NAMES},
    "meta.created": Instant(m.c.created_at),
    "meta.lastmodified": Instant(USER_MODIFIED),
    "meta.resourcetype": Text(literal("User"), exact=True),
}
GROUP: Final[Mapping[str, Attribute]] = {
    "id": Text("scimgroup_" + cast(g.c.id, s.c.user_name.type), exact=True),
    "externalid": Text(g.c.external_id, exact=True),
    "displayname": Text(g.c.display_name),
    "members": _members(),
    "meta.created": Instant(g.c.created_at),
    "meta.lastmodified": Instant(GROUP_MODIFIED),
    "meta.resourcetype": Text(literal("Group"), exact=True),
}
"""What filters and orders may name, in lower case; every other attribute is looked at by nobody and refused."""


def count_terms(node: FilterNode) -> int:
    """Return how many comparisons a filter makes."""
    if isinstance(node, LogicalExpr):
        return sum(map(count_terms, node.terms))
    if isinstance(node, Not):
        return count_terms(node.expr)
    return count_terms(node.val_filter) if isinstance(node, ValuePath) else 1


def lookups_of(node: FilterNode, named: Mapping[str, Named], prefix: str, within: str = "") -> list[LookUp] | None:
    """Return look-ups that together find everything that can match a filter, or None where only looking at all can.

    `prefix` is that of the kind's IDs, `within` the attribute in whose brackets the filter stands. What is found still
    has to be compared: an AND is looked up by one of its terms.
    """
    if isinstance(node, LogicalExpr):
        terms = [lookups_of(term, named, prefix, within) for term in node.terms]
        known = [term for term in terms if term is not None]
        if node.op is LogicalOperator.and_:
            return known[0] if known else None
        return [one for term in known for one in term] if len(known) == len(terms) else None
    if isinstance(node, ValuePath):
        return lookups_of(node.val_filter, named, prefix, node.attr_path.attr.lower())
    if not isinstance(node, Comparison) or node.op is not CompareOperator.eq or node.value is None:
        return None
    parts = (within, node.attr_path.attr.lower(), (node.attr_path.sub_attr or "").lower())
    return _look_up(".".join(part for part in parts if part), str(node.value), named, prefix)


def _look_up(name: str, value: str, named: Mapping[str, Named], prefix: str) -> list[LookUp] | None:
    if name == "id":
        return [(None, _keys_in(value, prefix))]
    by = named.get(name)
    if by is None:
        return None
    if by is Named.GROUP_OF:
        return [(by, _keys_in(value, "membership"))]
    return [(by, tuple(spellings(value)) if by is Named.ADDRESS else (value,))]


def _keys_in(value: str, prefix: str) -> tuple[str, ...]:
    """Return the key in an ID of this kind; none where it is an ID of nothing."""
    try:
        return (str(parse_id(prefix, value.lower())),)
    except NotFound:
        return ()


def condition_of(node: FilterNode, attributes: Mapping[str, Attribute], *, lenient: bool = False) -> Condition:
    """Return a filter as a condition; raise InvalidFilterException for what cannot be compared.

    `lenient`: an attribute that is not there has no value, because the filter is asked of another kind, too.
    """
    if count_terms(node) > MOST_TERMS:
        raise InvalidFilterException(detail=f"A filter has at most {MOST_TERMS} comparisons.")
    return _Conditions(attributes, lenient).visit(node)


def order_of(name: str, attributes: Mapping[str, Attribute]) -> ColumnElement[Any] | None:
    """Return what a list is sorted by, or None where this kind has no such attribute or many values of it."""
    found = attributes.get(name.lower())
    if isinstance(found, Text):
        return found.column if found.exact else folded(found.column)
    if name.lower() in ("emails", "emails.value") and attributes is USER:
        return folded(u.c.email)
    return found.column if isinstance(found, Boolean | Instant) else None


class _Conditions(FilterVisitor[Condition]):
    """Each node of a filter as a condition that is true or false and never unknown."""

    def __init__(self, attributes: Mapping[str, Attribute], lenient: bool) -> None:
        self.attributes = attributes
        self.lenient = lenient

    def visit_comparison(self, node: Comparison) -> Condition:
        return self._on(node.attr_path, lambda attribute: _compared(attribute, node.op, node.value), node)

    def visit_present(self, node: Present) -> Condition:
        return self._on(node.attr_path, _present, node)

    def visit_not(self, node: Not) -> Condition:
        return not_(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        join = and_ if node.op is LogicalOperator.and_ else or_
        return join(*(self.visit(term) for term in node.terms))

    def visit_value_path(self, node: ValuePath) -> Condition:
        found = self.attributes.get(node.attr_path.attr.lower())
        if not isinstance(found, Many):
            return self._unknown(node.attr_path)
        return found.source(_Conditions(found.attributes, False).visit(node.val_filter))

    def _on(self, path: AttrPath, ask: Callable[[Any], Condition], node: FilterNode) -> Condition:
        name, part = path.attr.lower(), (path.sub_attr or "").lower()
        found = self.attributes.get(f"{name}.{part}" if part else name) or self.attributes.get(name)
        if isinstance(found, Many):
            if not part and isinstance(node, Present):
                return found.source(true())
            one = found.attributes.get(part or "value")
            return self._unknown(path) if one is None else found.source(ask(one))
        return self._unknown(path) if found is None else ask(found)

    def _unknown(self, path: AttrPath) -> Condition:
        if self.lenient:
            return false()
        raise InvalidFilterException(detail=f"{path} can't be searched by.")


def _present(attribute: Text | Boolean | Instant) -> Condition:
    there = attribute.column.is_not(None)
    return there & (attribute.column != "") if isinstance(attribute, Text) else there


def _compared(attribute: Text | Boolean | Instant, op: CompareOperator, value: Any) -> Condition:
    if value is None:
        return attribute.column.is_(None) if op is CompareOperator.eq else attribute.column.is_not(None)
    if op is CompareOperator.ne:
        return not_(_compared(attribute, CompareOperator.eq, value))
    if isinstance(attribute, Boolean):
        return attribute.column.is_(value) if isinstance(value, bool) else false()
    if isinstance(attribute, Instant):
        return func.coalesce(_ordered(attribute.column, op, _instant(value)), false())
    return _text(attribute, op, str(value)) if isinstance(value, str) else false()


def _text(attribute: Text, op: CompareOperator, value: str) -> Condition:
    if "\0" in value or (not value.isprintable() and _broken(value)):
        raise InvalidFilterException(detail="A value holds characters that no text may hold.")
    if attribute.exact:
        return func.coalesce(_matched(attribute.column, op, literal(value)), false())
    told = spellings(value) if attribute.address and op is CompareOperator.eq else (value,)
    column = folded(attribute.column)
    return or_(*(func.coalesce(_matched(column, op, folded(literal(one))), false()) for one in told))


def _broken(value: str) -> bool:
    """Does the text hold half a surrogate pair?"""
    return any("\ud800" <= character <= "\udfff" for character in value)


def _matched(column: ColumnElement[Any], op: CompareOperator, value: ColumnElement[Any]) -> Condition:
    if op is CompareOperator.co:
        return func.strpos(column, value) > 0
    if op is CompareOperator.sw:
        starts: Condition = func.starts_with(column, value)
        return starts
    if op is CompareOperator.ew:
        return func.right(column, func.length(value)) == value
    return _ordered(column, op, value)


def _ordered(column: ColumnElement[Any], op: CompareOperator, value: Any) -> Condition:
    compare = ORDERS.get(op)
    if compare is None:
        raise InvalidFilterException(detail=f"{op.value} does not compare an instant.")
    return compare(column, value)


def _instant(value: Any) -> datetime:
    try:
        said = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidFilterException(detail="A time is written as 2026-01-31T12:00:00Z.") from None
