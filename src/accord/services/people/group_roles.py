"""What a directory's groups mean for a membership: the roles they give, kept apart from those that people gave."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from accord.database.engine import Transaction
from accord.database.queries.callers.scim import list_given, lock_active
from accord.database.tables.scim import scim_group_members, scim_users
from accord.domain.activity import EventType
from accord.domain.callers.scim import combined
from accord.domain.errors import ValidationError
from accord.domain.organisation import Role, withheld_roles
from accord.services.activity import Event
from accord.services.people.leading_roles import write_members
from accord.services.people.membership import member_event, stored

AT_ONCE: Final = 500
"""Members that are looked at before others get their turn."""

__all__ = ["give_group_roles", "leave_scim_groups", "refuse_inherited"]


async def give_group_roles(
    tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID | str]
) -> list[Event]:
    """Give active members what their groups give now, and take what no group gives any more; an event for each change.

    The organisation's members are held. What nobody gives to oneself nobody gets by a group that one has filled, or
    given its roles, alone. Raises LastAdmin where nobody would be left who is one.
    """
    events, changes = list[Event](), list[tuple[Any, dict[str, Any]]]()
    ordered = sorted(map(str, membership_ids))
    for start in range(0, len(ordered), AT_ONCE):
        some = [UUID(key) for key in ordered[start : start + AT_ONCE]]
        given = await list_given(tx, some)
        for row in await lock_active(tx, organisation_id, some):
            said = _given_to(row, given.get(row.id, ()))
            roles, inherited = combined(_roles(row.roles), _roles(row.directory_roles), said)
            if stored(roles) == sorted(row.roles) and stored(inherited) == sorted(row.directory_roles):
                continue
            changes.append((row, {"roles": stored(roles), "directory_roles": stored(inherited)}))
            if stored(roles) != sorted(row.roles):
                data = {"roles": {"from": sorted(row.roles), "to": stored(roles)}}
                events.append(member_event(EventType.MEMBER_UPDATED, organisation_id, row.id, row.user_id, data))
    await write_members(tx, organisation_id, changes)
    return events


def _given_to(row: Any, groups: Collection[Any]) -> frozenset[Role]:
    """Return the roles that a member gets by these groups, without those that nobody else gives to this person."""
    given = set[Role]()
    for group in groups:
        by_role = {Role(role): frozenset(map(UUID, group.given_by.get(role, ()))) for role in group.roles}
        given |= by_role.keys() - withheld_roles(by_role, receiver=row.user_id, filled_by=group.added_by)
    return frozenset(given)


async def leave_scim_groups(tx: Transaction, membership_id: UUID, *, for_good: bool) -> None:
    """Take somebody whose membership ends out of the directory's groups; `for_good`: forget what it said, too."""
    await tx.execute(delete(scim_group_members).where(scim_group_members.c.membership_id == membership_id))
    if for_good:
        await tx.execute(delete(scim_users).where(scim_users.c.id == membership_id))


def refuse_inherited(row: Any, roles: Collection[Role]) -> None:
    """What a group of the directory gives is taken away there and not here; ValidationError names it."""
    kept = _roles(row.directory_roles) - frozenset(roles)
    if kept:
        listed = ", ".join(sorted(kept))
        raise ValidationError("roles", f"A group of the directory gives {listed}: take the person out of it there.")


def _roles(names: Collection[str]) -> frozenset[Role]:
    return frozenset(map(Role, names))
