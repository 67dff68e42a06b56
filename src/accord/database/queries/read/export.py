"""Activity for an export: page after page, each under a snapshot of its own, so that a slow reader holds nothing."""

from __future__ import annotations

from asyncio import create_task, wait
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, func, literal, or_, select

from accord.access.principal import Identity
from accord.database.engine import Database, Query, Transaction
from accord.database.queries.read.activity import EVENTS, EVENTS_IN_FILE, EventRow
from accord.database.queries.read.organisation import ORGANISATION_SEEN
from accord.database.queries.read.pages import EXACTLY
from accord.database.queries.read.report import REPORTS
from accord.database.tables.activity import chain_heads
from accord.domain.report import ReportGrouping

AT_ONCE: Final = 2_000
PAGE_SIZE: Final = 512 * 1024
"""Bytes of text after which a page ends, so that an export that nobody reads keeps no more."""

LINE_SIZE: Final = 200
"""About what a line has beside its texts."""

LONG: Final = ("account_label", "user_name", "device", "reason")
"""The columns that people fill."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events with the columns of `IN_FILE`, and the names of the organisations that they name by ID, as far as the
    caller may know them."""

    rows: Sequence[EventRow]
    names: Mapping[str, str]


async def get_head_sequence(tx: Transaction, organisation_id: UUID) -> int:
    """How many events the organisation's stream has."""
    found = await tx.scalar(select(chain_heads.c.sequence).where(chain_heads.c.stream_id == organisation_id))
    return int(found)


async def reads_any_event(tx: Transaction, organisation_id: UUID) -> bool:
    """May the caller read one event of this stream at all, by the rule of the list?"""
    newest = EVENTS.page(False)
    return bool(await tx.fetch(newest, keys=[str(organisation_id)], size=1, **EVENTS.bounds(None, None)))


async def count_events(
    database: Database, identity: Identity, session: UUID | None, organisation_id: UUID, filters: Mapping[str, Any]
) -> int:
    """How many events of the stream the caller sees through these filters."""
    snapshot = database.snapshot(identity, session)
    try:
        rows = await snapshot.fetch(
            EVENTS.narrowed(filters).count, keys=[str(organisation_id)], most=EXACTLY, **filters
        )
    finally:
        await snapshot.close()
    return int(rows[0].total) if rows else 0


async def stream_events(
    database: Database, identity: Identity, organisation_id: UUID, filters: Mapping[str, Any], before: int
) -> AsyncGenerator[Page]:
    """The visible events below this sequence, newest first.

    Rights are read again for every page: what a caller loses in between is not in the pages after it, but for one that
    was read ahead while the last one was written.
    """
    read = partial(_page, database, identity, organisation_id, filters)
    coming = create_task(read(before))
    try:
        while True:
            page = await coming
            rows = page.rows
            if not rows or len(rows) == rows[0]["found"] < AT_ONCE:
                yield page
                return
            coming = create_task(read(rows[-1]["sequence"]))
            yield page
    finally:
        coming.cancel()
        await wait([coming])


async def _page(
    database: Database, identity: Identity, organisation_id: UUID, filters: Mapping[str, Any], before: int
) -> Page:
    snapshot = database.snapshot(identity)
    try:
        bounds = EVENTS_IN_FILE.bounds(before, None)
        statement = _bounded(EVENTS_IN_FILE.narrowed(filters).page(False))
        keys = [str(organisation_id)]
        rows = await snapshot.fetch(statement, keys=keys, size=AT_ONCE, bytes=PAGE_SIZE, **bounds, **filters)
        named = list({row[column] for column in ("partner_id", "on_behalf_of_id") for row in rows} - {None})
        found = await snapshot.fetch(ORGANISATION_SEEN, keys=named) if named else []
    finally:
        await snapshot.close()
    return Page(rows, {row.key: row.name for row in found})


@cache
def _bounded(page: Query) -> Query:
    """The rows of a page up to so many bytes of text, one at least; `found` says how many the whole page has."""
    rows = page.statement.subquery("page")
    texts = [func.coalesce(func.octet_length(rows.c[name]), 0) for name in LONG]
    before = func.sum(sum(texts, literal(LINE_SIZE))).over(order_by=rows.c.sequence.desc(), rows=(None, -1))
    sized = select(rows, func.count().over().label("found"), before.label("before")).subquery("sized")
    shown = [column for column in sized.c if column.key != "before"]
    fits = or_(sized.c.before.is_(None), sized.c.before < bindparam("bytes", type_=BigInteger()))
    return Query(select(*shown).where(fits).order_by(sized.c.sequence.desc()), page.record)


async def get_report(
    database: Database,
    identity: Identity,
    session: UUID | None,
    organisation_id: UUID,
    grouping: ReportGrouping,
    **bounds: Any,
) -> Sequence[Any]:
    """The rows of a report, as far as the caller sees its events; `bounds` are the period, the types and the size."""
    snapshot = database.snapshot(identity, session)
    try:
        return await snapshot.fetch(REPORTS[grouping], keys=[str(organisation_id)], **bounds)
    finally:
        await snapshot.close()
