"""What stands by the clock: a state and an end are judged when they are read, never by what the worker has written.

A deadline that has passed counts at once, for what is shown, for every list and for every act; the worker writes the
state, the event and the mails that follow (invariant 12). The deadlines themselves are tables of `accord.domain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, FromClause, and_, bindparam, case, exists, func, literal_column, or_

from accord.database.tables.delegation import role_delegations
from accord.database.tables.partnership import partnerships
from accord.domain.amendment import AMENDMENT_DEADLINES, TURN, AmendmentState
from accord.domain.delegation import DELEGATION_DEADLINES, DelegationState, RoleGroupState
from accord.domain.lifecycle import Deadline
from accord.domain.partnership import CONNECTED, PARTNERSHIP_DEADLINES, PartnershipState
from accord.domain.sharing import ACCESS_ITEM_DEADLINES, GRANT_DEADLINES, AccessItemState, GrantState, ShareState

NOW: Final = bindparam("now", type_=DateTime(timezone=True))
"""The instant of the operation or act."""


Instant = ColumnElement[Any]


def partnership_state(p: FromClause = partnerships, now: Instant = NOW) -> ColumnElement[str]:
    """Return the state of a partnership at this instant."""
    return case((renews(p), p.c.state), *_passed(p, PARTNERSHIP_DEADLINES, now), else_=p.c.state)


def partnership_end(p: FromClause = partnerships, now: Instant = NOW) -> ColumnElement[Any]:
    """Return when a partnership ends; one that renews itself has the next end that is still to come."""
    length = func.extract("epoch", p.c.auto_extend)
    missed = func.extract("epoch", now - p.c.expires_at) / length
    next_end = p.c.expires_at + func.make_interval(0, 0, 0, 0, 0, 0, length * (func.floor(missed) + 1))
    return case((and_(renews(p), p.c.expires_at <= now), next_end), else_=p.c.expires_at)


def renews(p: FromClause) -> ColumnElement[bool]:
    """Does this partnership go on by itself at its end? A suspended one does not."""
    return and_(p.c.state == _word(PartnershipState.ACTIVE), p.c.auto_extend.is_not(None))


def is_within_time(p: FromClause, now: Instant = NOW) -> ColumnElement[bool]:
    """Is the end of this partnership still to come?"""
    return or_(p.c.expires_at.is_(None), p.c.expires_at > now, renews(p))


def is_connected(p: FromClause) -> ColumnElement[bool]:
    """Is this partnership active or suspended, and within its time?"""
    return and_(_is_one(p, CONNECTED), is_within_time(p))


def has_not_ended(p: FromClause, now: Instant = NOW) -> ColumnElement[bool]:
    """Is this partnership in force or still to be decided?"""
    return and_(p.c.ended_at.is_(None), partnership_state(p, now) == p.c.state)


def share_state(s: FromClause) -> ColumnElement[str]:
    """Return the state of a share at this instant; it ends with its partnership."""
    return _under(s, (ShareState.ACTIVE, ShareState.SUSPENDED), ShareState.REMOVED)


def grant_state(g: FromClause) -> ColumnElement[str]:
    """Return the state of an account grant at this instant; it ends with its partnership."""
    return _under(g, (GrantState.ACTIVE,), GrantState.REVOKED, GRANT_DEADLINES)


def access_item_state(i: FromClause) -> ColumnElement[str]:
    """Return the state of a place in an access request at this instant; it is cancelled with its partnership."""
    return _under(i, (AccessItemState.PENDING,), AccessItemState.CANCELLED, ACCESS_ITEM_DEADLINES)


def delegation_state(d: FromClause) -> ColumnElement[str]:
    """Return the state of a delegated role at this instant; it expires with its partnership."""
    return _under(d, (DelegationState.ACTIVE,), DelegationState.EXPIRED, DELEGATION_DEADLINES)


def role_group_state(g: FromClause) -> ColumnElement[str]:
    """Return the state of a role group at this instant; it is deleted with its delegated role."""
    d = role_delegations.alias()
    stands = exists().where(d.c.id == g.c.delegation_id, delegation_state(d) == _word(DelegationState.ACTIVE))
    return case((stands, g.c.state), else_=_word(RoleGroupState.DELETED))


def amendment_state(a: FromClause) -> ColumnElement[str]:
    """Return the state of an amendment at this instant; it is withdrawn with its partnership."""
    return _under(a, TURN, AmendmentState.WITHDRAWN, AMENDMENT_DEADLINES)


def _passed(row: FromClause, deadlines: Sequence[Deadline[Any]], now: Instant) -> list[Any]:
    """The cases of a state whose deadline has passed."""
    return [(and_(_is_one(row, one.states), row.c[one.column] <= now), _word(one.becomes)) for one in deadlines]


def _under(
    row: FromClause, live: Iterable[StrEnum], ended: StrEnum, deadlines: Sequence[Deadline[Any]] = ()
) -> ColumnElement[str]:
    """The state of something under a partnership: it ends by its own deadline, and with the partnership."""
    p = partnerships.alias()
    past = and_(_is_one(p, CONNECTED), ~is_within_time(p))
    over = exists().where(p.c.id == row.c.partnership_id, or_(p.c.ended_at.is_not(None), past))
    return case(*_passed(row, deadlines, NOW), (and_(_is_one(row, live), over), _word(ended)), else_=row.c.state)


def _is_one(row: FromClause, states: Iterable[StrEnum]) -> ColumnElement[bool]:
    return or_(*(row.c.state == _word(state) for state in sorted(states)))


def _word(state: StrEnum) -> ColumnElement[str]:
    """A state as the statement's own text: no value to bind, and the planner knows it."""
    return literal_column(f"'{state.value}'")
