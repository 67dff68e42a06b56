"""The one moment at which a change is made, which nobody's leaving interrupts."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy.ext.asyncio import AsyncTransaction

GRACE: Final = 1.0
"""Seconds that a commit may still take when nobody waits for it any more."""


async def commit(work: AsyncTransaction) -> None:
    """Commit, whoever is waiting for it or has gone: a cancelled caller gets its way once the commit is done, or after
    a while if the database does not answer."""
    committing = asyncio.ensure_future(work.commit())
    committing.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.shield(committing)
    except asyncio.CancelledError:
        await asyncio.wait({committing}, timeout=GRACE)
        committing.cancel()
        raise
