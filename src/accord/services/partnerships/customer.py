"""Asking to become somebody's partner: a partner's own request, which the host's admins decide (model 4.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.directory import find_requestable
from accord.database.queries.partnership import get_open_partnership
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.partnership import attempts
from accord.domain.activity import EventType
from accord.domain.errors import Conflict, Forbidden, NotFound, PrerequisiteMissing, ValidationError
from accord.domain.notice import Template
from accord.domain.partner import PartnerStatus
from accord.domain.partnership import AccessMode, PartnershipPath, Purpose, Terms, standing_message
from accord.services.activity import record
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed, changed_terms, event_of, names, new_terms
from accord.services.partnerships.consent import consented, keep_consent, require_consent
from accord.services.partnerships.filing import file_partnership, own_organisation

__all__ = ["request_customer"]


async def request_customer(
    tx: Transaction,
    *,
    organisation_id: UUID,
    terms_version_id: UUID,
    consent: bool,
    host_handle: str | None = None,
    request_code: str | None = None,
    access_mode: AccessMode = AccessMode.LIMITED,
    purposes: Sequence[Purpose] = (Purpose.MANAGEMENT,),
    expires_at: datetime | None = None,
) -> UUID:
    """Ask an organisation to become a customer, by its request code, or by its handle where it has no code.

    By an admin of a partner with an active status, with consent to the current terms of service. Whatever stands
    against it on the host's side is NotFound. Nothing is asked for but the mode: a level and the wallet stay the host's
    own acts.
    """
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.CUSTOMER_REQUEST, target, now=tx.now, acting_for=tx.acting_for)
    if (host_handle is None) == (request_code is None):
        raise ValidationError("hostHandle", "Give either the customer's handle or its request code.")
    terms = changed_terms(tx, new_terms(tx, purposes, expires_at), access_mode=access_mode)
    service_terms = await require_consent(tx, terms_version_id, consent=consent)
    guest = await own_organisation(tx, organisation_id)
    if guest.partner_status != PartnerStatus.ACTIVE:
        raise PrerequisiteMissing("partnerStatus", "Your organisation has no active status in a partner programme.")
    path = ("hostHandle",) if request_code is None else ("requestCode",)
    host = await _find_host(tx, guest, await find_requestable(tx, host_handle, request_code), path)
    row, attempt_id = await _file(tx, host, guest, terms, path)
    await tx.update(attempts, attempt_id, terms_version_id=service_terms.id)
    await keep_consent(tx, row, attempt_id, service_terms.id)
    await _announce(tx, row)
    data = {"accessMode": terms.access_mode.value}
    await record(tx, event_of(row, EventType.PARTNERSHIP_REQUESTED, data=data), consented(row, service_terms))
    return row.id  # type: ignore[no-any-return]


async def _find_host(tx: Transaction, guest: Any, host: Any, path: tuple[str, ...]) -> Any:
    if host is None:
        raise NotFound(path)
    if host.id == guest.id:
        raise ValidationError(path[0], "An organisation is not its own partner.")
    if host.id in (await get_policy(tx, guest.id)).blocked_partners:
        raise Forbidden(Action.CUSTOMER_REQUEST, "POLICY_DENIED", "Your organisation's policy bars this customer.")
    if not (await get_policy(tx, host.id)).admits(guest.id):
        raise NotFound(path)
    standing = await get_open_partnership(tx, host.id, guest.id)
    if standing is not None:
        raise Conflict(standing.version, standing.state, path, message=standing_message(standing.state))
    return host


async def _file(tx: Transaction, host: Any, guest: Any, terms: Terms, path: tuple[str, ...]) -> tuple[Any, UUID]:
    """The new partnership; NotFound where the host has one under way that the guest does not know of."""
    (asker,) = await people(tx, [tx.person_id])
    given: dict[str, Any] = {"path": PartnershipPath.GUEST_REQUEST, "contact_email": asker.email, "direct": False}
    try:
        return await file_partnership(tx, host.id, guest.id, terms, **given)
    except IntegrityError:
        raise NotFound(path) from None


async def _announce(tx: Transaction, row: Any) -> None:
    """The host's admins are told; the mail leaves the partner and is counted."""
    mail = Mail(
        template=Template.CUSTOMER_REQUESTED,
        organisation_id=row.guest_id,
        recipients=addressed(await admins_of(tx, row.host_id)),
        facts=names(row) | {"requester": tx.principal.display_name, "contact": row.contact_email},
        partnership_id=row.id,
        external=True,
    )
    await enqueue(tx, mail)
