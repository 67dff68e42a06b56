"""What is due by time alone; read by the worker across tenants, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Table,
    and_,
    any_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from accord.database.clock import renews
from accord.database.engine import Transaction
from accord.database.queries.partnership import REACHABLE
from accord.database.tables.acting import acting_sessions
from accord.database.tables.amendment import amendments
from accord.database.tables.delegation import role_delegations, role_group_members
from accord.database.tables.organisation import organisations
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, accounts, grants
from accord.domain.acting import IDLE
from accord.domain.delegation import DelegationState
from accord.domain.organisation import OrganisationStatus
from accord.domain.partner import PartnerStatus
from accord.domain.partnership import AWAITING, CONNECTED, LAPSE_NOTICE

AT_ONCE: Final = 500
EXTENDED_BEFORE: Final = timedelta(hours=1)
AWAITING_NAMES: Final = [state.value for state in AWAITING]
CONNECTED_NAMES: Final = [state.value for state in CONNECTED]


def to_lapse(now: datetime) -> ColumnElement[bool]:
    """Nobody decided in time, or the host did nothing after a refusal."""
    return and_(partnerships.c.lapses_at <= now, partnerships.c.ended_at.is_(None))


def to_warn_of_lapse(now: datetime) -> ColumnElement[bool]:
    """Waiting, lapsing within three days, and nobody was told yet."""
    return and_(
        partnerships.c.state.in_(AWAITING_NAMES),
        partnerships.c.lapses_at <= now + LAPSE_NOTICE,
        partnerships.c.lapses_at > now,
        partnerships.c.lapse_noticed_at.is_(None),
    )


def to_expire(now: datetime) -> ColumnElement[bool]:
    """Connected beyond its end, and not renewed by itself."""
    over = and_(partnerships.c.state.in_(CONNECTED_NAMES), partnerships.c.expires_at <= now)
    return and_(over, ~renews(partnerships))


def to_extend(now: datetime) -> ColumnElement[bool]:
    """Active between active organisations, going on by itself, and so close to its end that nobody is to notice it."""
    sides = organisations.c.id.in_([partnerships.c.host_id, partnerships.c.guest_id])
    return and_(
        renews(partnerships),
        ~exists().where(sides, organisations.c.status != OrganisationStatus.ACTIVE.value),
        ~exists().where(
            organisations.c.id == partnerships.c.guest_id,
            organisations.c.partner_status == PartnerStatus.SUSPENDED.value,
        ),
        partnerships.c.expires_at <= now + EXTENDED_BEFORE,
    )


def to_end_session(now: datetime) -> ColumnElement[bool]:
    """Acting beyond its time, or unused for too long."""
    over = or_(acting_sessions.c.ends_at <= now, acting_sessions.c.used_at <= now - IDLE)
    return and_(acting_sessions.c.ended_at.is_(None), over)


def to_expire_roles(now: datetime) -> ColumnElement[bool]:
    """With a delegated role beyond its end."""
    return exists().where(
        role_delegations.c.partnership_id == partnerships.c.id,
        role_delegations.c.state == DelegationState.ACTIVE.value,
        role_delegations.c.expires_at <= now,
    )


def to_leave_groups(now: datetime) -> ColumnElement[bool]:
    """With somebody in a role group beyond the end of that."""
    return exists().where(
        role_group_members.c.partnership_id == partnerships.c.id,
        role_group_members.c.ended_at.is_(None),
        role_group_members.c.expires_at <= now,
    )


def to_warn_of_expiry(now: datetime, days: int) -> ColumnElement[bool]:
    """Connected, ending within these days, and not yet told so."""
    return and_(
        partnerships.c.state.in_(CONNECTED_NAMES),
        partnerships.c.expires_at > now,
        partnerships.c.auto_extend.is_(None),
        partnerships.c.expires_at <= now + func.make_interval(0, 0, 0, days),
        or_(partnerships.c.expiry_noticed_days.is_(None), partnerships.c.expiry_noticed_days > days),
    )


async def take_partnership(tx: Transaction, partnership_id: UUID, due: ColumnElement[bool]) -> Any:
    """The partnership, locked, if it is still due and nobody else has it; None otherwise."""
    held = select(partnerships.c.id).where(partnerships.c.id == partnership_id, due).with_for_update(skip_locked=True)
    if await tx.first(held) is None:
        return None
    return (await tx.fetch(REACHABLE, wanted=partnership_id))[0]


def to_lapse_amendment(now: datetime) -> ColumnElement[bool]:
    """Proposed, and nobody decided in time."""
    return amendments.c.lapses_at <= now


async def partnership_of(tx: Transaction, amendment_id: UUID) -> UUID:
    """The key of an amendment's partnership."""
    found: UUID = await tx.scalar(select(amendments.c.partnership_id).where(amendments.c.id == amendment_id))
    return found


async def take_amendment(tx: Transaction, amendment_id: UUID, due: ColumnElement[bool]) -> Any:
    """The amendment, locked, if it is still due; None otherwise."""
    return await tx.first(select(amendments).where(amendments.c.id == amendment_id, due).with_for_update())


def to_lapse_item(now: datetime) -> ColumnElement[bool]:
    """Asked for, and nobody decided in time."""
    return and_(access_items.c.state == "PENDING", access_items.c.lapses_at <= now)


def to_expire_grant(now: datetime) -> ColumnElement[bool]:
    """Granted until an instant that is past."""
    return and_(grants.c.state == "ACTIVE", grants.c.expires_at <= now)


def to_warn_of_grant(now: datetime, days: int) -> ColumnElement[bool]:
    """Granted, ending within these days, and not yet told so."""
    return and_(
        grants.c.state == "ACTIVE",
        grants.c.expires_at > now,
        grants.c.expires_at <= now + func.make_interval(0, 0, 0, days),
        or_(grants.c.expiry_noticed_days.is_(None), grants.c.expiry_noticed_days > days),
    )


async def list_keys(
    tx: Transaction, after: UUID | None, *, table: FromClause, due: ColumnElement[bool]
) -> Sequence[UUID]:
    """The keys of rows that are due, in order, at most `AT_ONCE` of those after a key."""
    chosen = select(table.c.id).where(due).order_by(table.c.id).limit(AT_ONCE)
    if after is not None:
        chosen = chosen.where(table.c.id > after)
    return [row.id for row in await tx.all(chosen)]


async def forget_some(tx: Transaction, table: Table, over: ColumnElement[bool], count: int) -> int:
    """Delete rows that are over, at most so many; how many those were."""
    place: ColumnClause[Any] = literal_column("ctid")
    some = select(place).select_from(table).where(over).limit(count)
    return await tx.execute(delete(table).where(place == any_(func.array(some.scalar_subquery())), over))


async def take_session(tx: Transaction, session_id: UUID, due: ColumnElement[bool]) -> Any:
    """The session, locked, if it is still due; None otherwise."""
    return await tx.first(
        select(acting_sessions).where(acting_sessions.c.id == session_id, due).with_for_update(skip_locked=True)
    )


async def take(tx: Transaction, table: FromClause, row_id: UUID, due: ColumnElement[bool]) -> Any:
    """The item or grant with its account and the host's name, locked, if it is still due; None otherwise."""
    return await tx.first(
        select(table, accounts.c.label, accounts.c.app, organisations.c.name.label("host_name"))
        .join(accounts, accounts.c.id == table.c.account_id)
        .join(organisations, organisations.c.id == table.c.host_id)
        .where(table.c.id == row_id, due)
        .with_for_update(of=table, skip_locked=True)
    )
