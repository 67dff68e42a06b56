"""Signing in to an account: a ticket for one minute and one use, redeemed by the app it leads to (S74, model 4.16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update

from accord.access.decision import Allow, decide, require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Acting, Principal
from accord.database.engine import Transaction
from accord.database.queries.partnership import partnership_facts
from accord.database.queries.sharing import account_facts, grant_facts, is_open, share_facts
from accord.database.queries.ticket import (
    find_acting,
    find_holder,
    find_ticket,
    get_account,
    hold_path,
    hold_shared,
)
from accord.database.tables.sharing import grants, tickets
from accord.domain.activity import EventType
from accord.domain.errors import NotFound
from accord.domain.ids import global_id
from accord.domain.sharing import ACCOUNT, TICKET_LIFE, AccountEvent, AccountStatus
from accord.services.activity import Event, record

__all__ = ["Redeemed", "SignedIn", "TicketSigner", "redeem_ticket", "sign_in_to_account"]


class TicketSigner(Protocol):
    """Who signs tickets in the name of the gateway; all IDs but `jti` are global."""

    def sign(
        self,
        *,
        account_id: str,
        person_id: str,
        home_organisation_id: str,
        audience: str,
        jti: str,
        expires_at: datetime,
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Where to go, and the ticket to show there until `expires_at`; `id` is the account's."""

    id: UUID
    launch_url: str
    ticket: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Who stands before the app: the account, the person, and the role there (`ACCOUNT_OWNER` for an owner)."""

    account: str
    sub: str
    email: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class _Way:
    """How a person reaches an account: by a grant, as its owner, or in an acting session."""

    target: Target
    grant: Any
    partnership: Any
    acting: Acting | None = None

    @property
    def role(self) -> str:
        if self.acting is not None:
            return "MANAGE"
        return "ACCOUNT_OWNER" if self.grant is None else str(self.grant.role)

    def held_by(self, organisation_id: UUID) -> dict[str, UUID | None]:
        """What a ticket rests on: a grant, a session, or nothing for an owner."""
        if self.acting is not None:
            home = self.acting.home_id
            return {"guest_id": home, "organisation_id": home, "acting_session_id": self.acting.session_id}
        if self.grant is None:
            return {"organisation_id": organisation_id}
        return {"guest_id": self.grant.guest_id, "grant_id": self.grant.id, "organisation_id": organisation_id}


async def sign_in_to_account(
    tx: Transaction, *, organisation_id: UUID, account_id: UUID, signer: TicketSigner
) -> SignedIn:
    """Let somebody with a grant, or an owner, into an account; no password is handed out (S74).

    NotFound for an account the caller does not see, Forbidden for one without a grant that lives now.
    """
    account = await get_account(tx, account_id, shown=True)
    way = await _way(tx, account, tx.principal, organisation_id)
    require(tx.principal, Action.ACCOUNT_SIGN_IN, way.target, now=tx.now, acting_for=tx.acting_for)
    ACCOUNT.move(AccountStatus(account.status), AccountEvent.SIGN_IN)
    expires_at = tx.now + TICKET_LIFE
    audience = _origin(account.launch_url)
    ticket_id = await tx.insert(
        tickets,
        account_id=account_id,
        host_id=account.host_id,
        user_id=tx.person_id,
        **way.held_by(organisation_id),
        audience=audience,
        mfa=tx.principal.identity.mfa,
        issued_at=tx.now,
        expires_at=expires_at,
    )
    if way.grant is not None:
        await tx.execute(update(grants).where(grants.c.id == way.grant.id).values(last_used_at=tx.now))
    ticket = signer.sign(
        account_id=global_id("account", account_id),
        person_id=global_id("user", tx.person_id),
        home_organisation_id=global_id("organisation", tx.principal.home_organisation_id or organisation_id),
        audience=audience,
        jti=str(ticket_id),
        expires_at=expires_at,
    )
    await record(tx, _event(account, way))
    return SignedIn(account_id, account.launch_url, ticket, expires_at)


async def redeem_ticket(tx: Transaction, *, jti: UUID) -> Redeemed:
    """Use a ticket up, if what it was made for still stands (model 4.16); NotFound for every reason it can't be.

    The app that asks is no signed-in person: the transaction names no organisation, and acts in those of the ticket.
    """
    ticket = await find_ticket(tx, jti)
    if ticket is None:
        raise NotFound(("ticket",))
    holder = await find_holder(tx, tx.principal.identity, ticket)
    if holder is None:
        raise NotFound(("ticket",))
    principal, email = holder
    if ticket.acting_session_id is not None:
        acting = await find_acting(tx, principal, ticket.acting_session_id)
        if acting is None:
            raise NotFound(("ticket",))
        principal = acting
    account = await get_account(tx, ticket.account_id, shown=False)
    way = await _way(tx, account, principal, ticket.organisation_id)
    if not _stands(tx, principal, account, way, ticket):
        raise NotFound(("ticket",))
    use = update(tickets).where(tickets.c.id == jti, is_open(tx)).values(redeemed_at=tx.now)
    if await tx.execute(use) != 1:
        raise NotFound(("ticket",))
    sub = global_id("user", ticket.user_id)
    return Redeemed(global_id("account", ticket.account_id), sub, email, principal.display_name, way.role)


def _stands(tx: Transaction, principal: Principal, account: Any, way: _Way, ticket: Any) -> bool:
    same_grant = (way.grant.id if way.grant is not None else None) == ticket.grant_id
    named = ticket.host_id if way.acting is not None else ticket.organisation_id
    verdict = decide(principal, Action.ACCOUNT_SIGN_IN, way.target, now=tx.now, acting_for=named)
    usable = ACCOUNT.permits(AccountStatus(account.status), AccountEvent.SIGN_IN)
    return same_grant and usable and isinstance(verdict, Allow) and ticket.audience == _origin(account.launch_url)


async def _way(tx: Transaction, account: Any, principal: Principal, organisation_id: UUID) -> _Way:
    """What the decision about signing in looks at; host people reach an account as owners, guests by a grant, and who
    acts by the session."""
    facts = account_facts(account, account.status)
    held, acting = None, principal.acting
    if acting is not None:
        share = await hold_shared(tx, account.id, acting.partnership_id)
        return _Way(Target(account=facts, share=None if share is None else share_facts(share)), None, None, acting)
    if organisation_id != account.host_id and principal.person_id is not None:
        held = await hold_path(tx, account.id, organisation_id, principal.person_id)
    if held is None:
        return _Way(Target(account=facts), None, None)
    grant, partnership, share = held
    target = Target(
        account=facts,
        partnership=partnership_facts(partnership),
        share=share_facts(share),
        grant=grant_facts(grant),
    )
    return _Way(target, grant, partnership)


def _origin(launch_url: str) -> str:
    """Scheme, host and port of an https address, as RFC 6454 writes them."""
    return f"https://{urlsplit(launch_url).netloc.lower().removesuffix(':443')}"


def _event(account: Any, way: _Way) -> Event:
    """In both streams for the guest's people; an owner's own signing in is no business of the partners (Q32)."""
    guest_id = None if way.grant is None else way.grant.guest_id
    data: Mapping[str, Any] = {"role": way.role}
    return Event(
        type=EventType.SIGNIN_ACCOUNT,
        streams=(account.host_id,) if guest_id is None else (account.host_id, guest_id),
        host_id=account.host_id,
        guest_id=guest_id,
        partnership_id=None if way.partnership is None else way.partnership.id,
        account_id=account.id,
        account_label=account.label,
        app=account.app,
        data=data,
    )
