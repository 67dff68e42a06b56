"""Delegated roles: the dialog, its single steps, and who is in the partner's groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import PartnershipPayload, Refusable, key_of
from accord.schema.mutations.sharing import errors_of, keys_of, rows_of
from accord.schema.transaction import run
from accord.schema.types.delegation import RoleGroup
from accord.schema.types.enums import DelegatedRole
from accord.schema.types.organisation import User
from accord.schema.types.refusals import MutationError
from accord.services.grants import delegation, role_group

LISTED = "E-mail addresses, separated by commas, at most 20; one that is none refuses the whole change."
UNLISTED = f"{LISTED} Left out: whoever was told when the roles were enabled."
SENDS = "Tell the addresses; the partner's admins are told in any case."


@strawberry.input
class SetDelegatedRolesInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    roles: list[DelegatedRole] = strawberry.field(description="The roles from now on; none: all are cleared.")
    notify_addresses: str | None = strawberry.field(
        default=None, description=f"{UNLISTED} Enabling a role needs at least one."
    )
    send_email: bool = strawberry.field(default=True, description=f"{SENDS} Enabling a role needs it.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the roles that this enables end by themselves; those that stand keep their end."
    )


@strawberry.input
class DelegateRolesInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    roles: list[DelegatedRole]
    notify_addresses: str = strawberry.field(description=f"{LISTED} At least one.")
    expires_at: datetime | None = strawberry.field(default=None, description="When the roles end by themselves.")


@strawberry.input
class ClearRolesInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    roles: list[DelegatedRole]
    notify_addresses: str | None = strawberry.field(default=None, description=UNLISTED)
    send_email: bool = strawberry.field(default=True, description=SENDS)


@strawberry.input
class AddRoleGroupMembersInput:
    organisation_id: ID
    role_group_id: ID
    expected_version: int | None = None
    user_ids: list[ID]
    expires_at: datetime | None = strawberry.field(default=None, description="When these people leave by themselves.")


@strawberry.input
class RemoveRoleGroupMembersInput:
    organisation_id: ID
    role_group_id: ID
    expected_version: int | None = None
    user_ids: list[ID]


@strawberry.type(description="What the change came to.")
class DelegationReceipt:
    roles_enabled: int
    roles_cleared: int
    group_members_ended: int
    sessions_revoked: int


@strawberry.type
class DelegationPayload(PartnershipPayload):
    receipt: DelegationReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        partnership = await info.context.loaders.partnership_by_id.load(key_of(result))
        return cls(partnership=partnership, receipt=result.receipt)


@strawberry.type
class SetDelegatedRolesPayload(DelegationPayload): ...


@strawberry.type
class DelegateRolesPayload(DelegationPayload): ...


@strawberry.type
class ClearRolesPayload(DelegationPayload): ...


@strawberry.type(description="One person's answer: who was added or removed, or why nobody was.")
class RoleGroupMemberResult:
    user: User | None = None
    error: MutationError | None = None


@strawberry.type
class RoleGroupPayload(Refusable):
    role_group: RoleGroup | None = None
    results: list[RoleGroupMemberResult] = strawberry.field(
        default_factory=list, description="One per person, in order."
    )

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        users = await rows_of(loaders.user_by_id, keys_of(result.results))
        refused = errors_of(info, result.results, "userIds")
        return cls(
            role_group=await loaders.role_group_by_id.load(key_of(result)),
            results=[RoleGroupMemberResult(user=u, error=e) for u, e in zip(users, refused, strict=True)],
        )


@strawberry.type
class AddRoleGroupMembersPayload(RoleGroupPayload): ...


@strawberry.type
class RemoveRoleGroupMembersPayload(RoleGroupPayload): ...


async def set_delegated_roles(info: Info, input: SetDelegatedRolesInput) -> SetDelegatedRolesPayload | None:
    """Sets all roles delegated to the partner of record in one change, with whom to tell (S114 to S120)."""
    return await run(info, delegation.set_delegated_roles, input, SetDelegatedRolesPayload)


async def delegate_roles(info: Info, input: DelegateRolesInput) -> DelegateRolesPayload | None:
    """Delegates roles to the partner of record; each gets a new, empty group on the partner's side (S106, S110)."""
    return await run(info, delegation.delegate_roles, input, DelegateRolesPayload)


async def clear_roles(info: Info, input: ClearRolesInput) -> ClearRolesPayload | None:
    """Takes delegated roles back, with their groups and everybody in them (S117, S118)."""
    return await run(info, delegation.clear_roles, input, ClearRolesPayload)


async def add_role_group_members(info: Info, input: AddRoleGroupMembersInput) -> AddRoleGroupMembersPayload | None:
    """Puts people of the partner into one of its role groups (S112)."""
    return await run(info, role_group.add_role_group_members, input, AddRoleGroupMembersPayload)


async def remove_role_group_members(
    info: Info, input: RemoveRoleGroupMembersInput
) -> RemoveRoleGroupMembersPayload | None:
    """Takes people of the partner out of one of its role groups."""
    return await run(info, role_group.remove_role_group_members, input, RemoveRoleGroupMembersPayload)
