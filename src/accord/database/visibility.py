"""What a principal can see: predicates that say who inside an organisation may see which row (model 4.7).

Every list, count and lookup uses them. Behind them stands the wall between tenants, in `policies.py`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    FromClause,
    Text,
    Uuid,
    all_,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
)
from sqlalchemy import any_ as any_of
from sqlalchemy.dialects.postgresql import array

from accord.database.clock import NOW, has_not_ended, is_connected, is_within_time
from accord.database.subqueries import is_there
from accord.database.tables.api_client import api_clients
from accord.database.tables.cascade import cascades
from accord.database.tables.delegation import role_delegations, role_group_members, role_groups
from accord.database.tables.organisation import memberships, organisations
from accord.database.tables.partnership import partnerships
from accord.database.tables.policy import organisation_policies
from accord.database.tables.sharing import account_ownerships, accounts, grants, shares

Predicate = ColumnElement[bool]

VIEWER: Final = cast(bindparam("viewer", type_=Text()), Uuid())
API_CLIENT: Final = cast(bindparam("client", type_=Text()), Uuid())
"""The API client that asks as the viewer; null for people."""
OPERATOR: Final = bindparam("operator", type_=Boolean())
MFA: Final = bindparam("mfa", type_=Boolean())


def bound(name: str) -> ColumnElement[Any]:
    """A bound list of keys, given as text: UUID objects per value cost more than the rest of a read."""
    return cast(bindparam(name, type_=ARRAY(Text())), ARRAY(Uuid()))


def keys(name: str) -> Any:
    """Any of a bound list of keys."""
    return any_of(bound(name))


def in_reach(organisation_id: ColumnElement[Any]) -> Predicate:
    """Where does what is the viewer's own count? For people everywhere, for an API client in its organisation alone."""
    return or_(API_CLIENT.is_(None), organisation_id == keys("member_of"))


def sees_api_client(c: FromClause = api_clients) -> Predicate:
    """Which API clients? Admins those of their organisation, a client itself and no other."""
    return or_(c.c.id == API_CLIENT, and_(API_CLIENT.is_(None), c.c.organisation_id == keys("admin_of")))


def sees_cascade(c: FromClause = cascades) -> Predicate:
    """Which cascades? The person who began one, admins those begun in their organisation's name, the operator all."""
    own = and_(c.c.actor_user_id == VIEWER, in_reach(c.c.organisation_id))
    return or_(own, c.c.organisation_id == keys("admin_of"), OPERATOR)


def sees_partnership(p: FromClause = partnerships) -> Predicate:
    """Which partnerships? Leaders all of their organisation, owners and requesters theirs, guest admins those that the
    host has approved, delegated admins those of customers, guest people those that grant them something (S76 to S78,
    model 4.7); who acts, that alone."""
    return or_(
        p.c.id == keys("acts_under"),
        p.c.host_id == keys("leads"),
        and_(p.c.host_id == keys("works_in"), or_(owns_partnership(p), asked_for(p))),
        p.c.visible_guest_id == keys("admin_of"),
        and_(p.c.visible_guest_id == keys("delegated_in"), is_connected(p)),
        and_(
            p.c.visible_guest_id == keys("works_in"),
            or_(
                and_(p.c.representative_user_id == VIEWER, has_not_ended(p)),
                and_(or_(_has_grant(p), _in_role_group(p.c.id)), is_within_time(p)),
            ),
        ),
    )


def asked_for(p: FromClause = partnerships) -> Predicate:
    """Has the viewer asked for it on the host's side? An admin of the guest who did has no standing there."""
    return or_(
        and_(p.c.created_by_user_id == VIEWER, p.c.path != "GUEST_REQUEST"),
        and_(p.c.requester_user_id == VIEWER, ~p.c.asked_by_guest),
    )


def owns_partnership(p: FromClause = partnerships) -> Predicate:
    """Is the viewer Partnership Owner or co-owner?"""
    return or_(p.c.owner_user_id == VIEWER, any_of(p.c.co_owner_ids) == VIEWER)


def _has_grant(p: FromClause) -> Predicate:
    return exists().where(grants.c.partnership_id == p.c.id, grants.c.user_id == VIEWER, is_live_grant())


def _in_role_group(partnership_id: ColumnElement[Any]) -> Predicate:
    """Is the viewer in one of the partnership's role groups?"""
    m = role_group_members.alias()
    return exists().where(m.c.partnership_id == partnership_id, m.c.user_id == VIEWER, is_live_group_member(m))


def is_live_group_member(m: FromClause = role_group_members) -> Predicate:
    """Does this place in a role group stand, by itself, by its delegation and by the clock? (invariant 12)"""
    d, g = role_delegations.alias(), role_groups.alias()
    over = exists().where(g.c.id == m.c.group_id, d.c.id == g.c.delegation_id, d.c.expires_at <= NOW)
    return and_(m.c.ended_at.is_(None), or_(m.c.expires_at.is_(None), m.c.expires_at > NOW), ~over)


def sees_delegation(d: FromClause) -> Predicate:
    """Which delegated roles, and which groups? Leaders of the host all, Partnership Owners theirs; at the guest admins
    all, the representative and the groups' people those of their partnership."""
    return or_(
        d.c.host_id == keys("leads"),
        _owned_partnership(d.c.partnership_id),
        _sees_at_guest(d),
    )


def sees_amendment(a: FromClause) -> Predicate:
    """Which amendments? Leaders of the host all, Partnership Owners theirs, guest admins those that it is told of:
    its own, and the host's once they are its turn or in force (model 4.4.6, 4.7)."""
    return or_(
        a.c.host_id == keys("leads"),
        _owned_partnership(a.c.partnership_id),
        a.c.visible_guest_id == keys("admin_of"),
    )


def sees_group_member(m: FromClause) -> Predicate:
    """Which people in groups? As `sees_delegation`, without Partnership Owners (S76)."""
    return or_(m.c.host_id == keys("leads"), _sees_at_guest(m))


def _sees_at_guest(d: FromClause) -> Predicate:
    p = partnerships.alias()
    represents = exists().where(p.c.id == d.c.partnership_id, p.c.representative_user_id == VIEWER, has_not_ended(p))
    return or_(
        d.c.guest_id == keys("admin_of"),
        and_(d.c.guest_id == keys("works_in"), or_(represents, _in_role_group(d.c.partnership_id))),
    )


def is_live_grant(g: FromClause = grants) -> Predicate:
    """Does this grant stand, by itself and by the clock?"""
    return and_(g.c.state == "ACTIVE", is_current(g))


def active_partnership(partnership_id: ColumnElement[Any], mfa: ColumnElement[bool] = MFA) -> Predicate:
    """Is this partnership ACTIVE and within its time? Expiry needs no scheduler (invariant 12).

    `mfa` says whether there is a second factor where the host asks for one: by default, in the viewer's sign-in.
    """
    p, r, o = partnerships.alias(), organisation_policies.alias(), organisations.alias()
    return exists().where(
        p.c.id == partnership_id,
        p.c.state == "ACTIVE",
        p.c.starts_at <= NOW,
        is_within_time(p),
        ~exists().where(
            o.c.id == any_of(array([p.c.host_id, p.c.guest_id])),
            or_(o.c.status != "ACTIVE", and_(o.c.id == p.c.guest_id, o.c.partner_status == "SUSPENDED")),
        ),
        ~exists().where(r.c.id == p.c.host_id, or_(r.c.frozen, r.c.require_mfa & ~mfa)),
        ~is_barred(p),
    )


def is_barred(p: FromClause = partnerships) -> Predicate:
    """Does one side block the other, or does the host's list of allowed partners lack the guest? (model 4.2)"""
    return bars(p.c.host_id, p.c.guest_id)


def bars(host_id: ColumnElement[Any], guest_id: ColumnElement[Any]) -> Predicate:
    """As `is_barred`, of two organisations."""
    r = organisation_policies.alias()
    return exists().where(
        or_(
            and_(r.c.id == host_id, guest_id == any_of(r.c.blocked_partners)),
            and_(r.c.id == guest_id, host_id == any_of(r.c.blocked_partners)),
            and_(r.c.id == host_id, func.cardinality(r.c.allowed_partners) > 0, guest_id != all_(r.c.allowed_partners)),
        )
    )


def _owned_partnership(partnership_id: ColumnElement[Any]) -> Predicate:
    p = partnerships.alias()
    return exists().where(p.c.id == partnership_id, p.c.host_id == keys("works_in"), owns_partnership(p))


def owns_account(account_id: ColumnElement[Any], host_id: ColumnElement[Any]) -> Predicate:
    """Is the viewer Account Owner, and still at work in the host?"""
    o = account_ownerships.alias()
    return and_(host_id == keys("works_in"), exists().where(o.c.account_id == account_id, o.c.user_id == VIEWER))


def needs_owner(account_id: ColumnElement[Any]) -> Predicate:
    """Has the account no active owner any more?"""
    o, m = account_ownerships.alias(), memberships.alias()
    return ~is_there(
        o.c.account_id == account_id,
        m.c.organisation_id == o.c.host_id,
        m.c.user_id == o.c.user_id,
        m.c.status == "ACTIVE",
    )


def sees_account_at_host(account_id: ColumnElement[Any], host_id: ColumnElement[Any]) -> Predicate:
    """Which accounts does a person of the host see? The own ones; leaders also those that nobody active owns (S77)."""
    return or_(owns_account(account_id, host_id), and_(host_id == keys("leads"), needs_owner(account_id)))


def acts_on_account(account_id: ColumnElement[Any], host_id: ColumnElement[Any]) -> Predicate:
    """Which accounts does somebody see who acts with MANAGE? Under COMPLETE the host's all, under LIMITED those shared
    with the own organisation (Q20)."""
    s = shares.alias()
    shared = exists().where(
        s.c.account_id == account_id, s.c.partnership_id == keys("acts_under"), s.c.state == "ACTIVE", is_current(s)
    )
    return or_(host_id == keys("acts_on_all_accounts"), and_(host_id == keys("acts_on_shared_accounts"), shared))


def is_current(row: FromClause) -> Predicate:
    """Is the row's own end still to come?"""
    return or_(row.c.expires_at.is_(None), row.c.expires_at > NOW)


def sees_share(s: FromClause = shares) -> Predicate:
    """Which shares? At the host by partnership or account; at the guest admins all, people those granted to them; with
    MANAGE those of the partnership acted under."""
    g = grants.alias()
    return or_(
        _managed(s),
        _owned_partnership(s.c.partnership_id),
        sees_account_at_host(s.c.account_id, s.c.host_id),
        s.c.guest_id == keys("admin_of"),
        and_(
            s.c.guest_id == keys("works_in"),
            s.c.state != "REMOVED",
            exists().where(g.c.share_id == s.c.id, g.c.user_id == VIEWER, is_live_grant(g)),
            active_partnership(s.c.partnership_id),
        ),
    )


def sees_account(a: FromClause = accounts) -> Predicate:
    """Which accounts? Those of `sees_account_at_host`; those shared in a partnership the viewer owns; at the guest,
    admins all that are shared with it, people those that are granted to them (S75, S78)."""
    s, p = shares.alias(), partnerships.alias()
    shared = and_(s.c.account_id == a.c.id, s.c.state != "REMOVED")
    return or_(
        sees_account_at_host(a.c.id, a.c.host_id),
        acts_on_account(a.c.id, a.c.host_id),
        exists().where(shared, p.c.id == s.c.partnership_id, p.c.host_id == keys("works_in"), owns_partnership(p)),
        exists().where(shared, s.c.guest_id == keys("admin_of"), active_partnership(s.c.partnership_id)),
        granted_account(a),
    )


def _managed(row: FromClause) -> Predicate:
    """Does the row belong to the partnership that somebody acts under with MANAGE?"""
    return and_(row.c.partnership_id == keys("acts_under"), row.c.host_id == keys("acts_on_shared_accounts"))


def granted_account(a: FromClause = accounts) -> Predicate:
    """Has the viewer a live grant on a live share of this account, under an active partnership? (S74)"""
    s, g = shares.alias(), grants.alias()
    return and_(
        a.c.status == "ACTIVE",
        exists().where(
            s.c.account_id == a.c.id,
            s.c.state == "ACTIVE",
            s.c.guest_id == keys("works_in"),
            is_current(s),
            g.c.share_id == s.c.id,
            g.c.user_id == VIEWER,
            is_live_grant(g),
            active_partnership(s.c.partnership_id),
        ),
    )


def may_invite_to(a: FromClause = accounts) -> Predicate:
    """Which accounts can the viewer list in an invitation? A legal representative any of the host's, owned or not;
    an admin those that the admin owns (Q34, S68)."""
    owned = and_(a.c.host_id == keys("admin_of"), owns_account(a.c.id, a.c.host_id))
    return and_(a.c.status == "ACTIVE", or_(a.c.host_id == keys("legal_in"), owned))


def sees_grant(g: FromClause = grants) -> Predicate:
    """Which grants? (S76 to S78)

    Leaders of the host all; a Partnership Owner the representative's and those on accounts that this owner shared, or
    took over from an owner who left; an Account Owner those on the account; guest admins all of their people's; guest
    people their own, and their colleagues' on what is shared with them too; with MANAGE those of the own staff. The
    account behind a grant may still be hidden.
    """
    mine = grants.alias()
    return or_(
        _managed(g),
        _sees_guest_people(g),
        and_(g.c.guest_id == keys("works_in"), g.c.user_id == VIEWER),
        and_(
            g.c.guest_id == keys("works_in"),
            g.c.state == "ACTIVE",
            exists().where(mine.c.share_id == g.c.share_id, mine.c.user_id == VIEWER, is_live_grant(mine)),
            active_partnership(g.c.partnership_id),
        ),
    )


def sees_holder(g: FromClause = grants) -> Predicate:
    """Whose access does the viewer know of, whatever it reaches? As `sees_grant`; guest people also know every
    colleague with access in a partnership that grants them something (S78)."""
    mine = grants.alias()
    colleague = and_(
        g.c.guest_id == keys("works_in"),
        g.c.state == "ACTIVE",
        exists().where(mine.c.partnership_id == g.c.partnership_id, mine.c.user_id == VIEWER, is_live_grant(mine)),
        active_partnership(g.c.partnership_id),
    )
    return or_(sees_grant(g), colleague)


def _sees_guest_people(g: FromClause) -> Predicate:
    s, p = shares.alias(), partnerships.alias()
    left = ~exists().where(
        memberships.c.user_id == s.c.shared_by,
        memberships.c.organisation_id == s.c.host_id,
        memberships.c.status == "ACTIVE",
    )
    return or_(
        g.c.host_id == keys("leads"),
        exists().where(
            s.c.id == g.c.share_id,
            p.c.id == g.c.partnership_id,
            p.c.host_id == keys("works_in"),
            owns_partnership(p),
            or_(s.c.shared_by == VIEWER, left, p.c.representative_user_id == g.c.user_id),
        ),
        owns_account(g.c.account_id, g.c.host_id),
        g.c.guest_id == keys("admin_of"),
    )


def sees_access_item(i: FromClause) -> Predicate:
    """Which places in access requests? Those of the account's owners, the guest's admins, who asked, whom it is for."""
    return or_(
        owns_account(i.c.account_id, i.c.host_id),
        i.c.guest_id == keys("admin_of"),
        and_(i.c.guest_id == keys("works_in"), or_(i.c.requested_by == VIEWER, i.c.member_user_id == VIEWER)),
    )


def sees_membership(m: FromClause = memberships) -> Predicate:
    """Which memberships as such? One's own, and admins, or who acts with MANAGE or as Decision Maker, those of the
    organisation (model 4.15)."""
    return or_(
        and_(m.c.user_id == VIEWER, in_reach(m.c.organisation_id)),
        m.c.organisation_id == keys("admin_of"),
        m.c.organisation_id == keys("acts_managing"),
    )


def may_search_members(m: FromClause = memberships) -> Predicate:
    """Whose directory may the viewer search by name or e-mail? (Q15)

    Guest people who are Account Manager somewhere their own organisation's; Partnership Owners and Account Owners the
    host's. Admins have the whole list anyway.
    """
    g, o, p = grants.alias(), account_ownerships.alias(), partnerships.alias()
    return and_(
        m.c.organisation_id == keys("works_in"),
        m.c.status == "ACTIVE",
        or_(
            is_there(
                g.c.guest_id == m.c.organisation_id,
                g.c.user_id == VIEWER,
                g.c.role == "ACCOUNT_MANAGER",
                is_live_grant(g),
                active_partnership(g.c.partnership_id),
            ),
            exists().where(o.c.host_id == m.c.organisation_id, o.c.user_id == VIEWER),
            exists().where(p.c.host_id == m.c.organisation_id, owns_partnership(p), p.c.ended_at.is_(None)),
        ),
    )
