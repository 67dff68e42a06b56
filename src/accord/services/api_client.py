"""API clients: made by an admin for oneself, revoked by any admin, and with their owner's end (model 4.2, 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.scopes import actions_of
from accord.database.engine import Transaction, check_version
from accord.database.queries.callers.api_client import (
    count_own_clients,
    hold_client,
    lock_client,
    lock_owned_clients,
    new_client_id,
)
from accord.database.tables.api_client import api_clients
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.callers.api_client import API_CLIENT, CLIENTS, LONGEST, ApiClientEvent, ApiClientStatus, new_secret
from accord.domain.errors import ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from accord.services.activity import Event, record

__all__ = ["MadeClient", "create_api_client", "revoke_api_client", "revoke_clients_of"]


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A client and its secret, which is shown this once."""

    id: UUID
    secret: str


async def create_api_client(
    tx: Transaction,
    *,
    organisation_id: UUID,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime,
    most: int = CLIENTS,
) -> MadeClient:
    """Make a client that the caller owns: it does what the caller may in this organisation, as far as its scopes reach.

    ValidationError for a scope that is none or that no client may have, for an end that is past or more than a year
    away, and for one more than the `most` live clients that a person may own in all organisations together.
    """
    _require(tx, organisation_id)
    actions = actions_of("scopes", scopes)
    if not actions:
        raise ValidationError("scopes", "At least one scope is needed.")
    if not tx.now < expires_at <= tx.now + LONGEST:
        raise ValidationError("expiresAt", f"From now on, and within {LONGEST.days} days.")
    name = text.name("name", name)
    if await count_own_clients(tx) >= most:
        raise ValidationError(
            "organisationId", f"A person owns at most {most} live API clients: revoke one of yours first."
        )
    client_id = await new_client_id(tx)
    made = MadeClient(client_id, new_secret(client_id))
    words = sorted(action.value for action in actions)
    await tx.insert(
        api_clients,
        id=client_id,
        organisation_id=organisation_id,
        owner_user_id=tx.person_id,
        name=name,
        secret_hash=token_hash(made.secret),
        scopes=words,
        expires_at=expires_at,
        status=ApiClientStatus.ACTIVE.value,
    )
    told = {"scopes": words, "expiresAt": expires_at.isoformat()}
    await record(tx, _event(EventType.API_CLIENT_CREATED, organisation_id, client_id, name, told))
    return made


async def revoke_api_client(
    tx: Transaction, *, organisation_id: UUID, api_client_id: UUID, expected_version: int | None = None
) -> UUID:
    """End a client at once, with every token that it was given; what is revoked already is InvalidState."""
    await hold_client(tx, api_client_id)
    row = await lock_client(tx, organisation_id, api_client_id)
    _require(tx, organisation_id, ends=True)
    check_version(row, expected_version, row.status)
    await record(tx, await _revoke(tx, row))
    return api_client_id


async def revoke_clients_of(tx: Transaction, organisation_id: UUID, user_id: UUID) -> list[Event]:
    """The own clients of a member who goes; the event of each. The person is held, so none of them acts meanwhile."""
    return [await _revoke(tx, row) for row in await lock_owned_clients(tx, organisation_id, user_id)]


async def _revoke(tx: Transaction, row: Any) -> Event:
    state = API_CLIENT.move(ApiClientStatus(row.status), ApiClientEvent.REVOKE)
    await tx.update(api_clients, row.id, status=state.value, revoked_by=tx.principal.person_id, revoked_at=tx.now)
    owner = {"owner": global_id("user", row.owner_user_id)}
    return _event(EventType.API_CLIENT_REVOKED, row.organisation_id, row.id, row.name, owner)


def _event(event: EventType, organisation_id: UUID, client_id: UUID, name: str, told: dict[str, Any]) -> Event:
    """In the organisation's own stream alone: whom it lets in by a secret is nobody else's matter."""
    data = {"apiClient": global_id("apiclient", client_id), "name": name, **told}
    return Event(type=event, streams=(organisation_id,), data=data)


def _require(tx: Transaction, organisation_id: UUID, *, ends: bool = False) -> None:
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.API_CLIENT_MANAGE, target, now=tx.now, acting_for=tx.acting_for, ends=ends)
