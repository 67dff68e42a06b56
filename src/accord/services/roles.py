"""The end of delegated roles: with the delegation its group goes, and whoever is in the group (model 4.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update

from accord.database.engine import Transaction
from accord.database.queries.delegation import lock_delegations
from accord.database.tables.acting import acting_sessions
from accord.database.tables.delegation import role_delegations, role_group_members
from accord.domain.activity import EventType
from accord.domain.delegation import DELEGATION, DelegatedRole, DelegationEvent, DelegationState
from accord.domain.ids import global_id
from accord.services.acting import end_sessions, revoked_events
from accord.services.activity import Event

__all__ = ["EndedRoles", "clearing_events", "end_roles", "leave_groups"]


@dataclass(frozen=True, slots=True)
class EndedRoles:
    """The delegations that ended, as rows with `group_id`, the rows of those who were in their groups, and the sessions
    that rested on them."""

    delegations: Sequence[Any] = ()
    members: Sequence[Any] = ()
    sessions: Sequence[Any] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What a receipt says."""
        return {
            "roles_cleared": len(self.delegations),
            "group_members_ended": len(self.members),
            "sessions_revoked": len(self.sessions),
        }

    @property
    def user_ids(self) -> frozenset[UUID]:
        """Who was in the groups."""
        return frozenset(row.user_id for row in self.members)


async def end_roles(
    tx: Transaction,
    partnership_id: UUID,
    roles: Collection[DelegatedRole] = tuple(DelegatedRole),
    event: DelegationEvent = DelegationEvent.CLEAR,
) -> EndedRoles:
    """End those of these roles that are delegated in a partnership that the act holds.

    People first, then the delegation; the group's state follows it by its foreign key.
    """
    active = list((await lock_delegations(tx, partnership_id, roles)).values())
    members = await _leave(tx, role_group_members.c.group_id.in_([row.group_id for row in active]))
    state = DELEGATION.move(DelegationState.ACTIVE, event)
    for row in active:
        await tx.update(role_delegations, row.id, state=state.value, ended_at=tx.now)
    sessions = await end_sessions(tx, acting_sessions.c.role_group_id.in_([row.group_id for row in active]))
    return EndedRoles(active, members, sessions)


async def leave_groups(tx: Transaction, guest_id: UUID, user_id: UUID) -> Sequence[Any]:
    """Take a person who leaves a guest out of all its groups; the ended rows."""
    theirs = (role_group_members.c.guest_id == guest_id) & (role_group_members.c.user_id == user_id)
    return await _leave(tx, theirs)


async def _leave(tx: Transaction, scope: Any) -> Sequence[Any]:
    present = role_group_members.c.ended_at.is_(None)
    ended = update(role_group_members).where(scope, present).values(ended_at=tx.now)
    return await tx.all(ended.returning(role_group_members))


def clearing_events(ended: EndedRoles) -> list[Event]:
    """One event per delegation that ended, by itself or with something larger (model 4.12)."""
    members = Counter(row.group_id for row in ended.members)
    cleared = [
        Event(
            type=EventType.DELEGATION_CLEARED,
            streams=(row.host_id, row.guest_id),
            host_id=row.host_id,
            guest_id=row.guest_id,
            partnership_id=row.partnership_id,
            data={
                "role": row.role,
                "roleGroup": global_id("rolegroup", row.group_id),
                "groupMembersEnded": members[row.group_id],
            },
        )
        for row in ended.delegations
    ]
    return [*cleared, *revoked_events(ended.sessions)]
