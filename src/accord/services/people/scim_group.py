"""Groups of a directory, and the organisation's own table of the roles that each gives (S65, model 4.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.callers.scim import (
    find_credential_maker,
    find_group,
    find_group_taken,
)
from accord.database.queries.callers.scim_members import (
    find_difference,
    knows_all,
    list_inheriting,
    list_people_of,
    put_in,
    take_out,
)
from accord.database.queries.member import hold_members, lock_own_membership
from accord.database.tables.scim import scim_groups
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.callers.scim import GIVEABLE, MemberChange, NotUnique, SaidGroup
from accord.domain.errors import Forbidden, LastAdmin, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import NEVER_TO_ONESELF, Role
from accord.services.activity import Event, record
from accord.services.people.group_roles import give_group_roles
from accord.services.people.membership import require_provisioning, stored

__all__ = ["change_group", "create_group", "delete_group", "leave", "set_scim_group_roles"]


async def create_group(tx: Transaction, said: SaidGroup) -> UUID:
    """A new group; it gives no role until the organisation says so."""
    organisation_id = require_provisioning(tx)
    said = _checked(said)
    await hold_members(tx, organisation_id)
    await _refuse_taken(tx, organisation_id, said, None)
    values = {"display_name": said.display_name, "external_id": said.external_id}
    group_id = await tx.insert(scim_groups, organisation_id=organisation_id, **values)
    await _put_in(tx, organisation_id, group_id, said.members.added)
    return group_id


async def change_group(tx: Transaction, group_id: UUID, edit: Callable[[Any], Awaitable[SaidGroup]]) -> UUID:
    """Make a group what `edit` says of the row as it stands; who comes or goes gets or loses its roles at once.

    LastAdmin where nobody would be left who is one: then nothing changes.
    """
    organisation_id = require_provisioning(tx, ends=True)
    await hold_members(tx, organisation_id)
    row = await _held(tx, organisation_id, group_id)
    said = _checked(await edit(row))
    await _refuse_taken(tx, organisation_id, said, group_id)
    entering, leaving = await find_difference(tx, group_id, said.members)
    require_provisioning(tx, ends=bool(leaving) and not entering)
    if (said.display_name, said.external_id) == (row.display_name, row.external_id) and not entering | leaving:
        return group_id
    await tx.update(scim_groups, group_id, display_name=said.display_name, external_id=said.external_id)
    await _put_in(tx, organisation_id, group_id, entering)
    await _take_out(tx, group_id, leaving)
    await record(tx, *await _roles_of(tx, organisation_id, row, entering | leaving))
    return group_id


async def leave(tx: Transaction, group_id: UUID, left: Callable[[Any], Awaitable[MemberChange]]) -> UUID | None:
    """Take those out of a group who leave by `left`, and change nothing else; None where all of them stay.

    Whoever is an admin by this group stays while nobody else is one (4.10).
    """
    organisation_id = require_provisioning(tx, ends=True)
    await hold_members(tx, organisation_id)
    row = await _held(tx, organisation_id, group_id)
    _, leaving = await find_difference(tx, group_id, await left(row))
    try:
        async with tx.attempt():
            await _let_go(tx, organisation_id, row, leaving)
    except LastAdmin:
        leaving -= await list_inheriting(tx, organisation_id, leaving, Role.ORG_ADMIN)
        await _let_go(tx, organisation_id, row, leaving)
    return group_id if leaving else None


async def _let_go(tx: Transaction, organisation_id: UUID, row: Any, leaving: frozenset[str]) -> None:
    await _take_out(tx, row.id, leaving)
    await record(tx, *await _roles_of(tx, organisation_id, row, leaving))


async def _roles_of(tx: Transaction, organisation_id: UUID, row: Any, people: frozenset[str]) -> list[Event]:
    """Give and take what a group gives to people who have entered or left it; most groups give nothing."""
    return await give_group_roles(tx, organisation_id, people) if row.roles else []


async def delete_group(tx: Transaction, group_id: UUID, check: Callable[[Any], None]) -> UUID:
    """End a group and what it gave; `check` may refuse. LastAdmin as for `change_group`."""
    organisation_id = require_provisioning(tx, ends=True)
    await hold_members(tx, organisation_id)
    row = await _held(tx, organisation_id, group_id)
    check(row)
    _, before = await find_difference(tx, group_id, MemberChange(stays=False))
    await _take_out(tx, group_id, before)
    await tx.execute(delete(scim_groups).where(scim_groups.c.id == group_id))
    await record(tx, *await _roles_of(tx, organisation_id, row, before))
    return group_id


async def set_scim_group_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    scim_group_id: UUID,
    roles: Collection[Role],
    expected_version: int | None = None,
) -> UUID:
    """Say which roles the people of a directory's group have by it, from now on; none takes them all back.

    Never LEGAL_REPRESENTATIVE. Nobody who is in the group gives DECISION_MAKER or AUDITOR to it, and nobody gets these
    by a group to which nobody else has given them (model 4.2): another admin confirms by saying the same roles again.
    """
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.SCIM_MANAGE, target, now=tx.now, acting_for=tx.acting_for)
    refused = frozenset(roles) - GIVEABLE
    if refused:
        raise ValidationError("roles", f"No group gives {', '.join(sorted(refused))}.")
    await hold_members(tx, organisation_id)
    row = await _held(tx, organisation_id, scim_group_id)
    check_version(row, expected_version, None)
    people = await list_people_of(tx, scim_group_id)
    await _refuse_oneself(tx, organisation_id, people, frozenset(roles) - frozenset(map(Role, row.roles)))
    given_by = _given_by(row, roles, tx.person_id)
    if stored(roles) == sorted(row.roles) and given_by == row.given_by:
        return scim_group_id
    await tx.update(scim_groups, scim_group_id, roles=stored(roles), given_by=given_by)
    given = await give_group_roles(tx, organisation_id, people)
    data = {
        "group": global_id("scimgroup", scim_group_id),
        "name": row.display_name,
        "roles": {"from": sorted(row.roles), "to": stored(roles)},
    }
    told = Event(type=EventType.SCIM_GROUP_ROLES_SET, streams=(organisation_id,), data=data)
    await record(tx, told, *given)
    return scim_group_id


def _given_by(row: Any, roles: Collection[Role], giver: UUID) -> dict[str, list[str]]:
    """Return who has given each role to the group; whoever says a role again confirms it."""
    return {role.value: sorted({*row.given_by.get(role.value, ()), str(giver)}) for role in roles}


async def _refuse_oneself(
    tx: Transaction, organisation_id: UUID, people: frozenset[UUID], given: frozenset[Role]
) -> None:
    refused = given & NEVER_TO_ONESELF
    own = await lock_own_membership(tx, organisation_id, tx.person_id) if refused else None
    if own is not None and own.id in people:
        hint = f"Somebody else has to give {', '.join(sorted(refused))}: you are in this group."
        raise Forbidden(Action.SCIM_MANAGE, "NO_GRANT", hint, ("roles",))


def _checked(said: SaidGroup) -> SaidGroup:
    return replace(
        said,
        display_name=text.name("displayName", said.display_name),
        external_id=text.optional_name("externalId", said.external_id),
    )


async def _refuse_taken(tx: Transaction, organisation_id: UUID, said: SaidGroup, but: UUID | None) -> None:
    if await find_group_taken(tx, organisation_id, said.external_id, but):
        raise NotUnique("externalId")


async def _held(tx: Transaction, organisation_id: UUID, group_id: UUID) -> Any:
    row = await find_group(tx, organisation_id, group_id, held=True)
    if row is None:
        raise NotFound(("scimGroupId",))
    return row


async def _put_in(tx: Transaction, organisation_id: UUID, group_id: UUID, members: frozenset[str]) -> None:
    if not members:
        return
    if not await knows_all(tx, organisation_id, members):
        raise ValidationError("members", "Members are people of this organisation, named by their id.")
    directory = tx.principal.directory
    maker = None if directory is None else await find_credential_maker(tx, directory.credential_id)
    await put_in(tx, organisation_id, group_id, members, maker)


async def _take_out(tx: Transaction, group_id: UUID, members: frozenset[str]) -> None:
    if members:
        await take_out(tx, group_id, members)
