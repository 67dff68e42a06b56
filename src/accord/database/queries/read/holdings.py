"""What the viewer holds in an organisation: whoever sees few of its accounts finds them from there."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import FromClause, Select, func, literal_column, select, true, union_all

from accord.database.personal import co_owns_partnership
from accord.database.queries.read.pages import PARENT, PARENTS, Predicate
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import account_ownerships, grants, shares
from accord.database.visibility import VIEWER, bound, keys

FEW: Final = 200
"""So many accounts are looked up one by one; where there may be more, a walk through all soon finds a page."""


ADMINISTERED: Final = func.unnest(bound("admin_of")).table_valued("id", name="administered").render_derived()


def holdings() -> Select[Any]:
    """Select the accounts of the parent that the viewer may see by anything that the viewer holds, up to one more than
    `FEW`: own ones, and those in partnerships owned, administered, acted under or with grants. `sees_account` decides
    which of them; what is not here it admits to leaders alone, and to those who act on all accounts."""
    p, w, g = partnerships.alias(), account_ownerships.alias(), grants.alias()
    ways = (
        select(w.c.account_id).where(w.c.user_id == VIEWER),
        _shared_in(p, p.c.host_id == PARENT, p.c.owner_user_id == VIEWER),
        _shared_in(p, p.c.host_id == PARENT, co_owns_partnership(p)),
        _shared_in(_administered(p)),
        _shared_in(p, p.c.id == keys("acts_under")),
        select(g.c.account_id).where(g.c.user_id == VIEWER, g.c.state == "ACTIVE", g.c.host_id == PARENT),
    )
    firsts = [way.limit(FEW + 1).correlate(PARENTS).subquery() for way in ways]
    parts = union_all(*(select(first.c.account_id) for first in firsts)).subquery()
    return select(parts.c.account_id).limit(FEW + 1).correlate(PARENTS)


def _administered(p: FromClause) -> FromClause:
    """The parent's partnerships with each organisation that the viewer administers, looked up by the pair."""
    pair = select(p.c.id).where(p.c.guest_id == ADMINISTERED.c.id, p.c.host_id == PARENT)
    found = pair.offset(literal_column("0")).correlate(PARENTS, ADMINISTERED).lateral()
    return select(found.c.id).select_from(ADMINISTERED.join(found, true())).correlate(PARENTS).subquery()


def _shared_in(p: FromClause, *which: Predicate) -> Select[Any]:
    s = shares.alias()
    return select(s.c.account_id).where(s.c.partnership_id == p.c.id, s.c.state != "REMOVED", *which)
