"""Organisations, people and memberships as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, Text, Uuid, and_, bindparam, exists, func, or_, select
from sqlalchemy import any_ as any_of

from accord.database.clock import has_not_ended
from accord.database.engine import Query
from accord.database.personal import co_owns_partnership, holds_level, sees_assignment, sees_contact
from accord.database.queries.read.pages import (
    PARENT,
    Item,
    as_text,
    contains,
    equal,
    global_id,
    looked_up,
    paged,
    wanted,
)
from accord.database.tables.activity import activity_events
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.database.tables.delegation import role_group_members
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, account_ownerships, accounts, grants, shares
from accord.database.visibility import (
    OPERATOR,
    VIEWER,
    in_reach,
    is_live_grant,
    is_live_group_member,
    keys,
    may_search_members,
    sees_access_item,
    sees_account,
    sees_group_member,
    sees_holder,
    sees_membership,
    sees_partnership,
    sees_share,
)
from accord.database.visible_activity import sees_event


class OrganisationRow(Item):
    """One organisation."""

    type_name = "Organisation"


class UserRow(Item):
    """One person; the e-mail address is read apart, by whom may see it."""

    type_name = "User"


class MembershipRow(Item):
    """One membership."""

    type_name = "Membership"


o, u, m = organisations.alias("o"), users.alias("u"), memberships.alias("m")

ORGANISATION: Final = (
    global_id("organisation", o.c.id),
    o.c.handle,
    o.c.name,
    o.c.status,
    o.c.country_code,
    o.c.partners_enabled,
    o.c.partner_program,
    o.c.partner_status,
    o.c.partner_mails_per_day,
    o.c.member_mails_per_day,
    o.c.acting_mails_per_day,
    o.c.version,
)
USER: Final = (
    global_id("user", u.c.id),
    u.c.display_name,
    as_text(u.c.home_organisation_id),
    u.c.version,
)
MEMBERSHIP: Final = (
    global_id("membership", m.c.id),
    as_text(m.c.organisation_id),
    as_text(m.c.user_id),
    m.c.display_name,
    m.c.email,
    m.c.roles,
    m.c.delegated_admin,
    m.c.status,
    m.c.version,
    m.c.created_at,
)

p, s, g, i = partnerships.alias("op"), shares.alias("os"), grants.alias("og"), access_items.alias("oi")
r = role_group_members.alias("orm")
c, ca = external_contacts.alias("oc"), customer_assignments.alias("oca")
w, a, e = account_ownerships.alias("ow"), accounts.alias("oa"), activity_events.alias("oe")

SEES_ORGANISATION: Final = or_(
    o.c.id == keys("member_of"),
    o.c.id == keys("acts_in"),
    o.c.id == keys("acts_from"),
    OPERATOR,
    o.c.created_for_id == keys("admin_of"),
    exists().where(or_(p.c.host_id == o.c.id, p.c.visible_guest_id == o.c.id), sees_partnership(p)),
    exists().where(p.c.guest_id == o.c.id, p.c.host_id == keys("works_in"), sees_partnership(p)),
    exists().where(or_(s.c.host_id == o.c.id, s.c.guest_id == o.c.id), sees_share(s)),
    exists().where(c.c.host_id == o.c.id, c.c.user_id == VIEWER, sees_contact(c)),
    exists().where(ca.c.host_id == o.c.id, ca.c.user_id == VIEWER, ca.c.ended_at.is_(None), sees_assignment(ca)),
)
"""Which organisations? One's own, those it created, and the other side of what the viewer sees."""

theirs = memberships.alias("theirs")

COLLEAGUE: Final = exists().where(
    theirs.c.user_id == u.c.id,
    or_(
        theirs.c.organisation_id == keys("admin_of"),
        theirs.c.organisation_id == keys("acts_managing"),
        may_search_members(theirs),
    ),
)
OWNERS: Final = func.array(
    select(w.c.user_id).where(w.c.account_id == i.c.account_id).correlate(i).scalar_subquery(), type_=ARRAY(Uuid())
)
WAITS_FOR_MY_ACCOUNT: Final = exists().where(
    i.c.member_user_id == u.c.id, any_of(OWNERS) == VIEWER, sees_access_item(i)
)
"""The person's places come first, and then the owners of their accounts: a join might read all that the viewer owns."""
ADMINISTERED: Final = func.array(
    select(theirs.c.organisation_id)
    .where(theirs.c.user_id == u.c.id, theirs.c.delegated_admin, theirs.c.status == "ACTIVE")
    .correlate(u)
    .scalar_subquery(),
    type_=ARRAY(Uuid()),
)
HOLDS_LEVEL: Final = exists().where(
    p.c.guest_id == any_of(ADMINISTERED), p.c.host_id == keys("leads"), holds_level(p, u.c.id)
)
"""People of a partner who may use the level that an organisation has granted which the viewer leads (model 4.7)."""
SEES_USER: Final = or_(
    u.c.id == VIEWER,
    COLLEAGUE,
    exists().where(g.c.user_id == u.c.id, sees_holder(g)),
    exists().where(r.c.user_id == u.c.id, is_live_group_member(r), sees_group_member(r)),
    HOLDS_LEVEL,
    exists().where(c.c.user_id == u.c.id, sees_contact(c)),
    exists().where(
        p.c.representative_user_id == u.c.id,
        or_(p.c.host_id == keys("works_in"), p.c.visible_guest_id == keys("works_in")),
        sees_partnership(p),
    ),
    exists().where(
        p.c.owner_user_id == u.c.id,
        or_(p.c.host_id == keys("works_in"), p.c.visible_guest_id == keys("admin_of")),
        sees_partnership(p),
    ),
    exists().where(co_owns_partnership(p, u.c.id), p.c.host_id == keys("works_in"), sees_partnership(p)),
    exists().where(p.c.created_by_user_id == u.c.id, p.c.host_id == keys("works_in"), sees_partnership(p)),
    exists().where(w.c.user_id == u.c.id, w.c.account_id == a.c.id, sees_account(a)),
    WAITS_FOR_MY_ACCOUNT,
    exists().where(e.c.actor_user_id == u.c.id, e.c.stream_id == keys("member_of"), sees_event(e)),
)
"""Which people, when asked for by ID? Oneself, and those who stand in something that the viewer sees. Each way is
bounded by an index, so that a stranger's ID costs no more than a friend's."""

SEES_EMAIL: Final = or_(
    u.c.id == VIEWER,
    COLLEAGUE,
    exists().where(g.c.user_id == u.c.id, g.c.host_id == keys("works_in"), is_live_grant(g), sees_holder(g)),
    exists().where(
        r.c.user_id == u.c.id, is_live_group_member(r), r.c.host_id == keys("works_in"), sees_group_member(r)
    ),
    exists().where(
        p.c.representative_user_id == u.c.id,
        p.c.host_id == keys("works_in"),
        p.c.ended_at.is_(None),
        sees_partnership(p),
    ),
    HOLDS_LEVEL,
    exists().where(
        c.c.user_id == u.c.id,
        c.c.ended_at.is_(None),
        c.c.partnership_id == p.c.id,
        p.c.host_id == keys("leads"),
        has_not_ended(p),
    ),
    WAITS_FOR_MY_ACCOUNT.where(i.c.state == "PENDING"),
)
"""Whose e-mail address? One's own, one's own organisation's people, guest people with access, as long as they have it
(model 4.7, Q15)."""

SEARCHED: Final = bindparam("search", type_=Text())
LISTS_MEMBER: Final = or_(
    sees_membership(m),
    and_(SEARCHED.is_not(None), may_search_members(m)),
)
"""Admins list and search all; those of Q15 find by name or e-mail."""

ORGANISATION_BY_ID: Final = looked_up(OrganisationRow, ORGANISATION, o.c.id)
ORGANISATION_SEEN: Final = looked_up(
    OrganisationRow, ORGANISATION, o.c.id, SEES_ORGANISATION, reach="reachable_organisations"
)
ORGANISATION_BY_HANDLE: Final = Query(
    select(*ORGANISATION).where(o.c.handle == bindparam("handle", type_=Text()), SEES_ORGANISATION), OrganisationRow
)
SHOW_HANDLE: Final = Query(select(func.set_config("accord.handle", bindparam("handle", type_=Text()), True)))
"""Shows the database the handle that the caller knows; its policies admit exactly that organisation."""
PARTNER_BY_HANDLE: Final = Query(
    select(*ORGANISATION).where(
        o.c.handle == bindparam("handle", type_=Text()), o.c.status == "ACTIVE", o.c.partners_enabled
    ),
    OrganisationRow,
)
code = func.accord.requestable(None, bindparam("code", type_=Text())).label("handle")
HANDLE_BY_REQUEST_CODE: Final = Query(select(code).where(code.is_not(None)))
"""The handle of the organisation that has given out this request code."""
listed = func.accord.partner_directory(bindparam("search", type_=Text())).table_valued("handle", "name")
PARTNER_DIRECTORY: Final = Query(select(listed.c.handle, listed.c.name), OrganisationRow)
"""Partners that are listed: handle and name and nothing else leave the database."""
ORGANISATIONS: Final = paged(
    OrganisationRow, ORGANISATION, o, (OPERATOR, contains("search", o.c.name, o.c.handle)), o.c.id
)
CREATED_GUESTS: Final = paged(
    OrganisationRow,
    ORGANISATION,
    o,
    (o.c.created_for_id == PARENT, or_(o.c.created_for_id == keys("admin_of"), OPERATOR)),
    o.c.id,
)
USER_BY_ID: Final = looked_up(UserRow, USER, u.c.id)
USER_SEEN: Final = looked_up(UserRow, USER, u.c.id, SEES_USER, reach="reachable_people")
EMAIL_BY_USER: Final = looked_up(UserRow, (global_id("user", u.c.id), u.c.email), u.c.id, SEES_EMAIL)
MEMBERSHIP_BY_ID: Final = looked_up(MembershipRow, MEMBERSHIP, m.c.id, sees_membership(m))
OWN_MEMBERSHIPS: Final = Query(
    select(*MEMBERSHIP)
    .where(
        m.c.user_id == VIEWER,
        in_reach(m.c.organisation_id),
        or_(m.c.status == "ACTIVE", m.c.status == "DEACTIVATED"),
    )
    .order_by(m.c.id),
    MembershipRow,
)
SEARCHABLE: Final = Query(
    select(as_text(o.c.id, "parent")).where(
        o.c.id == wanted(), exists().where(m.c.organisation_id == o.c.id, may_search_members(m))
    )
)
"""Whose directory the viewer may search (Q15)."""
MEMBERS: Final = paged(
    MembershipRow,
    MEMBERSHIP,
    m,
    (
        m.c.organisation_id == PARENT,
        LISTS_MEMBER,
        contains("search", m.c.display_name, m.c.email),
        equal(m.c.status, "status"),
    ),
    m.c.id,
)
