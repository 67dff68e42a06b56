"""Members of an organisation: their roles and their end (model 4.2, 4.4.5, 4.10)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.member import (
    find_membership,
    hold_members,
    hold_partnerships_with,
    hold_person,
    lock_membership,
)
from accord.database.tables.acting import acting_sessions
from accord.database.tables.organisation import users
from accord.domain import text
from accord.domain.acting import Basis
from accord.domain.activity import EventType, counted
from accord.domain.errors import Forbidden
from accord.domain.organisation import (
    MEMBERSHIP,
    MemberPreset,
    MembershipEvent,
    MembershipStatus,
    Role,
)
from accord.services.activity import Event, record
from accord.services.digest import note_change
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.people.claim import claim_link
from accord.services.people.departure import MemberReceipt, depart, refuse_meanwhile
from accord.services.people.group_roles import give_group_roles, leave_scim_groups, refuse_inherited
from accord.services.people.leading_roles import write_member
from accord.services.people.membership import (
    member_event,
    refuse_protected,
    require_giving,
    require_managing,
    stored,
    with_preset,
)

__all__ = [
    "Departed",
    "deactivate_member",
    "reactivate_member",
    "remove_member",
    "update_member",
]


@dataclass(frozen=True, slots=True)
class Departed:
    """A membership that was deactivated or removed, and what is left to the worker."""

    id: UUID
    receipt: MemberReceipt
    cascade_ids: tuple[UUID, ...]


async def update_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    display_name: str | None = None,
    roles: Collection[Role] | None = None,
    delegated_admin: bool | None = None,
    preset: MemberPreset | None = None,
) -> UUID:
    """Change the roles of a member, and the name of one whose home this is (S16, model 4.2)."""
    row = await _held(tx, organisation_id, membership_id, expected_version)
    roles, delegated_admin = with_preset(preset, roles, delegated_admin, before=frozenset(map(Role, row.roles)))
    await refuse_protected(tx, row, gives=roles is not None or delegated_admin is not None)
    status = MEMBERSHIP.move(MembershipStatus(row.status), MembershipEvent.UPDATE)
    values: dict[str, Any] = {}
    if display_name is not None:
        values["display_name"] = text.name("displayName", display_name)
    if roles is not None:
        before = frozenset(map(Role, row.roles))
        refuse_inherited(row, roles)
        own = row.user_id == tx.person_id
        await require_giving(tx, organisation_id, roles, to_oneself=own, before=before)
        values["roles"] = stored(roles)
    if delegated_admin is not None:
        values["delegated_admin"] = delegated_admin
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if not changed:
        return membership_id
    if "display_name" in changed:
        await _rename(tx, organisation_id, row.user_id, changed["display_name"])
    await write_member(tx, row, status=status.value, **changed)
    revoked = await _revoke(tx, row) if changed.get("delegated_admin") is False else []
    data = {name: {"from": getattr(row, name), "to": value} for name, value in changed.items()}
    await note_change(tx, organisation_id, f"changed the member {row.display_name}")
    updated = member_event(EventType.MEMBER_UPDATED, organisation_id, membership_id, row.user_id, data)
    await record(tx, updated, *revoked)
    return membership_id


async def _revoke(tx: Transaction, row: Any) -> list[Event]:
    """Who is no delegated admin any more acts by no level."""
    theirs = (acting_sessions.c.user_id == row.user_id) & (acting_sessions.c.home_id == row.organisation_id)
    return revoked_events(await end_sessions(tx, theirs & (acting_sessions.c.basis == Basis.LEVEL.value)))


async def _rename(tx: Transaction, organisation_id: UUID, user_id: UUID, display_name: str) -> None:
    """A person has one name, and only the home organisation changes it (S16)."""
    home = users.c.home_organisation_id == organisation_id
    renamed = users.update().where(users.c.id == user_id, home)
    if await tx.execute(renamed.values(display_name=display_name, version=users.c.version + 1)) != 1:
        raise Forbidden(Action.MEMBER_MANAGE, "NO_GRANT", "Only the person's home organisation changes the name.")


async def deactivate_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> Departed:
    """End a membership until somebody reactivates it; all partner access of the person ends for good (S66, 4.10)."""
    return await _end(tx, organisation_id, membership_id, expected_version, reason, MembershipEvent.DEACTIVATE)


async def remove_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> Departed:
    """End a membership for good, or void the link of one that was only invited (4.4.5, 4.10)."""
    return await _end(tx, organisation_id, membership_id, expected_version, reason, MembershipEvent.REMOVE)


ENDS = {
    MembershipEvent.DEACTIVATE: EventType.MEMBER_DEACTIVATED,
    MembershipEvent.REMOVE: EventType.MEMBER_REMOVED,
}


async def _end(
    tx: Transaction,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None,
    reason: str | None,
    event: MembershipEvent,
) -> Departed:
    found = await find_membership(tx, organisation_id, membership_id)
    require_managing(tx, organisation_id, ends=True)
    await hold_person(tx, found.user_id)
    await hold_members(tx, organisation_id)
    await hold_partnerships_with(tx, organisation_id, found.user_id)
    row = await lock_membership(tx, organisation_id, membership_id)
    # once more: an act that held the membership until now may have given the person a part in another one
    await hold_partnerships_with(tx, organisation_id, row.user_id)
    await refuse_protected(tx, row, gives=event is MembershipEvent.REMOVE)
    check_version(row, expected_version, row.status)
    status = MEMBERSHIP.move(MembershipStatus(row.status), event)
    reason = text.note("reason", reason)
    values: dict[str, Any] = {"status": status.value, "directory_roles": [], "delegated_admin": False}
    values |= {"token_hash": None, "token_expires_at": None}
    receipt, further, left = MemberReceipt(), list[Event](), tuple[UUID, ...]()
    if row.status == MembershipStatus.ACTIVE:
        departure = await depart(tx, row, ENDS[event], values)
        receipt, further, left = departure.receipt, [*departure.events], departure.cascade_ids
    else:
        await write_member(tx, row, **values)
    await leave_scim_groups(tx, membership_id, for_good=event is MembershipEvent.REMOVE)
    await note_change(tx, organisation_id, f"deactivated the member {row.display_name}")
    counts = counted(asdict(receipt))
    told = member_event(ENDS[event], organisation_id, membership_id, row.user_id, counts, reason)
    await record(tx, told, *further)
    return Departed(membership_id, receipt, left)


async def reactivate_member(
    tx: Transaction, *, organisation_id: UUID, membership_id: UUID, expected_version: int | None = None
) -> UUID:
    """Let a deactivated member in again, as a plain one: no role, grant or group comes back (4.4.5, invariant 6)."""
    row = await _held(tx, organisation_id, membership_id, expected_version)
    await refuse_protected(tx, row)
    status = MEMBERSHIP.move(MembershipStatus(row.status), MembershipEvent.REACTIVATE)
    await refuse_meanwhile(tx, row)
    values: dict[str, Any] = {"roles": stored([Role.MEMBER]), "directory_roles": [], "joined_at": tx.now}
    if row.unclaimed:
        values |= await claim_link(tx, organisation_id, row.email, row.display_name)
    await write_member(tx, row, status=status.value, **values)
    given = await give_group_roles(tx, organisation_id, [membership_id])
    await note_change(tx, organisation_id, f"reactivated the member {row.display_name}")
    told = member_event(EventType.MEMBER_REACTIVATED, organisation_id, membership_id, row.user_id, {})
    await record(tx, told, *given)
    return membership_id


async def _held(tx: Transaction, organisation_id: UUID, membership_id: UUID, expected_version: int | None) -> Any:
    """The membership, locked: visible (else NotFound), permitted (else Forbidden), as it was read (else Conflict)."""
    found = await find_membership(tx, organisation_id, membership_id)
    require_managing(tx, organisation_id)
    await hold_person(tx, found.user_id)
    await hold_members(tx, organisation_id)
    row = await lock_membership(tx, organisation_id, membership_id)
    check_version(row, expected_version, row.status)
    return row
