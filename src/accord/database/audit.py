"""Verification of the activity chains: it trusts nothing but the rows and the heads (model 4.12)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database.queries.activity import list_chain, list_heads
from accord.domain.activity import FIRST_HASH, chain_hash

__all__ = ["Fault", "Verdict", "verify"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain does not hold."""

    stream_id: UUID
    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many chains and events were read, and what is wrong with which chain."""

    chains: int
    events: int
    faults: tuple[Fault, ...]


async def verify(connection: AsyncConnection) -> Verdict:
    """Read every chain from its first event to its head; edits, gaps and cut tails are faults."""
    events, faults = 0, list[Fault]()
    heads = await list_heads(connection)
    for head in heads:
        read, fault = await _verify_chain(connection, head.stream_id, head.sequence, head.hash)
        events += read
        if fault is not None:
            faults.append(fault)
    return Verdict(len(heads), events, tuple(faults))


async def _verify_chain(
    connection: AsyncConnection, stream_id: UUID, length: int, head: str
) -> tuple[int, Fault | None]:
    sequence, previous = 0, FIRST_HASH
    while rows := await list_chain(connection, stream_id, sequence):
        for row in rows:
            if row.sequence != sequence + 1:
                return sequence, Fault(stream_id, sequence + 1, "missing")
            if row.previous_hash != previous or row.hash != chain_hash(previous, row._mapping):
                return sequence, Fault(stream_id, row.sequence, "altered")
            sequence, previous = row.sequence, row.hash
    if (sequence, previous) != (length, head):
        return sequence, Fault(stream_id, sequence, "head differs")
    return sequence, None
