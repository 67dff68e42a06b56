"""Tickets: signed for the app that they lead to, redeemed there once (model 4.16, S74)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accord.database.server_clock import machine_time
from accord.domain.errors import NotFound
from accord.http.body import BodyLimits, read_body, read_object
from accord.http.failures import TICKET, Failures, Presented, address_of
from accord.http.identity.keyfile import public_set
from accord.http.responses import HttpError

ALGORITHM: Final = "ES256"
LARGEST: Final = 4096
Redeem = Callable[[UUID], Awaitable[Mapping[str, Any]]]


class TicketSigner:
    """Signs tickets in the name of the gateway, and knows its own."""

    def __init__(self, key: ECKey, issuer: str, clock: Callable[[], datetime] = machine_time) -> None:
        self.key = key
        self.issuer = issuer
        self.clock = clock

    def sign(
        self,
        *,
        account_id: str,
        person_id: str,
        home_organisation_id: str,
        audience: str,
        jti: str,
        expires_at: datetime,
    ) -> str:
        """`audience` is the origin of the account's launch URL; `act` is the organisation whose person signs in."""
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "sub": person_id,
            "act": home_organisation_id,
            "account": account_id,
            "jti": jti,
            "iat": int(self.clock().timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self.key.kid}, claims, self.key, algorithms=[ALGORITHM])

    def read(self, ticket: str) -> UUID:
        """The `jti` of a ticket that the gateway signed; ValueError for any other. The database says if it stands."""
        if len(ticket) > LARGEST:
            raise ValueError("too long")
        try:
            claims = jwt.decode(ticket, self.key, algorithms=[ALGORITHM]).claims
            if claims.get("iss") != self.issuer:
                raise ValueError("of another issuer")
            return UUID(str(claims.get("jti")).rpartition("_")[2])
        except (JoseError, TypeError, KeyError, RecursionError) as error:
            raise ValueError("not a ticket of ours") from error


class TicketRoutes:
    """The public keys, and the redemption. An app is no signed-in person: the ticket itself is the credential."""

    def __init__(self, signer: TicketSigner, redeem: Redeem, failures: Failures) -> None:
        self.signer = signer
        self.redeem = redeem
        self.failures = failures

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/jwks.json", self.jwks),
            Route("/tickets/redeem", self.redeem_ticket, methods=["POST"]),
        ]

    async def jwks(self, request: Request) -> Response:
        headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}
        return JSONResponse(public_set(self.signer.key), headers=headers)

    async def redeem_ticket(self, request: Request) -> Response:
        """Who signs in, for a ticket that still stands; one and the same answer for every ticket that does not.

        One that the gateway has not signed counts as a failure of its address, and no other.
        """
        limits = BodyLimits(size=2 * LARGEST)
        given = read_object(await read_body(request, limits.size), limits)

        async def read() -> UUID:
            return self.signer.read(str(given.get("ticket")))

        try:
            jti = await self.failures.checked(Presented(TICKET, address_of(request)), read, ValueError)
            return JSONResponse(dict(await self.redeem(jti)))
        except (ValueError, NotFound):
            raise HttpError(400, "TICKET_NOT_REDEEMABLE", "This ticket can't be redeemed.") from None
