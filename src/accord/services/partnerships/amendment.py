"""Amending an active partnership: narrower at once, wider when both sides have agreed (model 4.4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.amendment import find_amendment, lock_amendment, lock_open
from accord.database.queries.partnership import ceiling_of, lock_partnership, partnership_facts
from accord.database.queries.policy import get_policy
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.amendment import amendments
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.amendment import (
    AMENDMENT,
    DECIDED_WITHIN,
    TURN,
    AmendmentEvent,
    AmendmentKind,
    AmendmentState,
    amended,
    applied,
    kind_of,
    live,
    opens_everything,
)
from accord.domain.errors import Conflict, Forbidden, InvalidState, ValidationError
from accord.domain.notice import Template
from accord.domain.organisation import Role
from accord.domain.partnership import (
    PARTNERSHIP,
    AccessMode,
    GuestDecision,
    HostDecision,
    PartnershipEvent,
    PartnershipSide,
    PartnershipState,
    Purpose,
    Terms,
)
from accord.services.activity import Event, record
from accord.services.pair import deciders, held
from accord.services.partnerships.amending import (
    close,
    deciding,
    event_on,
    refuse_barred,
    side_name,
    tell_of,
    told_of_withdrawal,
    told_when_lapsed,
)
from accord.services.partnerships.consent import consented, keep_consent, require_consent
from accord.services.partnerships.terms import bring_into_force

__all__ = ["Amended", "amend_partnership", "decide_amendment", "withdraw_amendment"]

HOST, GUEST = PartnershipSide.HOST, PartnershipSide.GUEST
S, E = AmendmentState, AmendmentEvent
ONE_AT_A_TIME: Final = "Another change of the terms is waiting. It has to be answered or withdrawn first."


@dataclass(frozen=True, slots=True)
class Amended:
    """An amendment, and the partnership whose terms it changes."""

    id: UUID
    partnership_id: UUID


async def amend_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    purposes: Sequence[Purpose] | None = None,
    expires_at: datetime | None = None,
    without_end: bool = False,
    access_mode: AccessMode | None = None,
    wallet_entrusted: bool | None = None,
    expected_version: int | None = None,
) -> Amended:
    """Change the terms that are given, of an active partnership.

    What is narrower the host's owners and leaders bring about at once. What is wider waits: for the guest where a
    leader of the host proposes it, for the host's leaders where an owner or the guest does; COMPLETE and the wallet for
    a legal representative, unless one proposes them (S97).
    """
    row = await held(tx, partnership_id, Action.PARTNERSHIP_AMEND, expected_version)
    _refuse_unamendable(tx, row)
    side = HOST if organisation_id == row.host_id else GUEST
    before = live(row)
    given = _given(purposes, expires_at, without_end, access_mode, wallet_entrusted)
    after = amended(before, given, ceiling_of(row))
    kind = kind_of(before, after)
    if after.expires_at is not None and after.expires_at <= tx.now:
        raise ValidationError("expiresAt", "This lies in the past.")
    act = _narrow if kind is AmendmentKind.NARROW else _widen
    return await act(tx, row, side, before, after)


def _given(
    chosen: Sequence[Purpose] | None,
    expires_at: datetime | None,
    without_end: bool,
    access_mode: AccessMode | None,
    wallet_entrusted: bool | None,
) -> dict[str, Any]:
    if without_end and expires_at is not None:
        raise ValidationError("withoutEnd", "Give either an end or none.")
    given = {
        "purposes": None if chosen is None else frozenset(chosen),
        "expires_at": expires_at,
        "access_mode": access_mode,
        "wallet_entrusted": wallet_entrusted,
    }
    return {name: value for name, value in given.items() if value is not None} | (
        {"expires_at": None} if without_end else {}
    )


def _refuse_unamendable(tx: Transaction, row: Any) -> None:
    """Terms change while the partnership is active and within its time; InvalidState otherwise."""
    state = PartnershipState(row.state)
    PARTNERSHIP.move(state, PartnershipEvent.AMEND)
    if row.expires_at is not None and row.expires_at <= tx.now:
        raise InvalidState(PartnershipState.EXPIRED)


async def _narrow(tx: Transaction, row: Any, side: PartnershipSide, before: Terms, after: Terms) -> Amended:
    """At once; whatever wider was under way on the terms of before is withdrawn, and an end that is brought forward is
    the end: the partnership no longer goes on by itself."""
    if side is GUEST:
        raise Forbidden(Action.PARTNERSHIP_AMEND, "NO_GRANT", "The host narrows; you may suspend or end.")
    withdrawn = [
        await close(tx, row, one, E.WITHDRAW, await told_of_withdrawal(tx, row, one))
        for one in await lock_open(tx, row.id)
    ]
    skipped = {"host_decision": HostDecision.SKIPPED.value, "host_decided_by": tx.person_id, "host_decided_at": tx.now}
    key = await _keep(tx, row, side, before, after, state=S.APPLIED, told_guest=True, ended_at=tx.now, **skipped)
    sooner = after.expires_at != before.expires_at
    await _write(tx, row, replace(after, auto_extend=None) if sooner else after, granted_by=tx.person_id)
    made = await lock_amendment(tx, key)
    await tell_of(tx, row, made, Template.AMENDMENT_APPLIED, await admins_of(tx, row.guest_id))
    await record(tx, *withdrawn, event_on(row, made, EventType.AMENDMENT_APPLIED))
    return Amended(key, row.id)


async def _widen(tx: Transaction, row: Any, side: PartnershipSide, before: Terms, after: Terms) -> Amended:
    """A proposal to whoever has to agree next; what the guest is not told of yet does not stand in its way."""
    refuse_barred(row, Action.PARTNERSHIP_AMEND)
    if after.expires_at != before.expires_at:
        (await get_policy(tx, row.host_id)).check_end(tx.now, after.expires_at, "expiresAt")
    lapsed = await _make_room(tx, row)
    direct = side is HOST and _may_open(tx, row, opens_everything(before, after))
    decided = {"host_decision": HostDecision.SKIPPED.value, "host_decided_by": tx.person_id, "host_decided_at": tx.now}
    key = await _keep(
        tx,
        row,
        side,
        before,
        after,
        state=S.PENDING_GUEST if direct else S.PENDING_HOST,
        told_guest=direct or side is GUEST,
        lapses_at=tx.now + DECIDED_WITHIN,
        **decided if direct else {},
    )
    made = await lock_amendment(tx, key)
    await _ask(tx, row, made)
    await record(tx, *lapsed, event_on(row, made, EventType.AMENDMENT_PROPOSED))
    return Amended(key, row.id)


def _may_open(tx: Transaction, row: Any, everything: bool) -> bool:
    """Can the caller say the host's yes alone? Leaders can, to COMPLETE and the wallet legal representatives only."""
    if everything:
        return Role.LEGAL_REPRESENTATIVE in tx.principal.roles_in(row.host_id)
    return row.host_id in tx.principal.leads


async def _make_room(tx: Transaction, row: Any) -> list[Event]:
    """One proposal at a time: Conflict where one waits; what is beyond its time lapses now, with these events."""
    lapsed = []
    for one in await lock_open(tx, row.id):
        if one.lapses_at > tx.now:
            raise Conflict(one.version, one.state, message=ONE_AT_A_TIME)
        lapsed.append(await close(tx, row, one, E.LAPSE, await told_when_lapsed(tx, row, one)))
    return lapsed


async def _keep(
    tx: Transaction,
    row: Any,
    side: PartnershipSide,
    before: Terms,
    after: Terms,
    *,
    state: AmendmentState,
    **more: Any,
) -> UUID:
    return await tx.insert(
        amendments,
        partnership_id=row.id,
        host_id=row.host_id,
        guest_id=row.guest_id,
        side=side.value,
        kind=kind_of(before, after).value,
        state=state.value,
        terms_before=before.snapshot(),
        terms_after=after.snapshot(),
        opens_everything=opens_everything(before, after),
        proposed_by=tx.person_id,
        proposed_at=tx.now,
        **more,
    )


async def _ask(tx: Transaction, row: Any, amendment: Any) -> None:
    """Tell those whose turn it is."""
    facts = {"side": side_name(row, amendment.side), "decider": side_name(row, TURN[S(amendment.state)])}
    await tell_of(tx, row, amendment, Template.AMENDMENT_PROPOSED, await deciding(tx, row, amendment), **facts)


async def _write(tx: Transaction, row: Any, terms: Terms, *, granted_by: UUID) -> list[Event]:
    """Put terms into force and return the events to record; a level that they bring is recorded as `granted_by`'s act,
    who is a person of the host."""
    noticed = {"expiry_noticed_days": None} if terms.expires_at != row.expires_at else {}
    return await bring_into_force(tx, row, terms, granted_by=granted_by, representative_id=None, **noticed)


async def decide_amendment(
    tx: Transaction,
    *,
    organisation_id: UUID,
    amendment_id: UUID,
    accept: bool,
    expected_version: int,
    terms_version_id: UUID | None = None,
    consent: bool = False,
    reason: str | None = None,
) -> Amended:
    """Answer a proposal whose turn it is to be answered by the caller's side.

    The guest's yes needs consent to the current terms of service (S63). One person never acts for both sides of one
    amendment, nor approves what it proposed.
    """
    row, amendment = await _held(tx, amendment_id, Action.AMENDMENT_DECIDE, expected_version, ends=not accept)
    side = HOST if organisation_id == row.host_id else GUEST
    if TURN.get(S(amendment.state)) is not side:
        step = (E.WITHDRAW.value,) if S(amendment.state) in TURN else ()
        raise InvalidState(amendment.state, step)
    _refuse_unamendable(tx, row)
    if tx.person_id in {amendment.proposed_by, amendment.host_decided_by}:
        hint = "Whoever proposed it, or answered for the other side, does not answer it."
        raise Forbidden(Action.AMENDMENT_DECIDE, "NO_GRANT", hint)
    reason = text.note("reason", reason)
    if not accept:
        await _decline(tx, row, amendment, side, reason)
    elif side is HOST:
        await _approve(tx, row, amendment)
    else:
        await _accept(tx, row, amendment, await require_consent(tx, terms_version_id, consent=consent))
    return Amended(amendment_id, row.id)


async def _held(
    tx: Transaction, amendment_id: UUID, action: Action, expected_version: int | None, *, ends: bool = False
) -> tuple[Any, Any]:
    """The partnership and the amendment, locked: visible, permitted, as it was read, and not beyond its time."""
    row = await lock_partnership(tx, await find_amendment(tx, amendment_id), ("amendmentId",))
    amendment = await lock_amendment(tx, amendment_id)
    target = Target(partnership=partnership_facts(row))
    require(tx.principal, action, target, now=tx.now, acting_for=tx.acting_for, ends=ends)
    check_version(amendment, expected_version, amendment.state)
    if amendment.lapses_at is not None and amendment.lapses_at <= tx.now:
        raise InvalidState(S.LAPSED)
    return row, amendment


async def _decline(tx: Transaction, row: Any, amendment: Any, side: PartnershipSide, reason: str | None) -> None:
    state = AMENDMENT.move(S(amendment.state), E.DECLINE)
    answer = (HostDecision.DECLINED if side is HOST else GuestDecision.DECLINED).value
    over = {"lapses_at": None, "ended_at": tx.now, "decision_reason": reason}
    await tx.update(amendments, amendment.id, state=state.value, **_answered(tx, side, answer), **over)
    told = [*await people(tx, [amendment.proposed_by])]
    if amendment.side == GUEST:
        told += await admins_of(tx, row.guest_id)
    elif side is GUEST:
        told += await deciders(tx, row)
    facts = {"decider": side_name(row, side), "reason": reason or ""}
    await tell_of(tx, row, amendment, Template.AMENDMENT_DECLINED, told, **facts)
    unnamed = side is HOST
    await record(tx, event_on(row, amendment, EventType.AMENDMENT_DECLINED, reason=reason, unnamed=unnamed))


def _answered(tx: Transaction, side: PartnershipSide, answer: str) -> dict[str, Any]:
    name = side.value.lower()
    return {f"{name}_decision": answer, f"{name}_decided_by": tx.person_id, f"{name}_decided_at": tx.now}


async def _approve(tx: Transaction, row: Any, amendment: Any) -> None:
    """The host's yes: a Partnership Owner's proposal goes on to the guest, what the guest asked for is applied."""
    refuse_barred(row, Action.AMENDMENT_DECIDE)
    if not _may_open(tx, row, amendment.opens_everything):
        hint = "A legal representative approves complete access and the wallet."
        raise Forbidden(Action.AMENDMENT_DECIDE, "NO_GRANT", hint)
    answer = _answered(tx, HOST, HostDecision.APPROVED.value)
    if amendment.side == GUEST:
        await _apply(tx, row, amendment, E.GRANT, answer)
        return
    others = [one for one in await lock_open(tx, row.id) if one.id != amendment.id]
    if others:
        raise Conflict(others[0].version, others[0].state, message=ONE_AT_A_TIME)
    state = AMENDMENT.move(S(amendment.state), E.APPROVE)
    lapses = {"told_guest": True, "lapses_at": tx.now + DECIDED_WITHIN}
    await tx.update(amendments, amendment.id, state=state.value, **lapses, **answer)
    passed = await lock_amendment(tx, amendment.id)
    await _ask(tx, row, passed)
    await record(tx, event_on(row, passed, EventType.AMENDMENT_APPROVED, unnamed=True))


async def _accept(tx: Transaction, row: Any, amendment: Any, terms: Any) -> None:
    """The guest's yes, kept with its consent."""
    refuse_barred(row, Action.AMENDMENT_DECIDE)
    if row.mfa_required and not tx.principal.identity.mfa:
        raise Forbidden(Action.AMENDMENT_DECIDE, "POLICY_DENIED")
    await keep_consent(tx, row, None, terms.id, amendment_id=amendment.id)
    answer = _answered(tx, GUEST, GuestDecision.ACCEPTED.value)
    await _apply(tx, row, amendment, E.ACCEPT, answer, consented(row, terms))


async def _apply(
    tx: Transaction, row: Any, amendment: Any, event: AmendmentEvent, answer: dict[str, Any], *beside: Event
) -> None:
    """Put it into force; a proposal of the host's own that still waited beside it was made on other terms, and goes."""
    state = AMENDMENT.move(S(amendment.state), event)
    await tx.update(amendments, amendment.id, state=state.value, lapses_at=None, ended_at=tx.now, **answer)
    others = [
        await close(tx, row, one, E.WITHDRAW, await told_of_withdrawal(tx, row, one))
        for one in await lock_open(tx, row.id)
    ]
    before, after = Terms.read(amendment.terms_before), Terms.read(amendment.terms_after)
    if after.expires_at != before.expires_at:
        policy = await get_policy(tx, row.host_id)
        after = replace(after, expires_at=policy.latest_end(tx.now, after.expires_at))
    by_host = answer.get("host_decided_by", amendment.host_decided_by)
    brought = await _write(tx, row, applied(live(row), before, after), granted_by=by_host)
    told = [*await people(tx, [amendment.proposed_by]), *await deciders(tx, row), *await admins_of(tx, row.guest_id)]
    await tell_of(tx, row, amendment, Template.AMENDMENT_APPLIED, told)
    unnamed = event is E.GRANT
    applied_event = event_on(row, amendment, EventType.AMENDMENT_APPLIED, unnamed=unnamed)
    await record(tx, applied_event, *beside, *_unnamed(row, brought, hides=unnamed), *others)


def _unnamed(row: Any, events: Sequence[Event], *, hides: bool) -> list[Event]:
    """Return the events as the guest reads them: what a person of the host did on its request names the host alone."""
    return [replace(event, unnamed_in={row.guest_id: row.host_name}) if hides else event for event in events]


async def withdraw_amendment(
    tx: Transaction, *, organisation_id: UUID, amendment_id: UUID, expected_version: int | None = None
) -> Amended:
    """Take a proposal back before it is in force; either side may that knows of it, also while suspended."""
    row, amendment = await _held(tx, amendment_id, Action.AMENDMENT_WITHDRAW, expected_version)
    event = await close(tx, row, amendment, E.WITHDRAW, await told_of_withdrawal(tx, row, amendment))
    await record(tx, event)
    return Amended(amendment_id, row.id)
