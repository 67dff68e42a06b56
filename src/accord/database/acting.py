"""What somebody may act on elsewhere, and whether the session that a request names still stands (model 4.5, 4.8).

One statement says on which bases a person may act where; switching, the list of customers and every request of a
session ask it. A session is good for nothing that its basis does not give at that instant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from accord.access.principal import Acting, Principal
from accord.database.caller import Driver, viewer_binds
from accord.database.clock import partnership_end
from accord.database.personal import is_live_contact, may_use_level
from accord.database.query import Query, Row
from accord.database.tables.acting import acting_sessions
from accord.database.tables.contact import external_contacts
from accord.database.tables.delegation import role_delegations, role_group_members, role_groups
from accord.database.tables.organisation import organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.database.visibility import VIEWER, active_partnership, is_live_group_member, keys
from accord.domain.acting import IDLE, Basis, SessionState
from accord.domain.delegation import DelegatedRole, RoleGroupState
from accord.domain.level import ORDER, UNBOUNDED, DataAccessLevel, is_above
from accord.domain.partner import PartnerStatus

PLACES: Final = tuple(enumerate(ORDER))
HIGHEST: Final = ORDER.index(UNBOUNDED)

Narrow = Callable[[FromClause], ColumnElement[bool]]
"""A further condition on where a basis lies, by its `host_id`: partnerships and contacts have one."""


class SessionOver(Exception):
    """The session that a request names was left, is over by time, unknown or somebody else's."""


class AccessRevoked(Exception):
    """The basis of the session that a request names has ended."""


def bases(narrow: Narrow) -> CompoundSelect[Any]:
    """Every basis on which the viewer may act somewhere now, one row each."""
    return union_all(_by_level(narrow), _by_group(narrow), _by_contact(narrow))


def _by_level(narrow: Narrow) -> Select[Any]:
    """The effective level, for delegated admins of the guest to whom the customer is assigned (4.5, path c)."""
    p, guest, link = partnerships.alias("bp"), organisations.alias("bg"), partner_links.alias("bl")
    level = _least(p.c.granted_level, guest.c.ceiling, link.c.ceiling)
    return (
        select(*_columns(p, Basis.LEVEL, level=level))
        .select_from(p.join(guest, guest.c.id == p.c.guest_id).outerjoin(link, link.c.id == p.c.link_id))
        .where(
            narrow(p),
            p.c.visible_guest_id == keys("delegated_in"),
            p.c.granted_level != DataAccessLevel.NONE.value,
            level != DataAccessLevel.NONE.value,
            guest.c.partner_status != PartnerStatus.SUSPENDED.value,
            may_use_level(p),
            active_partnership(p.c.id),
        )
    )


def _by_group(narrow: Narrow) -> Select[Any]:
    """The roles of the groups that the viewer is in (4.5, path b)."""
    p, guest = partnerships.alias("bp"), organisations.alias("bg")
    m, g, d = role_group_members.alias("bm"), role_groups.alias("br"), role_delegations.alias("bd")
    until = func.least(partnership_end(p), d.c.expires_at, m.c.expires_at)
    return (
        select(*_columns(p, Basis.ROLE_GROUP, role_key=g.c.role, role_group_id=g.c.id, expires_at=until))
        .select_from(
            m.join(g, g.c.id == m.c.group_id)
            .join(d, d.c.id == g.c.delegation_id)
            .join(p, p.c.id == m.c.partnership_id)
            .join(guest, guest.c.id == p.c.guest_id)
        )
        .where(
            narrow(p),
            m.c.user_id == VIEWER,
            is_live_group_member(m),
            m.c.guest_id == keys("works_in"),
            g.c.state == RoleGroupState.ACTIVE.value,
            guest.c.partner_status != PartnerStatus.SUSPENDED.value,
            active_partnership(p.c.id),
        )
    )


def _by_contact(narrow: Narrow) -> Select[Any]:
    """The roles that the viewer has as a single person (4.5, path f); under a partnership once it is converted."""
    c, p = external_contacts.alias("bc"), partnerships.alias("bp")
    role = func.unnest(c.c.roles)
    given = {"partnership_id": c.c.partnership_id, "host_id": c.c.host_id, "guest_id": c.c.home_id}
    return (
        select(*_columns(p, Basis.CONTACT, role_key=role, contact_id=c.c.id, **given))
        .select_from(c.outerjoin(p, p.c.id == c.c.partnership_id))
        .where(narrow(c), c.c.user_id == VIEWER, c.c.home_id == keys("works_in"), is_live_contact(c))
    )


def _columns(p: FromClause, basis: Basis, **given: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return (
        given.get("partnership_id", p.c.id).label("partnership_id"),
        given.get("host_id", p.c.host_id).label("host_id"),
        given.get("guest_id", p.c.guest_id).label("home_id"),
        given.get("expires_at", partnership_end(p)).label("expires_at"),
        cast(literal(basis.value), Text).label("basis"),
        cast(given.get("level", null()), Text).label("level"),
        cast(given.get("role_key", null()), Text).label("role_key"),
        cast(given.get("role_group_id", null()), Uuid()).label("role_group_id"),
        cast(given.get("contact_id", null()), Uuid()).label("contact_id"),
        func.coalesce(p.c.access_mode == "COMPLETE", false()).label("complete"),
        func.coalesce(p.c.wallet_entrusted, false()).label("wallet"),
    )


def _least(*levels: ColumnElement[Any]) -> ColumnElement[str]:
    """The lowest of these; none bounds nothing."""
    return level_at(func.least(*(place_of(level) for level in levels)))


def place_of(level: ColumnElement[Any]) -> ColumnElement[int]:
    """Where a level stands in their order; none bounds nothing."""
    return case(*((level == one.value, place) for place, one in PLACES), else_=HIGHEST)


def level_at(place: ColumnElement[int]) -> ColumnElement[str]:
    """The level that stands there."""
    return case(*((place == one, level.value) for one, level in PLACES))


s: Final = acting_sessions.alias("s")
found: Final = bases(lambda p: p.c.host_id == s.c.host_id).lateral("b")
SAME: Final = and_(
    found.c.basis == s.c.basis,
    found.c.home_id == s.c.home_id,
    found.c.host_id == s.c.host_id,
    or_(s.c.contact_id.is_not(None), found.c.partnership_id == s.c.partnership_id),
    found.c.role_key.is_not_distinct_from(s.c.role_key),
    found.c.role_group_id.is_not_distinct_from(s.c.role_group_id),
    found.c.contact_id.is_not_distinct_from(s.c.contact_id),
)
SESSION: Final = Query(
    select(
        s,
        found.c.level.label("level_now"),
        found.c.host_id.is_not(None).label("stands"),
        found.c.complete,
        found.c.wallet,
    )
    .select_from(s.outerjoin(found, SAME))
    .where(s.c.id == bindparam("session", type_=Uuid()), s.c.user_id == VIEWER)
)
HOLD_SESSION: Final = """
SELECT id FROM accord.acting_sessions WHERE id = $1 AND user_id = (SELECT accord.person()) FOR NO KEY UPDATE
"""
"""A session that somebody acts in does not end before the act. Acts of one session take turns, so that whoever ends it
waits for the one under way and comes before all others."""


def acting_as(principal: Principal, session: Any, now: datetime) -> Principal:
    """The caller as the session makes them, without any standing of their own; SessionOver or AccessRevoked."""
    if session is None or session.state in (SessionState.ENDED, SessionState.EXPIRED):
        raise SessionOver
    if session.state == SessionState.REVOKED:
        raise AccessRevoked
    if session.ends_at <= now or session.used_at <= now - IDLE:
        raise SessionOver
    level = None if session.level is None else DataAccessLevel(session.level)
    if not session.stands or is_above(level or DataAccessLevel.NONE, DataAccessLevel(session.level_now or "NONE")):
        raise AccessRevoked
    acting = Acting(
        session_id=session.id,
        host_id=session.host_id,
        home_id=session.home_id,
        partnership_id=session.partnership_id,
        basis=Basis(session.basis),
        level=level,
        role_key=None if session.role_key is None else DelegatedRole(session.role_key),
        complete=bool(session.complete),
        wallet=bool(session.wallet),
        used_at=session.used_at,
    )
    return replace(principal, standings=(), acting=acting)


async def resolve(raw: Driver, principal: Principal, session_id: UUID, now: datetime) -> Principal:
    """The caller as the session makes them, looked at from home; SessionOver for an API client: none acts in one."""
    if principal.api_client is not None:
        raise SessionOver
    binds = viewer_binds(principal, now) | {"session": session_id}
    found = await raw.fetch(SESSION.sql, *SESSION.arguments(binds), record_class=Row)
    return acting_as(principal, found[0] if found else None, now)
