"""Sharing accounts with a partner, and taking them back (S67 to S73)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import capacities, require
from accord.access.facts import Target
from accord.access.permissions import Action, Capacity
from accord.database.engine import Transaction, check_version
from accord.database.queries.partnership import lock_partnership, partnership_facts
from accord.database.queries.recipients import people
from accord.database.queries.sharing import (
    account_facts,
    list_live_grants,
    list_members,
    list_shareable,
    list_shared,
    people_seen,
)
from accord.database.sets import insert_rows
from accord.database.tables.sharing import grants, shares
from accord.domain import text
from accord.domain.activity import EventType, counted
from accord.domain.errors import DomainError, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.sharing import (
    ACCOUNT,
    SHARE,
    AccountEvent,
    AccountRole,
    AccountStatus,
    GrantOrigin,
    GrantState,
    ShareEvent,
    ShareState,
)
from accord.services.activity import Event, record
from accord.services.grants import cascade
from accord.services.grants.share import (
    BULK,
    HeldShare,
    Receipt,
    enumerated,
    event_on,
    hold,
    require_live,
    role_name,
    send,
    tell,
    tell_removed,
)
from accord.services.pair import addressed

__all__ = ["ShareItem", "Unshared", "resume_share", "share_accounts", "suspend_share", "unshare_account"]


@dataclass(frozen=True, slots=True)
class ShareItem:
    """One account to share; without recipients it goes to the guest's representative (S72, Q10)."""

    account_id: UUID
    role: AccountRole
    recipient_user_ids: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Unshared:
    """A share that was taken back."""

    id: UUID
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class _Wizard:
    """What every item of one act is checked against; `members` are the guest's people whom the sharer sees."""

    partnership: Any
    accounts: Mapping[UUID, Any]
    shared: Mapping[UUID, Any]
    members: frozenset[UUID]
    named: Mapping[UUID, Any]


async def share_accounts(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    items: Sequence[ShareItem],
    expected_version: int | None = None,
) -> list[UUID | DomainError]:
    """Share accounts that the Partnership Owner also owns, each in a role; one answer per item (S67 to S69, S72)."""
    partnership = await lock_partnership(tx, partnership_id)
    facts = partnership_facts(partnership)
    if Capacity.OWNER not in capacities(tx.principal, Target(partnership=facts), acting_for=tx.acting_for):
        raise Forbidden(Action.ACCOUNT_SHARE, "NO_GRANT", "Only the Partnership Owner shares accounts.")
    check_version(partnership, expected_version, partnership.state)
    require_live(tx, partnership, Action.ACCOUNT_SHARE)
    if not 0 < len(items) <= BULK:
        raise ValidationError("items", f"1 to {BULK} accounts, these are {len(items)}.")
    wizard = await _prepare(tx, partnership, items)
    results: list[UUID | DomainError] = []
    events: list[Event] = []
    for place, item in enumerate(items):
        try:
            event, share_id = await _share(tx, wizard, item, ("items", str(place)))
        except DomainError as error:
            results.append(error)
        else:
            events.append(event)
            results.append(share_id)
    await record(tx, *events)
    return results


async def _prepare(tx: Transaction, partnership: Any, items: Sequence[ShareItem]) -> _Wizard:
    seen = await people_seen(tx, partnership)
    return _Wizard(
        partnership=partnership,
        accounts=await list_shareable(tx, partnership.host_id, {item.account_id for item in items}),
        shared=await list_shared(tx, partnership.id),
        members=frozenset(await list_members(tx, partnership.guest_id, seen)),
        named={person.user_id: person for person in await people(tx, seen)},
    )


async def _share(tx: Transaction, wizard: _Wizard, item: ShareItem, path: tuple[str, ...]) -> tuple[Event, UUID]:
    account = wizard.accounts.get(item.account_id)
    if account is None:
        raise NotFound((*path, "accountId"))
    target = Target(partnership=partnership_facts(wizard.partnership), account=account_facts(account, account.status))
    require(tx.principal, Action.ACCOUNT_SHARE, target, now=tx.now, acting_for=tx.acting_for)
    ACCOUNT.move(AccountStatus(account.status), AccountEvent.SHARE)
    recipients = _recipients(wizard, item, path)
    if item.account_id in wizard.shared:
        raise InvalidState(wizard.shared[item.account_id].state, path=(*path, "accountId"))
    share_id = await _write(tx, wizard.partnership, item, recipients, path)
    names = enumerated(wizard.named[key].display_name for key in recipients)
    said = {"account": account.label, "member": names, "role": role_name(item.role)}
    told = [wizard.named[key] for key in (*recipients, wizard.partnership.representative_user_id)]
    await send(tx, wizard.partnership, Template.SHARED, said, addressed(told))
    data = {"share": global_id("share", share_id), "role": item.role.value}
    data["members"] = ", ".join(global_id("user", key) for key in recipients)
    return _added(wizard.partnership, account, data), share_id


def _recipients(wizard: _Wizard, item: ShareItem, path: tuple[str, ...]) -> list[UUID]:
    """Whom the item goes to: the representative, or whom the sharer names and already sees (Q10, S72)."""
    if item.recipient_user_ids:
        if item.role is AccountRole.ACCOUNT_MANAGER:
            raise ValidationError("recipientUserIds", "An Account Manager is the representative of the guest.")
        chosen = list(dict.fromkeys(item.recipient_user_ids))
    else:
        chosen = [wizard.partnership.representative_user_id]
    if not wizard.members.issuperset(chosen):
        raise NotFound((*path, "recipientUserIds"))
    return chosen


async def _write(
    tx: Transaction, partnership: Any, item: ShareItem, recipients: Sequence[UUID], path: tuple[str, ...]
) -> UUID:
    """The share with its grants; a recipient who stops being a member at this moment is found by the database."""
    whole = {
        "partnership_id": partnership.id,
        "account_id": item.account_id,
        "host_id": partnership.host_id,
        "guest_id": partnership.guest_id,
    }
    try:
        async with tx.connection.begin_nested():
            share_id = await tx.insert(
                shares, **whole, shared_by=tx.person_id, state=ShareState.ACTIVE.value, shared_at=tx.now
            )
            granted = {
                "share_id": share_id,
                "role": item.role.value,
                "state": GrantState.ACTIVE.value,
                "origin": GrantOrigin.SHARE.value,
                "granted_by": tx.person_id,
                "granted_at": tx.now,
            }
            await insert_rows(tx, grants, [whole | granted | {"user_id": key} for key in recipients])
    except IntegrityError as error:
        if "uq_shares_live" in str(error):
            raise InvalidState(ShareState.ACTIVE, path=(*path, "accountId")) from None
        raise NotFound((*path, "recipientUserIds")) from None
    return share_id


def _added(partnership: Any, account: Any, data: Mapping[str, Any]) -> Event:
    return Event(
        type=EventType.SHARE_ADDED,
        streams=(partnership.host_id, partnership.guest_id),
        host_id=partnership.host_id,
        guest_id=partnership.guest_id,
        partnership_id=partnership.id,
        account_id=account.id,
        account_label=account.label,
        app=account.app,
        data=data,
    )


async def unshare_account(
    tx: Transaction, *, organisation_id: UUID, share_id: UUID, expected_version: int | None = None
) -> Unshared:
    """Take an account back from the guest, with every access to it (S67, S73, Q12, Q13)."""
    held = await hold(tx, share_id)
    held.require(tx, Action.SHARE_END)
    check_version(held.share, expected_version, held.share.state)
    SHARE.move(ShareState(held.share.state), ShareEvent.UNSHARE)
    ended = await cascade.end_shares(tx, [share_id])
    await tell_removed(tx, held.partnership, [held.share.label], ended.user_ids)
    await record(tx, event_on(held.share, EventType.SHARE_REMOVED, data=counted(ended.counts)))
    return Unshared(share_id, Receipt(**ended.counts))


async def suspend_share(
    tx: Transaction,
    *,
    organisation_id: UUID,
    share_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> UUID:
    """Deny every access by this share until it is resumed; the grants stay (4.4.4, Q13)."""
    held = await _move(tx, share_id, expected_version, ShareEvent.SUSPEND, Action.SHARE_SUSPEND)
    reason = text.note("reason", reason)
    await _tell_of_state(tx, held, Template.SHARE_SUSPENDED, reason)
    await record(tx, event_on(held.share, EventType.SHARE_SUSPENDED, reason=reason))
    return share_id


async def resume_share(
    tx: Transaction, *, organisation_id: UUID, share_id: UUID, expected_version: int | None = None
) -> UUID:
    """Let a suspended share work again; it gives what it gave before and nothing more (4.4.4)."""
    held = await _move(tx, share_id, expected_version, ShareEvent.RESUME, Action.SHARE_RESUME)
    await _tell_of_state(tx, held, Template.SHARE_RESUMED, None)
    await record(tx, event_on(held.share, EventType.SHARE_RESUMED))
    return share_id


async def _move(
    tx: Transaction, share_id: UUID, expected_version: int | None, event: ShareEvent, action: Action
) -> HeldShare:
    held = await hold(tx, share_id)
    held.require(tx, action)
    check_version(held.share, expected_version, held.share.state)
    state = SHARE.move(ShareState(held.share.state), event)
    await tx.update(shares, share_id, state=state.value)
    return held


async def _tell_of_state(tx: Transaction, held: HeldShare, template: Template, reason: str | None) -> None:
    affected = [grant.user_id for grant in await list_live_grants(tx, held.share.id)]
    said = {"account": held.share.label, "reason": reason or ""}
    await tell(tx, held.partnership, template, said, affected)
