"""What acts on amendments share: their event and mail, and their end without being applied (model 4.4.6, 4.10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import update

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.recipients import admins_of, holders_of, people
from accord.database.tables.amendment import amendments
from accord.domain.activity import EventType
from accord.domain.amendment import AMENDMENT, TURN, AmendmentEvent, AmendmentState, changed, excerpt, words
from accord.domain.errors import Forbidden
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipSide, Terms
from accord.services.activity import Event
from accord.services.pair import deciders, event_of, names, tell

__all__ = [
    "close",
    "deciding",
    "end_amendments",
    "event_on",
    "refuse_barred",
    "side_name",
    "tell_of",
    "told_of_withdrawal",
    "told_when_lapsed",
]

OVER: Final = {"lapses_at": None}
RECORDED: Final = {
    AmendmentEvent.WITHDRAW: EventType.AMENDMENT_WITHDRAWN,
    AmendmentEvent.LAPSE: EventType.AMENDMENT_LAPSED,
}
OUTCOMES: Final = {
    AmendmentEvent.WITHDRAW: "it was withdrawn",
    AmendmentEvent.LAPSE: "it was not answered in time and has lapsed",
}


async def close(
    tx: Transaction, row: Any, amendment: Any, event: AmendmentEvent, told: Iterable[Any], **event_facts: Any
) -> Event:
    """Let an amendment that waits be withdrawn or lapse, and tell these people; the event to record."""
    state = AMENDMENT.move(AmendmentState(amendment.state), event)
    await tx.update(amendments, amendment.id, state=state.value, ended_at=tx.now, **OVER)
    await tell_of(tx, row, amendment, Template.AMENDMENT_CLOSED, told, outcome=OUTCOMES[event])
    return event_on(row, amendment, RECORDED[event], **event_facts)


async def end_amendments(tx: Transaction, row: Any) -> int:
    """Withdraw what waits when the partnership ends, also what the guest is not told of, whoever ends it.

    How many of them both sides knew of: the count stands in the streams of both.
    """
    if tx.acting_for is not None:
        await tx.enter(row.host_id, row.guest_id)
    ended = await tx.all(
        update(amendments)
        .where(amendments.c.partnership_id == row.id, amendments.c.state.in_([state.value for state in TURN]))
        .values(state=AmendmentState.WITHDRAWN.value, ended_at=tx.now, version=amendments.c.version + 1, **OVER)
        .returning(amendments.c.told_guest)
    )
    if tx.acting_for is not None:
        await tx.enter(tx.acting_for)
    return sum(one.told_guest for one in ended)


def event_on(row: Any, amendment: Any, event: EventType, *, reason: str | None = None, unnamed: bool = False) -> Event:
    """The event, in the guest's stream too if it is told of the amendment; what changes is in its data."""
    before, after = Terms.read(amendment.terms_before), Terms.read(amendment.terms_after)
    names_changed = changed(before, after)
    data = {
        "amendment": global_id("amendment", amendment.id),
        "kind": amendment.kind,
        "from": excerpt(before, names_changed),
        "to": excerpt(after, names_changed),
    }
    return event_of(row, event, told=amendment.told_guest, reason=reason, unnamed=unnamed, data=data)


async def tell_of(
    tx: Transaction, row: Any, amendment: Any, template: Template, told: Iterable[Any], **facts: str
) -> None:
    """Mail these people about an amendment."""
    before, after = Terms.read(amendment.terms_before), Terms.read(amendment.terms_after)
    await tell(tx, row, template, names(row) | {"changes": words(before, after)} | facts, told)


async def deciding(tx: Transaction, row: Any, amendment: Any) -> list[Any]:
    """The people whose turn it is: the host's admins, with the legal representatives where only they can say yes, or
    the guest's admins; nobody where it is over."""
    turn = TURN.get(AmendmentState(amendment.state))
    if turn is None:
        return []
    if turn is PartnershipSide.GUEST:
        return [*await admins_of(tx, row.guest_id)]
    legal = await holders_of(tx, row.host_id, Role.LEGAL_REPRESENTATIVE) if amendment.opens_everything else ()
    return [*await admins_of(tx, row.host_id), *legal]


async def told_of_withdrawal(tx: Transaction, row: Any, amendment: Any) -> list[Any]:
    """Return those whose turn it was, and whoever proposed it if somebody else withdraws."""
    proposer = [] if amendment.proposed_by == tx.person_id else await people(tx, [amendment.proposed_by])
    return [*await deciding(tx, row, amendment), *proposer]


async def told_when_lapsed(tx: Transaction, row: Any, amendment: Any) -> list[Any]:
    """Whoever proposed it, the owners, the host's admins; the guest's where it is told of it."""
    told = [*await people(tx, [amendment.proposed_by]), *await deciders(tx, row)]
    return [*told, *(await admins_of(tx, row.guest_id) if amendment.told_guest else ())]


def side_name(row: Any, side: str) -> str:
    """The organisation on this side."""
    name: str = row.host_name if side == PartnershipSide.HOST else row.guest_name
    return name


def refuse_barred(row: Any, action: Action) -> None:
    """Nothing wider is proposed or agreed while an organisation is inactive or one side bars the other; Forbidden."""
    if not (row.host_active and row.guest_active):
        raise Forbidden(action, "ORGANISATION_INACTIVE")
    if row.barred:
        raise Forbidden(action, "POLICY_DENIED")
