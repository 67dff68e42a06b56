"""Proposing a partnership: the request, its reminders, and sending it again (S49 to S57, S102, Q7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import LEADING
from accord.database.engine import Transaction
from accord.database.queries.partnership import (
    get_approved_attempt,
    get_attempt,
    holds_role,
    partnership_facts,
)
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of
from accord.database.tables.partnership import attempts, partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, ValidationError
from accord.domain.notice import Template
from accord.domain.organisation import Role
from accord.domain.partnership import (
    GUEST_DECIDES_WITHIN,
    HOST_DECIDES_WITHIN,
    PARTNERSHIP,
    PartnershipEvent,
    PartnershipPath,
    PartnershipState,
    Purpose,
    Terms,
    check_throttle,
    is_wider,
)
from accord.services import invitation
from accord.services.activity import record
from accord.services.pair import changed_terms, event_of, held, names, new_terms, tell
from accord.services.partnerships.filing import file_attempt, file_by_host, find_guest, skipped, terms_columns

__all__ = ["remind_partnership", "request_partnership", "resend_partnership"]


async def request_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    guest_handle: str,
    contact_email: str,
    reason: str | None = None,
    purposes: Sequence[Purpose] = (Purpose.MANAGEMENT,),
    expires_at: datetime | None = None,
) -> UUID:
    """Ask for a partnership with the organisation of this handle (S49 to S54).

    An admin's request needs no reason and goes to the guest at once (S52, S57); anybody else's waits for an admin,
    unless the host's policy approves requests to this guest by itself.
    """
    require(
        tx.principal,
        Action.PARTNERSHIP_REQUEST,
        Target(organisation_id=organisation_id),
        now=tx.now,
        acting_for=tx.acting_for,
    )
    reason = text.note("reason", reason)
    if reason is None and organisation_id not in tx.principal.admin_of:
        raise ValidationError("reason", "A reason is needed.")
    contact_email = text.address("contactEmail", contact_email)
    terms = new_terms(tx, purposes, expires_at)
    host, guest = await find_guest(tx, organisation_id, guest_handle, Action.PARTNERSHIP_REQUEST)
    trusted = guest.id in (await get_policy(tx, host.id)).auto_approve_partners
    direct = trusted or organisation_id in tx.principal.admin_of
    row, attempt_id = await file_by_host(
        tx,
        host,
        guest,
        terms,
        path=PartnershipPath.HOST_REQUEST,
        contact_email=contact_email,
        direct=direct,
        reason=reason,
    )
    await _announce(tx, row, attempt_id, contact_email, reason, direct=direct)
    await record(tx, event_of(row, EventType.PARTNERSHIP_REQUESTED, told=direct, reason=reason, private=True))
    return row.id  # type: ignore[no-any-return]


async def _announce(
    tx: Transaction,
    row: Any,
    attempt_id: UUID,
    contact_email: str,
    reason: str | None,
    *,
    direct: bool,
    again: bool = False,
) -> None:
    """The next to decide is told: the guest where no approval is needed, the host's admins otherwise (S53, S60)."""
    if direct:
        await invitation.invite(tx, row, attempt_id, contact_email, decision=again)
        return
    facts = names(row) | {"requester": tx.principal.display_name, "contact": contact_email, "reason": reason or ""}
    await tell(tx, row, Template.REQUEST_FILED, facts, await admins_of(tx, row.host_id))


async def remind_partnership(
    tx: Transaction, *, organisation_id: UUID, partnership_id: UUID, expected_version: int | None = None
) -> UUID:
    """Remind the host's admins of one's own request: once in 24 hours, five times (S55)."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_REMIND, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REMIND)
    attempt = await get_attempt(tx, row.id)
    check_throttle(attempt.reminders_sent, attempt.last_reminder_at, tx.now)
    await tx.update(attempts, attempt.id, reminders_sent=attempt.reminders_sent + 1, last_reminder_at=tx.now)
    facts = names(row) | {
        "requester": tx.principal.display_name,
        "contact": row.contact_email or "",
        "reason": attempt.reason or "",
    }
    template = Template.CUSTOMER_REQUESTED if row.asked_by_guest else Template.REMINDER
    await tell(tx, row, template, facts, await admins_of(tx, row.host_id))
    await record(tx, event_of(row, EventType.PARTNERSHIP_REMINDED, told=row.asked_by_guest))
    return partnership_id


async def resend_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    expected_version: int | None = None,
    purposes: Sequence[Purpose] | None = None,
    contact_email: str | None = None,
    expires_at: datetime | None = None,
    reason: str | None = None,
) -> UUID:
    """Mail the invitation again while it waits; after the guest's no, make a new attempt (S56, S102, Q7)."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_RESEND, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.RESEND)
    check_throttle(row.resends, row.last_resent_at, tx.now)
    address = text.address("contactEmail", contact_email) if contact_email else row.contact_email
    reason = text.note("reason", reason)
    sent = {"resends": row.resends + 1, "last_resent_at": tx.now, "contact_email": address}
    if row.state == PartnershipState.AWAITING_GUEST_ACCEPTANCE:
        if purposes is not None or expires_at is not None:
            raise ValidationError("purposes", "The terms can change once the guest has answered.")
        attempt = await get_attempt(tx, row.id)
        await tx.update(partnerships, row.id, **sent)
        await invitation.invite(tx, row, attempt.id, address, decision=True)
        await record(tx, event_of(row, EventType.PARTNERSHIP_RESENT, reason=reason, private=True))
    else:
        await _submit_again(tx, row, sent, purposes=purposes, expires_at=expires_at, reason=reason)
    return partnership_id


async def _submit_again(
    tx: Transaction,
    row: Any,
    sent: dict[str, Any],
    *,
    purposes: Sequence[Purpose] | None,
    expires_at: datetime | None,
    reason: str | None,
) -> None:
    """A new attempt: straight to the guest where the host's approval still covers it, else to the host (Q7)."""
    last = await get_attempt(tx, row.id)
    approved = await get_approved_attempt(tx, row.id)
    before = Terms.read(approved.terms)
    terms = changed_terms(tx, before, purposes=purposes, expires_at=expires_at)
    standing = None if is_wider(terms, before) else await _standing_approval(tx, row, approved, before)
    covered = standing is not None
    event = PartnershipEvent.RESEND if covered else PartnershipEvent.RESUBMIT
    if not covered and not partnership_facts(row).is_owned_by(tx.person_id):
        raise Forbidden(Action.PARTNERSHIP_RESEND, "NO_GRANT", "Wider terms are proposed by the Partnership Owner.")
    state = PARTNERSHIP.move(PartnershipState(row.state), event)
    lapses_at = tx.now + (GUEST_DECIDES_WITHIN if covered else HOST_DECIDES_WITHIN)
    attempt_id = await file_attempt(
        tx, row, last.number + 1, terms, reason=reason, lapses_at=lapses_at, **standing or {}
    )
    await tx.update(
        partnerships,
        row.id,
        state=state.value,
        told_guest=covered,
        asked_by_guest=False,
        requester_user_id=tx.person_id,
        **terms_columns(terms),
        lapses_at=lapses_at,
        lapse_noticed_at=None,
        **sent,
    )
    await _announce(tx, row, attempt_id, sent["contact_email"], reason, direct=covered, again=True)
    await record(tx, event_of(row, EventType.PARTNERSHIP_RESENT, told=covered, reason=reason, private=True))


async def _standing_approval(tx: Transaction, row: Any, approved: Any, terms: Terms) -> dict[str, Any] | None:
    """The host's decision that a new attempt on the same terms still has, None where the host has to decide anew.

    It stands while the approver holds the role that these terms need; somebody of the host in such a role who sends
    again in person stands in for it.
    """
    roles = frozenset({Role.LEGAL_REPRESENTATIVE}) if terms.is_legal_act else LEADING
    if await holds_role(tx, row.host_id, approved.host_decided_by, roles):
        return {name: getattr(approved, name) for name in ("host_decision", "host_decided_by", "host_decided_at")}
    return skipped(tx) if tx.principal.roles_in(row.host_id) & roles else None
