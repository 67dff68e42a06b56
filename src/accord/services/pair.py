"""What the acts on a partnership share: the row under lock and permission, the people to tell, the event to record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.partnership import lock_partnership, partnership_facts
from accord.database.queries.recipients import admins_of, count_concerned, list_affected, people
from accord.database.tables.partnership import partnerships
from accord.domain.activity import EventType
from accord.domain.errors import InvalidState, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.notice import Template
from accord.domain.partnership import AccessMode, PartnershipState, Purpose, Terms
from accord.services import invitation
from accord.services.activity import Event
from accord.services.outbox import Mail, Recipient, enqueue

__all__ = [
    "addressed",
    "changed_terms",
    "concerned",
    "deciders",
    "end",
    "event_of",
    "held",
    "is_overdue",
    "names",
    "new_terms",
    "refuse_overdue",
    "tell",
    "tell_together",
]


async def held(
    tx: Transaction,
    partnership_id: UUID,
    action: Action,
    expected_version: int | None,
    *,
    subject_ids: frozenset[UUID] = frozenset(),
    ends: bool = False,
) -> Any:
    """The partnership, locked: visible (else NotFound), permitted (else Forbidden), as it was read (else Conflict),
    and not beyond its time (else InvalidState)."""
    row = await lock_partnership(tx, partnership_id)
    target = Target(partnership=partnership_facts(row), subject_ids=subject_ids)
    require(tx.principal, action, target, now=tx.now, acting_for=tx.acting_for, ends=ends)
    check_version(row, expected_version, row.state)
    refuse_overdue(row)
    return row


def is_overdue(row: Any) -> bool:
    """Has the clock ended this partnership before the worker has written so? (invariant 12)"""
    return bool(row.state != row.stored_state)


def refuse_overdue(row: Any) -> None:
    """Raise InvalidState past the end of a partnership, or the deadline of a proposal."""
    if is_overdue(row):
        raise InvalidState(row.state)


def names(row: Any) -> dict[str, str]:
    """The two organisations, for the words of a mail."""
    return {"host": row.host_name, "guest": row.guest_name}


def addressed(rows: Iterable[Any]) -> tuple[Recipient, ...]:
    """People as recipients, each once."""
    return tuple({row.user_id: Recipient(row.email, row.user_id, row.display_name) for row in rows}.values())


async def deciders(tx: Transaction, row: Any) -> Sequence[Any]:
    """The owners and the host's admins: who decides about the partnership at the host."""
    owners = {row.owner_user_id, *row.co_owner_ids} - {None}
    return [*await people(tx, owners), *await admins_of(tx, row.host_id)]


async def concerned(tx: Transaction, row: Any, spared: UUID | None = None) -> Sequence[Any]:
    """The people who hear that a partnership is suspended, resumed or ended (model 4.11): both sides' admins, the
    Partnership Owner and co-owners, and the members who have access by it. The side `spared` is told otherwise."""
    told = list[Any]()
    if row.host_id != spared:
        told += await deciders(tx, row)
    if row.guest_id != spared:
        told += [*await admins_of(tx, row.guest_id), *await people(tx, await list_affected(tx, row.id))]
    return told


async def tell(tx: Transaction, row: Any, template: Template, facts: Mapping[str, str], told: Iterable[Any]) -> None:
    """Mail and notice to these people, in the name of the organisation that acts."""
    mail = Mail(
        template=template,
        organisation_id=tx.acting_for or row.host_id,
        recipients=addressed(told),
        facts=facts,
        partnership_id=row.id,
    )
    await enqueue(tx, mail)


async def tell_together(tx: Transaction, organisation: Any, partnership_ids: Sequence[UUID], what: str) -> None:
    """Tell the people of an organisation in one mail each how many of these partnerships, which concern them, `what`
    happened to (see `concerned`)."""
    numbers = await count_concerned(tx, organisation.id, partnership_ids)
    known = {row.user_id: row for row in await people(tx, numbers)}
    together = dict[int, list[Any]]()
    for user_id, number in numbers.items():
        together.setdefault(number, []).append(known[user_id])
    for number, told in together.items():
        said = {"organisation": organisation.name, "things": "partnerships", "what": what, "count": str(number)}
        await enqueue(tx, Mail(Template.CHANGED_TOGETHER, organisation.id, addressed(told), said))


def event_of(
    row: Any,
    event: EventType,
    *,
    told: bool = True,
    reason: str | None = None,
    private: bool = False,
    unnamed: bool = False,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """The event in the host's stream, and in the guest's if it may know (`told`).

    `private` keeps the reason with the host (S51); `unnamed` keeps the host's person from the guest (model 4.7).
    """
    return Event(
        type=event,
        streams=(row.host_id, row.guest_id) if told else (row.host_id,),
        host_id=row.host_id,
        guest_id=row.guest_id,
        partnership_id=row.id,
        reason=reason,
        private_to=frozenset({row.host_id}) if private else None,
        unnamed_in={row.guest_id: row.host_name} if unnamed else {},
        data=data or {},
    )


def new_terms(tx: Transaction, purposes: Iterable[Purpose], expires_at: datetime | None) -> Terms:
    """Terms that can be proposed now; ValidationError for none, or an end in the past."""
    return _proposable(tx, Terms(frozenset(purposes), expires_at))


def changed_terms(
    tx: Transaction,
    terms: Terms,
    *,
    purposes: Iterable[Purpose] | None = None,
    expires_at: datetime | None = None,
    access_mode: AccessMode | None = None,
    wallet_entrusted: bool | None = None,
) -> Terms:
    """These terms with what is given in place of theirs; LIMITED takes the wallet and the level with it.

    ValidationError for terms that nobody can propose, among them the wallet without COMPLETE (S97).
    """
    if access_mode is AccessMode.LIMITED:
        terms = terms.limited()
    changes = {
        "purposes": None if purposes is None else frozenset(purposes),
        "expires_at": expires_at,
        "access_mode": access_mode,
        "wallet_entrusted": wallet_entrusted,
    }
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return _proposable(tx, replace(terms, **given))


def _proposable(tx: Transaction, terms: Terms) -> Terms:
    if not terms.purposes:
        raise ValidationError("purposes", "At least one purpose is needed.")
    if terms.expires_at is not None and terms.expires_at <= tx.now:
        raise ValidationError("expiresAt", "This lies in the past.")
    if terms.wallet_entrusted and terms.access_mode is not AccessMode.COMPLETE:
        raise ValidationError("walletEntrusted", "The wallet goes with complete access alone.")
    return terms


async def end(tx: Transaction, row: Any, state: PartnershipState, reason: str | None) -> int:
    """Put a partnership into a terminal state; how many open invitations became void with it."""
    over = {"state": state.value, "ended_at": tx.now, "end_reason": reason, "lapses_at": None}
    await tx.update(partnerships, row.id, **over, suspended_by=[], granted_level=DataAccessLevel.NONE.value)
    return await invitation.void(tx, row.id)
