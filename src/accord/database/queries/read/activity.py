"""Activity and notices as the API reads them; what a viewer may not be told of an event is empty (Q31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    DateTime,
    Label,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy import any_ as any_of

from accord.database.queries.read.pages import (
    PARENT,
    PARENTS,
    Item,
    Pages,
    Predicate,
    as_text,
    global_id,
    looked_up,
    paged,
)
from accord.database.queries.read.ways import Way
from accord.database.tables.activity import activity_events
from accord.database.tables.api_client import api_clients
from accord.database.tables.outbox import notifications
from accord.database.tables.sharing import account_ownerships
from accord.database.visibility import VIEWER, keys
from accord.database.visible_activity import names_account, reads_by_sequence, sees_event
from accord.domain.activity import Outcome
from accord.domain.chain import ERASED


class EventRow(Item):
    """One event of one stream; its position is its number in the stream."""

    type_name = "ActivityEvent"

    @property
    def position(self) -> int:
        sequence: int = self["sequence"]
        return sequence


class NotificationRow(Item):
    """One notice."""

    type_name = "Notification"


w = account_ownerships.alias("w")
e, x, n, ac = activity_events.alias("e"), activity_events.alias("x"), notifications.alias("n"), api_clients.alias("ac")
NAMED: Final = names_account(e)
CLIENT_NAME: Final = (
    select(ac.c.name).where(ac.c.id == e.c.actor_api_client_id, ac.c.organisation_id == e.c.stream_id).scalar_subquery()
).label("api_client_name")
"""The client beside its owner, for those who read the stream of its organisation; the other side learns the owner."""


def _unless_erased(name: str) -> Label[str]:
    """A column of personal facts, or what is shown in the place of one that was erased."""
    gone = func.jsonb_exists(e.c.erased, literal_column(f"'{name}'"))
    return case((gone, literal_column(f"'{ERASED}'", Text())), else_=e.c[name]).label(name)


OTHER_SIDE: Final = case((e.c.stream_id == e.c.host_id, e.c.guest_id), else_=e.c.host_id)

IS_THIRD: Final = and_(e.c.guest_id != e.c.stream_id, OTHER_SIDE.is_distinct_from(e.c.guest_id))
"""Is it told in the stream of somebody who is neither side? Then the guest is another partner than `OTHER_SIDE`."""

EVENT: Final = (
    global_id("event", e.c.id),
    as_text(e.c.stream_id),
    e.c.sequence,
    e.c.occurred_at,
    e.c.type,
    e.c.outcome,
    as_text(e.c.actor_user_id),
    e.c.actor_name.label("user_name"),
    as_text(e.c.actor_home_organisation_id),
    as_text(OTHER_SIDE, "partner_id"),
    as_text(e.c.partnership_id),
    as_text(e.c.acting_session_id),
    as_text(e.c.actor_api_client_id),
    CLIENT_NAME,
    as_text(case((e.c.acting_session_id.is_not(None), e.c.host_id)), "on_behalf_of_id"),
    as_text(e.c.account_id),
    _unless_erased("account_label"),
    e.c.app,
    _unless_erased("location"),
    _unless_erased("os"),
    _unless_erased("device"),
    _unless_erased("ip"),
    _unless_erased("reason"),
    cast(e.c.data, Text).label("data"),
    e.c.hash,
    e.c.erased.is_not(None).label("erased"),
    NAMED.label("named"),
)
IN_FILE: Final = (
    *("sequence", "occurred_at", "type", "account_label", "app", "user_name", "api_client_name", "location", "os"),
    *("device", "partner_id", "on_behalf_of_id", "acting_session_id", "reason", "hash", "named"),
)
"""What an export reads of an event."""
LINE: Final = [fact for name in IN_FILE for fact in EVENT if fact.key == name]

HIDDEN: Final = dict.fromkeys(("account_id", "account_label", "app", "data"), "named")
"""What tells which account an event is about, and the condition for it (Q31)."""


SINCE: Final = bindparam("since", type_=DateTime(timezone=True))
UNTIL: Final = bindparam("until", type_=DateTime(timezone=True))


def _key(name: str) -> ColumnElement[UUID]:
    """A bound key, given as text."""
    return cast(bindparam(name, type_=Text()), Uuid())


TYPES: Final = bindparam("types", type_=ARRAY(Text()))
APP: Final = bindparam("app", type_=Text())
FILTERS: Final[Mapping[str, Predicate]] = MappingProxyType(
    {
        "since": e.c.occurred_at >= SINCE,
        "until": e.c.occurred_at < UNTIL,
        "types": e.c.type == any_of(TYPES),
        "outcome": e.c.outcome == bindparam("outcome", type_=Text()),
        "person": e.c.actor_user_id == _key("person"),
        "session": e.c.acting_session_id == _key("session"),
        "partner": and_(_key("partner").in_((e.c.host_id, e.c.guest_id)), _key("partner") != e.c.stream_id),
        "account": and_(e.c.account_id == _key("account"), NAMED),
        "app": and_(e.c.app == APP, NAMED),
    }
)
"""The filters of model 4.12; a filter never matches what the viewer would not be shown."""

SKEW: Final = timedelta(hours=1)
"""By so much the time of an event may differ from that of its neighbours in the stream: the clocks of the gateways, and
how long an operation lasts. Within a stream events have numbers in the order of their commits."""


def _number(where: Predicate, order: ColumnElement[Any]) -> ColumnElement[int]:
    """The number of the first event of the parent's stream in this order."""
    found = select(x.c.sequence).where(x.c.stream_id == PARENT, where).order_by(order).limit(1)
    return found.correlate(PARENTS).scalar_subquery()


AFTER: Final = MappingProxyType({"since": _number(x.c.occurred_at < SINCE - SKEW, x.c.occurred_at.desc())})
BEFORE: Final = MappingProxyType({"until": _number(x.c.occurred_at >= UNTIL + SKEW, x.c.occurred_at)})
"""What a period says of the numbers: a stream is read in their order, and not through what lies beside the period."""

OWN_STREAM: Final = and_(
    e.c.stream_id == keys("member_of"),
    or_(e.c.stream_id == e.c.host_id, not_(e.c.host_id == keys("member_of"))),
)
"""Of the two streams of an event the host's, where the viewer belongs to both sides."""

wanted_type = select(func.unnest(TYPES).label("type")).distinct().subquery("wanted_type")
SUCCESS: Final = literal_column(f"'{Outcome.SUCCESS.value}'", Text())
ONE_WAY: Final = Way(())


def _held(column: ColumnElement[Any], value: ColumnElement[Any]) -> tuple[Predicate, Predicate]:
    return column >= value, column <= value


BY_FILTER: Final[Mapping[str, tuple[Way, ...]]] = MappingProxyType(
    {
        "session": (ONE_WAY,),
        "account": (ONE_WAY,),
        "person": (ONE_WAY,),
        "partner": (
            Way((_key("partner") == OTHER_SIDE, e.c.stream_id != _key("partner")), frozenset({"partner"})),
            Way((e.c.guest_id == _key("partner"), IS_THIRD), frozenset({"partner"})),
        ),
        "app": (Way((*_held(e.c.app, APP), NAMED), frozenset({"app"}), prefix=e.c.app),),
        "types": (Way(_held(e.c.type, wanted_type.c.type), frozenset({"types"}), wanted_type, prefix=e.c.type),),
        "outcome": (
            Way((FILTERS["outcome"], e.c.outcome != SUCCESS), frozenset({"outcome"})),
            Way((FILTERS["outcome"], bindparam("outcome", type_=Text()) == SUCCESS), frozenset({"outcome"})),
        ),
    }
)
"""How the events of a filter are found in a stream that the viewer reads as a whole; of several filters the first."""


def _ways(given: frozenset[str]) -> list[Way]:
    """People who read a stream as a whole find events in its order or by a filter, others by the accounts they own."""
    whole = reads_by_sequence(PARENT)
    name = next((one for one in BY_FILTER if one in given), None)
    ways = BY_FILTER[name] if name is not None else (ONE_WAY,)
    owned = (
        select(w.c.account_id)
        .where(w.c.user_id == VIEWER, keys("works_in") == PARENT, not_(whole))
        .where(*([w.c.account_id == _key("account")] if "account" in given else []))
        .correlate(PARENTS)
        .subquery("owned")
    )
    by_account = Way((e.c.account_id == owned.c.account_id, e.c.host_id == PARENT), each=owned, many=True)
    return [*(replace(way, conditions=(whole, *way.conditions)) for way in ways), by_account]


EVENT_BY_ID: Final = looked_up(EventRow, EVENT, e.c.id, sees_event(e), hidden=HIDDEN)


def _listed(*where: Predicate, columns: Sequence[ColumnElement[Any]] = EVENT, **given: Any) -> Pages:
    conditions = (*where, sees_event(e))
    return paged(
        EventRow,
        columns,
        e,
        conditions,
        e.c.sequence,
        filters=FILTERS,
        newest_first=True,
        by_sequence=True,
        hidden=HIDDEN,
        looked_up_by=("since", "until", "person", "session", "account"),
        **given,
    )


EVENTS: Final = _listed(e.c.stream_id == PARENT, above=AFTER, below=BEFORE, ways=_ways)
EVENTS_IN_FILE: Final = _listed(e.c.stream_id == PARENT, columns=LINE, above=AFTER, below=BEFORE, ways=_ways)
EVENTS_OF_PARTNERSHIP: Final = _listed(e.c.partnership_id == PARENT, OWN_STREAM)
EVENTS_OF_ACCOUNT: Final = _listed(e.c.account_id == PARENT, OWN_STREAM, NAMED)

NOTIFICATION: Final = (
    global_id("notification", n.c.id),
    n.c.template,
    n.c.subject,
    n.c.text,
    n.c.created_at,
    n.c.read_at,
    as_text(n.c.partnership_id),
)
UNREAD: Final = bindparam("unread", type_=Boolean())
NOTIFICATION_BY_ID: Final = looked_up(NotificationRow, NOTIFICATION, n.c.id, n.c.user_id == VIEWER)
NOTIFICATIONS: Final = paged(
    NotificationRow,
    NOTIFICATION,
    n,
    (n.c.user_id == VIEWER, VIEWER == PARENT, or_(UNREAD.is_(None), n.c.read_at.is_(None) == UNREAD)),
    n.c.id,
    newest_first=True,
)
