"""Who of a partner holds a delegated role: its admins put people into the role's group (S112).

Membership gives the role in the customer's organisation, in acting sessions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.delegation import find_group, list_group_members, lock_group
from accord.database.queries.partnership import list_active_members
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.delegation import role_group_members, role_groups
from accord.domain.activity import EventType
from accord.domain.delegation import RoleGroupState, is_over
from accord.domain.errors import DomainError, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import MembershipStatus, Role
from accord.services.activity import Event, record
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.grants.share import BULK
from accord.services.pair import event_of, held

__all__ = ["GroupChange", "add_role_group_members", "remove_role_group_members"]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A group, and what came of each person that the act names: the person's key, or the refusal."""

    id: UUID
    results: list[UUID | DomainError]


async def add_role_group_members(
    tx: Transaction,
    *,
    organisation_id: UUID,
    role_group_id: UUID,
    user_ids: Sequence[UUID],
    expires_at: datetime | None = None,
    expected_version: int | None = None,
) -> GroupChange:
    """Put active members of the guest into a group; NotFound for people of any other organisation."""
    row, group = await _hold(tx, role_group_id, user_ids, expected_version)
    if is_over(expires_at, tx.now):
        raise ValidationError("expiresAt", "This lies in the past.")
    members = {one.user_id: one for one in await list_active_members(tx, row.guest_id, user_ids)}
    listed = {one.user_id: one for one in await list_group_members(tx, group.id)}
    overdue = {one.user_id: one.id for one in listed.values() if is_over(one.expires_at, tx.now)}
    present = listed.keys() - overdue.keys()
    results: list[UUID | DomainError] = []
    for place, user_id in enumerate(user_ids):
        path = ("userIds", str(place))
        if refusal := _refusal(members.get(user_id), user_id in present, path, granted=user_id == group.granted_by):
            results.append(refusal)
            continue
        if user_id in overdue:
            await tx.update(role_group_members, overdue.pop(user_id), ended_at=tx.now)
        await _put(tx, group, user_id, expires_at)
        present = present | {user_id}
        results.append(user_id)
    await _record(tx, row, group, EventType.ROLEGROUP_MEMBER_ADDED, results)
    return GroupChange(group.id, results)


def _refusal(member: Any, is_present: bool, path: tuple[str, ...], *, granted: bool) -> DomainError | None:
    """Return why this person can't enter, or None; nobody takes up by one organisation what they gave by another."""
    if member is None:
        return NotFound(path)
    if granted:
        return Forbidden(Action.ROLE_GROUP_MANAGE, "NO_GRANT", "Who granted a role does not take it up.", path=path)
    if set(member.roles) <= {Role.AUDITOR.value}:
        return ValidationError("userIds", "An auditor reads activity and nothing else.")
    return InvalidState(MembershipStatus.ACTIVE, ("remove",), path) if is_present else None


async def _put(tx: Transaction, group: Any, user_id: UUID, expires_at: datetime | None) -> None:
    await tx.insert(
        role_group_members,
        group_id=group.id,
        partnership_id=group.partnership_id,
        host_id=group.host_id,
        guest_id=group.guest_id,
        user_id=user_id,
        added_by=tx.person_id,
        added_at=tx.now,
        expires_at=expires_at,
    )


async def remove_role_group_members(
    tx: Transaction,
    *,
    organisation_id: UUID,
    role_group_id: UUID,
    user_ids: Sequence[UUID],
    expected_version: int | None = None,
) -> GroupChange:
    """Take people out of a group; NotFound for those who are not in it."""
    row, group = await _hold(tx, role_group_id, user_ids, expected_version, ends=True)
    present = {one.user_id: one.id for one in await list_group_members(tx, group.id)}
    results: list[UUID | DomainError] = []
    for place, user_id in enumerate(user_ids):
        if (key := present.pop(user_id, None)) is None:
            results.append(NotFound(("userIds", str(place))))
            continue
        await tx.update(role_group_members, key, ended_at=tx.now)
        results.append(user_id)
    gone = [one for one in results if isinstance(one, UUID)]
    in_group = (acting_sessions.c.role_group_id == group.id) & among(acting_sessions.c.user_id, gone)
    sessions = await end_sessions(tx, in_group)
    await _record(tx, row, group, EventType.ROLEGROUP_MEMBER_REMOVED, results, *revoked_events(sessions))
    return GroupChange(group.id, results)


async def _hold(
    tx: Transaction, role_group_id: UUID, user_ids: Sequence[UUID], expected_version: int | None, *, ends: bool = False
) -> tuple[Any, Any]:
    """The partnership and the group, locked: seen, permitted, as it was read, and not deleted."""
    row = await held(tx, await find_group(tx, role_group_id), Action.ROLE_GROUP_MANAGE, None, ends=ends)
    group = await lock_group(tx, role_group_id)
    check_version(group, expected_version, group.state)
    if group.state != RoleGroupState.ACTIVE:
        raise InvalidState(group.state)
    if is_over(group.expires_at, tx.now):
        raise InvalidState(RoleGroupState.DELETED)
    if not 0 < len(user_ids) <= BULK:
        raise ValidationError("userIds", f"1 to {BULK} people, these are {len(user_ids)}.")
    return row, group


async def _record(
    tx: Transaction, row: Any, group: Any, event: EventType, results: Sequence[Any], *further: Event
) -> None:
    """One event per person, in both streams, and what followed; the group counts as changed once."""
    changed = [one for one in results if isinstance(one, UUID)]
    if not changed:
        return
    await tx.update(role_groups, group.id)
    common = {"role": group.role, "roleGroup": global_id("rolegroup", group.id)}
    events: list[Event] = [
        event_of(row, event, data=common | {"member": global_id("user", user_id)}) for user_id in changed
    ]
    await record(tx, *events, *further)
