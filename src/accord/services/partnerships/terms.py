"""Terms that come into force: what both sides have agreed to becomes live, in the transaction of the last yes (4.4.1).

The one place where terms turn into rights. Accepting an invitation, approving a guest's own request and applying an
amendment all end here; nobody else writes the access mode, the wallet or the shares that terms list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from accord.database.engine import Transaction
from accord.database.queries.partnership import ceiling_of
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of
from accord.database.queries.sharing import list_listed, list_shared
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import grants, shares
from accord.domain.activity import EventType
from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel, is_above, least
from accord.domain.notice import Template
from accord.domain.partnership import ListedAccount, Terms
from accord.domain.sharing import AccountStatus, GrantOrigin, GrantState, ShareState
from accord.services.activity import Event
from accord.services.grants.personal import convert_contacts
from accord.services.pair import names, tell
from accord.services.partnerships.level import changed, words

__all__ = ["bounded", "bring_into_force"]


@dataclass(frozen=True, slots=True)
class _Listing:
    """What every share of the terms has in common: its partnership, who lists, who gets it."""

    partnership: Any
    listed_by: UUID
    recipient_id: UUID


async def bring_into_force(
    tx: Transaction, row: Any, terms: Terms, *, granted_by: UUID, representative_id: UUID | None, **at_once: Any
) -> list[Event]:
    """Write the terms on the partnership, raise the level, share the accounts they list, and convert the contacts that
    are people of the guest (S103); the events to record.

    The caller holds the row, has decided that both sides agree, and records the events last. `granted_by` is the person
    of the host whose act the terms rest on; the level they name is recorded as that person's, up to the ceiling, and
    never lowers what is granted (Q20). `representative_id` gets the listed accounts (Q34); those archived meanwhile,
    shared already, or no longer owned by a lister who needs to own them are left out (S68). `at_once` are columns of
    the partnership that change with it, such as its state, in one step of its version. From here on the transaction
    acts within both organisations, since a guest's yes makes the host's rows.
    """
    await tx.enter(row.host_id, row.guest_id)
    level = least(terms.level, ceiling_of(row))
    raised = is_above(level, DataAccessLevel(row.granted_level))
    by_host = {"granted_level": level.value, "level_changed_by": granted_by, "level_changed_at": tx.now}
    await tx.update(
        partnerships,
        row.id,
        purposes=sorted(terms.purposes),
        access_mode=terms.access_mode.value,
        wallet_entrusted=terms.wallet_entrusted,
        expires_at=terms.expires_at,
        auto_extend=terms.auto_extend,
        **by_host if raised else {},
        **at_once,
    )
    events = [changed(row, level)] if raised else []
    if raised:
        facts = names(row) | {"level": words(level), "before": words(DataAccessLevel(row.granted_level))}
        await tell(tx, row, Template.LEVEL_CHANGED, facts, await admins_of(tx, row.guest_id))
    if terms.accounts and terms.listed_by is not None and representative_id is not None:
        events += await _share(tx, terms, _Listing(row, terms.listed_by, representative_id))
    return [*events, *await convert_contacts(tx, row)]


async def bounded(tx: Transaction, row: Any, terms: Terms) -> Terms:
    """Terms that begin now, with the end and the extension that the host's policy sets where they leave it open."""
    policy = await get_policy(tx, row.host_id)
    until = policy.latest_end(tx.now, terms.expires_at)
    return replace(terms, expires_at=until, auto_extend=terms.auto_extend or policy.default_auto_extend)


async def _share(tx: Transaction, terms: Terms, listing: _Listing) -> list[Event]:
    row = listing.partnership
    found = await list_listed(tx, row.host_id, [account.account_id for account in terms.accounts])
    shared = await list_shared(tx, row.id)
    open_ones = [
        (listed, found[listed.account_id])
        for listed in terms.accounts
        if listed.account_id in found
        and listed.account_id not in shared
        and found[listed.account_id].status == AccountStatus.ACTIVE
        and (terms.by_legal_representative or listing.listed_by in found[listed.account_id].owner_ids)
    ]
    return [await _write(tx, listing, listed, account) for listed, account in open_ones]


async def _write(tx: Transaction, listing: _Listing, listed: ListedAccount, account: Any) -> Event:
    """One share with its recipient's grant, and the event in both streams."""
    row = listing.partnership
    whole = {
        "partnership_id": row.id,
        "account_id": account.id,
        "host_id": row.host_id,
        "guest_id": row.guest_id,
    }
    made = {"shared_by": listing.listed_by, "state": ShareState.ACTIVE.value, "shared_at": tx.now}
    share_id = await tx.insert(shares, **whole, **made)
    granted = {
        "share_id": share_id,
        "user_id": listing.recipient_id,
        "role": listed.role.value,
        "state": GrantState.ACTIVE.value,
        "origin": GrantOrigin.SHARE.value,
        "granted_by": listing.listed_by,
        "granted_at": tx.now,
    }
    await tx.execute(insert(grants).values(**whole, **granted))
    data = {"share": global_id("share", share_id), "role": listed.role.value}
    data["members"] = global_id("user", listing.recipient_id)
    return _added(row, account, data)


def _added(row: Any, account: Any, data: dict[str, Any]) -> Event:
    return Event(
        type=EventType.SHARE_ADDED,
        streams=(row.host_id, row.guest_id),
        host_id=row.host_id,
        guest_id=row.guest_id,
        partnership_id=row.id,
        account_id=account.id,
        account_label=account.label,
        app=account.app,
        data=data,
    )
