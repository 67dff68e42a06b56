"""What single people hold at a host, as predicates beside those of `visibility.py`: contacts, assigned customers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, literal_column, or_, select, true
from sqlalchemy import any_ as any_of

from accord.database.clock import has_not_ended
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.database.tables.delegation import role_group_members
from accord.database.tables.invitation_claim import invitation_claims
from accord.database.tables.organisation import memberships, organisations
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import partnerships
from accord.database.tables.policy import organisation_policies
from accord.database.visibility import (
    MFA,
    OPERATOR,
    VIEWER,
    Predicate,
    active_partnership,
    bars,
    in_reach,
    is_live_group_member,
    keys,
)
from accord.domain.level import DataAccessLevel
from accord.domain.partner import PartnerStatus


def sees_contact(c: FromClause = external_contacts) -> Predicate:
    """Which external contacts? Leaders of the host all, the person the own ones until they end, admins of the person's
    home those that are converted: from then on their partnership holds them (Q22)."""
    return or_(
        c.c.host_id == keys("leads"),
        and_(c.c.user_id == VIEWER, c.c.ended_at.is_(None), in_reach(c.c.home_id)),
        and_(c.c.home_id == keys("admin_of"), c.c.partnership_id.is_not(None)),
    )


def is_live_contact(c: FromClause = external_contacts) -> Predicate:
    """Can the roles of this contact be used now? (model 4.5, path f)

    ACTIVE: the host is active and its policy admits the person; CONVERTED: the partnership stands as well. That the
    person is an active member at home is kept by the table's foreign key: what is over has ended.
    """
    r, o = organisation_policies.alias(), organisations.alias()
    alone = and_(
        c.c.status == "ACTIVE",
        exists().where(o.c.id == c.c.host_id, o.c.status == "ACTIVE"),
        ~exists().where(r.c.id == c.c.host_id, or_(r.c.frozen, r.c.require_mfa & ~MFA)),
        ~bars(c.c.host_id, c.c.home_id),
    )
    converted = and_(c.c.status == "CONVERTED", active_partnership(c.c.partnership_id))
    return and_(c.c.ended_at.is_(None), or_(alone, converted))


def sees_assignment(a: FromClause = customer_assignments) -> Predicate:
    """Which customers assigned to whom? Admins of the partner all, its people their own."""
    return or_(a.c.guest_id == keys("admin_of"), and_(a.c.guest_id == keys("works_in"), a.c.user_id == VIEWER))


def may_use_level(p: FromClause = partnerships, user: ColumnElement[Any] = VIEWER) -> Predicate:
    """Is this person of the guest one who uses the level of this partnership, if there is one? (model 4.5, path c)

    A delegated admin, and assigned to this customer; where nobody is, every delegated admin, unless the guest's policy
    is `explicitAssignment`.
    """
    m, a, own = memberships.alias(), customer_assignments.alias(), customer_assignments.alias()
    r = organisation_policies.alias()
    return and_(
        exists().where(
            m.c.organisation_id == p.c.guest_id, m.c.user_id == user, m.c.status == "ACTIVE", m.c.delegated_admin
        ),
        or_(
            exists().where(own.c.partnership_id == p.c.id, own.c.user_id == user, own.c.ended_at.is_(None)),
            and_(
                ~exists().where(a.c.partnership_id == p.c.id, a.c.ended_at.is_(None)),
                ~exists().where(r.c.id == p.c.guest_id, r.c.explicit_assignment),
            ),
        ),
    )


def holds_level(p: FromClause, user: ColumnElement[Any]) -> Predicate:
    """May this person of the guest use an effective level of this partnership now?

    It is asked about others, who may sign in with the second factor that the host asks for: the viewer's own sign-in
    does not matter.
    """
    guest, link = organisations.alias(), partner_links.alias()
    none = DataAccessLevel.NONE.value
    return and_(
        p.c.granted_level != none,
        ~exists().where(
            guest.c.id == p.c.guest_id,
            or_(guest.c.ceiling == none, guest.c.partner_status == PartnerStatus.SUSPENDED.value),
        ),
        ~exists().where(link.c.id == p.c.link_id, link.c.ceiling == none),
        may_use_level(p, user),
        active_partnership(p.c.id, true()),
    )


def level_holders(p: FromClause) -> Select[Any]:
    """Select the people of the guest who may use an effective level of the partnership `p` now."""
    m = memberships.alias()
    return select(m.c.user_id).where(
        m.c.organisation_id == p.c.guest_id,
        m.c.user_id.is_not(None),
        m.c.delegated_admin,
        m.c.status == "ACTIVE",
        holds_level(p, m.c.user_id),
    )


def role_holders(p: FromClause) -> Select[Any]:
    """Select the people of the guest who are in a role group of the partnership `p`."""
    m = role_group_members.alias()
    return select(m.c.user_id).where(m.c.partnership_id == p.c.id, is_live_group_member(m), has_not_ended(p))


def contact_holders(p: FromClause) -> Select[Any]:
    """Select the people of the guest whose contact with the host is under the partnership `p` now (S103)."""
    c = external_contacts.alias()
    return select(c.c.user_id).where(c.c.partnership_id == p.c.id, c.c.ended_at.is_(None), has_not_ended(p))


def sees_holders(p: FromClause) -> Predicate:
    """Who sees which people of the guest hold a level or a role in a partnership, before they act? Leaders of the host,
    and admins of the guest (model 4.7)."""
    return or_(p.c.host_id == keys("leads"), p.c.visible_guest_id == keys("admin_of"))


def co_owns_partnership(p: FromClause = partnerships, person: ColumnElement[Any] = VIEWER) -> Predicate:
    """Is the person a co-owner? There is an index of partnerships that have any."""
    return and_(p.c.co_owner_ids != literal_column("'{}'::uuid[]"), any_of(p.c.co_owner_ids) == person)


def sees_claim(c: FromClause = invitation_claims) -> Predicate:
    """Which claims on invitations? Admins those of their organisation, its other leaders those of its contacts, and the
    operator those on invitations that the operator made."""
    return or_(
        c.c.organisation_id == keys("admin_of"),
        and_(c.c.contact_id.is_not(None), c.c.organisation_id == keys("leads")),
        and_(c.c.by_operator, OPERATOR),
    )
