"""Access requests: a guest's Account Manager asks for colleagues, the Account Owner decides on each (S81 to S85)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import AccessItemFacts
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.outbox import new_keys
from accord.database.queries.recipients import admins_of, owners_of, people
from accord.database.queries.sharing import (
    grant_facts,
    is_account_manager,
    list_items,
    list_live_grants,
    list_pending_items,
    lock_item,
    lock_members,
    lock_own_grant,
)
from accord.database.tables.sharing import access_items, grants
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import DomainError, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template, day
from accord.domain.organisation import Role
from accord.domain.sharing import (
    ACCESS_ITEM,
    ACCESS_REQUEST_LIFE,
    SHARE,
    AccessItemEvent,
    AccessItemState,
    AccountRole,
    GrantOrigin,
    GrantState,
    ShareEvent,
    ShareState,
    is_at_most,
)
from accord.services.activity import Event, record
from accord.services.grants.share import BULK, HeldShare, enumerated, event_on, hold, require_live, role_name, send
from accord.services.pair import addressed, is_overdue

__all__ = ["AccessDecision", "Decided", "decide_access_requests", "request_access", "withdraw_access_request"]


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """The Account Owner's answer for one member; `role` may be lower than what was asked for, never higher."""

    item_id: UUID
    expected_version: int
    accept: bool
    role: AccountRole | None = None
    expires_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decided place in a request, with the grant that came of a yes."""

    id: UUID
    grant_id: UUID | None


async def request_access(
    tx: Transaction,
    *,
    organisation_id: UUID,
    share_id: UUID,
    member_user_ids: Sequence[UUID],
    role: AccountRole,
    note: str | None = None,
) -> list[UUID | DomainError]:
    """Ask the Account Owners to let these members of the own organisation in; one answer per member (S82, S83)."""
    held = await hold(tx, share_id)
    own = await lock_own_grant(tx, share_id)
    held.require(tx, Action.ACCESS_REQUEST, grant_facts(own) if own else None)
    SHARE.move(ShareState(held.share.state), ShareEvent.REQUEST)
    note = text.note("note", note)
    if not 0 < len(member_user_ids) <= BULK:
        raise ValidationError("memberUserIds", f"1 to {BULK} members, these are {len(member_user_ids)}.")
    events = await _mark_overdue(tx, held)
    members = await lock_members(tx, held.share.guest_id, member_user_ids)
    taken = await _taken(tx, held)
    common = await _common(tx, held, role, note)
    results: list[UUID | DomainError] = []
    asked: list[str] = []
    for place, user_id in enumerate(member_user_ids):
        if refusal := _refusal(members.get(user_id), taken.get(user_id), ("memberUserIds", str(place))):
            results.append(refusal)
            continue
        item_id = await tx.insert(access_items, **common, member_user_id=user_id)
        taken[user_id] = AccessItemState.PENDING
        asked.append(members[user_id].display_name)
        results.append(item_id)
        data = {"item": global_id("accessitem", item_id), "member": global_id("user", user_id), "role": role.value}
        events.append(event_on(held.share, EventType.ACCESS_REQUEST_FILED, data=data))
    if asked:
        await _tell_owners(tx, held, asked, role, note)
    await record(tx, *events)
    return results


def _refusal(member: Any, taken: str | None, path: tuple[str, ...]) -> DomainError | None:
    """Why can't access be asked for this person? Foreign, an auditor alone, or with access or a request already."""
    if member is None:
        return NotFound(path)
    if set(member.roles) <= {Role.AUDITOR.value}:
        return ValidationError("memberUserIds", "An auditor reads activity and nothing else.")
    return InvalidState(taken, path=path) if taken else None


async def _common(tx: Transaction, held: HeldShare, role: AccountRole, note: str | None) -> dict[str, Any]:
    """What all places of one request have in common."""
    (request_id,) = await new_keys(tx.connection, 1)
    return {
        "request_id": request_id,
        "share_id": held.share.id,
        "partnership_id": held.share.partnership_id,
        "account_id": held.share.account_id,
        "host_id": held.share.host_id,
        "guest_id": held.share.guest_id,
        "requested_by": tx.person_id,
        "role": role.value,
        "note": note,
        "state": AccessItemState.PENDING.value,
        "created_at": tx.now,
        "lapses_at": tx.now + ACCESS_REQUEST_LIFE,
    }


async def _taken(tx: Transaction, held: HeldShare) -> dict[UUID, str]:
    """Who has access to the share or a place in a request for it already, and in which state."""
    pending = {item.member_user_id: item.state for item in await list_pending_items(tx, held.share.id)}
    return pending | {grant.user_id: grant.state for grant in await list_live_grants(tx, held.share.id)}


async def _mark_overdue(tx: Transaction, held: HeldShare) -> list[Event]:
    """End what is over by now, though nobody has marked it yet, so that it stands in nobody's way (invariant 12)."""
    events = await _mark_expired(tx, held)
    for item in await list_pending_items(tx, held.share.id):
        if item.lapses_at <= tx.now:
            await tx.update(access_items, item.id, state=AccessItemState.LAPSED.value, decided_at=item.lapses_at)
            data = {"item": global_id("accessitem", item.id), "member": global_id("user", item.member_user_id)}
            events.append(event_on(held.share, EventType.ACCESS_REQUEST_LAPSED, data=data))
    return events


async def _mark_expired(tx: Transaction, held: HeldShare, user_id: UUID | None = None) -> list[Event]:
    """As `_mark_overdue`, for the grants on the share, or one person's."""
    events = []
    for grant in await list_live_grants(tx, held.share.id, user_id):
        if grant.expires_at is not None and grant.expires_at <= tx.now:
            await tx.update(grants, grant.id, state=GrantState.EXPIRED.value, ended_at=grant.expires_at)
            data = {"user": global_id("user", grant.user_id)}
            events.append(event_on(held.share, EventType.GRANT_EXPIRED, data=data))
    return events


async def _tell_owners(
    tx: Transaction, held: HeldShare, asked: Sequence[str], role: AccountRole, note: str | None
) -> None:
    """One mail for the whole request to every Account Owner; to the host's admins where nobody active owns it."""
    owners = await owners_of(tx, held.share.account_id) or await admins_of(tx, held.share.host_id)
    facts = {
        "requester": tx.principal.display_name,
        "account": held.share.label,
        "member": enumerated(asked),
        "role": role_name(role),
        "note": note or "",
    }
    await send(tx, held.partnership, Template.ACCESS_REQUESTED, facts, addressed(owners))


async def decide_access_requests(
    tx: Transaction, *, organisation_id: UUID, items: Sequence[AccessDecision]
) -> list[Decided | DomainError]:
    """Accept or decline members one by one; one answer per item, and none of them spoils the others (S84, S85)."""
    if not 0 < len(items) <= BULK:
        raise ValidationError("items", f"1 to {BULK} decisions, these are {len(items)}.")
    known = await list_items(tx, {item.item_id for item in items})
    held = await _hold_all(tx, known)
    named = {person.user_id: person for person in await people(tx, _concerned(known.values()))}
    results: list[Decided | DomainError] = []
    events: list[Event] = []
    for place, decision in enumerate(items):
        path = ("items", str(place))
        try:
            if decision.item_id not in held:
                raise NotFound((*path, "itemId"))
            decided, made = await _decide(tx, held[decision.item_id], decision, named, path)
        except DomainError as error:
            results.append(error)
        else:
            results.append(decided)
            events += made
    await record(tx, *events)
    return results


async def _hold_all(tx: Transaction, known: Mapping[UUID, Any]) -> dict[UUID, HeldShare]:
    """The share of each item with its partnership, locked in one order for all who decide at once."""
    held = dict[UUID, HeldShare]()
    for _, share_id in sorted({(item.partnership_id, item.share_id) for item in known.values()}):
        with suppress(NotFound):
            held[share_id] = await hold(tx, share_id)
    return {item.id: held[item.share_id] for item in known.values() if item.share_id in held}


def _concerned(items: Iterable[Any]) -> set[UUID]:
    return {key for item in items for key in (item.member_user_id, item.requested_by)}


async def _decide(
    tx: Transaction, held: HeldShare, decision: AccessDecision, named: Mapping[UUID, Any], path: tuple[str, ...]
) -> tuple[Decided, list[Event]]:
    item = await lock_item(tx, decision.item_id)
    target = held.target(item=_facts(item))
    require(tx.principal, Action.ACCESS_DECIDE, target, now=tx.now, acting_for=tx.acting_for, ends=not decision.accept)
    check_version(item, decision.expected_version, item.state)
    event = AccessItemEvent.ACCEPT if decision.accept else AccessItemEvent.DECLINE
    state = ACCESS_ITEM.move(_standing(tx, held, item), event)
    note = text.note("note", decision.note)
    grant_id, overdue = None, list[Event]()
    if decision.accept:
        role = await _check_yes(tx, held, item, decision)
        grant_id, overdue = await _grant(tx, held, item, role, decision.expires_at, path)
    await tx.update(
        access_items,
        item.id,
        state=state.value,
        decided_by=tx.person_id,
        decided_at=tx.now,
        decision_note=note,
        grant_id=grant_id,
    )
    await _tell_decision(tx, held, item, decision, note, named)
    return Decided(item.id, grant_id), [*overdue, _decision_event(held, item, decision)]


def _facts(item: Any) -> AccessItemFacts:
    return AccessItemFacts(item.requested_by, item.member_user_id, AccessItemState(item.state))


def _standing(tx: Transaction, held: HeldShare, item: Any) -> AccessItemState:
    """Return the state of a place in a request by the clock: it lapses, and is cancelled with its partnership."""
    if item.state == AccessItemState.PENDING and is_overdue(held.partnership):
        return AccessItemState.CANCELLED
    overdue = item.state == AccessItemState.PENDING and item.lapses_at <= tx.now
    return AccessItemState.LAPSED if overdue else AccessItemState(item.state)


async def _check_yes(tx: Transaction, held: HeldShare, item: Any, decision: AccessDecision) -> AccountRole:
    """May access be given as it was asked for? The role that it gets."""
    require_live(tx, held.partnership, Action.ACCESS_DECIDE)
    SHARE.move(ShareState(held.share.state), ShareEvent.GRANT)
    role = decision.role or AccountRole(item.role)
    if not is_at_most(role, AccountRole(item.role)):
        raise ValidationError("role", "The role may be lower than what was asked for, not higher.")
    if decision.expires_at is not None and decision.expires_at <= tx.now:
        raise ValidationError("expiresAt", "This lies in the past.")
    if not await is_account_manager(tx, held.share.id, item.requested_by):
        raise InvalidState(AccessItemState.CANCELLED)
    return role


async def _grant(
    tx: Transaction, held: HeldShare, item: Any, role: AccountRole, expires_at: datetime | None, path: tuple[str, ...]
) -> tuple[UUID, list[Event]]:
    """The grant of a yes, and what it took the place of; the database knows whether the member is one and has none."""
    try:
        async with tx.connection.begin_nested():
            events = await _mark_expired(tx, held, item.member_user_id)
            grant_id = await tx.insert(
                grants,
                share_id=item.share_id,
                partnership_id=item.partnership_id,
                account_id=item.account_id,
                host_id=item.host_id,
                guest_id=item.guest_id,
                user_id=item.member_user_id,
                role=role.value,
                state=GrantState.ACTIVE.value,
                origin=GrantOrigin.ACCESS_REQUEST.value,
                granted_by=tx.person_id,
                granted_at=tx.now,
                expires_at=expires_at,
            )
    except IntegrityError as error:
        held_already = "uq_grants_live" in str(error)
        current = GrantState.ACTIVE if held_already else AccessItemState.CANCELLED
        raise InvalidState(current, path=(*path, "itemId")) from None
    return grant_id, events


async def _tell_decision(
    tx: Transaction,
    held: HeldShare,
    item: Any,
    decision: AccessDecision,
    note: str | None,
    named: Mapping[UUID, Any],
) -> None:
    """Member and requester are told (4.11)."""
    facts = {
        "account": held.share.label,
        "member": named[item.member_user_id].display_name,
        "decision": "accepted" if decision.accept else "declined",
        "role": role_name(decision.role or item.role) if decision.accept else "",
        "note": note or "",
        "until": day(decision.expires_at) if decision.accept and decision.expires_at else "",
    }
    concerned = (named[item.member_user_id], named[item.requested_by])
    await send(tx, held.partnership, Template.ACCESS_DECIDED, facts, addressed(concerned))


def _decision_event(held: HeldShare, item: Any, decision: AccessDecision) -> Event:
    data = {"item": global_id("accessitem", item.id), "member": global_id("user", item.member_user_id)}
    if not decision.accept:
        return event_on(held.share, EventType.ACCESS_REQUEST_DECLINED, data=data)
    roles = {"asked": item.role, "role": (decision.role or item.role)}
    return event_on(held.share, EventType.ACCESS_REQUEST_ACCEPTED, data=data | roles)


async def withdraw_access_request(
    tx: Transaction, *, organisation_id: UUID, item_id: UUID, expected_version: int | None = None
) -> UUID:
    """Take one member's place in an access request back (4.4.4)."""
    known = await list_items(tx, [item_id])
    if item_id not in known:
        raise NotFound(("itemId",))
    held = await hold(tx, known[item_id].share_id, ("itemId",))
    item = await lock_item(tx, item_id)
    target = held.target(item=_facts(item))
    require(tx.principal, Action.ACCESS_WITHDRAW, target, now=tx.now, acting_for=tx.acting_for)
    check_version(item, expected_version, item.state)
    state = ACCESS_ITEM.move(_standing(tx, held, item), AccessItemEvent.WITHDRAW)
    await tx.update(access_items, item_id, state=state.value, decided_by=tx.person_id, decided_at=tx.now)
    data = {"item": global_id("accessitem", item_id), "member": global_id("user", item.member_user_id)}
    await record(tx, event_on(held.share, EventType.ACCESS_REQUEST_WITHDRAWN, data=data))
    return item_id
