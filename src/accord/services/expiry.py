"""What time alone brings about: lapsing, expiring and the notices before (model 4.4.1, 4.4.4, 4.11).

Access never waits for this: every read checks the time itself (invariant 12). The sweep writes the states, events
and mails that follow, each in a transaction of its own. A row that can't be written is logged and passed over, and the
next sweep passes over it as well: it keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Table

from accord.database.engine import Database, Transaction
from accord.database.queries import expiry as due
from accord.database.queries.delegation import lock_delegations
from accord.database.queries.partnership import lock_reachable
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.acting import acting_sessions
from accord.database.tables.amendment import amendments
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, grants, tickets
from accord.domain.activity import EventType
from accord.domain.amendment import AmendmentEvent
from accord.domain.delegation import DelegationEvent, is_over
from accord.domain.notice import Template, day
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import ACCESS_ITEM, GRANT, AccessItemEvent, AccessItemState, GrantEvent, GrantState
from accord.services.activity import Event, record
from accord.services.apart import Keys, each
from accord.services.digest import tell_changes, waiting_for_digest
from accord.services.grants import cascade
from accord.services.grants.acting import expire_session
from accord.services.grants.roles import clearing_events, end_roles, leave_overdue, left_group, tell_of_roles
from accord.services.mail_digest import send_waiting
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed, deciders, event_of, names, tell
from accord.services.partnerships.amending import close, told_when_lapsed
from accord.services.partnerships.overdue import renew, settle

__all__ = ["sweep"]

Act: TypeAlias = Callable[[Transaction, Any], Awaitable[None]]
EXPIRY_NOTICES: Final = (1, 7, 30)
"""Days before the end at which both sides are told; the nearest that applies is the one that is sent."""


async def sweep(database: Database, now: datetime) -> None:
    """Do what is due at `now`; run again, it finds nothing left but what failed. Raises Lost without a database."""
    for what, keys, act in _steps(now):
        await each(database, what, keys, act)
    await send_waiting(database)


def _steps(now: datetime) -> Iterator[tuple[str, Keys[UUID], Act]]:
    """What is looked for, where, and what is done to each one, in this order."""
    yield "lapse", *_of_partnership(due.to_lapse(now), _settle)
    yield "extend", *_of_partnership(due.to_extend(now), _extend)
    yield "expire", *_of_partnership(due.to_expire(now), _settle)
    yield "expire roles", *_of_partnership(due.to_expire_roles(now), _expire_roles)
    yield "leave groups", *_of_partnership(due.to_leave_groups(now), _leave_groups)
    yield "warn of lapse", *_of_partnership(due.to_warn_of_lapse(now), _warn_of_lapse)
    for days in EXPIRY_NOTICES:
        yield "warn of expiry", *_of_partnership(due.to_warn_of_expiry(now, days), _warn_of_expiry(days))
    yield "lapse amendment", *_of_amendment(due.to_lapse_amendment(now))
    yield "lapse item", *_of_table(access_items, due.to_lapse_item(now), _lapse_item)
    yield "expire grant", *_of_table(grants, due.to_expire_grant(now), _expire_grant)
    for days in EXPIRY_NOTICES:
        yield "warn of grant", *_of_table(grants, due.to_warn_of_grant(now, days), _warn_of_grant(days))
    yield "end session", *_of_session(due.to_end_session(now))
    yield "digest", waiting_for_digest, tell_changes


def _of_partnership(condition: ColumnElement[bool], act: Act) -> tuple[Keys[UUID], Act]:
    async def do(tx: Transaction, key: UUID) -> None:
        row = await due.take_partnership(tx, key, condition)
        if row is not None:
            await act(tx, row)

    return partial(due.list_keys, table=partnerships, due=condition), do


def _of_table(table: Table, condition: ColumnElement[bool], act: Act) -> tuple[Keys[UUID], Act]:
    async def do(tx: Transaction, key: UUID) -> None:
        row = await due.take(tx, table, key, condition)
        if row is not None:
            await act(tx, row)

    return partial(due.list_keys, table=table, due=condition), do


def _of_session(condition: ColumnElement[bool]) -> tuple[Keys[UUID], Act]:
    async def do(tx: Transaction, key: UUID) -> None:
        row = await due.take_session(tx, key, condition)
        if row is not None:
            await record(tx, await expire_session(tx, row))

    return partial(due.list_keys, table=acting_sessions, due=condition), do


def _of_amendment(condition: ColumnElement[bool]) -> tuple[Keys[UUID], Act]:
    """Their partnership is locked first, as acts do."""

    async def do(tx: Transaction, key: UUID) -> None:
        row = await lock_reachable(tx, await due.partnership_of(tx, key))
        amendment = await due.take_amendment(tx, key, condition)
        if amendment is not None:
            told = await told_when_lapsed(tx, row, amendment)
            await record(tx, await close(tx, row, amendment, AmendmentEvent.LAPSE, told))

    return partial(due.list_keys, table=amendments, due=condition), do


async def _warn_of_lapse(tx: Transaction, row: Any) -> None:
    told = [*await people(tx, [row.requester_user_id]), *await deciders(tx, row)]
    if row.state == PartnershipState.AWAITING_GUEST_ACCEPTANCE:
        told += await admins_of(tx, row.guest_id)
    await tx.mark(partnerships, row.id, lapse_noticed_at=tx.now)
    await tell(tx, row, Template.LAPSE_NOTICE, names(row) | {"until": day(row.lapses_at)}, told)


async def _settle(tx: Transaction, row: Any) -> None:
    await record(tx, *await settle(tx, row))


async def _expire_roles(tx: Transaction, row: Any) -> None:
    """Roles whose end has come end as if they were cleared (4.4.3)."""
    found = await lock_delegations(tx, row.id)
    over = [role for role, one in found.items() if is_over(one.expires_at, tx.now)]
    ended = await end_roles(tx, row.id, over, DelegationEvent.EXPIRE)
    await tx.update(partnerships, row.id)
    await tell_of_roles(tx, row, Template.ROLES_CLEARED, over, ended.addresses)
    await record(tx, *clearing_events(ended))


async def _leave_groups(tx: Transaction, row: Any) -> None:
    gone = await leave_overdue(tx, row.id)
    await record(tx, *(event_of(row, EventType.ROLEGROUP_MEMBER_REMOVED, data=left_group(one)) for one in gone))


async def _extend(tx: Transaction, row: Any) -> None:
    """Renew a partnership with auto-renewal. Suspended ones are not renewed."""
    await record(tx, *await renew(tx, row))


def _warn_of_expiry(days: int) -> Act:
    async def warn(tx: Transaction, row: Any) -> None:
        told = [*await deciders(tx, row), *await admins_of(tx, row.guest_id)]
        await tx.mark(partnerships, row.id, expiry_noticed_days=days)
        await tell(tx, row, Template.EXPIRING, names(row) | {"until": day(row.expires_at)}, told)

    return warn


async def _lapse_item(tx: Transaction, row: Any) -> None:
    state = ACCESS_ITEM.move(AccessItemState(row.state), AccessItemEvent.LAPSE)
    await tx.update(access_items, row.id, state=state.value, decided_at=tx.now)
    await record(tx, _of_account(row, EventType.ACCESS_REQUEST_LAPSED, {"member": f"user_{row.member_user_id}"}))


async def _expire_grant(tx: Transaction, row: Any) -> None:
    state = GRANT.move(GrantState(row.state), GrantEvent.EXPIRE)
    await tx.update(grants, row.id, state=state.value, ended_at=tx.now)
    await cascade.void_tickets(tx, tickets.c.grant_id == row.id)
    await record(tx, _of_account(row, EventType.GRANT_EXPIRED, {"member": f"user_{row.user_id}"}))


def _warn_of_grant(days: int) -> Act:
    async def warn(tx: Transaction, row: Any) -> None:
        told = await people(tx, [row.user_id])
        await tx.mark(grants, row.id, expiry_noticed_days=days)
        for person in told:
            facts = {
                "member": person.display_name,
                "account": row.label,
                "host": row.host_name,
                "until": day(row.expires_at),
            }
            await enqueue(tx, Mail(Template.ACCESS_EXPIRING, row.host_id, addressed([person]), facts))

    return warn


def _of_account(row: Any, event: EventType, data: dict[str, Any]) -> Event:
    return Event(
        type=event,
        streams=(row.host_id, row.guest_id),
        host_id=row.host_id,
        guest_id=row.guest_id,
        partnership_id=row.partnership_id,
        account_id=row.account_id,
        account_label=row.label,
        app=row.app,
        data=data,
    )
