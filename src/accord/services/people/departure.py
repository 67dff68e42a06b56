"""What a member leaves behind who is deactivated or removed: access ends, what was theirs passes on (model 4.10).

Partner access that the person gave as somebody of a host is not cut; access that the person had as somebody of a guest
ends at once. A last admin is refused before any of this (`LastAdmin`); where a directory removes one, the access ends
and the membership stays (`cut_access`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from accord.database.engine import Transaction
from accord.database.queries.callers.signin import sign_out_browsers
from accord.database.queries.cascade import is_under_way
from accord.database.queries.member import (
    Parts,
    count_parts,
    is_at_work,
    list_owned_accounts,
    list_parts,
    list_standing,
    lock_departures,
)
from accord.database.queries.recipients import admins_of, names_of, people
from accord.database.queries.sharing import get_partnership
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import account_ownerships, tickets
from accord.domain.activity import EventType, Outcome
from accord.domain.cascade import HANDFUL, Cascade, CascadeKind
from accord.domain.errors import Conflict
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.organisation import Role
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import Event
from accord.services.api_client import revoke_clients_of
from accord.services.cascades import Work, carry_out
from accord.services.grants import cascade
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.grants.personal import EndedPersonal, leave_personal
from accord.services.grants.roles import leave_groups
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed, event_of, names, tell
from accord.services.people.leading_roles import write_member

__all__ = ["Departure", "MemberReceipt", "cut_access", "depart", "refuse_meanwhile"]


@dataclass(frozen=True, slots=True)
class MemberReceipt:
    """What ended or passed on with a membership."""

    grants_ended: int = 0
    group_memberships_ended: int = 0
    access_requests_ended: int = 0
    partnerships_succeeded: int = 0
    representatives_replaced: int = 0
    contacts_ended: int = 0
    assignments_ended: int = 0
    tickets_voided: int = 0
    sessions_revoked: int = 0
    api_clients_revoked: int = 0
    accounts_needing_owner: int = 0


@dataclass(frozen=True, slots=True)
class Departure:
    """The receipt, the events beside the act's own, and what is left to the worker."""

    receipt: MemberReceipt
    events: Sequence[Event]
    cascade_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class _Leaving:
    """Somebody who leaves an organisation, and those who stay there, the longest-standing first.

    `told_together`: its own people hear of all partnerships in one mail."""

    organisation_id: UUID
    user_id: UUID
    staying: Sequence[UUID]
    admins: Sequence[UUID]
    told_together: bool


@dataclass(frozen=True, slots=True)
class _Lost:
    """The rows of what the person had at hosts."""

    grants: Sequence[Any]
    groups: Sequence[Any]
    personal: EndedPersonal

    @property
    def rows(self) -> tuple[Sequence[Any], ...]:
        return self.grants, self.groups, self.personal.contacts, self.personal.assignments

    def counted(self) -> dict[str, Counter[UUID]]:
        """How much of each at which host."""
        names = ("grantsEnded", "groupMembershipsEnded", "contactsEnded", "assignmentsEnded")
        return {name: Counter(row.host_id for row in rows) for name, rows in zip(names, self.rows, strict=True)}


@dataclass(frozen=True, slots=True)
class _Cut:
    """What the person had at hosts, ended: rows, acting sessions, and counts of the rest."""

    lost: _Lost
    sessions: Sequence[Any]
    clients: Sequence[Event]
    items: int
    tickets: int

    @property
    def counts(self) -> dict[str, int]:
        """What a receipt says of it."""
        return {
            "grants_ended": len(self.lost.grants),
            "group_memberships_ended": len(self.lost.groups),
            **self.lost.personal.counts,
            "access_requests_ended": self.items,
            "tickets_voided": self.tickets,
            "sessions_revoked": len(self.sessions),
            "api_clients_revoked": len(self.clients),
        }


async def depart(tx: Transaction, membership: Any, event: EventType, values: Mapping[str, Any]) -> Departure:
    """End an active membership; the caller has locked the open partnerships in which the person has a part."""
    organisation_id, user_id = membership.organisation_id, membership.user_id
    cut = await _cut(tx, organisation_id, user_id)
    await write_member(tx, membership, **values)
    await sign_out_browsers(tx, user_id)
    await lock_departures(tx, organisation_id)
    taken_over = await list_parts(tx, organisation_id, user_id, None, None)
    parts = await count_parts(tx, organisation_id, user_id, taken_over)
    facts = {"organisation": str(organisation_id), "user": str(user_id)}
    replacing = Cascade(kind=CascadeKind.REPLACE_MEMBER, subject_id=membership.id, total=len(taken_over), facts=facts)
    replaced = await carry_out(tx, PARTS, replacing)
    if replacing.is_large:
        await _tell_of_many(tx, organisation_id, user_id, parts)
    events = [*_lost(organisation_id, user_id, cut.lost, event), *revoked_events(cut.sessions), *cut.clients]
    receipt = MemberReceipt(
        **cut.counts,
        partnerships_succeeded=parts.owned,
        representatives_replaced=parts.represented,
        accounts_needing_owner=await _orphan_accounts(tx, organisation_id, user_id),
    )
    return Departure(receipt, [*events, *replaced.events], replaced.cascade_ids)


async def _list_parts(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    organisation_id, user_id = UUID(cascade.facts["organisation"]), UUID(cascade.facts["user"])
    return await list_parts(tx, organisation_id, user_id, after, at_most)


async def _has_left(tx: Transaction, cascade: Cascade) -> bool:
    """Whoever follows stays until the batch is written, and hands on what came with it when leaving then."""
    await lock_departures(tx, UUID(cascade.facts["organisation"]))
    return not await is_at_work(tx, UUID(cascade.facts["organisation"]), UUID(cascade.facts["user"]))


async def _replace(tx: Transaction, cascade: Cascade, keys: Sequence[UUID]) -> list[Event]:
    """Let others follow in these partnerships; the events of what changed."""
    leaving = await _leaving(tx, cascade)
    events = []
    for step in (_withdraw, _succeed, _represent):
        for partnership_id in keys:
            row = await get_partnership(tx, partnership_id)
            if (event := await step(tx, leaving, row)) is not None:
                events.append(event)
    return events


STILL_FOLLOWED: Final = "Others still follow this member in partnerships. Try again in a moment."
PARTS: Final = Work(CascadeKind.REPLACE_MEMBER, _has_left, _list_parts, _replace, batch=10, at_once=50)
"""The open partnerships in which a person who has left still has a part."""


async def cut_access(tx: Transaction, organisation_id: UUID, user_id: UUID, event: EventType) -> Departure:
    """End all that somebody has at hosts whose membership nevertheless stays; the hosts' events tell a denied end."""
    cut = await _cut(tx, organisation_id, user_id)
    told = [replace(one, outcome=Outcome.DENIED) for one in _lost(organisation_id, user_id, cut.lost, event)]
    return Departure(MemberReceipt(**cut.counts), [*told, *revoked_events(cut.sessions), *cut.clients])


async def refuse_meanwhile(tx: Transaction, membership: Any) -> None:
    """Raise Conflict while others still follow the member in partnerships: who comes back has no part in any."""
    if await is_under_way(tx, membership.id, CascadeKind.REPLACE_MEMBER):
        raise Conflict(membership.version, membership.status, message=STILL_FOLLOWED)


async def _cut(tx: Transaction, organisation_id: UUID, user_id: UUID) -> _Cut:
    """End what rests on a guest's membership; before the membership, which grants and groups point at."""
    ended = await cascade.end_access(tx, user_id, guest_id=organisation_id)
    groups = await leave_groups(tx, organisation_id, user_id)
    personal = await leave_personal(tx, organisation_id, user_id)
    own = (tickets.c.user_id == user_id) & (tickets.c.organisation_id == organisation_id)
    voided = ended.tickets + await cascade.void_tickets(tx, own)
    theirs = (acting_sessions.c.user_id == user_id) & (acting_sessions.c.home_id == organisation_id)
    sessions = await end_sessions(tx, theirs)
    clients = await revoke_clients_of(tx, organisation_id, user_id)
    return _Cut(_Lost(ended.rows, groups, personal), sessions, clients, ended.items, voided)


async def _leaving(tx: Transaction, cascade: Cascade) -> _Leaving:
    organisation_id, user_id = UUID(cascade.facts["organisation"]), UUID(cascade.facts["user"])
    standing = await list_standing(tx, organisation_id, leaving=user_id)
    admins = [row.user_id for row in standing if Role.ORG_ADMIN in row.roles]
    return _Leaving(organisation_id, user_id, [row.user_id for row in standing], admins, cascade.is_large)


def _lost(organisation_id: UUID, user_id: UUID, lost: _Lost, event: EventType) -> list[Event]:
    """What each host hears: somebody of the guest is gone, and how much access ended with it."""
    counted = lost.counted()
    at = {row.host_id: row.partnership_id for rows in lost.rows for row in rows if row.partnership_id is not None}
    return [
        Event(
            type=event,
            streams=(host_id,),
            host_id=host_id,
            guest_id=organisation_id,
            partnership_id=at.get(host_id),
            data={"user": global_id("user", user_id), **{name: of[host_id] for name, of in counted.items()}},
        )
        for host_id in sorted({row.host_id for rows in lost.rows for row in rows})
    ]


async def _withdraw(tx: Transaction, leaving: _Leaving, row: Any) -> Event | None:
    """An own request that still waits for the host is withdrawn; the admins whose turn it was are told."""
    waiting = row.state == PartnershipState.AWAITING_HOST_APPROVAL and row.requester_user_id == leaving.user_id
    if not waiting or row.host_id != leaving.organisation_id:
        return None
    state = PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.WITHDRAW)
    await tx.update(partnerships, row.id, state=state.value, ended_at=tx.now, lapses_at=None)
    if not leaving.told_together:
        await tell(tx, row, Template.WITHDRAWN, names(row), await admins_of(tx, row.host_id))
    return event_of(row, EventType.PARTNERSHIP_WITHDRAWN, told=row.told_guest)


async def _succeed(tx: Transaction, leaving: _Leaving, row: Any) -> Event | None:
    """A co-owner who leaves is none; an owner is followed by the longest-standing co-owner, else host admin (Q18)."""
    if row.ended_at is not None or row.host_id != leaving.organisation_id:
        return None
    co_owners = [key for key in leaving.staying if key in row.co_owner_ids]
    if row.owner_user_id != leaving.user_id:
        if leaving.user_id in row.co_owner_ids:
            await tx.update(partnerships, row.id, co_owner_ids=sorted(co_owners))
        return None
    heir = (co_owners or leaving.admins)[0]
    await tx.update(partnerships, row.id, owner_user_id=heir, co_owner_ids=sorted(set(co_owners) - {heir}))
    admins = [] if leaving.told_together else [*await admins_of(tx, row.host_id)]
    if not leaving.told_together or heir not in leaving.admins:
        known = {person.user_id: person for person in await people(tx, [heir, leaving.user_id])}
        facts = names(row) | {"owner": known[heir].display_name, "previous": known[leaving.user_id].display_name}
        await tell(tx, row, Template.OWNERSHIP_MOVED, facts, [known[heir], *admins])
    data = {"from": global_id("user", leaving.user_id), "to": global_id("user", heir)}
    told = bool(row.told_guest)
    return event_of(row, EventType.PARTNERSHIP_OWNERSHIP_TRANSFERRED, told=told, data=data)


async def _represent(tx: Transaction, leaving: _Leaving, row: Any) -> Event | None:
    """A representative who leaves is followed by the longest-standing admin of the guest; the owners are told."""
    represents = row.representative_user_id == leaving.user_id and row.guest_id == leaving.organisation_id
    if not represents or row.ended_at is not None:
        return None
    heir = leaving.admins[0]
    await tx.update(partnerships, row.id, representative_user_id=heir)
    owners = {row.owner_user_id, *row.co_owner_ids} - {None}
    known = {person.user_id: person for person in await people(tx, [heir, leaving.user_id, *owners])}
    facts = names(row) | {
        "representative": known[heir].display_name,
        "previous": known[leaving.user_id].display_name,
    }
    heirs = () if leaving.told_together else (heir,)
    told = [known[key] for key in (*heirs, *sorted(owners)) if key in known]
    await tell(tx, row, Template.REPRESENTATIVE_CHANGED, facts, told)
    data = {"from": global_id("user", leaving.user_id), "to": global_id("user", heir)}
    return event_of(row, EventType.PARTNERSHIP_REPRESENTATIVE_CHANGED, data=data)


async def _orphan_accounts(tx: Transaction, organisation_id: UUID, user_id: UUID) -> int:
    """Give up account ownership: a co-owner's ends, a sole owner's waits for the host's admins to name another."""
    owned = await list_owned_accounts(tx, organisation_id, user_id)
    given_up = [account.id for account in owned if account.owned_by_others]
    orphans = [account.label for account in owned if not account.owned_by_others]
    await tx.execute(
        delete(account_ownerships).where(
            account_ownerships.c.user_id == user_id, among(account_ownerships.c.account_id, given_up)
        )
    )
    if not orphans:
        return 0
    host = (await names_of(tx, organisation_id))[organisation_id]
    admins = addressed(await admins_of(tx, organisation_id))
    if len(orphans) > HANDFUL:
        said = {
            "things": "accounts",
            "what": "have no owner any more",
            "count": str(len(orphans)),
            "organisation": host,
        }
        await enqueue(tx, Mail(Template.CHANGED_TOGETHER, organisation_id, admins, said))
        return len(orphans)
    for label in orphans:
        await enqueue(tx, Mail(Template.NEEDS_OWNER, organisation_id, admins, {"account": label, "host": host}))
    return len(orphans)


async def _tell_of_many(tx: Transaction, organisation_id: UUID, user_id: UUID, parts: Parts) -> None:
    """Tell the admins, who take the person's place, in one mail of each kind how many partnerships it concerns."""
    name = (await names_of(tx, organisation_id))[organisation_id]
    known = {person.user_id: person for person in await people(tx, [user_id])}
    previous = known[user_id].display_name
    admins = addressed(await admins_of(tx, organisation_id))
    for what, number in (
        (f"have another owner than {previous}", parts.owned),
        (f"have another representative than {previous}", parts.represented),
        (f"are withdrawn, since {previous} had asked for them", parts.waiting),
    ):
        if number:
            said = {"things": "partnerships", "what": what, "count": str(number), "organisation": name}
            await enqueue(tx, Mail(Template.CHANGED_TOGETHER, organisation_id, admins, said))
