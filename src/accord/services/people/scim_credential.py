"""Credentials of directories: made, rotated with overlap, ended (S65, model 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.callers.scim import count_live_credentials, lock_credential
from accord.database.queries.member import hold_members
from accord.database.tables.scim import scim_credentials
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.callers.scim import (
    CREDENTIALS,
    FIRST_LIFE,
    LONGEST_LIFE,
    ScimCredentialStatus,
    new_credential,
    status_of,
)
from accord.domain.errors import InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from accord.services.activity import Event, record

__all__ = ["MadeCredential", "create_scim_credential", "revoke_scim_credential"]


@dataclass(frozen=True, slots=True)
class MadeCredential:
    """A credential with its secret, which is nowhere else and never again."""

    id: UUID
    token: str = field(repr=False)


async def create_scim_credential(
    tx: Transaction, *, organisation_id: UUID, label: str, expires_at: datetime | None = None
) -> MadeCredential:
    """Let a directory in until `expires_at`: 180 days from now unless said, at most 366.

    Others go on beside it, at most ten at once, so that one can take another's place without a gap.
    """
    _require(tx, organisation_id)
    label = text.name("label", label)
    ends = expires_at or tx.now + FIRST_LIFE
    if not tx.now < ends <= tx.now + LONGEST_LIFE:
        raise ValidationError("expiresAt", f"Within {LONGEST_LIFE.days} days from now.")
    await hold_members(tx, organisation_id)
    if await count_live_credentials(tx, organisation_id) >= CREDENTIALS:
        raise ValidationError("organisationId", f"At most {CREDENTIALS} credentials are of use at once: revoke one.")
    token = new_credential()
    values = {"label": label, "token_hash": token_hash(token), "created_by": tx.person_id, "expires_at": ends}
    credential_id = await tx.insert(scim_credentials, organisation_id=organisation_id, **values)
    data = {"credential": global_id("scimcredential", credential_id), "label": label, "expiresAt": ends.isoformat()}
    await record(tx, Event(type=EventType.SCIM_CREDENTIAL_CREATED, streams=(organisation_id,), data=data))
    return MadeCredential(credential_id, token)


async def revoke_scim_credential(
    tx: Transaction, *, organisation_id: UUID, scim_credential_id: UUID, expected_version: int | None = None
) -> UUID:
    """End a credential: what comes by it is over, and nothing begins any more. Its people stay."""
    _require(tx, organisation_id, ends=True)
    row = await lock_credential(tx, organisation_id, scim_credential_id)
    if row is None:
        raise NotFound(("scimCredentialId",))
    status = status_of(row.expires_at, row.revoked_at, tx.now)
    check_version(row, expected_version, status)
    if status is ScimCredentialStatus.REVOKED:
        raise InvalidState(status, ())
    await tx.update(scim_credentials, scim_credential_id, revoked_at=tx.now)
    data = {"credential": global_id("scimcredential", scim_credential_id), "label": row.label}
    await record(tx, Event(type=EventType.SCIM_CREDENTIAL_REVOKED, streams=(organisation_id,), data=data))
    return scim_credential_id


def _require(tx: Transaction, organisation_id: UUID, *, ends: bool = False) -> None:
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.SCIM_MANAGE, target, now=tx.now, acting_for=tx.acting_for, ends=ends)
