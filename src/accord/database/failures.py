"""What can go wrong between us and PostgreSQL that callers tell apart, and how the driver's errors become that."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Busy(Exception):
    """PostgreSQL could not do it now and changed nothing: no connection or lock in time, no room; worth another try."""


class Lost(Busy):
    """The connection is gone, could not be opened, or PostgreSQL is silent."""


class Deadlock(Busy):
    """PostgreSQL broke a deadlock or a serialization conflict at our cost, or the schema changed under a statement that
    was prepared; the act may run again at once."""


class TimedOut(Exception):
    """A statement ran into its timeout."""


class CredentialRefused(Exception):
    """No directory has this credential, or it is over, or was revoked: all look the same."""


class CredentialOver(CredentialRefused):
    """A directory had this credential once: it is over, or was revoked."""


class SnapshotClosed(Exception):
    """A fetch came after the operation had ended; it is not answered."""


class OutcomeUnknown(Exception):
    """The connection was lost while a change was being committed, or before it could be read: it may have been made."""


LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
)
"""What the driver says of a connection that is gone; in a COMMIT nobody knows whether PostgreSQL got as far."""

NO_ROOM: Final = (asyncpg.LockNotAvailableError, asyncpg.InsufficientResourcesError, asyncpg.PostgresIOError)
"""A lock that somebody else holds, a full disk, too little memory, too many connections."""

AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.InvalidCachedStatementError)

GONE: Final = (Busy, TimedOut, DBAPIError, asyncpg.PostgresError, *LOST)
"""What a read meets when there is no database to read from."""


def _cause(error: BaseException | None) -> BaseException | None:
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error


def meaning(error: BaseException | None) -> type[Busy | TimedOut] | None:
    """What an error of the driver means here; None where it has no meaning, as a fault of ours has none."""
    cause = _cause(error)
    if isinstance(error, PoolTimeout) or isinstance(cause, NO_ROOM):
        return Busy
    if isinstance(cause, AGAIN):
        return Deadlock
    if isinstance(cause, asyncpg.QueryCanceledError):
        return TimedOut
    return Lost if _is_lost(cause) or (isinstance(error, DBAPIError) and error.connection_invalidated) else None


def _is_lost(cause: BaseException | None) -> bool:
    """The driver's own complaints count where they are about a closed connection: the others are faults of ours."""
    if isinstance(cause, asyncpg.InterfaceError):
        return "closed" in str(cause)
    return isinstance(cause, LOST)


class Translated:
    """Driver errors that have a meaning here, as ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and (known := meaning(error)) is not None:
            raise known from error


class Committing:
    """Around a COMMIT alone: a connection that is lost there leaves it open whether the change was made."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(_cause(error), LOST):
            raise OutcomeUnknown from error


def code_of(error: Exception) -> str | None:
    """PostgreSQL's code for what went wrong, None for other errors; their texts may hold values and are not logged."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)
