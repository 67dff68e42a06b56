"""Verification of the activity chains: it trusts nothing but the rows and the heads that are on record (model 4.12).

One pass reads every event of every chain in one snapshot. Heads that exports, checkpoints and a file have on record are
compared on the way, a batch at a time, so that memory grows with the number of organisations and not of events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy.pool import NullPool

from accord.database.caller import Driver
from accord.database.connections import borrowed, open_engine
from accord.database.queries.audit import EVENTS, FOUND, HAS_HASH, STREAMS
from accord.database.snapshot import driver_of
from accord.domain.activity import EventType
from accord.domain.chain import FIRST_HASH, chain_hash
from accord.domain.ids import parse_id
from accord.domain.organisation import PLATFORM

__all__ = ["Anchor", "Fault", "Verdict", "open_connection", "read_anchors", "verify", "verify_database"]

AT_ONCE: Final = 2_000
TOLD_EVERY: Final = 100_000
UNBOUNDED: Final = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
BEYOND: Final = 1 << 63
BEGINNINGS: Final = frozenset({EventType.ORGANISATION_CREATED.value, EventType.CHAIN_STARTED.value})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a chain, and where; `what` is a sentence without its subject."""

    stream_id: UUID
    sequence: int
    what: str

    def __str__(self) -> str:
        name = "the platform" if self.stream_id == PLATFORM else f"organisation_{self.stream_id}"
        return f"{name}: event {self.sequence}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many chains and events were read, how many recorded heads were compared, and what is wrong."""

    chains: int
    events: int
    faults: tuple[Fault, ...]
    anchors: int = 0

    def __str__(self) -> str:
        counts = f"{self.chains} chains, {self.events} events, {self.anchors} heads on record"
        return f"{counts}, {len(self.faults)} faults"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that somebody has on record; `source` says where. Without a hash it is the event's existence, without a
    number any event of the stream may have the hash."""

    stream_id: UUID
    sequence: int | None
    hash: str | None
    source: str


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[Driver]:
    """A connection of its own without any timeout of the pool: reading a long chain takes as long as it takes."""
    engine = open_engine(url, poolclass=NullPool)
    try:
        async with borrowed(engine) as connection:
            raw = await driver_of(connection)
            await raw.execute(UNBOUNDED)
            yield raw
    finally:
        await engine.dispose()


async def verify_database(url: str, lines: Iterable[str], progress: Callable[[int], None]) -> Verdict:
    """Verify the chains of a database against these lines of anchors. Raises ValueError for a line that is none."""
    async with open_connection(url) as connection:
        return await verify(connection, read_anchors(lines), progress)


def read_anchors(lines: Iterable[str], name: str = "the file of anchors") -> Iterator[Anchor]:
    """Yield the anchors of a file: a line has an organisation's ID (or `platform`), a number and a hash.

    The number is `-` where it is not known; `#` begins a comment. Raises ValueError with the number of a line that is
    none of that.
    """
    for number, text in enumerate(lines, 1):
        words = text.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            stream, sequence, digest = words
            stream_id = PLATFORM if stream == "platform" else parse_id("organisation", stream)
            place = None if sequence == "-" else int(sequence)
            yield Anchor(stream_id, _checked(place), bytes.fromhex(digest).hex(), f"{name}, line {number}")
        except Exception:  # noqa: BLE001 - whatever is wrong with the line, it is no anchor
            raise ValueError(f"{name}, line {number}: expected an organisation, a number and a hash") from None


async def verify(
    connection: Driver, anchors: Iterable[Anchor] = (), progress: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Read every chain from its first event to its head in one snapshot and return all that is wrong with them."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        audit = _Audit(connection, progress)
        await audit.read()
        given = iter(anchors)
        while batch := list(islice(given, AT_ONCE)):
            await audit.compare(batch)
    order = sorted(audit.faults, key=lambda fault: (fault.stream_id, fault.sequence))
    return Verdict(audit.chains, audit.events, tuple(order), audit.anchors)


@dataclass(slots=True)
class _Chain:
    """One stream while it is read."""

    head: Mapping[str, Any]
    sequence: int = 0
    hash: str = FIRST_HASH
    is_broken: bool = False
    first_type: str | None = None
    erased: int = 0
    erasures_told: int = 0

    @property
    def id(self) -> UUID:
        return UUID(int=self.head["id"].int)


@dataclass(slots=True)
class _Audit:
    """The state of one verification."""

    connection: Driver
    progress: Callable[[int], None]
    chains: int = 0
    events: int = 0
    anchors: int = 0
    faults: list[Fault] = field(default_factory=list)
    waiting: list[Anchor] = field(default_factory=list)
    checkpoints: dict[UUID, int] = field(default_factory=dict)
    creations_told: int = 0
    creations: int = 0

    async def read(self) -> None:
        """Walk heads, organisations and events together, in order of stream and number."""
        events = aiter(self.connection.cursor(EVENTS, prefetch=AT_ONCE))
        row = await anext(events, None)
        async for head in self.connection.cursor(STREAMS, prefetch=AT_ONCE):
            chain = _Chain(head)
            while row is not None and row["stream_id"] == head["id"]:
                await self._take(chain, row)
                row = await anext(events, None)
            self._finish(chain)
        await self._flush()
        if self.creations != self.creations_told:
            what = f"{self.creations} organisations were created, and {self.creations_told} creations are on record"
            self._fault(PLATFORM, 0, what)

    async def compare(self, anchors: Iterable[Anchor]) -> None:
        """Compare heads on record with the events that have their numbers now."""
        wanted = list(anchors)
        self.anchors += len(wanted)
        for anchor in (one for one in wanted if one.sequence is None):
            if not await self.connection.fetch(HAS_HASH, anchor.stream_id, anchor.hash):
                self._fault(anchor.stream_id, 0, f"no event has the hash that {anchor.source} has on record")
        for anchor in (one for one in wanted if one.sequence == 0 and one.hash != FIRST_HASH):
            self._fault(anchor.stream_id, 0, f"has no hash of its own; {anchor.source} has one on record")
        wanted = [one for one in wanted if one.sequence]
        found = await self.connection.fetch(FOUND, [one.stream_id for one in wanted], [one.sequence for one in wanted])
        for anchor, row in zip(wanted, found, strict=True):
            number = anchor.sequence or 0
            if row["hash"] is None:
                self._fault(anchor.stream_id, number, f"is gone; {anchor.source} has it on record")
            elif anchor.hash is not None and row["hash"] != anchor.hash:
                self._fault(
                    anchor.stream_id, anchor.sequence or 0, f"is not the one that {anchor.source} has on record"
                )

    def _fault(self, stream_id: UUID, sequence: int, what: str) -> None:
        self.faults.append(Fault(UUID(int=stream_id.int), sequence, what))

    async def _take(self, chain: _Chain, row: Mapping[str, Any]) -> None:
        self.events += 1
        if self.events % TOLD_EVERY == 0:
            self.progress(self.events)
        if not chain.is_broken:
            self._link(chain, row)
        if chain.first_type is None:
            chain.first_type = row["type"]
        chain.erased += len(row["erased"]) if isinstance(row["erased"], Mapping) else 0
        await self._note_recorded(chain, row)

    def _link(self, chain: _Chain, row: Mapping[str, Any]) -> None:
        """Check that an event follows the one before it; what comes after the first that does not is not judged."""
        if row["sequence"] != chain.sequence + 1:
            self._fault(chain.id, chain.sequence + 1, f"is missing; the next one is {row['sequence']}")
        elif row["previous_hash"] != chain.hash:
            self._fault(chain.id, row["sequence"], "does not follow the event before it")
        elif row["hash"] != _hash_of(row):
            self._fault(chain.id, row["sequence"], "was altered")
        else:
            chain.sequence, chain.hash = row["sequence"], row["hash"]
            return
        chain.is_broken = True

    async def _note_recorded(self, chain: _Chain, row: Mapping[str, Any]) -> None:
        """Put what an event has on record about other streams to those that are compared."""
        if row["type"] == EventType.PERSON_ERASED.value:
            chain.erasures_told += _count_told(row["data"])
        recorded = list(_recorded(row))
        if row["type"] == EventType.CHAIN_CHECKPOINT.value and chain.id == PLATFORM:
            self.checkpoints |= {anchor.stream_id: anchor.sequence or 0 for anchor in recorded}
        if row["type"] == EventType.ORGANISATION_CREATED.value and chain.id == PLATFORM:
            self.creations_told += 1
        self.waiting += recorded
        if len(self.waiting) >= AT_ONCE:
            await self._flush()

    async def _flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        if waiting:
            await self.compare(waiting)

    def _finish(self, chain: _Chain) -> None:
        head, self.chains = chain.head, self.chains + 1
        self.creations += chain.first_type == EventType.ORGANISATION_CREATED.value and chain.id != PLATFORM
        if not head["known"]:
            self._fault(chain.id, chain.sequence, "belongs to no organisation that exists")
        if head["sequence"] is None:
            self._fault(chain.id, chain.sequence, "is the last one read, and the chain has no head")
        elif not chain.is_broken and (head["sequence"], head["hash"]) != (chain.sequence, chain.hash):
            self._fault(
                chain.id, chain.sequence, f"is the last one, but the head says {head['sequence']} or another hash"
            )
        if chain.id != PLATFORM and chain.first_type is None:
            self._fault(chain.id, 1, "is missing; every organisation has a first event")
        elif chain.id != PLATFORM and chain.first_type not in BEGINNINGS:
            self._fault(chain.id, 1, "is not the beginning of an organisation")
        if head["sequence"] is not None and head["anchored"] != self.checkpoints.get(chain.id, 0):
            self._fault(chain.id, head["anchored"], "is on record by a checkpoint, says the head, and is not")
        if chain.erased != chain.erasures_told:
            what = f"{chain.erased} personal facts are erased, and {chain.erasures_told} are on record as erased"
            self._fault(chain.id, chain.sequence, what)


def _hash_of(row: Mapping[str, Any]) -> str | None:
    """The hash that the row should have; None where its parts do not fit together."""
    try:
        return chain_hash(row["previous_hash"], row)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _count_told(data: Any) -> int:
    """How many facts an event says were erased; none where it was altered and says something else."""
    told = data.get("facts") if isinstance(data, Mapping) else None
    return told if isinstance(told, int) else 0


def _anchor(stream: str, sequence: Any, digest: Any, source: str) -> Anchor:
    """Return the head that an event has on record. Raises ValueError where this can't be one."""
    return Anchor(parse_id("organisation", stream), _checked(sequence), str(digest), source)


def _checked(sequence: Any) -> int | None:
    """Return the number of an event, or None. Raises ValueError where it can't be one."""
    if sequence is not None and not (isinstance(sequence, int) and 0 <= sequence < BEYOND):
        raise ValueError("no number of an event")
    return sequence


def _recorded(row: Mapping[str, Any]) -> Iterator[Anchor]:
    """Yield the heads of streams that an event has on record: an export's, a checkpoint's, and a creation."""
    if row["type"] not in RECORDING:
        return
    data = row["data"]
    source = f"event {row['sequence']} ({row['type']}) of organisation_{row['stream_id']}"
    try:
        if row["type"] == EventType.EXPORT_CREATED.value and "sequence" in data:
            yield _anchor(data["stream"], data["sequence"], data["head"], source)
        elif row["type"] == EventType.CHAIN_CHECKPOINT.value:
            for stream, (sequence, digest) in data["heads"].items():
                yield _anchor(stream, sequence, digest, source)
        elif row["type"] == EventType.ORGANISATION_CREATED.value:
            yield Anchor(parse_id("organisation", data["organisation"]), 1, None, source)
    except Exception:  # noqa: BLE001 - an event that was altered may say anything; the chain shows that it was
        return


RECORDING: Final = frozenset({EventType.EXPORT_CREATED, EventType.CHAIN_CHECKPOINT, EventType.ORGANISATION_CREATED})
