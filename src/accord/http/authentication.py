"""Bearer token or cookie of a person, or an API client -> Identity, or 401. Rights are read later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

import structlog
from starlette.requests import HTTPConnection

from accord.access.principal import OWN_ISSUER, Client, Identity
from accord.http.exchange import recognise
from accord.http.identity.clients import ApiClients, ShownClient, subject_of
from accord.http.identity.cookies import SESSION, BrowserCookies
from accord.http.identity.keys import KeysUnavailable
from accord.http.identity.tokens import InvalidToken, Proof, TokenChecker
from accord.http.places import Places
from accord.http.responses import HttpError

log = structlog.stdlib.get_logger("accord.http.identity")

Checked = TypeVar("Checked")

USER_AGENT_KEPT: Final = 512


class Authenticator:
    """Asks who sends a request.

    `operators` are the (issuer, subject) pairs that the deployment names as staff; `arrived` is told of every person
    who is let in; `clients` checks the secrets and tokens of API clients. Without `cookies` bearer tokens alone count.
    """

    def __init__(
        self,
        checker: TokenChecker,
        operators: Collection[tuple[str, str]] = (),
        places: Places | None = None,
        arrived: Callable[[Identity], Awaitable[None]] | None = None,
        cookies: BrowserCookies | None = None,
        clients: ApiClients | None = None,
    ) -> None:
        self.checker = checker
        self.operators = frozenset(operators)
        self.places = places or Places()
        self.arrived = arrived
        self.cookies = cookies
        self.clients = clients

    async def identify(self, connection: HTTPConnection) -> Identity:
        """By the bearer token, or by the cookie of who sends none; the request then counts as a signed-in caller's.

        Raises 401 UNAUTHENTICATED, 403 ORIGIN_NOT_ALLOWED for a cookie sent by a page of elsewhere, or 503 BUSY while
        the issuer's keys can't be had, or too many are signed in at once.
        """
        identity = await self._identified(connection)
        recognise(connection)
        return identity

    async def _identified(self, connection: HTTPConnection) -> Identity:
        by_cookie = "authorization" not in connection.headers and SESSION in connection.cookies
        if by_cookie and self.cookies is not None:
            proof = await self.cookies.prove(connection)
            if proof is None:
                raise unauthenticated("Your session is over. Please sign in again.")
        else:
            token = bearer(connection.headers.getlist("authorization"))
            if self.clients is not None and self.clients.claims(token):
                shown = await believed(self.clients.check(token, connection))
                return self.client_identity(shown, connection)
            proof = await believed(self.checker.check(token))
        return self.identity(proof, connection)

    async def arrive(self, identity: Identity) -> None:
        """Note a person's sign-in at the first use of a token.

        It waits for that person's acts, so it is done for a request that has its slot: one person's new tokens would
        take every connection otherwise.
        """
        if self.arrived is not None and identity.api_client is None:
            await self.arrived(identity)

    def identity(self, proof: Proof, connection: HTTPConnection) -> Identity:
        """Who this is to the deployment: its staff, and whom it lets an issuer speak for."""
        trusted = self.checker.trusted.get(proof.issuer)
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
            speaks_for=proof.speaks_for,
            provisions=trusted is not None and trusted.issuer.provisions,
        )

    def client_identity(self, shown: ShownClient, connection: HTTPConnection) -> Identity:
        """An API client: no person's sign-in, so never staff, and never with more than one factor."""
        return Identity(
            issuer=OWN_ISSUER,
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


async def believed(checking: Awaitable[Checked]) -> Checked:
    """What a check of a token found; raises 401 UNAUTHENTICATED, or 503 BUSY without the keys to check it with."""
    try:
        return await checking
    except InvalidToken as reason:
        log.info("token refused", reason=str(reason))
        raise unauthenticated("The token is not accepted.", ', error="invalid_token"') from None
    except KeysUnavailable as issuer:
        log.warning("no keys to check a token with", issuer=str(issuer))
        raise HttpError(503, "BUSY", "Sign-in can't be checked now.", headers={"retry-after": "30"}) from None


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
