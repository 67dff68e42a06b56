"""API clients at the edge: their secrets as bearer tokens, and `POST /oauth/token` (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accord.access.principal import ClientProof, Identity
from accord.access.scopes import actions_of, kept
from accord.database.engine import Busy, Database, TimedOut
from accord.database.queries.callers.api_client import find_client, note_use
from accord.domain.callers.api_client import NOTED_EVERY, PREFIX, TOKEN_LIFE, client_of
from accord.domain.errors import ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from accord.http.body import read_body
from accord.http.exchange import exchange_of
from accord.http.failures import BEARER, TOKEN, Failures, Presented, address_of
from accord.http.identity.client_tokens import ClientTokens
from accord.http.identity.tokens import InvalidToken, LapsedToken
from accord.http.rates import REFUSED as ONE_POINT
from accord.http.rates import Price, Rates
from accord.http.responses import HttpError

FORM: Final = "application/x-www-form-urlencoded"
LARGEST: Final = 8 * 1024
MOST_FIELDS: Final = 20
REFUSED: Final = "These credentials are not accepted."
NO_HASH: Final = "0" * 64
"""What the secret of a client that is not there is compared with, so that it takes as long."""

PARAMETERS: Final = frozenset({"grant_type", "client_id", "client_secret", "scope"})


@dataclass(frozen=True, slots=True)
class ShownClient:
    """A client that has shown its secret or a token, alive just now."""

    proof: ClientProof
    name: str
    scopes: frozenset[str]
    token_id: str
    expires_at: datetime


class OAuthError(Exception):
    """A refusal of the token endpoint (RFC 6749, 5.2)."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


class ApiClients:
    """Tells which API client sends a request. The database is asked each time: a revoked one is none at once."""

    def __init__(self, database: Database, tokens: ClientTokens, failures: Failures) -> None:
        self.database = database
        self.tokens = tokens
        self.failures = failures

    def claims(self, token: bytes) -> bool:
        """Is this bearer token for us to check: a secret, or signed in our name?"""
        return token.startswith(PREFIX.encode()) or self.tokens.claims(token)

    async def check(self, token: bytes, connection: HTTPConnection) -> ShownClient:
        """Raises InvalidToken, 429 for too many that were wrong, or 503 BUSY when the database can't be asked."""
        if token.startswith(PREFIX.encode()):
            return await self.by_secret(token.decode("latin-1"), BEARER, connection)
        shown = Presented(BEARER, address_of(connection), digest=token_hash(token.decode("latin-1")))
        return await self.failures.checked(shown, partial(self.by_token, token), InvalidToken, (LapsedToken,))

    async def by_secret(self, secret: str, endpoint: str, connection: HTTPConnection) -> ShownClient:
        """Return the client whose secret was shown at this endpoint; raises as `check`."""
        shown = Presented(endpoint, address_of(connection), named_in(secret), token_hash(secret))
        return await self.failures.checked(shown, partial(self._of_secret, secret), InvalidToken, (LapsedToken,))

    async def _of_secret(self, secret: str) -> ShownClient:
        try:
            client_id = client_of(secret)
        except ValueError:
            raise InvalidToken("no secret of a client") from None
        row = await self._find(client_id)
        stored = NO_HASH if row is None else str(row.secret_hash)
        if not hmac.compare_digest(stored, token_hash(secret)) or row is None:
            raise InvalidToken("not the secret of a client")
        if not row.alive:
            raise LapsedToken("of a client that is revoked or over")
        await self._note(row)
        return ShownClient(
            proof=ClientProof(row.id, row.organisation_id),
            name=row.name,
            scopes=frozenset(kept(row.scopes)),
            token_id="",
            expires_at=row.expires_at,
        )

    async def by_token(self, token: bytes) -> ShownClient:
        """The client that a token of ours names, with no more than the token's scopes."""
        told = self.tokens.read(token)
        row = await self._find(told.client_id)
        if row is None or not row.alive:
            raise LapsedToken("of a client that is revoked or over")
        await self._note(row)
        scopes = kept(told.scopes)
        return ShownClient(
            proof=ClientProof(row.id, row.organisation_id, scopes),
            name=row.name,
            scopes=frozenset(scopes),
            token_id=told.token_id,
            expires_at=min(told.expires_at, row.expires_at),
        )

    async def _find(self, client_id: UUID) -> Any:
        try:
            return await find_client(self.database, client_id)
        except (Busy, TimedOut, OSError):
            headers = {"retry-after": "1"}
            raise HttpError(503, "BUSY", "The service is busy. Please try again.", headers=headers) from None

    async def _note(self, row: Any) -> None:
        """Keep the use, once in a while; that it could not be kept stops nobody."""
        now = self.database.clock()
        if row.last_used_at is not None and row.last_used_at > now - NOTED_EVERY:
            return
        try:
            await note_use(self.database, row.id, row.organisation_id, now)
        except (Busy, TimedOut, OSError):
            return


class ClientRoutes:
    """`POST /oauth/token`: client credentials for a token of fifteen minutes."""

    def __init__(
        self, clients: ApiClients, identify: Callable[[ShownClient, HTTPConnection], Identity], rates: Rates
    ) -> None:
        self.clients = clients
        self.identify = identify
        self.rates = rates

    def routes(self) -> list[Route]:
        return [Route("/oauth/token", self.token, methods=["POST"])]

    async def token(self, request: Request) -> Response:
        """A token for a client that shows its secret, narrowed to the scopes that it asks for."""
        headers = {"cache-control": "no-store", "pragma": "no-cache"}
        try:
            return JSONResponse(await self.granted(request), headers=headers)
        except OAuthError as error:
            if error.status == 401:
                headers["www-authenticate"] = 'Basic realm="accord"'
            content = {"error": error.code, "error_description": error.description}
            return JSONResponse(content, error.status, headers)

    async def granted(self, request: Request) -> dict[str, Any]:
        given = await form(request)
        client_id, secret = credentials(request.headers.getlist("authorization"), given)
        if not given.get("grant_type"):
            raise OAuthError("invalid_request", "grant_type is missing.")
        if given["grant_type"] != "client_credentials":
            raise OAuthError("unsupported_grant_type", "The grant is client_credentials.")
        shown = await self.known(client_id, secret, request)
        slot = await self.rates.acquire(self.identify(shown, request), Price(ONE_POINT))
        exchange_of(request).hold(slot, self.rates.release)
        scopes = asked(given.get("scope"), shown.scopes)
        return {
            "access_token": self.clients.tokens.sign(shown.proof.client_id, scopes),
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "scope": " ".join(sorted(scopes)),
        }

    async def known(self, client_id: str, secret: str, request: Request) -> ShownClient:
        """The client of these credentials; one answer for all that are not accepted."""
        try:
            shown = await self.clients.by_secret(secret, TOKEN, request)
        except InvalidToken:
            raise OAuthError("invalid_client", REFUSED, 401) from None
        if subject_of(shown.proof.client_id) != client_id:
            raise OAuthError("invalid_client", REFUSED, 401)
        return shown


def named_in(secret: str) -> str:
    """The client that a secret names, empty where it has not the form of one."""
    try:
        return client_of(secret).hex
    except ValueError:
        return ""


def asked(scope: str | None, had: frozenset[str]) -> Iterable[str]:
    """The scopes of the token: those asked for, all of which the client has, or all that it has."""
    if not scope:
        return had
    try:
        wanted = actions_of("scope", scope.split())
    except ValidationError as error:
        raise OAuthError("invalid_scope", error.message) from None
    if not wanted or not wanted <= had:
        raise OAuthError("invalid_scope", "The client does not have all of these scopes.")
    return [action.value for action in wanted]


async def form(request: Request) -> dict[str, str]:
    """The fields of the body, each once."""
    content_type, _, _ = request.headers.get("content-type", "").partition(";")
    if content_type.strip().lower() != FORM:
        raise OAuthError("invalid_request", f"The body is {FORM}.")
    body = await read_body(request, LARGEST)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The body is no form.") from None
    known = [(name, value) for name, value in pairs if name in PARAMETERS]
    given = dict(known)
    if len(given) != len(known):
        raise OAuthError("invalid_request", "A parameter is given twice.")
    return given


def credentials(authorization: list[str], given: dict[str, str]) -> tuple[str, str]:
    """The client's ID and secret, by HTTP Basic or in the body, never by both."""
    if not authorization:
        if not given.get("client_id") or not given.get("client_secret"):
            raise OAuthError("invalid_client", "Send the client's ID and secret.", 401)
        return given["client_id"], given["client_secret"]
    scheme, _, encoded = authorization[0].partition(" ")
    if len(authorization) > 1 or "client_secret" in given:
        raise OAuthError("invalid_request", "Send the client's secret in one way.")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Send the client's ID and secret by HTTP Basic.", 401)
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    name, separator, secret = decoded.partition(":")
    if not separator or given.get("client_id") not in (None, unquote_plus(name)):
        raise OAuthError("invalid_client", REFUSED, 401)
    return unquote_plus(name), unquote_plus(secret)


def subject_of(client_id: UUID) -> str:
    """Who a client is in logs and rates."""
    return global_id("apiclient", client_id)
