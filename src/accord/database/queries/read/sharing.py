"""Accounts, shares, grants and access requests as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, literal_column, not_, or_, select

from accord.database.clock import access_item_state, grant_state, share_state
from accord.database.engine import Query
from accord.database.queries.read.holdings import FEW, holdings
from accord.database.queries.read.organisation import USER, UserRow
from accord.database.queries.read.organisation import u as owner
from accord.database.queries.read.pages import (
    PAIRS,
    PARENT,
    PARENTS,
    Item,
    as_text,
    contains,
    equal,
    global_id,
    looked_up,
    one_of,
    paged,
    wanted,
)
from accord.database.queries.read.ways import Way
from accord.database.tables.organisation import memberships
from accord.database.tables.sharing import access_items, account_ownerships, accounts, grants, shares
from accord.database.visibility import (
    VIEWER,
    granted_account,
    keys,
    may_invite_to,
    sees_access_item,
    sees_account,
    sees_grant,
    sees_share,
)


class AccountRow(Item):
    """One account."""

    type_name = "Account"


class InvitableAccountRow(Item):
    """One account as an invitation lists it."""

    type_name = "InvitableAccount"

    @property
    def account_id(self) -> str:
        """Its ID, which here leads nowhere by itself."""
        return str(self["id"])


class ShareRow(Item):
    """One account shared in one partnership."""

    type_name = "AccountShare"


class GrantRow(Item):
    """One person's access to a share."""

    type_name = "AccountGrant"


class AccessItemRow(Item):
    """One member's place in an access request."""

    type_name = "AccessRequestItem"


a, s, g, i = accounts.alias("a"), shares.alias("s"), grants.alias("g"), access_items.alias("i")
w, m = account_ownerships.alias("w"), memberships.alias("wm")
SHARE_STATE, GRANT_STATE, ITEM_STATE = share_state(s), grant_state(g), access_item_state(i)

ACCOUNT: Final = (
    global_id("account", a.c.id),
    as_text(a.c.host_id),
    a.c.kind,
    a.c.category,
    a.c.app,
    a.c.label,
    a.c.launch_url,
    a.c.status,
    a.c.version,
    a.c.created_at,
)
SHARE: Final = (
    global_id("share", s.c.id),
    as_text(s.c.partnership_id),
    as_text(s.c.host_id),
    as_text(s.c.guest_id),
    as_text(s.c.account_id),
    as_text(s.c.shared_by),
    SHARE_STATE.label("state"),
    s.c.shared_at,
    s.c.ended_at,
    s.c.version,
)
GRANT: Final = (
    global_id("grant", g.c.id),
    as_text(g.c.share_id),
    as_text(g.c.partnership_id),
    as_text(g.c.user_id),
    as_text(g.c.granted_by),
    g.c.role,
    GRANT_STATE.label("state"),
    g.c.granted_at,
    g.c.expires_at,
    g.c.last_used_at,
    g.c.version,
)
ITEM: Final = (
    global_id("accessitem", i.c.id),
    as_text(i.c.share_id),
    as_text(i.c.member_user_id),
    as_text(i.c.requested_by),
    as_text(i.c.decided_by),
    as_text(i.c.grant_id),
    i.c.role,
    i.c.note,
    ITEM_STATE.label("state"),
    i.c.created_at,
    i.c.lapses_at,
    i.c.decided_at,
    i.c.decision_note,
    i.c.version,
)

ACCOUNT_BY_ID: Final = looked_up(AccountRow, ACCOUNT, a.c.id, sees_account(a), reach="reachable_accounts")
HELD: Final = holdings().subquery("held")
WALKED: Final = or_(
    keys("leads") == PARENT,
    keys("acts_on_all_accounts") == PARENT,
    select(func.count()).select_from(HELD).correlate(PARENTS).scalar_subquery() > FEW,
)
"""Are the host's accounts walked through, because the viewer sees many of them, or may see one that nobody holds?"""
each_held = select(HELD.c.account_id).where(not_(WALKED)).distinct().correlate(PARENTS).subquery("each_held")
ACCOUNTS: Final = paged(
    AccountRow,
    ACCOUNT,
    a,
    (a.c.host_id == PARENT, sees_account(a), contains("search", a.c.label, a.c.app), equal(a.c.category, "category")),
    a.c.id,
    ways=lambda given: [Way((WALKED,)), Way((a.c.id == each_held.c.account_id,), each=each_held)],
)
INVITABLE_ACCOUNTS: Final = paged(
    InvitableAccountRow,
    (global_id("account", a.c.id), a.c.kind, a.c.category, a.c.app, a.c.label),
    a,
    (
        a.c.host_id == PARENT,
        may_invite_to(a),
        contains("search", a.c.label, a.c.app),
        equal(a.c.category, "category"),
    ),
    a.c.id,
)
granted_to = grants.alias("granted_to")
granted = (
    select(granted_to.c.account_id)
    .where(granted_to.c.user_id == VIEWER, granted_to.c.state == "ACTIVE")
    .distinct()
    .order_by(granted_to.c.account_id)
    .offset(literal_column("0"))
    .subquery("granted")
)
"""The accounts that something is granted on to the viewer, in their order: the rest is asked of those on a page."""
SHARED_ACCOUNTS: Final = paged(
    AccountRow,
    ACCOUNT,
    granted.join(a, a.c.id == granted.c.account_id),
    (VIEWER == PARENT, granted_account(a), contains("search", a.c.label, a.c.app)),
    granted.c.account_id,
)
OWNERS_BY_ACCOUNT: Final = Query(
    select(as_text(w.c.account_id, "parent"), *USER)
    .select_from(
        w.join(owner, owner.c.id == w.c.user_id).join(
            m, (m.c.organisation_id == w.c.host_id) & (m.c.user_id == w.c.user_id) & (m.c.status == "ACTIVE")
        )
    )
    .where(w.c.account_id == wanted())
    .order_by(owner.c.id),
    UserRow,
)
"""The active owners of each account; an owner who left is none until back."""

SHARE_BY_ID: Final = looked_up(ShareRow, SHARE, s.c.id, sees_share(s))
SHARES_OF_PARTNERSHIP: Final = paged(
    ShareRow, SHARE, s, (s.c.partnership_id == PARENT, sees_share(s), one_of(SHARE_STATE, "state")), s.c.id
)
SHARES_OF_ACCOUNT: Final = paged(
    ShareRow, SHARE, s, (s.c.account_id == PARENT, sees_share(s), one_of(SHARE_STATE, "state")), s.c.id
)
GRANT_BY_ID: Final = looked_up(GrantRow, GRANT, g.c.id, sees_grant(g))
GRANTS_OF_SHARE: Final = paged(
    GrantRow, GRANT, g, (g.c.share_id == PARENT, sees_grant(g), one_of(GRANT_STATE, "state")), g.c.id
)
GRANTS_OF_MEMBER: Final = paged(
    GrantRow,
    GRANT,
    g,
    (
        g.c.partnership_id == PAIRS.c.first,
        g.c.user_id == PAIRS.c.second,
        GRANT_STATE == "ACTIVE",
        sees_grant(g),
    ),
    g.c.id,
    parents=PAIRS,
)
"""The live grants of a person under a partnership; a parent is both (`pair_key`)."""

GRANTS_OF_ACCOUNT: Final = paged(
    GrantRow, GRANT, g, (g.c.account_id == PARENT, sees_grant(g), one_of(GRANT_STATE, "state")), g.c.id
)
ITEM_BY_ID: Final = looked_up(AccessItemRow, ITEM, i.c.id, sees_access_item(i))
ITEMS_OF_SHARE: Final = paged(
    AccessItemRow, ITEM, i, (i.c.share_id == PARENT, sees_access_item(i), one_of(ITEM_STATE, "state")), i.c.id
)
ITEMS_OF_ACCOUNT: Final = paged(
    AccessItemRow, ITEM, i, (i.c.account_id == PARENT, sees_access_item(i), one_of(ITEM_STATE, "state")), i.c.id
)
