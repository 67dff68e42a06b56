"""API clients of an organisation: made with a secret that is shown once, and revoked."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed, Refusable, key_of
from accord.schema.transaction import run
from accord.schema.types.acting import ApiClient
from accord.services import api_client


@strawberry.input
class CreateApiClientInput:
    organisation_id: ID
    name: str
    scopes: list[str] = strawberry.field(
        description="Actions such as `partnership:suspend`, or `noun:read` and `noun:write` for all of a noun that a "
        "client may have."
    )
    expires_at: datetime = strawberry.field(description="A year from now at most.")


@strawberry.input
class RevokeApiClientInput:
    organisation_id: ID
    api_client_id: ID
    expected_version: int | None = None


@strawberry.type
class CreateApiClientPayload(Refusable):
    api_client: ApiClient | None = None
    secret: str | None = strawberry.field(
        default=None, description="Shown this once: a bearer token, and the `client_secret` of `/oauth/token`."
    )

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        made = await info.context.loaders.api_client_by_id.load(key_of(result))
        return cls(api_client=made, secret=result.secret)


@strawberry.type
class RevokeApiClientPayload(Changed, loader="api_client_by_id"):
    api_client: ApiClient | None = None


async def create_api_client(info: Info, input: CreateApiClientInput) -> CreateApiClientPayload | None:
    """Makes a client that does what its maker may do in this organisation, as far as its scopes reach. It spends its
    maker's points; a person has ten live ones at most, unless the deployment says another number."""
    act = partial(api_client.create_api_client, most=info.context.clients_of_person)
    return await run(info, act, input, CreateApiClientPayload)


async def revoke_api_client(info: Info, input: RevokeApiClientInput) -> RevokeApiClientPayload | None:
    """Ends a client at once, with every token that it was given."""
    return await run(info, api_client.revoke_api_client, input, RevokeApiClientPayload)
