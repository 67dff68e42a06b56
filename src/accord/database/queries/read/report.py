"""Figures over partnerships, shares, grants and activity: the dashboard, and reports by any grouping (model 4.15)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Label,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    distinct,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    values,
)

from accord.database.clock import NOW, access_item_state, has_not_ended, partnership_end, partnership_state
from accord.database.engine import Query, Row
from accord.database.host_data import counts_in_dashboard
from accord.database.personal import contact_holders, level_holders, role_holders
from accord.database.queries.read.activity import AFTER, OTHER_SIDE, SINCE, UNTIL, e
from accord.database.queries.read.pages import PARENT, PARENTS, Predicate, as_text, one_of, wanted
from accord.database.tables.activity import activity_events
from accord.database.tables.organisation import organisations
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, grants, shares
from accord.database.visibility import is_live_grant, keys
from accord.database.visible_activity import names_account, sees_event
from accord.domain.activity import EventType
from accord.domain.report import ReportGrouping

p, s, g = partnerships.alias("p"), shares.alias("s"), grants.alias("g")
i = access_items.alias("i")
STATE: Final[ColumnElement[Any]] = partnership_state(p)

SIGN_IN_TYPES: Final = (EventType.SIGNIN_ACCOUNT, EventType.SIGNIN_PLATFORM)
UNUSED_SINCE: Final = bindparam("unused_since", type_=DateTime(timezone=True))
EXPIRING_UNTIL: Final = bindparam("expiring_until", type_=DateTime(timezone=True))


def _before_end(of: FromClause) -> Predicate:
    return or_(of.c.expires_at.is_(None), of.c.expires_at > NOW)


def _figure(name: str, counted: ColumnElement[Any], source: FromClause, *where: Predicate) -> Label[Any]:
    found = select(counted).select_from(source).where(*where).correlate(PARENTS, granted)
    return found.scalar_subquery().label(name)


SHARED: Final = s.join(p, p.c.id == s.c.partnership_id)
LIVE_SHARE: Final = and_(s.c.state == "ACTIVE", _before_end(s), has_not_ended(p))
GRANTED: Final = g.join(s, s.c.id == g.c.share_id).join(p, p.c.id == g.c.partnership_id)
LIVE_GRANT: Final = and_(is_live_grant(g), LIVE_SHARE, g.c.host_id == PARENT, counts_in_dashboard(PARENT, p.c.id))
UNUSED: Final = func.coalesce(g.c.last_used_at, g.c.granted_at) <= UNUSED_SINCE
EXPIRING: Final = func.least(g.c.expires_at, s.c.expires_at, partnership_end(p)) <= EXPIRING_UNTIL
granted = (
    select(
        func.count().filter(UNUSED).label("grants_unused"),
        func.count().filter(EXPIRING).label("grants_expiring"),
        func.array_agg(distinct(g.c.user_id)).label("people"),
    )
    .select_from(GRANTED)
    .where(LIVE_GRANT)
    .correlate(PARENTS)
    .lateral("granted")
)
"""All figures of live grants, which are read once."""
WITH_ACCESS: Final = union(
    select(func.unnest(granted.c.people)).correlate(granted),
    *(
        holders(p).where(p.c.host_id == PARENT, counts_in_dashboard(PARENT, p.c.id)).correlate(PARENTS)
        for holders in (level_holders, role_holders, contact_holders)
    ),
).subquery("with_access")

DASHBOARD: Final = Query(
    select(
        as_text(PARENT, "parent"),
        _figure(
            "accounts_shared_out",
            func.count(distinct(s.c.account_id)),
            SHARED,
            s.c.host_id == PARENT,
            LIVE_SHARE,
            counts_in_dashboard(PARENT, p.c.id),
        ),
        _figure(
            "accounts_shared_in",
            func.count(distinct(s.c.account_id)),
            SHARED,
            p.c.visible_guest_id == PARENT,
            LIVE_SHARE,
            p.c.visible_guest_id == keys("leads"),
        ),
        _figure("people_with_access", func.count(), WITH_ACCESS),
        granted.c.grants_unused,
        granted.c.grants_expiring,
        _figure(
            "requests_waiting",
            func.count(),
            p,
            p.c.host_id == PARENT,
            STATE == "AWAITING_HOST_APPROVAL",
            counts_in_dashboard(PARENT, p.c.id),
        ),
        _figure(
            "access_requests_waiting",
            func.count(),
            i,
            i.c.host_id == PARENT,
            access_item_state(i) == "PENDING",
            counts_in_dashboard(PARENT, i.c.partnership_id),
        ),
    ).select_from(PARENTS.join(granted, true()))
)
"""Every figure of an organisation's dashboard in one statement; 0 where the viewer reads none of it."""

LIVE_PARTNERSHIPS: Final = Query(
    select(as_text(PARENT, "parent"), STATE.label("state"), func.count().label("count"))
    .select_from(
        PARENTS.join(
            p,
            and_(
                has_not_ended(p),
                or_(
                    and_(p.c.host_id == PARENT, counts_in_dashboard(PARENT, p.c.id)),
                    and_(p.c.visible_guest_id == PARENT, p.c.visible_guest_id == keys("leads")),
                ),
            ),
        )
    )
    .group_by(PARENT, STATE)
    .order_by(STATE)
)
DAY: Final[ColumnElement[Any]] = cast(func.timezone("UTC", e.c.occurred_at), Date())
kind = values(column("type", Text()), name="kind").data([(one.value,) for one in SIGN_IN_TYPES])
signed_in = (
    select(DAY.label("day"))
    .where(e.c.stream_id == PARENT, e.c.type == kind.c.type, sees_event(e))
    .where(e.c.sequence > func.greatest(0, AFTER["since"]), e.c.occurred_at >= SINCE)
    .offset(literal_column("0"))
    .correlate(PARENTS, kind)
    .lateral("signed_in")
)
SIGN_INS: Final = Query(
    select(as_text(PARENT, "parent"), signed_in.c.day, func.count().label("count"))
    .select_from(PARENTS.join(kind, true()).join(signed_in, true()))
    .group_by(PARENT, signed_in.c.day)
    .order_by("day")
)
"""The sign-ins of each day, found by their types."""

PARTS: Final[Mapping[ReportGrouping, tuple[ColumnElement[Any], ...]]] = MappingProxyType(
    {
        ReportGrouping.EVENT_TYPE: (e.c.type,),
        ReportGrouping.ACCOUNT: (e.c.account_id, e.c.host_id),
        ReportGrouping.APP: (e.c.app, e.c.account_id, e.c.host_id),
        ReportGrouping.USER: (e.c.actor_user_id,),
        ReportGrouping.PARTNER: (OTHER_SIDE.label("partner_id"),),
    }
)
"""What events are counted by first: the columns that decide their key. There are fewer of them than events."""


def _key(grouping: ReportGrouping, x: FromClause) -> ColumnElement[Any]:
    """What events are gathered by; null where there is nothing, or nothing that the viewer may be told (Q31)."""
    match grouping:
        case ReportGrouping.EVENT_TYPE:
            return x.c.type
        case ReportGrouping.ACCOUNT:
            told = and_(names_account(x), x.c.account_id.is_not(None))
            return case((told, func.concat("account_", x.c.account_id)))
        case ReportGrouping.APP:
            return case((names_account(x), x.c.app))
        case ReportGrouping.USER:
            return case((x.c.actor_user_id.is_not(None), func.concat("user_", x.c.actor_user_id)))
        case ReportGrouping.PARTNER:
            return case((x.c.partner_id.is_not(None), func.concat("organisation_", x.c.partner_id)))


last, o = activity_events.alias("last"), organisations.alias("other")
LABELS: Final[Mapping[ReportGrouping, Any]] = MappingProxyType(
    {
        ReportGrouping.EVENT_TYPE: last.c.type,
        ReportGrouping.ACCOUNT: last.c.account_label,
        ReportGrouping.APP: last.c.app,
        ReportGrouping.USER: last.c.actor_name,
        ReportGrouping.PARTNER: o.c.name,
    }
)


def _gathered(grouping: ReportGrouping) -> FromClause:
    """How many events each key has, and which is the newest of them. The key is asked of each part, not of each event:
    whether an account may be named takes a look-up."""
    within = (e.c.occurred_at >= SINCE, e.c.occurred_at < UNTIL, one_of(e.c.type, "types"), sees_event(e))
    parts = (
        select(
            e.c.stream_id,
            *PARTS[grouping],
            func.count().label("count"),
            func.max(e.c.sequence).label("newest"),
        )
        .where(e.c.stream_id == wanted(), *within)
        .group_by(e.c.stream_id, *PARTS[grouping])
        .subquery("parts")
    )
    return (
        select(
            parts.c.stream_id,
            _key(grouping, parts).label("key"),
            cast(func.sum(parts.c.count), BigInteger()).label("count"),
            func.max(parts.c.newest).label("newest"),
        )
        .group_by(parts.c.stream_id, literal_column("2"))
        .subquery("gathered")
    )


def _ranked(gathered: FromClause) -> FromClause:
    """The keys in their order, with the figures of the whole report beside each."""
    order = (gathered.c.count.desc(), gathered.c.key.asc().nulls_last())
    return select(
        gathered,
        func.row_number().over(partition_by=gathered.c.stream_id, order_by=order).label("place"),
        func.sum(gathered.c.count).over(partition_by=gathered.c.stream_id).label("total"),
        func.count().over(partition_by=gathered.c.stream_id).label("rows"),
    ).subquery("ranked")


def _report(grouping: ReportGrouping) -> Query:
    """Counts by key, most first; each label is that of the newest event of its key."""
    ranked = _ranked(_gathered(grouping))
    source: FromClause = ranked.join(
        last, and_(last.c.stream_id == ranked.c.stream_id, last.c.sequence == ranked.c.newest)
    )
    if grouping is ReportGrouping.PARTNER:
        partner = case((last.c.stream_id == last.c.host_id, last.c.guest_id), else_=last.c.host_id)
        source = source.outerjoin(o, o.c.id == partner)
    return Query(
        select(
            as_text(ranked.c.stream_id, "parent"),
            ranked.c.key,
            case((ranked.c.key.is_not(None), LABELS[grouping])).label("label"),
            ranked.c.count,
            cast(ranked.c.total, BigInteger()).label("total"),
            ranked.c.rows,
        )
        .select_from(source)
        .where(ranked.c.place <= bindparam("size", type_=BigInteger()))
        .order_by(ranked.c.stream_id, ranked.c.place),
        Row,
    )


REPORTS: Final[Mapping[ReportGrouping, Query]] = MappingProxyType({one: _report(one) for one in ReportGrouping})
