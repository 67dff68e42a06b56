"""Accounts of a host: created by whoever owns them from then on, changed by their owners (S42, model 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.account import get_status, hold_partnerships_of, list_owners, lock_account
from accord.database.queries.partnership import list_active_members
from accord.database.queries.sharing import account_facts, get_partnership, list_ended_shares, lock_access
from accord.database.sets import among, insert_rows
from accord.database.tables.sharing import account_ownerships, accounts, shares, tickets
from accord.domain import text
from accord.domain.activity import EventType, counted
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.errors import NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.domain.sharing import ACCOUNT, OWNERS, AccountEvent, AccountKind, AccountStatus
from accord.services.activity import Event, record
from accord.services.cascades import Work, carry_out
from accord.services.grants.cascade import end_shares, remove_shares, share_events, void_tickets
from accord.services.grants.share import tell_removed

__all__ = [
    "ArchiveReceipt",
    "Archived",
    "archive_account",
    "create_account",
    "set_account_owners",
    "update_account",
]

SECURITY_SETTINGS: Final = frozenset({"app", "launch_url"})
"""What S42 keeps from everybody but the owners."""


@dataclass(frozen=True, slots=True)
class ArchiveReceipt:
    """What ended with an account."""

    shares_ended: int
    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int


@dataclass(frozen=True, slots=True)
class Archived:
    """An account that was archived, and what is left to the worker."""

    id: UUID
    receipt: ArchiveReceipt
    cascade_ids: tuple[UUID, ...]


async def create_account(
    tx: Transaction,
    *,
    organisation_id: UUID,
    app: str,
    label: str,
    launch_url: str,
    kind: AccountKind = AccountKind.ACCOUNT,
    category: str | None = None,
) -> UUID:
    """A new account; who creates it owns it. A product needs a category (S95, model 4.2)."""
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.ACCOUNT_CREATE, target, now=tx.now, acting_for=tx.acting_for)
    values = {
        "kind": kind.value,
        "category": text.optional_name("category", category),
        "app": text.name("app", app),
        "label": text.name("label", label),
        "launch_url": text.web_address("launchUrl", launch_url),
    }
    if kind is AccountKind.PRODUCT and values["category"] is None:
        raise ValidationError("category", "A product needs a category.")
    account_id = await tx.insert(accounts, host_id=organisation_id, **values)
    await tx.add(account_ownerships, account_id=account_id, user_id=tx.person_id, host_id=organisation_id)
    await record(tx, _event(EventType.ACCOUNT_CREATED, account_id, organisation_id, values))
    return account_id


async def update_account(
    tx: Transaction,
    *,
    organisation_id: UUID,
    account_id: UUID,
    expected_version: int | None = None,
    label: str | None = None,
    category: str | None = None,
    app: str | None = None,
    launch_url: str | None = None,
) -> UUID:
    """Change what is given. App and launch URL are security settings and need that permission (S42)."""
    row = await lock_account(tx, account_id)
    given: dict[str, str | None] = {"label": label, "category": category, "app": app, "launch_url": launch_url}
    wanted = {name: value for name, value in given.items() if value is not None}
    if wanted.keys() - SECURITY_SETTINGS or not wanted:
        _require(tx, Action.ACCOUNT_UPDATE, row)
    if wanted.keys() & SECURITY_SETTINGS:
        _require(tx, Action.ACCOUNT_SECURE, row)
    check_version(row, expected_version, row.status)
    status = ACCOUNT.move(AccountStatus(row.status), AccountEvent.UPDATE)
    values = _checked(wanted)
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if not changed:
        return account_id
    await tx.update(accounts, account_id, status=status.value, **changed)
    after = {"label": row.label, "app": row.app} | changed
    await record(tx, _event(EventType.ACCOUNT_UPDATED, account_id, row.host_id, after, changed=sorted(changed)))
    return account_id


def _checked(wanted: dict[str, str]) -> dict[str, str]:
    return {
        name: text.web_address("launchUrl", value) if name == "launch_url" else text.name(name, value)
        for name, value in wanted.items()
    }


async def archive_account(
    tx: Transaction, *, organisation_id: UUID, account_id: UUID, expected_version: int | None = None
) -> Archived:
    """Put an account away for good; every share of it ends, and nobody signs in to it any more (4.10)."""
    await hold_partnerships_of(tx, account_id)
    row = await lock_account(tx, account_id)
    _require(tx, Action.ACCOUNT_SECURE, row, ends=True)
    check_version(row, expected_version, row.status)
    status = ACCOUNT.move(AccountStatus(row.status), AccountEvent.ARCHIVE)
    of_account = shares.c.account_id == account_id
    access = await lock_access(tx, of_account)
    voided = await void_tickets(tx, tickets.c.account_id == account_id)
    await remove_shares(tx, of_account)
    await tx.update(accounts, account_id, status=status.value)
    below = Cascade(
        kind=CascadeKind.END_ACCOUNT_SHARES,
        subject_id=account_id,
        total=access.shares,
        facts={"ended_at": tx.now.isoformat()},
    )
    ended = await carry_out(tx, ACCOUNT_SHARES, below)
    counts = access.counts | {"tickets_voided": voided}
    named = {"label": row.label, "app": row.app}
    archived = _event(EventType.ACCOUNT_ARCHIVED, account_id, row.host_id, named, **counted(counts))
    await record(tx, archived, *ended.events)
    return Archived(account_id, ArchiveReceipt(**counts), ended.cascade_ids)


async def _shares_of_account(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_ended_shares(
        tx, cascade.subject_id, datetime.fromisoformat(cascade.facts["ended_at"]), after, at_most
    )


async def _end_shares(tx: Transaction, _: Cascade, keys: Sequence[UUID]) -> list[Event]:
    """End what rests on these shares, and tell the people of each guest."""
    ended = await end_shares(tx, keys)
    for share in ended.shares:
        partnership = await get_partnership(tx, share.partnership_id)
        await tell_removed(tx, partnership, [share.label], ended.members_of(share.id))
    return share_events(ended)


async def _is_archived(tx: Transaction, cascade: Cascade) -> bool:
    return await get_status(tx, cascade.subject_id) is AccountStatus.ARCHIVED


ACCOUNT_SHARES: Final = Work(
    CascadeKind.END_ACCOUNT_SHARES, _is_archived, _shares_of_account, _end_shares, batch=20, at_once=50
)
"""What rests on the shares of an archived account, which are removed already: guest by guest."""


async def set_account_owners(
    tx: Transaction,
    *,
    organisation_id: UUID,
    account_id: UUID,
    user_ids: Sequence[UUID],
    expected_version: int | None = None,
) -> UUID:
    """Name the Account Owners; the given list replaces the one before. Shares of the account go on (4.4.4)."""
    row = await lock_account(tx, account_id)
    _require(tx, Action.ACCOUNT_SECURE, row)
    check_version(row, expected_version, row.status)
    status = ACCOUNT.move(AccountStatus(row.status), AccountEvent.UPDATE)
    wanted = set(user_ids)
    if not 0 < len(wanted) <= OWNERS:
        raise ValidationError("userIds", f"An account has 1 to {OWNERS} owners.")
    before = await list_owners(tx, account_id)
    await _require_at_work(tx, row.host_id, wanted)
    await tx.execute(
        delete(account_ownerships).where(
            account_ownerships.c.account_id == account_id, among(account_ownerships.c.user_id, before - wanted)
        )
    )
    if added := wanted - before:
        named = [{"account_id": account_id, "host_id": row.host_id, "user_id": key} for key in sorted(added)]
        await insert_rows(tx, account_ownerships, named)
    await tx.update(accounts, account_id, status=status.value)
    changes = {
        "added": sorted(global_id("user", key) for key in added),
        "removed": sorted(global_id("user", key) for key in before - wanted),
    }
    known = {"label": row.label, "app": row.app}
    await record(tx, _event(EventType.ACCOUNT_OWNERS_CHANGED, account_id, row.host_id, known, **changes))
    return account_id


async def _require_at_work(tx: Transaction, host_id: UUID, wanted: set[UUID]) -> None:
    found = {member.user_id: set(member.roles) for member in await list_active_members(tx, host_id, wanted)}
    if wanted - found.keys():
        raise NotFound(("userIds",))
    if any(roles <= {Role.AUDITOR.value} for roles in found.values()):
        raise ValidationError("userIds", "An auditor reads activity and nothing else.")


def _require(tx: Transaction, action: Action, row: Any, *, ends: bool = False) -> None:
    target = Target(account=account_facts(row, row.status))
    require(tx.principal, action, target, now=tx.now, acting_for=tx.acting_for, ends=ends)


def _event(event: EventType, account_id: UUID, host_id: UUID, named: dict[str, Any], **data: Any) -> Event:
    """An event on an account of the host's own: its partners hear of shares, not of accounts."""
    return Event(
        type=event,
        streams=(host_id,),
        host_id=host_id,
        account_id=account_id,
        account_label=named["label"],
        app=named["app"],
        data=data,
    )
