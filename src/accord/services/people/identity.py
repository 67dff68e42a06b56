"""Who signs in as whom: the one place where an identity is bound to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from accord.database.engine import Transaction
from accord.database.tables.organisation import identities
from accord.database.tables.signin import browser_sessions

__all__ = ["CLAIMED", "AlreadyBound", "bind_identity"]

CLAIMED: Final[Mapping[str, Any]] = {"unclaimed": False, "token_hash": None, "token_expires_at": None}
"""Of a membership that a directory made: somebody signs in as its person, so its link leads nowhere any more."""


class AlreadyBound(Exception):
    """The caller is somebody already."""


async def bind_identity(tx: Transaction, user_id: UUID) -> None:
    """Let the caller be this person for good; raises AlreadyBound.

    Browsers in which the caller is signed in are the person's from then on.
    """
    identity = tx.principal.identity
    try:
        async with tx.connection.begin_nested():
            await tx.add(identities, issuer=identity.issuer, subject=identity.subject, user_id=user_id)
    except IntegrityError:
        raise AlreadyBound from None
    own = (browser_sessions.c.issuer == identity.issuer) & (browser_sessions.c.subject == identity.subject)
    await tx.execute(update(browser_sessions).where(own).values(user_id=user_id))
