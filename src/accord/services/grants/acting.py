"""Acting in another organisation: sessions are opened on one basis, left, and revoked with it (model 4.4.5, 4.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, update

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.acting import knows_host, list_bases, lock_session
from accord.database.queries.policy import get_policy
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.domain import text
from accord.domain.acting import LONGEST, SESSION, Basis, SessionEvent, SessionState
from accord.domain.activity import EventType
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.level import DataAccessLevel, is_above
from accord.services.activity import Event, record

__all__ = [
    "end_sessions",
    "end_sessions_above",
    "expire_session",
    "leave_organisation",
    "revoked_events",
    "switch_organisation",
]


async def switch_organisation(
    tx: Transaction,
    *,
    host_id: UUID,
    basis: Basis | None = None,
    role_key: DelegatedRole | None = None,
    reason: str | None = None,
) -> UUID:
    """Open a session in a customer's organisation, for an hour at most (S13 to S17).

    NotFound for a host the caller knows nothing of, Forbidden without a basis, ValidationError where several fit and
    none is named.
    """
    require(tx.principal, Action.SESSION_OPEN, Target(), now=tx.now)
    await tx.enter(*tx.principal.organisations)
    chosen = await _choose(tx, host_id, basis, role_key)
    reason = text.note("reason", reason)
    if reason is None and (await get_policy(tx, host_id)).require_reason:
        raise ValidationError("reason", "This customer wants to know why you come.")
    await tx.enter(chosen.home_id, host_id)
    client = tx.principal.identity.client
    session_id = await tx.insert(
        acting_sessions,
        user_id=tx.person_id,
        home_id=chosen.home_id,
        host_id=host_id,
        partnership_id=chosen.partnership_id,
        basis=chosen.basis,
        level=chosen.level,
        role_key=chosen.role_key,
        role_group_id=chosen.role_group_id,
        contact_id=chosen.contact_id,
        reason=reason,
        state=SessionState.ACTIVE.value,
        started_at=tx.now,
        used_at=tx.now,
        ends_at=min(tx.now + LONGEST, chosen.expires_at or tx.now + LONGEST),
        ip=client.ip,
        user_agent=client.user_agent[: text.NAME_LENGTH],
    )
    given = chosen.level or chosen.role_key
    data = {"basis": chosen.basis, "as": given}
    await record(tx, _event(EventType.SESSION_STARTED, chosen, session_id, reason=reason, data=data))
    return session_id


async def _choose(tx: Transaction, host_id: UUID, basis: Basis | None, role_key: DelegatedRole | None) -> Any:
    """The one basis that was meant."""
    if host_id in tx.principal.organisations:
        raise ValidationError("hostId", "You are at work there already.")
    held = await list_bases(tx, host_id)
    if not held and not await knows_host(tx, host_id):
        raise NotFound(("hostId",))
    if not held:
        raise Forbidden(Action.SESSION_OPEN, "NO_GRANT", path=("hostId",))
    fitting = [
        one for one in held if (basis is None or one.basis == basis) and (role_key is None or one.role_key == role_key)
    ]
    if not fitting:
        raise Forbidden(Action.SESSION_OPEN, "NO_GRANT", path=("basis",))
    if len(fitting) > 1:
        raise ValidationError("basis", "You may act there on several bases: name one.")
    return fitting[0]


async def leave_organisation(tx: Transaction, *, session_id: UUID) -> UUID:
    """Leave a session of one's own; NotFound for anybody else's, InvalidState for one that is over."""
    require(tx.principal, Action.SESSION_LEAVE, Target(), now=tx.now)
    session = await lock_session(tx, session_id)
    if session is None:
        raise NotFound(("sessionId",))
    state = SESSION.move(SessionState(session.state), SessionEvent.LEAVE)
    await tx.enter(session.home_id, session.host_id)
    await tx.update(acting_sessions, session_id, state=state.value, ended_at=tx.now)
    await record(tx, _event(EventType.SESSION_ENDED, session, session_id))
    return session_id


async def end_sessions(tx: Transaction, scope: ColumnElement[bool]) -> Sequence[Any]:
    """Revoke the live sessions in a scope, in the transaction that ends what they rest on; the rows (model 4.10)."""
    state = SESSION.move(SessionState.ACTIVE, SessionEvent.REVOKE)
    live = acting_sessions.c.ended_at.is_(None)
    ended = update(acting_sessions).where(scope, live).values(state=state.value, ended_at=tx.now)
    return await tx.all(ended.returning(acting_sessions))


async def end_sessions_above(tx: Transaction, partnership_id: UUID, level: DataAccessLevel) -> Sequence[Any]:
    """Revoke the sessions of a partnership that rest on a higher level than is left."""
    above = [one.value for one in DataAccessLevel if is_above(one, level)]
    scope = (acting_sessions.c.partnership_id == partnership_id) & among(acting_sessions.c.level, above)
    return await end_sessions(tx, scope)


async def expire_session(tx: Transaction, session: Any) -> Event:
    """Mark a session that time has ended; nobody could use it any more before (invariant 12)."""
    state = SESSION.move(SessionState(session.state), SessionEvent.EXPIRE)
    await tx.update(acting_sessions, session.id, state=state.value, ended_at=tx.now)
    return _event(EventType.SESSION_ENDED, session, session.id, data={"cause": "time"})


def revoked_events(sessions: Sequence[Any]) -> list[Event]:
    """One event per session that ended with something larger (model 4.12)."""
    return [_event(EventType.SESSION_REVOKED, session, session.id) for session in sessions]


def _event(kind: EventType, row: Any, session_id: UUID, **given: Any) -> Event:
    return Event(
        type=kind,
        streams=(row.host_id, row.home_id),
        host_id=row.host_id,
        guest_id=row.home_id,
        partnership_id=row.partnership_id,
        acting_session_id=session_id,
        **given,
    )
