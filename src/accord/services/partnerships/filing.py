"""Filing a partnership: the pair it is for, its row, and the attempt whose terms are to be decided (model 4.4.1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.partnership import (
    find_partner,
    get_open_partnership,
    get_organisation,
    lock_partnership,
    sees,
)
from accord.database.queries.policy import get_policy
from accord.database.tables.partnership import attempts, partnerships
from accord.domain.errors import Conflict, Forbidden, NotFound, PrerequisiteMissing, ValidationError
from accord.domain.partnership import (
    GUEST_DECIDES_WITHIN,
    HOST_DECIDES_WITHIN,
    HostDecision,
    PartnershipPath,
    PartnershipState,
    Terms,
    standing_message,
)

__all__ = [
    "file_attempt",
    "file_by_host",
    "file_partnership",
    "find_guest",
    "own_organisation",
    "skipped",
    "terms_columns",
]


async def own_organisation(tx: Transaction, organisation_id: UUID) -> Any:
    """The organisation in whose name somebody files; PrerequisiteMissing without the Partners feature (S45)."""
    own = await get_organisation(tx, organisation_id)
    if not own.partners_enabled:
        raise PrerequisiteMissing("partnersEnabled", "The Partners feature is not enabled for your organisation.")
    return own


async def find_guest(tx: Transaction, organisation_id: UUID, guest_handle: str, action: Action) -> tuple[Any, Any]:
    """The host and the guest of this handle, where nothing stands between them.

    NotFound for a guest that cannot be a partner or blocks the host; Forbidden where the own policy bars it; Conflict
    where the pair has a partnership already (S44).
    """
    host = await own_organisation(tx, organisation_id)
    guest = await find_partner(tx, guest_handle)
    if guest is not None and guest.id == host.id:
        raise ValidationError("guestHandle", "An organisation is not its own partner.")
    if guest is None or not guest.partners_enabled:
        raise NotFound(("guestHandle",))
    if not (await get_policy(tx, host.id)).admits(guest.id):
        raise Forbidden(action, "POLICY_DENIED", "Your organisation's policy bars this partner.")
    if host.id in (await get_policy(tx, guest.id)).blocked_partners:
        raise NotFound(("guestHandle",))
    await _refuse_second(tx, host.id, guest.id)
    return host, guest


async def _refuse_second(tx: Transaction, host_id: UUID, guest_id: UUID) -> None:
    """A host has one connection with a guest (S44); in what state it is, those learn who may see it."""
    standing = await get_open_partnership(tx, host_id, guest_id)
    if standing is not None:
        known = await sees(tx, standing.id)
        raise Conflict(
            standing.version,
            standing.state if known else None,
            ("guestHandle",),
            message=standing_message(standing.state if known else None),
        )


async def file_partnership(
    tx: Transaction,
    host_id: UUID,
    guest_id: UUID,
    terms: Terms,
    *,
    path: PartnershipPath,
    contact_email: str,
    direct: bool,
    reason: str | None = None,
) -> tuple[Any, UUID]:
    """The new partnership, locked, and its first attempt. `direct`: the host has said yes by filing it (S57, S92).

    IntegrityError if another one of the pair was filed in the same moment.
    """
    state = PartnershipState.AWAITING_GUEST_ACCEPTANCE if direct else PartnershipState.AWAITING_HOST_APPROVAL
    by_guest = path is PartnershipPath.GUEST_REQUEST
    lapses_at = tx.now + (GUEST_DECIDES_WITHIN if direct else HOST_DECIDES_WITHIN)
    async with tx.connection.begin_nested():
        partnership_id = await tx.insert(
            partnerships,
            host_id=host_id,
            guest_id=guest_id,
            told_guest=direct or by_guest,
            asked_by_guest=by_guest,
            path=path.value,
            state=state.value,
            created_by_user_id=tx.person_id,
            requester_user_id=tx.person_id,
            owner_user_id=tx.person_id if direct else None,
            contact_email=contact_email,
            lapses_at=lapses_at,
            **terms_columns(terms),
        )
    row = await lock_partnership(tx, partnership_id)
    decision = skipped(tx) if direct else {}
    return row, await file_attempt(tx, row, 1, terms, lapses_at=lapses_at, reason=reason, by_guest=by_guest, **decision)


async def file_by_host(tx: Transaction, host: Any, guest: Any, terms: Terms, **given: Any) -> tuple[Any, UUID]:
    """As `file_partnership`, for the host's own; Conflict if somebody else of the host was first (S44)."""
    try:
        return await file_partnership(tx, host.id, guest.id, terms, **given)
    except IntegrityError:
        await _refuse_second(tx, host.id, guest.id)
        raise


def terms_columns(terms: Terms) -> dict[str, Any]:
    """What a partnership shows of the terms that it is about."""
    return {
        "purposes": sorted(terms.purposes),
        "access_mode": terms.access_mode.value,
        "wallet_entrusted": terms.wallet_entrusted,
    }


async def file_attempt(tx: Transaction, row: Any, number: int, terms: Terms, **given: Any) -> UUID:
    """One submission of terms by the caller."""
    return await tx.insert(
        attempts,
        partnership_id=row.id,
        host_id=row.host_id,
        guest_id=row.guest_id,
        number=number,
        terms=terms.snapshot(),
        submitted_by=tx.person_id,
        submitted_at=tx.now,
        **given,
    )


def skipped(tx: Transaction) -> dict[str, Any]:
    """The host's decision where the caller's own act is all it takes."""
    return {
        "host_decision": HostDecision.SKIPPED.value,
        "host_decided_by": tx.person_id,
        "host_decided_at": tx.now,
    }
