"""What can go wrong between us and PostgreSQL that callers tell apart, and how the driver's errors become that."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Busy(Exception):
    """No connection within the pool's wait, or a lock not within the lock timeout."""


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


class Deadlock(Exception):
    """PostgreSQL broke a deadlock or a serialization conflict at our cost; the act may run again."""


LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What the driver says of a connection that is gone; whether PostgreSQL got as far as to commit, nobody knows."""


GONE: Final = (Busy, TimedOut, DBAPIError, asyncpg.PostgresError, *LOST)
"""What a read meets when there is no database to read from."""


def _cause(error: BaseException | None) -> BaseException | None:
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error


class Translated:
    """Driver errors that have a meaning here, as ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        cause = _cause(error)
        if isinstance(error, PoolTimeout) or isinstance(cause, asyncpg.LockNotAvailableError):
            raise Busy from error
        if isinstance(cause, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
            raise Deadlock from error
        if isinstance(cause, asyncpg.QueryCanceledError):
            raise TimedOut from error


class Committing:
    """Around a COMMIT alone: a connection that is lost there leaves it open whether the change was made."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(_cause(error), LOST):
            raise OutcomeUnknown from error
