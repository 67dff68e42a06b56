"""Bearer token of a person or an API client -> Identity, or 401. Rights are read later, in the transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog
from starlette.requests import HTTPConnection

from accord.access.principal import Client, Identity
from accord.http.clients import ApiClients, ShownClient, subject_of
from accord.http.identity.keys import KeysUnavailable
from accord.http.identity.tokens import InvalidToken, Proof, TokenChecker
from accord.http.places import Places
from accord.http.responses import HttpError

log = structlog.stdlib.get_logger("accord.http.identity")

USER_AGENT_KEPT: Final = 512


class Authenticator:
    """Asks who sends a request.

    `operators` are the (issuer, subject) pairs that the deployment names as staff; `arrived` is told of every person;
    `clients` checks the secrets and tokens of API clients.
    """

    def __init__(
        self,
        checker: TokenChecker,
        operators: Collection[tuple[str, str]] = (),
        places: Places | None = None,
        arrived: Callable[[Identity], Awaitable[None]] | None = None,
        clients: ApiClients | None = None,
    ) -> None:
        self.checker = checker
        self.operators = frozenset(operators)
        self.places = places or Places()
        self.arrived = arrived
        self.clients = clients

    async def identify(self, connection: HTTPConnection) -> Identity:
        """Raises 401 UNAUTHENTICATED, or 503 BUSY while the issuer's keys can't be had."""
        token = bearer(connection.headers.getlist("authorization"))
        try:
            if self.clients is not None and self.clients.claims(token):
                return self.client_identity(await self.clients.check(token, connection), connection)
            proof = await self.checker.check(token)
        except InvalidToken as reason:
            log.info("token refused", reason=str(reason))
            raise unauthenticated("The token is not accepted.", ', error="invalid_token"') from None
        except KeysUnavailable as issuer:
            log.warning("no keys to check a token with", issuer=str(issuer))
            raise HttpError(503, "BUSY", "Sign-in can't be checked now.", headers={"retry-after": "30"}) from None
        identity = self.identity(proof, connection)
        if self.arrived is not None:
            await self.arrived(identity)
        return identity

    def identity(self, proof: Proof, connection: HTTPConnection) -> Identity:
        return Identity(
            issuer=proof.issuer,
            subject=proof.subject,
            email=proof.email,
            email_verified=proof.email_verified,
            name=proof.name,
            mfa=proof.mfa,
            token_id=proof.token_id,
            expires_at=proof.expires_at,
            client=self.client(connection),
            operator=(proof.issuer, proof.subject) in self.operators,
        )

    def client_identity(self, shown: ShownClient, connection: HTTPConnection) -> Identity:
        """An API client: no person's sign-in, so never staff, and never with more than one factor."""
        return Identity(
            issuer="accord",
            subject=subject_of(shown.proof.client_id),
            email=None,
            email_verified=False,
            name=shown.name,
            mfa=False,
            token_id=shown.token_id,
            expires_at=shown.expires_at,
            client=self.client(connection),
            api_client=shown.proof,
        )

    def client(self, connection: HTTPConnection) -> Client:
        address = connection.client.host if connection.client else ""
        agent = connection.headers.get("user-agent", "")[:USER_AGENT_KEPT]
        printable = "".join(character for character in agent if character.isprintable())
        return Client(address, printable, self.places.find(address))


def bearer(headers: list[str]) -> bytes:
    if not headers:
        raise unauthenticated("Sign in: send a bearer token.")
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("Sign in: send one bearer token.", ', error="invalid_request"')
    return token.strip().encode("latin-1")


def unauthenticated(message: str, parameters: str = "") -> HttpError:
    challenge = f'Bearer realm="accord"{parameters}'
    return HttpError(401, "UNAUTHENTICATED", message, headers={"www-authenticate": challenge})
