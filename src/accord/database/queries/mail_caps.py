"""What the caps of mail ask: how many have left, whose turn it is, and what waits until later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select, true, update
from sqlalchemy.dialects import postgresql

from accord.database.engine import Transaction
from accord.database.sets import among, given_rows, insert_rows
from accord.database.tables.contact import external_contacts
from accord.database.tables.organisation import memberships, organisations
from accord.database.tables.outbox import held_mails, mail_turns, mails
from accord.database.tables.partnership import invitations, partnerships
from accord.domain.mail_budget import MailBudget
from accord.domain.organisation import OrganisationStatus

SENDER_LOCK: Final = 0x6D61696C

AT_ONCE: Final = 500
"""Keys that are listed at a time."""

BUDGET_COLUMNS: Final = {
    MailBudget.PARTNERS: organisations.c.partner_mails_per_day,
    MailBudget.MEMBERS: organisations.c.member_mails_per_day,
    MailBudget.ACTING: organisations.c.acting_mails_per_day,
}
"""Where the operator's number for an organisation stands; NULL is the deployment's default."""


async def lock_sender(tx: Transaction, organisation_id: UUID) -> None:
    """Let one transaction at a time count the inviting mails of an organisation, until its end."""
    hashed = func.hashtext(str(organisation_id))
    await tx.execute(select(func.pg_advisory_xact_lock(SENDER_LOCK, hashed)))


async def get_pair(tx: Transaction, partnership_id: UUID) -> tuple[UUID, UUID] | None:
    """Return the host and the guest of a partnership, None where the actor cannot see it."""
    row = await tx.first(
        select(partnerships.c.host_id, partnerships.c.guest_id).where(partnerships.c.id == partnership_id)
    )
    return None if row is None else (row.host_id, row.guest_id)


async def get_budget(tx: Transaction, organisation_id: UUID, budget: MailBudget) -> int | None:
    """Return the operator's number for an organisation, None where there is none."""
    number: int | None = await tx.scalar(select(BUDGET_COLUMNS[budget]).where(organisations.c.id == organisation_id))
    return number


async def list_of_budget(
    tx: Transaction, organisation_id: UUID, budget: MailBudget, count: int, since: datetime
) -> Sequence[datetime]:
    """Return when the last mails of a budget left, newest first, at most `count` of them."""
    rows = await tx.all(
        select(mails.c.created_at)
        .where(
            mails.c.organisation_id == organisation_id,
            mails.c.budget == budget.value,
            mails.c.created_at > since,
        )
        .order_by(mails.c.created_at.desc())
        .limit(count)
    )
    return [row.created_at for row in rows]


async def list_inviting(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], since: datetime
) -> Sequence[Any]:
    """Return when inviting mails left an organisation for these recipients, oldest first."""
    return await _list_times(tx, organisation_id, recipients, since, mails.c.external)


async def list_about(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], template: str, about: str, since: datetime
) -> Sequence[Any]:
    """Return when mails of one occasion about one pair left an organisation for these recipients, oldest first."""
    of_pair = and_(mails.c.template == template, mails.c.about == about)
    return await _list_times(tx, organisation_id, recipients, since, of_pair)


async def _list_times(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], since: datetime, which: ColumnElement[bool]
) -> Sequence[Any]:
    sent = select(mails.c.address_key, mails.c.created_at).where(_to(organisation_id, recipients, since), which)
    return await tx.all(sent.order_by(mails.c.created_at))


async def count_notices(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], since: datetime
) -> Mapping[str, int]:
    """Return how many mails that invite nobody have left an organisation for each of these recipients."""
    return await _count_each(tx, organisation_id, recipients, since, ~mails.c.external)


async def count_of_budget(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], budget: MailBudget, since: datetime
) -> Mapping[str, int]:
    """Return how many mails of a budget have left an organisation for each of these recipients."""
    return await _count_each(tx, organisation_id, recipients, since, mails.c.budget == budget.value)


async def _count_each(
    tx: Transaction, organisation_id: UUID, recipients: Iterable[str], since: datetime, which: ColumnElement[bool]
) -> Mapping[str, int]:
    sent = select(mails.c.address_key, func.count().label("number"))
    rows = await tx.all(sent.where(_to(organisation_id, recipients, since), which).group_by(mails.c.address_key))
    return {row.address_key: row.number for row in rows}


def _to(organisation_id: UUID, recipients: Iterable[str], since: datetime) -> ColumnElement[bool]:
    """Mails of an organisation that have left for these recipients since then."""
    return and_(
        mails.c.organisation_id == organisation_id,
        among(mails.c.address_key, recipients),
        mails.c.created_at > since,
    )


async def count_all(tx: Transaction, organisation_id: UUID, since: datetime) -> int:
    """Return how many mails have left an organisation, whatever they are about."""
    sender = (mails.c.organisation_id == organisation_id) & (mails.c.created_at > since)
    number: int = await tx.scalar(select(func.count()).select_from(mails).where(sender))
    return number


async def take_turns(tx: Transaction, keys: Iterable[str], at_once: int, until: datetime) -> set[str]:
    """Count one mail more for each key whose hour has room, and return those keys; the hours of others stay.

    Where something waits for the end of an hour, all that follows waits with it, also when the hour is over and the
    worker has not come to it yet. Keys are locked in their order, so that two acts never wait for each other here.
    """
    keys = sorted(keys)
    await tx.present(mail_keys=",".join(keys))
    over = mail_turns.c.until <= tx.now
    rows = [{"key": key, "until": until, "count": 1} for key in keys]
    new = _turns(rows)
    counted = new.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "until": case((over, new.excluded.until), else_=mail_turns.c.until),
            "count": case((over, 1), else_=mail_turns.c.count + 1),
        },
        where=and_(~mail_turns.c.waiting, or_(over, mail_turns.c.count < at_once)),
    )
    return {row.key for row in await tx.all(counted.returning(mail_turns.c.key))}


async def wait_for_turns(tx: Transaction, keys: Sequence[str], until: datetime) -> None:
    """Note that something waits for the end of the hours of these keys; an hour that is none begins."""
    await tx.present(mail_keys=",".join(keys))
    rows = [{"key": key, "until": until, "count": 1, "waiting": True} for key in sorted(keys)]
    await tx.execute(_turns(rows).on_conflict_do_update(index_elements=["key"], set_={"waiting": True}))


def _turns(rows: Sequence[Mapping[str, Any]]) -> postgresql.Insert:
    return postgresql.insert(mail_turns).from_select(list(rows[0]), select(*given_rows(mail_turns, rows).c))


async def hold_mails(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep mails until later."""
    await insert_rows(tx, held_mails, rows)


async def list_due_digests(tx: Transaction, after: str | None) -> Sequence[str]:
    """Return the keys whose hour is over while something waits, in order, at most `AT_ONCE` of those after a key."""
    due = and_(mail_turns.c.waiting, mail_turns.c.until <= tx.now)
    return await _list_keys(tx, select(mail_turns.c.key).where(due), mail_turns.c.key, after)


async def take_digest(tx: Transaction, key: str, until: datetime) -> Sequence[Any]:
    """Take what waits under a key, oldest first, and begin its next hour; nothing where another worker was first."""
    due = and_(mail_turns.c.key == key, mail_turns.c.waiting, mail_turns.c.until <= tx.now)
    begun = update(mail_turns).where(due).values(until=until, count=1, waiting=False)
    if await tx.execute(begun) != 1:
        return ()
    return await take_held(tx, key)


async def get_held_sender(tx: Transaction, key: str) -> tuple[UUID, MailBudget | None] | None:
    """Return the sender and the budget of what waits under a key; None where nothing waits."""
    found = select(held_mails.c.organisation_id, held_mails.c.budget).where(held_mails.c.key == key)
    row = await tx.first(found.order_by(held_mails.c.budget.asc().nulls_last()).limit(1))
    return None if row is None else (row.organisation_id, MailBudget(row.budget) if row.budget else None)


async def list_due_links(tx: Transaction, after: str | None) -> Sequence[str]:
    """Return the keys of mails with a link that may leave now, in order, at most `AT_ONCE` of those after a key."""
    due = select(held_mails.c.key).where(held_mails.c.due_at <= tx.now).distinct()
    return await _list_keys(tx, due, held_mails.c.key, after)


async def _list_keys(
    tx: Transaction, chosen: Select[tuple[str]], key: ColumnElement[str], after: str | None
) -> Sequence[str]:
    beyond = chosen if after is None else chosen.where(key > after)
    return [row.key for row in await tx.all(beyond.order_by(key).limit(AT_ONCE))]


async def take_held(tx: Transaction, key: str) -> Sequence[Any]:
    """Take the mails that wait under a key, oldest first."""
    taken = await tx.all(delete(held_mails).where(held_mails.c.key == key).returning(held_mails))
    return sorted(taken, key=lambda row: (row.created_at, row.id))


async def has_live_link(tx: Transaction, token_hash: str, organisation_id: UUID) -> bool:
    """Return whether the link of this token leads anywhere still: to a membership, an invitation or a contact.

    A link of an organisation that is suspended or closed by now leads nowhere.
    """
    sender = (organisations.c.id == organisation_id) & (organisations.c.status == OrganisationStatus.ACTIVE.value)
    found = [
        select(true()).where(memberships.c.token_hash == token_hash, memberships.c.token_expires_at > tx.now),
        select(true()).where(
            invitations.c.token_hash == token_hash,
            invitations.c.used_at.is_(None),
            invitations.c.voided_at.is_(None),
            invitations.c.expires_at > tx.now,
        ),
        select(true()).where(
            external_contacts.c.token_hash == token_hash, external_contacts.c.token_expires_at > tx.now
        ),
    ]
    stands = select(true()).where(sender).exists()
    return bool(await tx.scalar(select(and_(stands, or_(*(one.exists() for one in found))))))


async def get_standing(tx: Transaction, partnership_id: UUID) -> Any:
    """Return how a partnership stands now, with the names of both sides."""
    host, guest = organisations.alias("host"), organisations.alias("guest")
    p = partnerships
    return await tx.first(
        select(p.c.state, p.c.suspended_by, host.c.name.label("host_name"), guest.c.name.label("guest_name"))
        .join(host, host.c.id == p.c.host_id)
        .join(guest, guest.c.id == p.c.guest_id)
        .where(p.c.id == partnership_id)
    )
