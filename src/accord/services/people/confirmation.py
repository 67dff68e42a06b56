"""Deciding about claims: the organisation confirms or refuses somebody who used a link mailed to another address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.invitation_claim import find_claim, lock_claim, lock_claimed
from accord.database.queries.member import count_holders, hold_members
from accord.database.queries.recipients import names_of
from accord.database.tables.contact import external_contacts
from accord.database.tables.invitation_claim import invitation_claims
from accord.database.tables.organisation import memberships
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState, NotFound
from accord.domain.invitation_claim import CLAIM, CLAIM_LIFE, ClaimEvent, ClaimState
from accord.domain.notice import Template
from accord.domain.organisation import PLATFORM, Role
from accord.services.activity import record
from accord.services.invitation_claim import claim_event
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.people.membership import require_giving

__all__ = ["confirm_invitation_claim", "refuse_invitation_claim"]


async def confirm_invitation_claim(
    tx: Transaction, *, claim_id: UUID, expected_version: int, organisation_id: UUID | None = None
) -> UUID:
    """Say that the invitation is meant for this sign-in, which then follows the link once more, within 72 hours.

    By somebody who may give the roles that the invitation gives, and who is not the claimant. In no organisation's name
    it is the operator's act, on an invitation of its own to an organisation without an active admin.
    """
    claim = await _held(tx, organisation_id, claim_id, expected_version)
    state = CLAIM.move(ClaimState(claim.state), ClaimEvent.CONFIRM)
    link = await lock_claimed(tx, claim)
    if link is None:
        raise InvalidState(ClaimState.LAPSED)
    if claim.membership_id is not None and organisation_id is not None:
        roles = frozenset(map(Role, link.roles))
        await require_giving(tx, organisation_id, roles, to_oneself=False)
    decided = {"state": state.value, "decided_by": tx.principal.person_id, "decided_at": tx.now}
    ends = tx.now + CLAIM_LIFE
    await tx.update(invitation_claims, claim.id, **decided, expires_at=ends)
    table = memberships if claim.membership_id is not None else external_contacts
    await tx.update(table, link.id, token_expires_at=ends)
    await _tell(tx, claim)
    await record(tx, claim_event(EventType.INVITATION_CONFIRMED, claim.organisation_id, claim.id, claim))
    return claim_id


async def refuse_invitation_claim(
    tx: Transaction, *, claim_id: UUID, expected_version: int, organisation_id: UUID | None = None
) -> UUID:
    """Say that the invitation is not meant for this sign-in: the link stays good at its own address alone.

    A confirmation can be taken back as long as the link was not followed once more.
    """
    claim = await _held(tx, organisation_id, claim_id, expected_version)
    state = CLAIM.move(ClaimState(claim.state), ClaimEvent.REFUSE)
    if ClaimState(claim.state) is ClaimState.CONFIRMED and await lock_claimed(tx, claim) is None:
        raise InvalidState(ClaimState.CONFIRMED)
    decided = {"state": state.value, "decided_by": tx.principal.person_id, "decided_at": tx.now}
    await tx.update(invitation_claims, claim.id, **decided)
    await record(tx, claim_event(EventType.INVITATION_REFUSED, claim.organisation_id, claim.id, claim))
    return claim_id


async def _held(tx: Transaction, organisation_id: UUID | None, claim_id: UUID, expected_version: int) -> Any:
    """Return the claim, locked: visible (else NotFound), the caller's to decide (else Forbidden), as it was read (else
    Conflict), and in time (else InvalidState)."""
    found = await find_claim(tx, claim_id)
    if organisation_id is not None and found.organisation_id != organisation_id:
        raise NotFound(("claimId",))
    await _require(tx, organisation_id, found)
    if organisation_id is None:
        await tx.enter(PLATFORM, found.organisation_id)
    await hold_members(tx, found.organisation_id)
    claim = await lock_claim(tx, claim_id)
    if organisation_id is None and await count_holders(tx, found.organisation_id, Role.ORG_ADMIN):
        raise Forbidden(Action.INVITATION_CONFIRM, "NO_GRANT", "The organisation's own admins decide about this.")
    check_version(claim, expected_version, claim.state)
    if claim.state == ClaimState.WAITING and claim.expires_at <= tx.now:
        raise InvalidState(ClaimState.LAPSED)
    return claim


async def _require(tx: Transaction, organisation_id: UUID | None, claim: Any) -> None:
    """Raise Forbidden unless the caller stands for the organisation, or for the operator, and is not the claimant."""
    if organisation_id is None:
        require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    else:
        target = Target(organisation_id=organisation_id)
        action = Action.MEMBER_MANAGE if claim.membership_id is not None else Action.CONTACT_MANAGE
        for one in (Action.INVITATION_CONFIRM, action):
            require(tx.principal, one, target, now=tx.now, acting_for=tx.acting_for)
    identity = tx.principal.identity
    oneself = (claim.issuer, claim.subject) == (identity.issuer, identity.subject)
    if oneself or (claim.user_id is not None and claim.user_id == tx.principal.person_id):
        raise Forbidden(Action.INVITATION_CONFIRM, "NO_GRANT", "Somebody else has to confirm you.")


async def _tell(tx: Transaction, claim: Any) -> None:
    """Tell the claimant, at an address that the issuer vouches for; there is no other that is known to be theirs."""
    if claim.email is None or not claim.email_verified:
        return
    names = await names_of(tx, claim.organisation_id)
    facts = {"organisation": names[claim.organisation_id], "invited": claim.invited_email}
    told = (Recipient(claim.email, display_name=claim.display_name),)
    await enqueue(tx, Mail(Template.CLAIM_CONFIRMED, claim.organisation_id, told, facts, external=True))
