"""Activity and notices as the API reads them; what a viewer may not be told of an event is empty (Q31)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, DateTime, Text, Uuid, and_, bindparam, case, cast, not_, or_, select

from accord.database.queries.read.pages import (
    PARENT,
    Item,
    Pages,
    Predicate,
    as_text,
    equal,
    global_id,
    looked_up,
    one_of,
    paged,
)
from accord.database.tables.activity import activity_events
from accord.database.tables.api_client import api_clients
from accord.database.tables.outbox import notifications
from accord.database.visibility import VIEWER, keys
from accord.database.visible_activity import names_account, sees_event


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


e, n, ac = activity_events.alias("e"), notifications.alias("n"), api_clients.alias("ac")
NAMED: Final = names_account(e)
CLIENT_NAME: Final = (
    select(ac.c.name).where(ac.c.id == e.c.actor_api_client_id, ac.c.organisation_id == e.c.stream_id).scalar_subquery()
).label("api_client_name")
"""The client beside its owner, for those who read the stream of its organisation; the other side learns the owner."""
OTHER_SIDE: Final = case((e.c.stream_id == e.c.host_id, e.c.guest_id), else_=e.c.host_id)

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
    as_text(case((NAMED, e.c.account_id)), "account_id"),
    case((NAMED, e.c.account_label)).label("account_label"),
    case((NAMED, e.c.app)).label("app"),
    e.c.location,
    e.c.os,
    e.c.device,
    e.c.ip,
    e.c.reason,
    case((NAMED, cast(e.c.data, Text))).label("data"),
    e.c.hash,
)


SINCE: Final = bindparam("since", type_=DateTime(timezone=True))
UNTIL: Final = bindparam("until", type_=DateTime(timezone=True))
PARTNER: Final = bindparam("partner", type_=Text())
ACCOUNT: Final = bindparam("account", type_=Text())
APP: Final = bindparam("app", type_=Text())

FILTER: Final = (
    or_(SINCE.is_(None), e.c.occurred_at >= SINCE),
    or_(UNTIL.is_(None), e.c.occurred_at < UNTIL),
    one_of(e.c.type, "types"),
    equal(e.c.outcome, "outcome"),
    equal(e.c.actor_user_id, "person", Uuid),
    equal(e.c.acting_session_id, "session", Uuid),
    or_(
        PARTNER.is_(None),
        and_(cast(PARTNER, Uuid()).in_((e.c.host_id, e.c.guest_id)), cast(PARTNER, Uuid()) != e.c.stream_id),
    ),
    or_(ACCOUNT.is_(None), and_(e.c.account_id == cast(ACCOUNT, Uuid()), NAMED)),
    or_(APP.is_(None), and_(e.c.app == APP, NAMED)),
)
"""The filters of model 4.12; a filter never matches what the viewer would not be shown."""

OWN_STREAM: Final = and_(
    e.c.stream_id == keys("member_of"),
    or_(e.c.stream_id == e.c.host_id, not_(e.c.host_id == keys("member_of"))),
)
"""Of the two streams of an event the host's, where the viewer belongs to both sides."""

EVENT_BY_ID: Final = looked_up(EventRow, EVENT, e.c.id, sees_event(e))


def _listed(*where: Predicate) -> Pages:
    return paged(
        EventRow, EVENT, e, (*where, sees_event(e), *FILTER), e.c.sequence, newest_first=True, by_sequence=True
    )


EVENTS: Final = _listed(e.c.stream_id == PARENT)
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
