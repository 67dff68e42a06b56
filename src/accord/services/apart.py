"""Does the same to many rows, each in a transaction of its own, so that a row that can't be written keeps no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar
from uuid import UUID

import structlog

from accord.database.engine import Database, Lost, Transaction
from accord.database.failures import code_of

__all__ = ["Keys", "each"]

Key = TypeVar("Key", UUID, str)
Keys: TypeAlias = Callable[[Transaction, Key | None], Awaitable[Sequence[Key]]]
"""A page of keys in order, of those after a key; an empty one where there are no more."""

log = structlog.stdlib.get_logger(__name__)


async def each(
    database: Database, what: str, keys: Keys[Key], act: Callable[[Transaction, Key], Awaitable[None]]
) -> None:
    """Do it to everything that has a key, a page at a time.

    What fails is logged and passed over, also where the keys themselves can't be read. Raises Lost without a database.
    """
    try:
        after: Key | None = None
        while page := await _page(database, keys, after):
            for key in page:
                await _alone(database, what, key, act)
            after = page[-1]
    except Lost:
        raise
    except Exception as error:  # noqa: BLE001 - what else is due does not wait for it
        log.error(  # noqa: TRY400 - a text may hold values
            "sweep.step_failed", step=what, error=type(error).__name__, code=code_of(error)
        )


async def _page(database: Database, keys: Keys[Key], after: Key | None) -> Sequence[Key]:
    async with database.platform() as tx:
        return await keys(tx, after)


async def _alone(database: Database, what: str, key: Key, act: Callable[[Transaction, Key], Awaitable[None]]) -> None:
    try:
        async with database.platform() as tx:
            await act(tx, key)
    except Lost:
        raise
    except Exception as error:  # noqa: BLE001 - one row that can't be written keeps no other
        log.error(  # noqa: TRY400 - a text may hold values
            "sweep.row_failed", step=what, row=str(key), error=type(error).__name__, code=code_of(error)
        )
