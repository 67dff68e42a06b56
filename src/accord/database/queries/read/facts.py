"""What decisions on fields and `viewerCan` look at, read for a whole level at once."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, exists, func, select, true, union_all

from accord.access.facts import AccountFacts, GrantFacts, PartnershipFacts, ShareFacts, Target
from accord.database.clock import partnership_end, partnership_state
from accord.database.engine import Query, Row
from accord.database.personal import co_owns_partnership
from accord.database.queries.partnership import partnership_facts, policy_columns, side_columns
from accord.database.queries.read.pages import as_text, wanted
from accord.database.tables.organisation import memberships, organisations
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import account_ownerships, accounts, grants, shares
from accord.database.visibility import (
    VIEWER,
    Predicate,
    active_partnership,
    bound,
    sees_partnership,
)
from accord.domain.partnership import CONNECTED
from accord.domain.sharing import AccountRole, AccountStatus, GrantState, ShareState

p, s, a, g = partnerships.alias("p"), shares.alias("s"), accounts.alias("a"), grants.alias("g")
host, guest = organisations.alias("host"), organisations.alias("guest")
w, m, n = account_ownerships.alias("w"), memberships.alias("m"), memberships.alias("n")

OWNER_ACTIVE: Final = exists().where(
    n.c.organisation_id == p.c.host_id, n.c.user_id == p.c.owner_user_id, n.c.status == "ACTIVE"
)
PARTNERSHIP: Final = (
    p.c.host_id,
    p.c.guest_id,
    p.c.path,
    p.c.told_guest,
    p.c.asked_by_guest,
    p.c.owner_user_id,
    p.c.co_owner_ids,
    p.c.requester_user_id,
    p.c.representative_user_id,
    p.c.starts_at,
    partnership_state(p).label("state"),
    partnership_end(p).label("expires_at"),
    *side_columns(p, host, guest),
    p.c.granted_level,
    OWNER_ACTIVE.label("owner_active"),
    p.c.suspended_by,
    *policy_columns(p),
)

PARTNERSHIP_FACTS: Final = Query(
    select(as_text(p.c.id, "parent"), *PARTNERSHIP)
    .join(host, host.c.id == p.c.host_id)
    .join(guest, guest.c.id == p.c.guest_id)
    .where(p.c.id == wanted(), sees_partnership(p))
)
mine = partnerships.alias("mine")
WORKPLACES: Final = func.unnest(bound("works_in")).table_valued("id", name="workplace").render_derived()


def _one_owned(owned: Predicate) -> Select[Any]:
    at = mine.c.host_id == WORKPLACES.c.id
    return select(mine.c.id).where(at, owned, active_partnership(mine.c.id)).limit(1).correlate(WORKPLACES)


one = union_all(_one_owned(mine.c.owner_user_id == VIEWER), _one_owned(co_owns_partnership(mine))).lateral("one")
OWNED_PARTNERSHIPS: Final = Query(
    select(as_text(p.c.id, "parent"), *PARTNERSHIP).select_from(
        WORKPLACES.join(one, true())
        .join(p, p.c.id == one.c.id)
        .join(host, host.c.id == p.c.host_id)
        .join(guest, guest.c.id == p.c.guest_id)
    )
)
"""An active partnership that the viewer owns, and one that the viewer co-owns, in each organisation that has one: where
an account could be shared. What may be done with an account is the same in all others."""
ACCOUNT_TARGETS: Final = Query(
    select(
        as_text(a.c.id, "parent"),
        a.c.host_id.label("account_host_id"),
        a.c.status.label("account_status"),
        func.array(
            select(w.c.user_id)
            .join(m, and_(m.c.organisation_id == w.c.host_id, m.c.user_id == w.c.user_id, m.c.status == "ACTIVE"))
            .where(w.c.account_id == a.c.id)
            .scalar_subquery(),
            type_=Uuid(),
        ).label("account_owner_ids"),
        s.c.id.label("share_id"),
        s.c.state.label("share_state"),
        s.c.expires_at.label("share_expires_at"),
        p.c.id.label("partnership_id"),
        *PARTNERSHIP,
        g.c.user_id.label("grant_user_id"),
        g.c.role.label("grant_role"),
        g.c.state.label("grant_state"),
        g.c.expires_at.label("grant_expires_at"),
    )
    .select_from(
        a.outerjoin(s, and_(s.c.account_id == a.c.id, s.c.state != "REMOVED"))
        .outerjoin(p, p.c.id == s.c.partnership_id)
        .outerjoin(host, host.c.id == p.c.host_id)
        .outerjoin(guest, guest.c.id == p.c.guest_id)
        .outerjoin(g, and_(g.c.share_id == s.c.id, g.c.user_id == VIEWER, g.c.state == "ACTIVE"))
    )
    .where(a.c.id == wanted())
    .order_by(s.c.id)
)
"""Each account with each of its live shares and the viewer's own grant on it."""


def facts_by_partnership(rows: list[Row]) -> dict[str, PartnershipFacts]:
    """The facts of each partnership."""
    return {row.parent: partnership_facts(row) for row in rows}


def targets_by_account(rows: list[Row]) -> dict[str, tuple[Target, ...]]:
    """Each account as what an act can be about: once for every live share, once without any."""
    found: dict[str, tuple[Target, ...]] = {}
    for row in rows:
        found[row.parent] = (*found.get(row.parent, ()), _target(row))
    return found


def _target(row: Row) -> Target:
    account = AccountFacts(row.account_host_id, frozenset(row.account_owner_ids), AccountStatus(row.account_status))
    has_ended = row.partnership_id is not None and row.state not in CONNECTED
    if row.share_id is None or has_ended:
        return Target(organisation_id=account.host_id, account=account)
    return Target(
        organisation_id=account.host_id,
        account=account,
        share=ShareFacts(ShareState(row.share_state), row.share_expires_at),
        partnership=partnership_facts(row) if row.partnership_id is not None else None,
        grant=_grant(row) if row.grant_user_id is not None else None,
    )


def _grant(row: Row) -> GrantFacts:
    user: UUID = row.grant_user_id
    return GrantFacts(user, AccountRole(row.grant_role), GrantState(row.grant_state), row.grant_expires_at)
