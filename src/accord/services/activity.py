"""Writing activity: one row per affected stream, chained, in the transaction of the act (model 4.12, S87, S88)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from ua_parser import parse

from accord.access.principal import Client
from accord.database.engine import Transaction
from accord.database.queries.activity import lock_heads
from accord.database.sets import insert_rows, slices, update_rows
from accord.database.tables.activity import activity_events, chain_heads
from accord.domain.activity import EventType, Outcome
from accord.domain.chain import sealed
from accord.domain.ids import global_id
from accord.domain.organisation import PLATFORM

__all__ = ["Event", "prepare_user_agents", "record", "record_export"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One act as each stream tells it.

    `streams` are the organisations it affects. `private_to` names those that read the reason (all of them when None);
    `unnamed_in` those that learn the acting organisation but not the person (model 4.7: never the host's approver).
    """

    type: EventType
    streams: Sequence[UUID]
    host_id: UUID | None = None
    guest_id: UUID | None = None
    partnership_id: UUID | None = None
    account_id: UUID | None = None
    account_label: str | None = None
    app: str | None = None
    acting_session_id: UUID | None = None
    reason: str | None = None
    private_to: frozenset[UUID] | None = None
    unnamed_in: Mapping[UUID, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.SUCCESS
    data: Mapping[str, Any] = field(default_factory=dict)


async def record(tx: Transaction, *events: Event) -> dict[UUID, str]:
    """Append the events to every stream they affect and return the new head of each.

    Call it last in an act, and once: heads are locked in order of organisation, after everything else. Raises
    LookupError where a stream has no head that this transaction may move.
    """
    streams = sorted({stream for event in events for stream in _streams(tx, event)})
    heads = {head.stream_id: (head.sequence, head.hash) for head in await lock_heads(tx, streams)}
    if len(heads) != len(streams):
        raise LookupError(f"{len(streams)} streams, {len(heads)} heads")
    for some in slices((event, stream) for event in events for stream in _streams(tx, event)):
        await insert_rows(tx, activity_events, [_chained(tx, event, stream, heads) for event, stream in some])
    moved = [{"stream_id": stream, "sequence": last, "hash": head} for stream, (last, head) in heads.items()]
    if await update_rows(tx, chain_heads, "stream_id", moved) != len(heads):
        raise LookupError("a chain's head did not move")
    return {stream: head for stream, (_, head) in heads.items()}


def _chained(tx: Transaction, event: Event, stream: UUID, heads: dict[UUID, tuple[int, str]]) -> dict[str, Any]:
    """The event's row in a stream, next after its head, which becomes this row."""
    last, previous = heads[stream]
    row = sealed(_row(tx, event, stream) | {"sequence": last + 1}, previous)
    heads[stream] = (last + 1, row["hash"])
    return row


def _streams(tx: Transaction, event: Event) -> list[UUID]:
    """Whom the event affects; what somebody does who acts elsewhere stands at home too (S17, model 4.8)."""
    acting = tx.principal.acting
    home = {acting.home_id} if acting is not None else set()
    return sorted({*event.streams} | home)


async def record_export(tx: Transaction, *, organisation_id: UUID, filters: Mapping[str, str]) -> str:
    """Note that activity was exported; returns the head of the stream before this event (S89, model 4.12)."""
    (before,) = await lock_heads(tx, [organisation_id])
    data = {
        "stream": global_id("organisation", organisation_id),
        "sequence": before.sequence,
        "head": before.hash,
        "filters": dict(filters),
    }
    await record(tx, Event(type=EventType.EXPORT_CREATED, streams=(organisation_id,), data=data))
    return str(before.hash)


def _row(tx: Transaction, event: Event, stream: UUID) -> dict[str, Any]:
    told = event.private_to is None or stream in event.private_to
    return {
        "stream_id": stream,
        "occurred_at": tx.now,
        "type": event.type.value,
        "outcome": event.outcome.value,
        **_sides(tx, event),
        "account_id": event.account_id,
        "account_label": event.account_label,
        "app": event.app,
        "reason": event.reason if told else None,
        "data": dict(event.data),
        **_actor(tx, event, stream),
        **_place(tx, event, stream),
    }


def _sides(tx: Transaction, event: Event) -> dict[str, UUID | None]:
    """Whose data it is about and whose people it concerns; in a session, the two that it joins."""
    acting = tx.principal.acting
    if acting is None:
        return {"host_id": event.host_id, "guest_id": event.guest_id, "partnership_id": event.partnership_id}
    return {
        "host_id": acting.host_id,
        "guest_id": acting.home_id,
        "partnership_id": event.partnership_id or acting.partnership_id,
    }


def _actor(tx: Transaction, event: Event, stream: UUID) -> dict[str, Any]:
    principal = tx.principal
    named = stream not in event.unnamed_in
    return {
        "actor_user_id": principal.person_id if named else None,
        "actor_name": principal.display_name if named else event.unnamed_in[stream],
        "actor_home_organisation_id": _own(tx) if named else event.host_id,
        "actor_api_client_id": principal.api_client.client_id if named and principal.api_client else None,
        "acting_session_id": principal.acting.session_id if principal.acting else event.acting_session_id,
    }


def _place(tx: Transaction, event: Event, stream: UUID) -> dict[str, str | None]:
    """Where the person sat: for the own side, and for the owner of the account that the act was on (model 4.12)."""
    own = stream in {_own(tx), tx.acting_for, PLATFORM}
    if not own and (event.account_id is None or stream != event.host_id):
        return dict.fromkeys(("ip", "location", "os", "device"))
    client = tx.principal.identity.client
    system, device = _machine(client)
    return {"ip": client.ip or None, "location": client.location or None, "os": system, "device": device}


def prepare_user_agents() -> None:
    """Compile the patterns by which user agents are told apart; the first one that is read would wait for it."""
    parse("Accord/1.0")


def _own(tx: Transaction) -> UUID | None:
    """Whose person acts: at home that of the organisation named, in a session still the own one."""
    if tx.principal.acting is not None:
        return tx.principal.acting.home_id
    return tx.acting_for or tx.principal.home_organisation_id


@lru_cache(maxsize=1024)
def _machine(client: Client) -> tuple[str | None, str | None]:
    """Operating system and device of a user agent (S88)."""
    if not client.user_agent:
        return None, None
    found = parse(client.user_agent)
    system = found.os.family if found.os else None
    device = found.device.family if found.device else None
    return system, device or (found.user_agent.family if found.user_agent else None)
