"""The end of delegated roles: with the delegation its group goes, and whoever is in the group (model 4.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update

from accord.database.engine import Transaction
from accord.database.queries.delegation import lock_delegations
from accord.database.queries.recipients import admins_of
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.delegation import role_delegations, role_group_members
from accord.domain.activity import EventType
from accord.domain.delegation import DELEGATION, DelegatedRole, DelegationEvent, DelegationState, spoken
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.text import fold
from accord.services.activity import Event
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.pair import names, tell

__all__ = [
    "EndedRoles",
    "clearing_events",
    "end_roles",
    "leave_groups",
    "leave_overdue",
    "left_group",
    "tell_of_roles",
]


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
    def addresses(self) -> list[str]:
        """Who was told of the beginning."""
        return [address for row in self.delegations for address in row.notify_addresses]

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
    members = await _leave(tx, among(role_group_members.c.group_id, [row.group_id for row in active]))
    state = DELEGATION.move(DelegationState.ACTIVE, event)
    for row in active:
        await tx.update(role_delegations, row.id, state=state.value, ended_at=tx.now)
    sessions = await end_sessions(tx, among(acting_sessions.c.role_group_id, [row.group_id for row in active]))
    return EndedRoles(active, members, sessions)


async def leave_groups(tx: Transaction, guest_id: UUID, user_id: UUID) -> Sequence[Any]:
    """Take a person who leaves a guest out of all its groups; the ended rows."""
    theirs = (role_group_members.c.guest_id == guest_id) & (role_group_members.c.user_id == user_id)
    return await _leave(tx, theirs)


async def leave_overdue(tx: Transaction, partnership_id: UUID) -> Sequence[Any]:
    """Take those out of the groups of a partnership whose time in them is over; the ended rows."""
    over = role_group_members.c.expires_at <= tx.now
    return await _leave(tx, (role_group_members.c.partnership_id == partnership_id) & over)


def left_group(member: Any) -> dict[str, str]:
    """What an event says of somebody who left a group."""
    return {"roleGroup": global_id("rolegroup", member.group_id), "member": global_id("user", member.user_id)}


async def _leave(tx: Transaction, scope: Any) -> Sequence[Any]:
    present = role_group_members.c.ended_at.is_(None)
    ended = update(role_group_members).where(scope, present).values(ended_at=tx.now)
    return await tx.all(ended.returning(role_group_members))


async def tell_of_roles(
    tx: Transaction, row: Any, template: Template, roles: Collection[DelegatedRole], listed: Iterable[str]
) -> None:
    """The guest's admins in any case, these addresses besides; only enabling counts against the caps of mail."""
    admins = await admins_of(tx, row.guest_id)
    known = {fold(person.email) for person in admins}
    others = [Recipient(one) for one in dict.fromkeys(listed) if fold(one) not in known]
    facts = names(row) | {"roles": spoken(roles)}
    await tell(tx, row, template, facts, admins)
    counted = template is Template.ROLES_DELEGATED
    await enqueue(tx, Mail(template, row.host_id, others, facts, partnership_id=row.id, external=counted))


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
