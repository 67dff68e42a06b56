"""An organisation's directory: the credentials it comes by, and its groups with the roles they give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.scim import CREDENTIALS, GROUPS, ScimCredentialRow, ScimGroupRow, ScimRow
from accord.schema.connections import listing
from accord.schema.context import Info
from accord.schema.errors import ForbiddenField
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import Role, ScimCredentialStatus
from accord.schema.types.node import Node


@guarded(Action.SCIM_READ)
@strawberry.type(description="What a directory signs in to /scim/v2 with; the token is shown once, when it is made.")
class ScimCredential(Node):
    id: ID
    version: int
    label: str
    status: ScimCredentialStatus
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ScimCredentialRow)


@guarded(Action.SCIM_READ)
@strawberry.type(description="A group of the directory; whoever is in it has its roles as long as that is so.")
class ScimGroup(Node):
    id: ID
    version: int
    display_name: str
    external_id: str | None
    roles: list[Role] = strawberry.field(description="By the organisation's own table; never LEGAL_REPRESENTATIVE.")
    member_count: int

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ScimGroupRow)


@guarded(Action.SCIM_READ)
@strawberry.type(description="The side of an organisation that its directory reaches (S65).")
class ScimDirectory:
    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, ScimRow)

    @field(description="Those of use and those that were.")
    def credentials(
        self,
        root: Parent[ScimRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ScimCredential] | None:
        return listing(info, CREDENTIALS, root.key, span(first, after, last, before))

    @field(description="The groups that the directory has told of.")
    def groups(
        self,
        root: Parent[ScimRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ScimGroup] | None:
        return listing(info, GROUPS, root.key, span(first, after, last, before))


async def scim_of(info: Info, key: str) -> Any:
    """The directory side of an organisation, for its admins."""
    found = await info.context.loaders.scim_by_organisation.load(key)
    if found is None:
        raise ForbiddenField(Action.SCIM_READ)
    return found
