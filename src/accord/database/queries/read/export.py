"""Activity for an export: page after page, each under a snapshot of its own, so that a slow reader holds nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from accord.access.principal import Identity
from accord.database.engine import Database, Transaction
from accord.database.queries.read.activity import EVENTS, EventRow
from accord.database.queries.read.organisation import ORGANISATION_SEEN
from accord.database.queries.read.report import REPORTS
from accord.database.tables.activity import chain_heads
from accord.domain.report import ReportGrouping

AT_ONCE: Final = 1_000


async def get_head_sequence(tx: Transaction, organisation_id: UUID) -> int:
    """How many events the organisation's stream has."""
    found = await tx.scalar(select(chain_heads.c.sequence).where(chain_heads.c.stream_id == organisation_id))
    return int(found)


async def count_events(
    database: Database, identity: Identity, session: UUID | None, organisation_id: UUID, filters: Mapping[str, Any]
) -> int:
    """How many events of the stream the caller sees through these filters."""
    snapshot = database.snapshot(identity, session)
    try:
        rows = await snapshot.fetch(EVENTS.narrowed(filters).count, keys=[str(organisation_id)], **filters)
    finally:
        await snapshot.close()
    return int(rows[0].total) if rows else 0


async def stream_events(
    database: Database, identity: Identity, organisation_id: UUID, filters: Mapping[str, Any], before: int
) -> AsyncGenerator[Sequence[tuple[EventRow, str | None, str | None]], None]:
    """The visible events below this sequence, newest first, each with the names of the partner it is about and of the
    organisation in whose name somebody acted.

    Rights are read again for every page: what a caller loses in between is not in the pages after it.
    """
    while True:
        snapshot = database.snapshot(identity)
        try:
            bounds = EVENTS.bounds(before, None)
            rows = await snapshot.fetch(
                EVENTS.narrowed(filters).page(False), keys=[str(organisation_id)], size=AT_ONCE, **bounds, **filters
            )
            named = list({key for row in rows for key in (row.partner_id, row.on_behalf_of_id) if key})
            found = await snapshot.fetch(ORGANISATION_SEEN, keys=named) if named else []
        finally:
            await snapshot.close()
        names = {row.key: row.name for row in found}
        yield [(row, names.get(row.partner_id), names.get(row.on_behalf_of_id)) for row in rows]
        if len(rows) < AT_ONCE:
            return
        before = rows[-1].sequence


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
