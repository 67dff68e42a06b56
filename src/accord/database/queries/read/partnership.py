"""Partnerships, their attempts and members, and the terms of service as the API reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from accord.database.clock import NOW, grant_state, has_not_ended, partnership_end, partnership_state, share_state
from accord.database.engine import Query, Row
from accord.database.personal import contact_holders, level_holders, role_holders, sees_holders
from accord.database.queries.read.pages import (
    PARENT,
    PARENTS,
    Item,
    as_text,
    global_id,
    looked_up,
    one_of,
    paged,
)
from accord.database.subqueries import is_there
from accord.database.tables.organisation import users
from accord.database.tables.partnership import attempts, invitations, partnerships, terms_versions
from accord.database.tables.sharing import grants, shares
from accord.database.visibility import (
    asked_for,
    keys,
    owns_partnership,
    sees_account_at_host,
    sees_holder,
    sees_partnership,
    sees_share,
)
from accord.domain.acting import MemberBasis


class PartnershipRow(Item):
    """One partnership."""

    type_name = "Partnership"


class AttemptRow(Item):
    """One submission of a partnership for decision."""

    type_name = "PartnershipAttempt"


class PartnershipMemberRow(Item):
    """One person of the guest with access; `key` is the person's."""

    type_name = "PartnershipMember"


class ListedAccountRow(Row):
    """One account that the terms of an attempt list."""


class TermsRow(Item):
    """One version of the terms of service."""

    type_name = "TermsVersion"


class CountRow(Row):
    """A figure of a parent."""


p, t, u = partnerships.alias("p"), attempts.alias("t"), users.alias("u")
s, g, v, n = shares.alias("s"), grants.alias("g"), terms_versions.alias("v"), invitations.alias("n")
STATE: Final = partnership_state(p)

PARTNERSHIP: Final = (
    global_id("partnership", p.c.id),
    as_text(p.c.host_id),
    as_text(p.c.guest_id),
    p.c.path,
    STATE.label("state"),
    p.c.purposes,
    p.c.access_mode,
    p.c.wallet_entrusted,
    p.c.created_at,
    p.c.starts_at,
    p.c.ended_at,
    case((or_(STATE != "WITHDRAWN", p.c.host_id == keys("works_in")), p.c.end_reason)).label("end_reason"),
    partnership_end(p).label("expires_at"),
    p.c.auto_extend,
    p.c.suspended_by,
    p.c.contact_email,
    as_text(p.c.created_by_user_id),
    as_text(p.c.owner_user_id),
    cast(p.c.co_owner_ids, ARRAY(Text)).label("co_owner_ids"),
    as_text(p.c.representative_user_id),
    p.c.version,
)
ATTEMPT: Final = (
    global_id("attempt", t.c.id),
    as_text(t.c.partnership_id),
    t.c.number,
    t.c.reason,
    as_text(t.c.submitted_by),
    t.c.submitted_at,
    t.c.host_decision,
    as_text(t.c.host_decided_by),
    t.c.host_decided_at,
    t.c.guest_decision,
    as_text(t.c.guest_decided_by),
    t.c.guest_decided_at,
    case(
        (or_(t.c.by_guest, t.c.host_id == keys("works_in")), func.coalesce(t.c.guest_reason, t.c.host_reason)),
        else_=t.c.guest_reason,
    ).label("decision_reason"),
    t.c.lapses_at,
    t.c.reminders_sent,
    as_text(t.c.terms_version_id),
    t.c.terms["accessMode"].astext.label("access_mode"),
    cast(t.c.terms["walletEntrusted"], Boolean()).label("wallet_entrusted"),
    t.c.terms["level"].astext.label("level"),
    cast(t.c.terms["expiresAt"].astext, DateTime(timezone=True)).label("expires_at"),
    func.coalesce(func.jsonb_array_length(t.c.terms["accounts"]), 0).label("listed_account_count"),
    func.array(select(func.jsonb_array_elements_text(t.c.terms["purposes"])).scalar_subquery()).label("purposes"),
)
TERMS: Final = (
    global_id("terms", v.c.id),
    v.c.code,
    v.c.version,
    v.c.text,
    v.c.text_hash,
    v.c.published_at,
)

SEES_ATTEMPT: Final = exists().where(
    p.c.id == t.c.partnership_id,
    or_(
        p.c.host_id == keys("leads"),
        and_(p.c.host_id == keys("works_in"), or_(owns_partnership(p), asked_for(p))),
        and_(p.c.visible_guest_id == keys("admin_of"), t.c.visible_guest_id == p.c.guest_id),
    ),
)
"""Which attempts? The host's leaders, owners and requester all, the guest's admins those that the host has let through
(model 4.7); the same people as `partnership:read_terms`."""

PARTNERSHIP_BY_ID: Final = looked_up(PartnershipRow, PARTNERSHIP, p.c.id, sees_partnership(p))
PARTNERSHIPS: Final = paged(
    PartnershipRow,
    PARTNERSHIP,
    p,
    (
        or_(
            and_(p.c.host_id == PARENT, func.coalesce(bindparam("side", type_=Text()), "HOST") == "HOST"),
            and_(p.c.visible_guest_id == PARENT, func.coalesce(bindparam("side", type_=Text()), "GUEST") == "GUEST"),
        ),
        sees_partnership(p),
        one_of(STATE, "state"),
    ),
    p.c.id,
)
PARTNERSHIP_BY_TOKEN: Final = Query(
    select(*PARTNERSHIP)
    .join(n, n.c.partnership_id == p.c.id)
    .where(
        n.c.token_hash == bindparam("token", type_=Text()),
        n.c.expires_at > NOW,
        n.c.used_at.is_(None),
        n.c.voided_at.is_(None),
        p.c.visible_guest_id == keys("admin_of"),
    ),
    PartnershipRow,
)
ATTEMPT_BY_ID: Final = looked_up(AttemptRow, ATTEMPT, t.c.id, SEES_ATTEMPT)
ATTEMPTS: Final = paged(AttemptRow, ATTEMPT, t, (t.c.partnership_id == PARENT, SEES_ATTEMPT), t.c.id)
each = (
    func.jsonb_array_elements(t.c.terms["accounts"])
    .table_valued(Column("value", JSONB()), with_ordinality="place", name="each")
    .render_derived()
)
entry = each.c.value
LISTED_ACCOUNTS: Final = paged(
    ListedAccountRow,
    (
        func.concat("account_", entry["account"].astext).label("account_id"),
        entry["role"].astext.label("role"),
        entry["label"].astext.label("label"),
        entry["app"].astext.label("app"),
        entry["category"].astext.label("category"),
        each.c.place.label("position"),
    ),
    t.join(each, true()),
    (
        t.c.id == PARENT,
        SEES_ATTEMPT,
        or_(
            sees_account_at_host(cast(entry["account"].astext, Uuid()), t.c.host_id),
            exists().where(
                p.c.id == t.c.partnership_id,
                or_(
                    and_(p.c.host_id == keys("works_in"), owns_partnership(p)),
                    and_(p.c.visible_guest_id == keys("admin_of"), t.c.visible_guest_id == p.c.guest_id),
                ),
            ),
        ),
    ),
    each.c.place,
    by_sequence=True,
)
"""What terms list, in the order in which it was listed and called as it was then: for the owners of the partnership,
the guest's admins, and at the host for whom the account is no secret (S77)."""
TOTAL: Final[tuple[ColumnElement[Any], ...]] = (as_text(s.c.partnership_id, "parent"), func.count().label("total"))
HIDDEN_SHARES: Final = Query(
    select(*TOTAL)
    .where(s.c.partnership_id == keys("keys"), share_state(s) != "REMOVED", ~sees_share(s))
    .group_by(s.c.partnership_id),
    CountRow,
)
"""Live shares that the viewer may not see, of each partnership (Q16)."""


def _holding(
    basis: MemberBasis, held: Select[Any], user: ColumnElement[Any], *seen: ColumnElement[bool]
) -> Select[Any]:
    """Select whom the viewer sees to have access on this basis, in the partnership asked about."""
    columns = (user.label("user_id"), cast(literal(basis.value), Text).label("basis"))
    return held.with_only_columns(*columns).where(*seen).correlate(PARENTS)


def _held_by(basis: MemberBasis, holders: Callable[[FromClause], Select[Any]]) -> Select[Any]:
    held = holders(p)
    (user,) = held.selected_columns
    return _holding(basis, held, user, p.c.id == PARENT, sees_holders(p))


def _granted_people() -> FromClause:
    """The people with grants in the partnership asked about, each found after the one before: there may be thousands
    of grants to one person."""

    def next_one(*after: ColumnElement[bool]) -> Select[Any]:
        found = select(k.c.user_id).where(k.c.partnership_id == PARENT, k.c.state == "ACTIVE", *after)
        return found.order_by(k.c.user_id).limit(1)

    walk = select(next_one().correlate(PARENTS).subquery("first").c.user_id).cte("walk", recursive=True, nesting=True)
    following = next_one(k.c.user_id > walk.c.user_id).correlate(PARENTS, walk).lateral("following")
    walk = walk.union_all(select(following.c.user_id).select_from(walk.join(following, true())))
    return select(walk.c.user_id).correlate(PARENTS).lateral("granted")


k = grants.alias("k")
granted = _granted_people()
seen_grant = is_there(
    g.c.partnership_id == PARENT, g.c.user_id == granted.c.user_id, grant_state(g) == "ACTIVE", sees_holder(g)
)
bases = union_all(
    _holding(MemberBasis.ACCOUNT, select(granted.c.user_id), granted.c.user_id, seen_grant),
    _holding(
        MemberBasis.REPRESENTATIVE,
        select(p.c.id).where(p.c.id == PARENT, has_not_ended(p), p.c.representative_user_id.is_not(None)),
        p.c.representative_user_id,
        sees_partnership(p),
    ),
    _held_by(MemberBasis.LEVEL, level_holders),
    _held_by(MemberBasis.ROLE_GROUP, role_holders),
    _held_by(MemberBasis.CONTACT, contact_holders),
).lateral("bases")
people = (
    select(bases.c.user_id, func.array_agg(distinct(bases.c.basis)).label("basis"))
    .group_by(bases.c.user_id)
    .offset(literal_column("0"))
    .correlate(PARENTS)
    .lateral("people")
)
"""The guest's people with access that the viewer may see, and the representative, each with every basis."""
known = select(u.c.id).where(u.c.id == people.c.user_id).offset(literal_column("0")).correlate(people).lateral("known")
"""Each of them looked up: a join might read all users there are."""

PARTNERSHIP_MEMBERS: Final = paged(
    PartnershipMemberRow,
    (global_id("user", people.c.user_id), as_text(people.c.user_id), people.c.basis),
    people.join(known, true()),
    (),
    people.c.user_id,
)
TERMS_BY_ID: Final = looked_up(TermsRow, TERMS, v.c.id)
CURRENT_TERMS: Final = Query(
    select(*TERMS)
    .where(v.c.code == bindparam("code", type_=Text()), v.c.published_at <= NOW)
    .order_by(v.c.published_at.desc(), v.c.id.desc())
    .limit(1),
    TermsRow,
)
