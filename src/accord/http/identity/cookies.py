"""The cookie of a browser that is signed in, and what it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from accord.database.engine import Busy, Database, TimedOut
from accord.domain.callers.signin import ATTEMPT_LIFE, SESSION_LIFE
from accord.domain.organisation import token_hash
from accord.http.failures import COOKIE, Failures, Presented, address_of
from accord.http.identity.issuers import Issuer
from accord.http.identity.origins import Origins
from accord.http.identity.tokens import Proof
from accord.http.responses import busy
from accord.services.people.browser import UnknownSession, session_token, use_session

SESSION: Final = "__Host-accord"
ATTEMPT: Final = "__Host-accord-sign-in"
LIVES: Final = {SESSION: SESSION_LIFE, ATTEMPT: ATTEMPT_LIFE}
LONGEST: Final = 128


class BrowserCookies:
    """Who a browser is, by its cookie. Its origin is asked for first: a cookie goes along from everywhere."""

    def __init__(self, database: Database, origins: Origins, issuers: Mapping[str, Issuer], failures: Failures) -> None:
        self.database = database
        self.failures = failures
        self.origins = origins
        self.issuers = issuers

    async def prove(self, connection: HTTPConnection) -> Proof | None:
        """What the provider said at the sign-in, None for a session that is over or of an issuer trusted no more.

        Raises 403 ORIGIN_NOT_ALLOWED, 429 for too many that were never ours, and 503 BUSY when the database can't be
        asked.
        """
        self.origins.require(connection)
        secret = cookie(connection, SESSION)
        try:
            row = None if secret is None else await self._used(secret, connection)
        except UnknownSession:
            return None
        except (Busy, TimedOut, OSError):
            raise busy() from None
        issuer = None if row is None else self.issuers.get(row.issuer)
        return None if issuer is None else proof_of(row, issuer)

    async def _used(self, secret: str, connection: HTTPConnection) -> Any:
        shown = Presented(COOKIE, address_of(connection), digest=token_hash(secret))
        return await self.failures.checked(shown, partial(use_session, self.database, secret), UnknownSession)


def proof_of(row: Any, issuer: Issuer) -> Proof:
    """For whom the issuer speaks is what it said then and what the settings say now."""
    return Proof(
        issuer=row.issuer,
        subject=row.subject,
        email=row.email,
        email_verified=row.email_verified,
        name=row.name,
        mfa=row.mfa,
        token_id=session_token(row.id),
        expires_at=row.ends_at,
        speaks_for=issuer.handles.intersection(row.speaks_for),
    )


def cookie(connection: HTTPConnection, name: str) -> str | None:
    """The value of a cookie of ours, None where there is none that can be one."""
    value = connection.cookies.get(name)
    return value if value and len(value) <= LONGEST else None


def keep(response: Response, name: str, value: str) -> None:
    """For this host alone, out of reach of scripts, and not sent along by what other sites' pages load or post."""
    age = int(LIVES[name].total_seconds())
    response.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="lax")


def forget(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
