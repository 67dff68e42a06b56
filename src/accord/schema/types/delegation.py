"""Delegated roles, and the partner's groups that hold them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.delegation import MEMBERS_OF_GROUP, DelegationRow, RoleGroupMemberRow, RoleGroupRow
from accord.domain import delegation as domain
from accord.schema.connections import listing
from accord.schema.context import Info
from accord.schema.links import decided, link
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import DelegatedRole, DelegationState, RoleGroupState
from accord.schema.types.node import Node
from accord.schema.types.organisation import Organisation, User
from accord.schema.types.partnership import Partnership


@guarded(Action.ROLES_READ)
@strawberry.type(description="A person of the partner in a role group.")
class RoleGroupMember:
    user: User = link("user_by_id", "user_id")
    added_by: User | None = link("user_by_id", "added_by")
    added_at: datetime
    expires_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, RoleGroupMemberRow)


@guarded(Action.ROLES_READ)
@strawberry.type(
    description="The partner's group of people for one role of one customer (S110). It says who holds the role; acting "
    "in the customer's organisation by it is not possible yet."
)
class RoleGroup(Node):
    id: ID
    version: int
    role: DelegatedRole
    state: RoleGroupState
    host: Organisation = link("organisation_by_id", "host_id")
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    delegation: RoleDelegation | None = link("delegation_by_id", "delegation_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, RoleGroupRow)

    @field(
        description="The customer's name and the role (S111), after renames too; where a partner has two of one name, "
        "each with the customer's handle for the partner's people."
    )
    async def name(self, root: Parent[RoleGroupRow], info: Info) -> str:
        names = await info.context.loaders.group_names_by_guest.load(root.guest_id)
        if root.key in names:
            return names[root.key]
        host = await info.context.loaders.organisation_by_id.load(root.host_id)
        return domain.group_name(domain.DelegatedRole(root.role), host.name)

    @field(description="Who is in it now.")
    def members(
        self,
        root: Parent[RoleGroupRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[RoleGroupMember] | None:
        return listing(info, MEMBERS_OF_GROUP, root.key, span(first, after, last, before))


@guarded(Action.ROLES_READ)
@strawberry.type(description="A role that the host has delegated to the partner.")
class RoleDelegation(Node):
    id: ID
    version: int
    partnership: Partnership | None = link("partnership_by_id", "partnership_id")
    role: DelegatedRole
    state: DelegationState
    granted_by: User | None = link("user_by_id", "granted_by")
    granted_at: datetime
    expires_at: datetime | None = strawberry.field(description="It ends by itself then, with its group.")
    ended_at: datetime | None
    role_version: int = strawberry.field(description="Of what the role permits.")
    notify_addresses: list[str] | None = decided(
        "notify_addresses", Action.ROLES_DELEGATE, "partnership_id", "Who was told of it (S115); for the host."
    )
    group: RoleGroup | None = link("role_group_by_id", "group_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, DelegationRow)
