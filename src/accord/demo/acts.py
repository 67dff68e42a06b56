"""What people of the story do again and again, in the words of the story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accord.demo.cast import Thing
from accord.demo.stage import Stage, made
from accord.domain.partnership import AccessMode, Purpose
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import AccessDecision, decide_access_requests, request_access
from accord.services.grants.account import create_account, set_account_owners
from accord.services.grants.sharing import ShareItem, share_accounts
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.partnerships.partnership import accept_partnership, approve_partnership
from accord.services.partnerships.proposal import request_partnership

COLLABORATOR = AccountRole.COLLABORATOR
MANAGER = AccountRole.ACCOUNT_MANAGER


async def makes(stage: Stage, thing: Thing) -> None:
    """The owner makes an account and names who owns it too."""
    account_id = await stage.does(
        thing.owner,
        create_account,
        kind=thing.kind,
        category=thing.category,
        app=thing.app,
        label=thing.label,
        launch_url=thing.launch_url,
    )
    stage.accounts[thing.key] = account_id
    if thing.also:
        owners = [stage.people[first] for first in (thing.owner, *thing.also)]
        await stage.does(thing.owner, set_account_owners, account_id=account_id, user_ids=owners)


async def requests(
    stage: Stage,
    person: str,
    guest: str,
    contact: str,
    reason: str | None = None,
    *,
    purposes: Sequence[Purpose] = (Purpose.MANAGEMENT,),
    expires_at: datetime | None = None,
) -> str:
    """A person asks for a partnership; it is known by the two organisations from here on."""
    pair = f"{stage.homes[person]}-{guest}"
    stage.partnerships[pair] = await stage.does(
        person,
        request_partnership,
        guest_handle=await stage.handle_of(guest),
        contact_email=contact,
        reason=reason,
        purposes=purposes,
        expires_at=expires_at,
    )
    return pair


async def invites(
    stage: Stage, person: str, guest: str, contact: str, *accounts: str, wallet_entrusted: bool | None = None
) -> str:
    """A legal representative invites a partner: to these accounts, or to everything where none is named."""
    pair = f"{stage.homes[person]}-{guest}"
    stage.partnerships[pair] = await stage.does(
        person,
        invite_partner,
        guest_handle=await stage.handle_of(guest),
        contact_email=contact,
        access_mode=AccessMode.LIMITED if accounts else AccessMode.COMPLETE,
        wallet_entrusted=wallet_entrusted,
        items=[InvitedItem(stage.accounts[account]) for account in accounts],
    )
    return pair


async def asks_to_join(stage: Stage, person: str, host: str) -> str:
    """An admin of a partner asks an organisation to become a customer, and consents to the current terms."""
    pair = f"{host}-{stage.homes[person]}"
    stage.partnerships[pair] = await stage.does(
        person,
        request_customer,
        host_handle=await stage.handle_of(host),
        terms_version_id=stage.terms,
        consent=True,
    )
    return pair


async def approves(stage: Stage, person: str, pair: str, **narrower: Any) -> None:
    await stage.answers(person, approve_partnership, pair, **narrower)


async def accepts(stage: Stage, person: str, pair: str) -> None:
    """An admin of the guest consents to the current terms."""
    await stage.answers(person, accept_partnership, pair, terms_version_id=stage.terms, consent=True)


async def shares(stage: Stage, person: str, pair: str, role: AccountRole, *accounts: str) -> None:
    """The Partnership Owner shares accounts with the guest's representative, all in one role."""
    results = await stage.does(
        person,
        share_accounts,
        partnership_id=stage.partnerships[pair],
        items=[ShareItem(stage.accounts[account], role) for account in accounts],
    )
    for account, share_id in zip(accounts, made(results), strict=True):
        stage.shares[f"{pair}/{account}"] = share_id


async def asks(
    stage: Stage, person: str, share: str, role: AccountRole, *members: str, note: str | None = None
) -> None:
    """An Account Manager asks for access for colleagues; each place is known by share and member."""
    results = await stage.does(
        person,
        request_access,
        share_id=stage.shares[share],
        member_user_ids=[stage.people[member] for member in members],
        role=role,
        note=note,
    )
    stage.items |= {f"{share}/{member}": item for member, item in zip(members, made(results), strict=True)}


async def lets_in(stage: Stage, person: str, share: str, *members: str, **terms: Any) -> None:
    """An Account Owner says yes."""
    await _decide(stage, person, share, members, accept=True, **terms)


async def keeps_out(stage: Stage, person: str, share: str, *members: str, note: str) -> None:
    """An Account Owner says no, and why."""
    await _decide(stage, person, share, members, accept=False, note=note)


async def _decide(stage: Stage, person: str, share: str, members: Sequence[str], **terms: Any) -> None:
    items = [AccessDecision(stage.items[f"{share}/{member}"], 1, **terms) for member in members]
    decided = made(await stage.does(person, decide_access_requests, items=items))
    stage.grants |= {f"{share}/{member}": one.grant_id for member, one in zip(members, decided, strict=True)}
