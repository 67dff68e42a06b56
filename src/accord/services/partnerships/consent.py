"""Consent to the terms of service: asked for before anything is accepted, and kept with who, when and where (S63)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries.partnership import get_current_terms
from accord.database.tables.partnership import terms_acceptances
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import PrerequisiteMissing, ValidationError
from accord.services.activity import Event
from accord.services.pair import event_of

__all__ = ["consented", "keep_consent", "require_consent"]


async def require_consent(tx: Transaction, terms_version_id: UUID | None, *, consent: bool) -> Any:
    """Was the box ticked, under the terms that stand now? Their row, ValidationError otherwise."""
    if not consent:
        raise ValidationError("consent", "The terms of service need your consent.")
    current = await get_current_terms(tx)
    if current is None:
        raise PrerequisiteMissing("termsOfService", "No terms of service are published yet.")
    if current.id != terms_version_id:
        raise ValidationError("termsVersionId", "These are not the current terms of service.")
    return current


async def keep_consent(
    tx: Transaction, row: Any, attempt_id: UUID | None, terms_version_id: UUID, *, amendment_id: UUID | None = None
) -> None:
    """Write down who has consented to which terms, when and from where, for an attempt or for an amendment."""
    client = tx.principal.identity.client
    await tx.add(
        terms_acceptances,
        terms_version_id=terms_version_id,
        partnership_id=row.id,
        attempt_id=attempt_id,
        amendment_id=amendment_id,
        host_id=row.host_id,
        guest_id=row.guest_id,
        user_id=tx.person_id,
        accepted_at=tx.now,
        ip=client.ip,
        user_agent=client.user_agent[: text.NAME_LENGTH],
    )


def consented(row: Any, terms: Any) -> Event:
    """The event of a consent, in the streams of both sides."""
    return event_of(row, EventType.TERMS_ACCEPTED, data={"code": terms.code, "version": terms.version})
