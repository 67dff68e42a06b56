"""Inviting a partner: by a legal representative, to listed accounts or to everything (source 003, S92 to S98)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.directory import published_address
from accord.database.queries.policy import get_policy
from accord.database.queries.sharing import list_listed, list_shareable
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import AccessMode, ListedAccount, PartnershipPath, Purpose, Terms
from accord.domain.sharing import ACCOUNT, AccountEvent, AccountRole, AccountStatus
from accord.services import invitation
from accord.services.activity import record
from accord.services.pair import event_of, new_terms
from accord.services.partnerships.filing import file_by_host, find_guest

__all__ = ["InvitedItem", "invite_partner"]


@dataclass(frozen=True, slots=True)
class InvitedItem:
    """One account or product that a limited invitation lists (S95)."""

    account_id: UUID
    role: AccountRole = AccountRole.ACCOUNT_MANAGER


async def invite_partner(
    tx: Transaction,
    *,
    organisation_id: UUID,
    guest_handle: str,
    access_mode: AccessMode,
    contact_email: str | None = None,
    wallet_entrusted: bool | None = None,
    items: Sequence[InvitedItem] = (),
    purposes: Sequence[Purpose] = (Purpose.MANAGEMENT,),
    expires_at: datetime | None = None,
) -> UUID:
    """Invite a partner to LIMITED access with listed accounts, or to COMPLETE access with an answer about the wallet.

    By a legal representative; by an admin to LIMITED where the policy `adminMayInvite` says so (S92, Q30). Nothing is
    granted before the partner accepts (S99). Without an address the mail goes to the one that the partner has
    published, and to its admins in any case.
    """
    may_invite = (await get_policy(tx, organisation_id)).admin_may_invite
    target = Target(organisation_id=organisation_id, admin_may_invite=may_invite)
    require(tx.principal, Action.PARTNERSHIP_INVITE, target, now=tx.now, acting_for=tx.acting_for)
    if access_mode is AccessMode.COMPLETE:
        require(tx.principal, Action.PARTNERSHIP_COMPLETE, target, now=tx.now, acting_for=tx.acting_for)
    _check_choice(access_mode, wallet_entrusted, items)
    terms = new_terms(tx, purposes, expires_at)
    address = text.address("contactEmail", contact_email) if contact_email else None
    host, guest = await find_guest(tx, organisation_id, guest_handle, Action.PARTNERSHIP_INVITE)
    if access_mode is AccessMode.COMPLETE:
        whole = {"access_mode": access_mode, "wallet_entrusted": wallet_entrusted, "level": DataAccessLevel.MANAGE}
        terms = replace(terms, **whole)  # type: ignore[arg-type]
    else:
        terms = await _listing(tx, organisation_id, terms, items)
    address = address or await published_address(tx, guest_handle)
    if address is None:
        raise ValidationError("contactEmail", "This partner has published no address; give one.")
    given: dict[str, Any] = {"path": PartnershipPath.HOST_INVITE, "contact_email": address, "direct": True}
    row, attempt_id = await file_by_host(tx, host, guest, terms, **given)
    await invitation.invite(tx, row, attempt_id, address)
    data = {"accessMode": access_mode.value, "walletEntrusted": terms.wallet_entrusted, "accounts": len(items)}
    await record(tx, event_of(row, EventType.PARTNERSHIP_INVITED, data=data))
    return row.id  # type: ignore[no-any-return]


def _check_choice(mode: AccessMode, wallet_entrusted: bool | None, items: Sequence[InvitedItem]) -> None:
    """The forced choice: accounts with LIMITED alone, an answer about the wallet with COMPLETE alone (S94, S97)."""
    if mode is AccessMode.COMPLETE:
        if wallet_entrusted is None:
            raise ValidationError("walletEntrusted", "Say whether the wallet is entrusted, too.")
        if items:
            raise ValidationError("items", "Complete access lists no accounts.")
        return
    if wallet_entrusted is not None:
        raise ValidationError("walletEntrusted", "The wallet goes with complete access alone.")
    if not items:
        raise ValidationError("items", "At least one account is needed.")
    if len({item.account_id for item in items}) < len(items):
        raise ValidationError("items", "An account is listed once.")


async def _listing(tx: Transaction, host_id: UUID, terms: Terms, items: Sequence[InvitedItem]) -> Terms:
    """The terms with these accounts.

    A legal representative lists any of the host's, owned or not (Q34); an admin those that the admin owns (S68).
    """
    legal = Role.LEGAL_REPRESENTATIVE in tx.principal.roles_in(host_id)
    find = list_listed if legal else list_shareable
    found = await find(tx, host_id, [item.account_id for item in items])
    listed = []
    for place, item in enumerate(items):
        account = found.get(item.account_id)
        if account is None:
            raise NotFound(("items", str(place), "accountId"))
        if not legal and tx.person_id not in account.owner_ids:
            raise Forbidden(Action.PARTNERSHIP_INVITE, "NO_GRANT", "An admin lists accounts of the own alone.")
        ACCOUNT.move(AccountStatus(account.status), AccountEvent.SHARE)
        listed.append(ListedAccount(account.id, item.role, account.label, account.app, account.category))
    return replace(terms, accounts=tuple(listed), listed_by=tx.person_id, by_legal_representative=legal)
