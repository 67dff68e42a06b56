"""Letting a directory in, and what its groups mean here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed, Refusable, key_of
from accord.schema.transaction import run
from accord.schema.types.enums import Role
from accord.schema.types.scim import ScimCredential, ScimGroup
from accord.services.people import scim_credential, scim_group


@strawberry.input
class CreateScimCredentialInput:
    organisation_id: ID
    label: str = strawberry.field(description="What it is called in activity, such as the directory's product.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="180 days from now without it, at most 366 days from now."
    )


@strawberry.input
class RevokeScimCredentialInput:
    organisation_id: ID
    scim_credential_id: ID
    expected_version: int | None = None


@strawberry.input
class SetScimGroupRolesInput:
    organisation_id: ID
    scim_group_id: ID
    roles: list[Role] = strawberry.field(description="All that the group gives from now on; empty: none.")
    expected_version: int | None = None


@strawberry.type
class CreateScimCredentialPayload(Refusable):
    credential: ScimCredential | None = None
    token: str | None = strawberry.field(default=None, description="Shown this once; nothing but its hash is kept.")

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(credential=await info.context.loaders.scim_credential_by_id.load(key_of(result)), token=result.token)


@strawberry.type
class RevokeScimCredentialPayload(Changed, loader="scim_credential_by_id"):
    credential: ScimCredential | None = None


@strawberry.type
class SetScimGroupRolesPayload(Changed, loader="scim_group_by_id"):
    group: ScimGroup | None = None


async def create_scim_credential(info: Info, input: CreateScimCredentialInput) -> CreateScimCredentialPayload | None:
    """Lets a directory in by a token of its own (S65); to rotate, make the next one before the last one ends."""
    return await run(info, scim_credential.create_scim_credential, input, CreateScimCredentialPayload)


async def revoke_scim_credential(info: Info, input: RevokeScimCredentialInput) -> RevokeScimCredentialPayload | None:
    """Ends a credential at once; the people whom it brought stay."""
    return await run(info, scim_credential.revoke_scim_credential, input, RevokeScimCredentialPayload)


async def set_scim_group_roles(info: Info, input: SetScimGroupRolesInput) -> SetScimGroupRolesPayload | None:
    """Says which roles the people of a directory's group have by it."""
    return await run(info, scim_group.set_scim_group_roles, input, SetScimGroupRolesPayload)
