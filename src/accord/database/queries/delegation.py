"""Delegated roles and role groups as acts read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Query, Transaction
from accord.database.sets import among
from accord.database.tables.delegation import role_delegations, role_group_members, role_groups
from accord.database.visibility import sees_delegation
from accord.domain.delegation import DelegatedRole, DelegationState
from accord.domain.errors import NotFound

GROUP: Final = Query(
    select(role_groups.c.partnership_id).where(
        role_groups.c.id == bindparam("wanted", type_=Uuid()), sees_delegation(role_groups)
    )
)


async def lock_delegations(
    tx: Transaction, partnership_id: UUID, roles: Collection[DelegatedRole] = tuple(DelegatedRole)
) -> dict[DelegatedRole, Any]:
    """The active delegations of a partnership that the act holds, each with the key of its group, locked."""
    found = await tx.all(
        select(role_delegations, role_groups.c.id.label("group_id"))
        .join(role_groups, role_groups.c.delegation_id == role_delegations.c.id)
        .where(
            role_delegations.c.partnership_id == partnership_id,
            role_delegations.c.state == DelegationState.ACTIVE.value,
            among(role_delegations.c.role, roles),
        )
        .order_by(role_delegations.c.id)
        .with_for_update(of=role_delegations)
    )
    return {DelegatedRole(row.role): row for row in found}


async def find_group(tx: Transaction, group_id: UUID) -> UUID:
    """The partnership of a group that the caller may see, in whatever state it is; NotFound otherwise."""
    found = await tx.fetch(GROUP, wanted=group_id)
    if not found:
        raise NotFound(("roleGroupId",))
    partnership_id: UUID = found[0].partnership_id
    return partnership_id


async def lock_group(tx: Transaction, group_id: UUID) -> Any:
    """Return a group whose partnership the act holds, locked, with the end of its delegation and who granted it."""
    return await tx.first(
        select(role_groups, role_delegations.c.expires_at, role_delegations.c.granted_by)
        .join(role_delegations, role_delegations.c.id == role_groups.c.delegation_id)
        .where(role_groups.c.id == group_id)
        .with_for_update(of=role_groups)
    )


async def list_group_members(tx: Transaction, group_id: UUID) -> Sequence[Any]:
    """Who is in a group now."""
    present = role_group_members.c.ended_at.is_(None)
    return await tx.all(select(role_group_members).where(role_group_members.c.group_id == group_id, present))
