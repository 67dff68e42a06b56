"""What is forgotten by the clock: mails and notices of long ago, and people who left everywhere long ago."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from accord.database.engine import Database
from accord.database.queries.erasure import Subject, list_long_gone
from accord.database.queries.outbox import delete_mails, delete_notices
from accord.services.people.erasure import erase_long_gone

__all__ = ["Retention", "apply_retention"]

AT_ONCE: Final = 1_000
PEOPLE_AT_ONCE: Final = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long mails that are sent or given up, notices, and people who are gone are kept; None is for ever."""

    mails: timedelta | None = timedelta(days=90)
    notices: timedelta | None = timedelta(days=365)
    people: timedelta | None = None


async def apply_retention(database: Database, retention: Retention, now: datetime) -> None:
    """Delete what is older than its retention, a batch in a transaction; one person who fails keeps nobody else."""
    for kept, delete in ((retention.mails, delete_mails), (retention.notices, delete_notices)):
        while kept is not None:
            async with database.system() as connection:
                if await delete(connection, now - kept, AT_ONCE) < AT_ONCE:
                    break
    if retention.people is not None:
        async for subject in _long_gone(database, now - retention.people):
            try:
                async with database.platform() as tx:
                    await erase_long_gone(tx, subject)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one person, the others are forgotten
                log.warning("person not erased", error=type(error).__name__)


async def _long_gone(database: Database, before: datetime) -> AsyncIterator[Subject]:
    """The people to erase, read a page at a time in the order of their keys."""
    last: Subject | None = None
    while True:
        async with database.platform() as tx:
            page = await list_long_gone(tx, before, last, PEOPLE_AT_ONCE)
        for subject in page:
            yield subject
        if not page:
            return
        last = page[-1]
