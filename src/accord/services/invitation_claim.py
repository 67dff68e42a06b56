"""The link of an invitation binds to the address that it was mailed to (model 4.2, 4.11).

Whoever signs in with another address, or with one that no issuer vouches for, claims the invitation: nothing is given
before the organisation has seen who it is and confirms it, and the person then follows the link once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.access.principal import Identity
from accord.database.engine import Transaction
from accord.database.queries.invitation_claim import list_claims_of_link
from accord.database.queries.recipients import admins_of, names_of, people
from accord.database.tables.invitation_claim import invitation_claims
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.invitation_claim import CLAIM, CLAIM_LIFE, CLAIMS_OF_A_LINK, ClaimEvent, ClaimState
from accord.domain.notice import Template
from accord.services.activity import Event, record
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed

__all__ = ["Link", "claim_event", "waits_for_confirmation"]


@dataclass(frozen=True, slots=True)
class Link:
    """The link that somebody follows: to which invitation it leads, and to which address it was mailed.

    `inviter_id` is the person of the organisation who invited; None where a directory, the operator or somebody who
    acted for a partner did. Exactly one of `membership_id` and `contact_id` is given.
    """

    organisation_id: UUID
    token_hash: str
    email: str
    roles: Sequence[str]
    membership_id: UUID | None = None
    contact_id: UUID | None = None
    inviter_id: UUID | None = None
    by_operator: bool = False


async def waits_for_confirmation(tx: Transaction, link: Link) -> bool:
    """Return whether the caller has to wait until the organisation confirms, and keep the claim that it confirms.

    A caller whose issuer vouches for the invited address does not wait, nor one who was confirmed for this link. One
    claim stands at a time: NotFound for anybody else until it is decided, for who was refused, and once too many have
    claimed. The
    link and its organisation are held.
    """
    identity = tx.principal.identity
    if is_vouched_for(identity, link.email):
        return False
    standing = [_as_of_now(tx, claim) for claim in await list_claims_of_link(tx, link.token_hash)]
    own = [state for claim, state in standing if (claim.issuer, claim.subject) == (identity.issuer, identity.subject)]
    if ClaimState.CONFIRMED in own:
        return False
    if ClaimState.WAITING in own:
        return True
    taken = {ClaimState.WAITING, ClaimState.CONFIRMED}
    barred = ClaimState.REFUSED in own or any(state in taken for _, state in standing)
    if barred or len(standing) >= CLAIMS_OF_A_LINK:
        raise NotFound(("token",))
    for claim, state in standing:
        if state is ClaimState.LAPSED and claim.state != state:
            await tx.update(invitation_claims, claim.id, state=state.value)
    claim_id = await _keep(tx, link)
    await _tell(tx, link)
    await record(tx, claim_event(EventType.INVITATION_CLAIMED, link.organisation_id, claim_id, link))
    return True


def is_vouched_for(identity: Identity, email: str) -> bool:
    """Does the issuer of this sign-in vouch for the invited address?"""
    return identity.email_verified and identity.email is not None and text.is_same_address(identity.email, email)


def claim_event(event: EventType, organisation_id: UUID, claim_id: UUID, link: Any) -> Event:
    """Return the event of a claim, which names the invitation and not the address."""
    data = {"claim": global_id("invitationclaim", claim_id)}
    if link.membership_id is not None:
        data["membership"] = global_id("membership", link.membership_id)
    if link.contact_id is not None:
        data["contact"] = global_id("contact", link.contact_id)
    return Event(type=event, streams=(organisation_id,), host_id=organisation_id, data=data)


def _as_of_now(tx: Transaction, claim: Any) -> tuple[Any, ClaimState]:
    state = ClaimState(claim.state)
    over = state is ClaimState.WAITING and claim.expires_at <= tx.now
    return claim, CLAIM.move(state, ClaimEvent.LAPSE) if over else state


async def _keep(tx: Transaction, link: Link) -> UUID:
    identity = tx.principal.identity
    return await tx.insert(
        invitation_claims,
        organisation_id=link.organisation_id,
        membership_id=link.membership_id,
        contact_id=link.contact_id,
        by_operator=link.by_operator,
        link_hash=link.token_hash,
        invited_email=link.email,
        roles=sorted(link.roles),
        issuer=identity.issuer,
        subject=identity.subject,
        user_id=tx.principal.person_id,
        email=_shown_address(identity),
        email_verified=identity.email_verified,
        display_name=_shown_name(tx),
        state=ClaimState.WAITING.value,
        claimed_at=tx.now,
        expires_at=tx.now + CLAIM_LIFE,
    )


def _shown_address(identity: Identity) -> str | None:
    """The address that the sign-in states, if it is one."""
    try:
        return text.address("email", identity.email or "")
    except ValidationError:
        return None


def _shown_name(tx: Transaction) -> str | None:
    try:
        return text.name("displayName", tx.principal.display_name or tx.principal.identity.name or "")
    except ValidationError:
        return None


async def _tell(tx: Transaction, link: Link) -> None:
    """Tell the inviter and the organisation's admins who it is, before anything takes effect."""
    identity = tx.principal.identity
    email = _shown_address(identity)
    claimant = "somebody without an address" if email is None else email
    if email is not None and not identity.email_verified:
        claimant = f"{email} (not verified)"
    names = await names_of(tx, link.organisation_id)
    facts = {
        "organisation": names[link.organisation_id],
        "invited": link.email,
        "claimant": claimant,
        "name": _shown_name(tx) or "",
        "issuer": identity.issuer,
        "roles": ", ".join(sorted(link.roles)),
    }
    inviter = [] if link.inviter_id is None else await people(tx, [link.inviter_id])
    told = addressed([*inviter, *await admins_of(tx, link.organisation_id)])
    await enqueue(tx, Mail(Template.INVITATION_CLAIMED, link.organisation_id, told, facts))
