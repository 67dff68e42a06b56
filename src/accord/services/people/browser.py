"""Browser sessions: a person who signed in at a provider and comes back with a cookie (model 4.12).

The cookie is a secret of 256 random bits, of which the database has the hash; what it stands for are rights read anew
at each request. So is what a browser keeps while it is at the provider.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from accord.database.engine import Database, Transaction
from accord.database.queries.callers.signin import find_browser_session
from accord.database.queries.outbox import new_keys
from accord.database.tables.signin import browser_sessions, sign_in_attempts
from accord.domain.callers.signin import ATTEMPT_LIFE, SESSION_IDLE, SESSION_LIFE, SESSION_NOTED
from accord.domain.organisation import new_token, token_hash
from accord.services.people.arrival import arrive

__all__ = [
    "Attempt",
    "UnknownSession",
    "begin_session",
    "end_session",
    "open_attempt",
    "session_token",
    "take_attempt",
    "use_session",
]


class UnknownSession(Exception):
    """No browser session has this secret."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A browser that comes back from its provider."""

    issuer: str
    return_to: str


async def open_attempt(tx: Transaction, *, issuer: str, return_to: str) -> str:
    """A browser goes to a provider; the secret by which it is known when it comes back, within ten minutes."""
    secret, expires_at = new_token(), tx.now + ATTEMPT_LIFE
    digest = token_hash(secret)
    await tx.present(attempt=digest)
    await tx.add(sign_in_attempts, secret_hash=digest, issuer=issuer, return_to=return_to, expires_at=expires_at)
    return secret


async def take_attempt(tx: Transaction, *, secret: str) -> Attempt | None:
    """What a browser went away with, once; None for every secret that stands for nothing any more."""
    digest = token_hash(secret)
    await tx.present(attempt=digest)
    own = sign_in_attempts.c.secret_hash == digest
    taken = delete(sign_in_attempts).where(own, sign_in_attempts.c.expires_at > tx.now)
    row = await tx.first(taken.returning(sign_in_attempts.c.issuer, sign_in_attempts.c.return_to))
    return None if row is None else Attempt(row.issuer, row.return_to)


async def begin_session(tx: Transaction, *, replaced: str | None = None) -> str:
    """The caller signs in with a browser; the secret of its cookie. The session that the browser had before ends.

    It lives twelve hours, or as long as a fresh hour goes by without a request.
    """
    if replaced is not None:
        await end_session(tx, secret=replaced)
    identity, secret = tx.principal.identity, new_token()
    (session_id,) = await new_keys(tx.connection, 1)
    await tx.add(
        browser_sessions,
        id=session_id,
        token_hash=token_hash(secret),
        issuer=identity.issuer,
        subject=identity.subject,
        user_id=tx.principal.person_id,
        email=identity.email,
        email_verified=identity.email_verified,
        name=identity.name,
        mfa=identity.mfa,
        speaks_for=sorted(identity.speaks_for),
        started_at=tx.now,
        used_at=tx.now,
        ends_at=tx.now + SESSION_LIFE,
    )
    told = replace(identity, token_id=session_token(session_id), expires_at=tx.now + SESSION_LIFE)
    tx.principal = replace(tx.principal, identity=told)
    await arrive(tx)
    return secret


async def end_session(tx: Transaction, *, secret: str) -> str | None:
    """Sign a browser out; the issuer at which it signed in, None where it was not signed in any more."""
    digest = token_hash(secret)
    await tx.present(browser=digest)
    own = (browser_sessions.c.token_hash == digest) & browser_sessions.c.ended_at.is_(None)
    issuer: str | None = await tx.scalar(
        update(browser_sessions).where(own).values(ended_at=tx.now).returning(browser_sessions.c.issuer)
    )
    return issuer


async def use_session(database: Database, secret: str) -> Any:
    """The row of a session that lives at this instant, or None for one that is over; its use is written down once a
    minute. Raises UnknownSession where there never was one of this secret."""
    now = database.clock()
    async with database.system() as connection:
        row = await find_browser_session(connection, token_hash(secret))
        if row is None:
            raise UnknownSession
        if not _lives(row, now):
            return None
        if row.used_at <= now - SESSION_NOTED:
            used = update(browser_sessions).where(browser_sessions.c.id == row.id)
            await connection.execute(used.values(used_at=now))
    return row


def session_token(session_id: UUID) -> str:
    """What stands for the token's ID in a browser session."""
    return f"browser {session_id}"


def _lives(row: Any, now: datetime) -> bool:
    return row.ended_at is None and now < row.ends_at and now < row.used_at + SESSION_IDLE
