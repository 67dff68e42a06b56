"""Forgets what is over, a bounded number of rows at a time, each lot in a transaction of its own.

Nobody waits for it and nothing depends on it: every read checks the time itself. It stands apart from the sweep, so
that a backlog here keeps nothing from expiring.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Table, and_

from accord.database.engine import Database, Lost
from accord.database.queries.expiry import forget_some
from accord.database.tables.allowance import allowances
from accord.database.tables.organisation import sign_ins
from accord.database.tables.outbox import mail_turns
from accord.database.tables.retry import retries
from accord.database.tables.signin import browser_sessions, sign_in_attempts

__all__ = ["forget"]

log = structlog.stdlib.get_logger(__name__)

ALL_COMES_BACK: Final = timedelta(hours=2)
"""What somebody spent longer ago is forgotten: an allowance comes back within an hour, and no request takes longer."""

LOT: Final = 5_000
"""Rows that one transaction deletes: a fraction of a second, far from any limit on statements."""


async def forget(database: Database, now: datetime) -> None:
    """Delete what is over at `now`; a table that can't be cleared is logged and keeps nobody from the next one."""
    for table, over in _over(now).items():
        try:
            while await _forget_lot(database, table, over) == LOT:
                pass
        except Lost:
            raise
        except Exception as error:  # noqa: BLE001 - the next table may be well
            log.error(  # noqa: TRY400 - a text may hold values
                "housekeeping.failed", table=table.name, error=type(error).__name__
            )


async def _forget_lot(database: Database, table: Table, over: ColumnElement[bool]) -> int:
    async with database.platform() as tx:
        return await forget_some(tx, table, over, LOT)


def _over(now: datetime) -> dict[Table, ColumnElement[bool]]:
    return {
        sign_ins: sign_ins.c.expires_at <= now,
        sign_in_attempts: sign_in_attempts.c.expires_at <= now,
        browser_sessions: browser_sessions.c.ends_at <= now,
        retries: retries.c.expires_at <= now,
        mail_turns: and_(~mail_turns.c.waiting, mail_turns.c.until <= now),
        allowances: allowances.c.at <= (now - ALL_COMES_BACK).timestamp(),
    }
