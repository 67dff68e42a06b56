"""Sessions and customers as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import all_, and_, case, func, or_, select, true

from accord.database.acting import bases, level_at, place_of
from accord.database.queries.read.pages import (
    PARENT,
    Item,
    as_text,
    contains,
    global_id,
    grouped,
    looked_up,
    paged,
    wanted,
)
from accord.database.query import Row
from accord.database.tables.acting import acting_sessions
from accord.database.tables.organisation import organisations
from accord.database.visibility import VIEWER, bound, in_reach, keys


class SessionRow(Item):
    """One acting session."""

    type_name = "ActingSession"


class CustomerRow(Item):
    """One organisation that the viewer can act in."""


class BasisRow(Row):
    """One basis on which the viewer can act in an organisation."""


s, o = acting_sessions.alias("s"), organisations.alias("o")

SESSION: Final = (
    global_id("session", s.c.id),
    as_text(s.c.user_id),
    as_text(s.c.home_id),
    as_text(s.c.host_id),
    as_text(s.c.partnership_id),
    s.c.basis,
    s.c.level,
    s.c.role_key,
    s.c.reason,
    s.c.started_at,
    s.c.ends_at,
    s.c.ended_at,
)
ELSEWHERE: Final = and_(func.cardinality(bound("acts_in")) > 0, s.c.host_id != all_(bound("acts_in")))
SEES_SESSION: Final = or_(
    and_(s.c.user_id == VIEWER, ~ELSEWHERE, in_reach(s.c.home_id)),
    s.c.host_id == keys("leads"),
    s.c.home_id == keys("admin_of"),
)
"""Whose sessions? One's own, those in one's organisation for its leaders, those of one's people for admins (S17). A
session shows nothing of another host, its user's other sessions included (model 4.8)."""

SESSION_BY_ID: Final = looked_up(SessionRow, SESSION, s.c.id, SEES_SESSION)

b = bases(lambda p: true()).subquery("b")
by_host = (
    select(b.c.host_id, func.max(case((b.c.level.is_(None), 0), else_=place_of(b.c.level))).label("place"))
    .group_by(b.c.host_id)
    .subquery("by_host")
)
CUSTOMERS: Final = paged(
    CustomerRow,
    (global_id("organisation", o.c.id), level_at(by_host.c.place).label("level")),
    by_host.join(o, o.c.id == by_host.c.host_id),
    (VIEWER == PARENT, contains("search", o.c.name, o.c.handle)),
    o.c.id,
)
"""Where the viewer can act (S14); under the viewer's own key."""

under = bases(lambda p: p.c.host_id == wanted()).subquery("under")
BASES_BY_HOST: Final = grouped(
    BasisRow,
    (under.c.basis, under.c.level, under.c.role_key, as_text(under.c.partnership_id)),
    under.c.host_id,
    order=under.c.basis,
)
