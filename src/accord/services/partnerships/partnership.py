"""Deciding about a partnership: approve, decline, accept, refuse, withdraw, remove (S58 to S64, S90, S91)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.member import list_invited_under
from accord.database.queries.partnership import get_attempt, list_active_members, partnership_facts
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.partnership import attempts, partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.notice import Template
from accord.domain.partnership import (
    GUEST_DECIDES_WITHIN,
    PARTNERSHIP,
    REFUSED_KEPT_FOR,
    AccessMode,
    GuestDecision,
    HostDecision,
    PartnershipEvent,
    PartnershipState,
    Purpose,
    Terms,
    is_wider,
)
from accord.services import invitation
from accord.services.activity import Event, record
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.pair import addressed, changed_terms, deciders, end, event_of, held, names, tell
from accord.services.partnerships.consent import consented, keep_consent, require_consent
from accord.services.partnerships.ending import end_partnership
from accord.services.partnerships.filing import terms_columns
from accord.services.partnerships.terms import bounded, bring_into_force

__all__ = [
    "Removal",
    "RemovalReceipt",
    "accept_partnership",
    "approve_partnership",
    "decline_partnership",
    "refuse_partnership",
    "remove_partner",
    "withdraw_partnership",
]


@dataclass(frozen=True, slots=True)
class RemovalReceipt:
    """What the end of a partnership ended with it; for the host, who stays that was invited by people who acted under
    it; and the head of the own stream that proves it."""

    shares_ended: int
    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int
    invitations_voided: int
    roles_cleared: int
    group_members_ended: int
    contacts_ended: int
    assignments_ended: int
    level_holders_ended: int
    sessions_revoked: int
    members_invited: tuple[str, ...]
    amendments_withdrawn: int
    activity_hash: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A removed partnership, and what is left to the worker."""

    id: UUID
    receipt: RemovalReceipt
    cascade_ids: tuple[UUID, ...]


async def approve_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    expected_version: int,
    purposes: Sequence[Purpose] | None = None,
    expires_at: datetime | None = None,
    access_mode: AccessMode | None = None,
    wallet_entrusted: bool | None = None,
) -> UUID:
    """The host's yes, on the proposed or on narrower terms (S58 to S61).

    A member's request goes to the guest, and the requester becomes Partnership Owner; a guest's own becomes active at
    once where its terms stay as they are, else it goes back to the guest, and the approver becomes the owner. COMPLETE,
    and what a legal representative has listed, only a legal representative approves.
    """
    row = await held(tx, partnership_id, Action.PARTNERSHIP_APPROVE, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.APPROVE)
    attempt = await get_attempt(tx, row.id)
    proposed = Terms.read(attempt.terms)
    given: dict[str, Any] = {"access_mode": access_mode, "wallet_entrusted": wallet_entrusted}
    terms = changed_terms(tx, proposed, purposes=purposes, expires_at=expires_at, **given)
    if is_wider(terms, proposed):
        raise ValidationError("purposes", "An approval may narrow what was asked for, not widen it.")
    if terms.is_legal_act:
        target = Target(partnership=partnership_facts(row))
        require(tx.principal, Action.PARTNERSHIP_COMPLETE, target, now=tx.now, acting_for=tx.acting_for)
    if attempt.by_guest and terms == proposed:
        await _connect(tx, row, attempt)
    else:
        await _approve(tx, row, attempt, terms)
    return partnership_id


async def _approve(tx: Transaction, row: Any, attempt: Any, terms: Terms) -> None:
    """On to the guest with these terms."""
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.APPROVE)
    lapses_at = tx.now + GUEST_DECIDES_WITHIN
    await tx.update(attempts, attempt.id, terms=terms.snapshot(), lapses_at=lapses_at, **_approved(tx))
    owner = tx.person_id if attempt.by_guest else attempt.submitted_by
    await tx.update(
        partnerships,
        row.id,
        state=state.value,
        told_guest=True,
        owner_user_id=row.owner_user_id or owner,
        lapses_at=lapses_at,
        lapse_noticed_at=None,
        **terms_columns(terms),
    )
    await invitation.invite(tx, row, attempt.id, row.contact_email, decision=True)
    if not attempt.by_guest:
        await tell(tx, row, Template.INVITATION_SENT, names(row), await people(tx, [attempt.submitted_by]))
    await record(tx, event_of(row, EventType.PARTNERSHIP_APPROVED, unnamed=True))


async def _connect(tx: Transaction, row: Any, attempt: Any) -> None:
    """Both sides have said yes to the same: the guest by asking, the host now; who asked represents the guest."""
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.CONNECT)
    if not (row.host_active and row.guest_active):
        raise Forbidden(Action.PARTNERSHIP_APPROVE, "ORGANISATION_INACTIVE")
    if row.barred:
        raise Forbidden(Action.PARTNERSHIP_APPROVE, "POLICY_DENIED")
    await tx.enter(row.host_id, row.guest_id)
    admins = await admins_of(tx, row.guest_id)
    still_there = await list_active_members(tx, row.guest_id, [attempt.submitted_by])
    representative_id = attempt.submitted_by if still_there else admins[0].user_id
    agreed = {"guest_decision": GuestDecision.ACCEPTED.value, "guest_decided_by": attempt.submitted_by}
    decided = _approved(tx) | agreed | {"guest_decided_at": attempt.submitted_at}
    await tx.update(attempts, attempt.id, **decided)
    owner_id = row.owner_user_id or tx.person_id
    parts = {"granted_by": tx.person_id, "representative_id": representative_id, "owner_user_id": owner_id}
    started = await _begin(tx, row, attempt, state, **parts)
    (representative,) = await people(tx, [representative_id])
    told = [*await people(tx, [owner_id]), *await deciders(tx, row), *admins, representative]
    await tell(tx, row, Template.CUSTOMER_APPROVED, names(row) | {"representative": representative.display_name}, told)
    await record(tx, event_of(row, EventType.PARTNERSHIP_APPROVED, unnamed=True), *started)


def _approved(tx: Transaction) -> dict[str, Any]:
    return {
        "host_decision": HostDecision.APPROVED.value,
        "host_decided_by": tx.person_id,
        "host_decided_at": tx.now,
    }


async def decline_partnership(
    tx: Transaction, *, organisation_id: UUID, partnership_id: UUID, expected_version: int, reason: str | None = None
) -> UUID:
    """The host's no; it is final, and the requester is told (Q6)."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_DECLINE, expected_version)
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.DECLINE)
    reason = text.note("reason", reason)
    attempt = await get_attempt(tx, row.id)
    _refuse_both_sides(tx, attempt, Action.PARTNERSHIP_DECLINE)
    await tx.update(
        attempts,
        attempt.id,
        host_decision=HostDecision.DECLINED.value,
        host_decided_by=tx.person_id,
        host_decided_at=tx.now,
        host_reason=reason,
    )
    await end(tx, row, state, reason)
    facts = names(row) | {"actor": tx.principal.display_name, "reason": reason or ""}
    template = Template.CUSTOMER_DECLINED if attempt.by_guest else Template.HOST_DECLINED
    await tell(tx, row, template, facts, await people(tx, [attempt.submitted_by]))
    known = {"told": attempt.by_guest, "unnamed": True}
    await record(tx, event_of(row, EventType.PARTNERSHIP_DECLINED, reason=reason, **known))
    return partnership_id


async def accept_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    terms_version_id: UUID,
    consent: bool,
    expected_version: int,
    partnership_id: UUID | None = None,
    token: str | None = None,
) -> UUID:
    """The guest's yes, with consent to the current terms of service; the accepting admin represents it (S62 to S64)."""
    row = await _held_by_guest(tx, Action.PARTNERSHIP_ACCEPT, partnership_id, token, expected_version)
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.ACCEPT)
    terms = await require_consent(tx, terms_version_id, consent=consent)
    attempt = await get_attempt(tx, row.id)
    _refuse_both_sides(tx, attempt, Action.PARTNERSHIP_ACCEPT)
    if not (row.host_active and row.guest_active):
        raise Forbidden(Action.PARTNERSHIP_ACCEPT, "ORGANISATION_INACTIVE")
    if row.barred or (row.mfa_required and not tx.principal.identity.mfa):
        raise Forbidden(Action.PARTNERSHIP_ACCEPT, "POLICY_DENIED")
    await tx.update(
        attempts,
        attempt.id,
        guest_decision=GuestDecision.ACCEPTED.value,
        guest_decided_by=tx.person_id,
        guest_decided_at=tx.now,
        terms_version_id=terms.id,
    )
    await keep_consent(tx, row, attempt.id, terms.id)
    await invitation.use(tx, row.id)
    started = await _begin(tx, row, attempt, state, tx.person_id, granted_by=attempt.host_decided_by)
    told = [*await deciders(tx, row), *await admins_of(tx, row.guest_id)]
    facts = names(row) | {"representative": tx.principal.display_name}
    await tell(tx, row, Template.ACCEPTED, facts, told)
    await record(tx, event_of(row, EventType.PARTNERSHIP_ACCEPTED), consented(row, terms), *started)
    return row.id  # type: ignore[no-any-return]


async def _begin(
    tx: Transaction, row: Any, attempt: Any, state: PartnershipState, representative_id: UUID, **given: Any
) -> list[Event]:
    """The partnership starts on the attempt's terms; the events of what that brings (4.4.1)."""
    return await bring_into_force(
        tx,
        row,
        await bounded(tx, row, Terms.read(attempt.terms)),
        representative_id=representative_id,
        state=state.value,
        representative_user_id=representative_id,
        starts_at=tx.now,
        lapses_at=None,
        **given,
    )


def _refuse_both_sides(tx: Transaction, attempt: Any, action: Action) -> None:
    """One person never acts for both sides of one attempt (model 4.4)."""
    other = action is Action.PARTNERSHIP_DECLINE
    by_other = attempt.by_guest is other and tx.person_id == attempt.submitted_by
    if by_other or (not other and tx.person_id == attempt.host_decided_by):
        raise Forbidden(action, "NO_GRANT", "Whoever acted for one side does not answer for the other.")


async def refuse_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    expected_version: int,
    partnership_id: UUID | None = None,
    token: str | None = None,
    reason: str | None = None,
) -> UUID:
    """The guest's no; the host may send the request again (S56, S62)."""
    row = await _held_by_guest(tx, Action.PARTNERSHIP_REFUSE, partnership_id, token, expected_version)
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REFUSE)
    reason = text.note("reason", reason)
    attempt = await get_attempt(tx, row.id)
    _refuse_both_sides(tx, attempt, Action.PARTNERSHIP_REFUSE)
    await tx.update(
        attempts,
        attempt.id,
        guest_decision=GuestDecision.DECLINED.value,
        guest_decided_by=tx.person_id,
        guest_decided_at=tx.now,
        guest_reason=reason,
    )
    await tx.update(partnerships, row.id, state=state.value, lapses_at=tx.now + REFUSED_KEPT_FOR)
    await invitation.use(tx, row.id)
    told = [*await people(tx, [attempt.submitted_by]), *await deciders(tx, row)]
    await tell(tx, row, Template.GUEST_DECLINED, names(row) | {"reason": reason or ""}, told)
    await record(tx, event_of(row, EventType.PARTNERSHIP_REFUSED, reason=reason))
    return row.id  # type: ignore[no-any-return]


async def _held_by_guest(
    tx: Transaction, action: Action, partnership_id: UUID | None, token: str | None, expected_version: int
) -> Any:
    """As `held`, for the guest's answer: by the partnership's ID or by the link of the mail, exactly one of them."""
    if (partnership_id is None) == (token is None):
        raise ValidationError("partnershipId", "Give either the partnership's ID or the token of the invitation.")
    if token is not None:
        partnership_id = await invitation.redeem(tx, token)
    if partnership_id is None:
        raise NotFound(("partnershipId",))
    return await held(tx, partnership_id, action, expected_version)


async def withdraw_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> UUID:
    """Take a waiting or refused partnership back; the side whose turn it was is told, its link is void."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_WITHDRAW, expected_version)
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.WITHDRAW)
    reason = text.note("reason", reason)
    await end(tx, row, state, reason)
    told = [*await waiting_side(tx, row)]
    if row.requester_user_id != tx.person_id:
        told += addressed(await people(tx, [row.requester_user_id]))
    mail = Mail(Template.WITHDRAWN, tx.acting_for or row.host_id, told, names(row), partnership_id=row.id)
    await enqueue(tx, mail)
    kept = {"told": row.told_guest, "private": tx.acting_for == row.host_id}
    await record(tx, event_of(row, EventType.PARTNERSHIP_WITHDRAWN, reason=reason, **kept))
    return partnership_id


async def waiting_side(tx: Transaction, row: Any) -> Sequence[Recipient]:
    """Whose turn it is: the host's admins, or the guest's and the contact address; nobody after a refusal."""
    if row.state == PartnershipState.AWAITING_HOST_APPROVAL:
        return addressed(await admins_of(tx, row.host_id))
    if row.state == PartnershipState.AWAITING_GUEST_ACCEPTANCE:
        return (*addressed(await admins_of(tx, row.guest_id)), Recipient(row.contact_email))
    return ()


async def remove_partner(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> Removal:
    """End a partnership and with it every access that was shared by it, in this transaction (S90, S91)."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_REMOVE, expected_version)
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REMOVE)
    reason = text.note("reason", reason)
    ended = await end_partnership(tx, row, state, EventType.PARTNERSHIP_TERMINATED, cause="removed", reason=reason)
    invited = await list_invited_under(tx, row.id) if organisation_id == row.host_id else ()
    heads = await record(tx, *ended.events)
    names_of_invited = tuple(one.display_name for one in invited)
    receipt = RemovalReceipt(**ended.counts, members_invited=names_of_invited, activity_hash=heads[organisation_id])
    return Removal(row.id, receipt, ended.cascade_ids)
