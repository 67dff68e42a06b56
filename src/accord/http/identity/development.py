"""An OpenID issuer inside the gateway, for development on the loopback interface: anybody may be anybody.

Never mounted elsewhere: the settings refuse it, and every request must come from this machine and name it in `Host`, so
that a page of another site which rebinds its name to 127.0.0.1 gets no token.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from accord.http.body import BodyLimits, bad_request, read_body, read_object
from accord.http.identity.issuers import Issuer
from accord.http.identity.keyfile import public_set, signing_key
from accord.http.identity.keys import FixedKeys
from accord.http.identity.tokens import TrustedIssuer
from accord.http.responses import JSON, HttpError

People = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]

STAFF: Final = "staff@accord.example"
"""Who is the platform's staff where the settings name nobody."""
KEY_FILE: Final = "development-issuer.json"
AUDIENCE: Final = "accord"
LIFETIME: Final = 12 * 3600
ADDRESS: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class DevelopmentIssuer:
    """Signs tokens with a key of the state folder, so that `accord token` and the server agree."""

    def __init__(self, public_url: str, state: Path) -> None:
        self.name = public_url.rstrip("/") + "/dev/issuer"
        self.key = signing_key(state / KEY_FILE, OKPKey)

    def trusted(self) -> TrustedIssuer:
        return TrustedIssuer(Issuer(self.name, AUDIENCE, ("Ed25519",)), FixedKeys(KeySet([self.key])))

    def token(self, email: str, name: str | None = None) -> str:
        """A token for whoever has this address, valid for twelve hours; raises ValueError for one that is none."""
        if not ADDRESS.fullmatch(email) or not email.isprintable():
            raise ValueError("not an e-mail address")
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": email.lower(),
            "email": email.lower(),
            "email_verified": True,
            "name": name or email.partition("@")[0].replace(".", " ").title(),
            "iat": now,
            "exp": now + LIFETIME,
            "jti": uuid4().hex,
        }
        header = {"alg": "Ed25519", "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=["Ed25519"])


class DevelopmentRoutes:
    """The issuer's documents, the people to pick from, and a token for the one picked."""

    def __init__(self, issuer: DevelopmentIssuer, people: People) -> None:
        self.issuer = issuer
        self.people = people

    def routes(self) -> list[Route]:
        return [
            Route("/dev/issuer/.well-known/openid-configuration", self.configuration),
            Route("/dev/issuer/jwks.json", self.jwks),
            Route("/dev/people", self.list_people),
            Route("/dev/token", self.issue_token, methods=["POST"]),
        ]

    async def configuration(self, request: Request) -> JSONResponse:
        refuse_strangers(request)
        name = self.issuer.name
        return JSONResponse(
            {
                "issuer": name,
                "jwks_uri": f"{name}/jwks.json",
                "id_token_signing_alg_values_supported": ["Ed25519"],
                "subject_types_supported": ["public"],
                "response_types_supported": ["id_token"],
            }
        )

    async def jwks(self, request: Request) -> JSONResponse:
        refuse_strangers(request)
        return JSONResponse(public_set(self.issuer.key))

    async def list_people(self, request: Request) -> JSONResponse:
        refuse_strangers(request)
        return JSONResponse([dict(person) for person in await self.people()])

    async def issue_token(self, request: Request) -> JSONResponse:
        refuse_strangers(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "The address is sent as application/json.")
        limits = BodyLimits(size=4096)
        given = read_object(await read_body(request, limits.size), limits)
        email, name = given.get("email"), given.get("name")
        if not isinstance(email, str) or not isinstance(name, str | None) or len(name or "") > 200:
            raise bad_request("`email` must be an e-mail address.")
        try:
            return JSONResponse({"token": self.issuer.token(email, name), "expiresIn": LIFETIME})
        except ValueError:
            raise bad_request("`email` must be an e-mail address.") from None


def refuse_strangers(connection: HTTPConnection) -> None:
    """Raises FORBIDDEN unless the request comes from this machine, under a name of this machine."""
    host = connection.headers.get("host", "").lower()
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    peer = connection.client.host if connection.client else ""
    origin = connection.headers.get("origin")
    same = origin is None or origin.lower() == f"{connection.url.scheme}://{host}"
    if name not in LOOPBACK or not is_loopback(peer) or not same:
        raise HttpError(403, "FORBIDDEN", "The development issuer answers this machine alone.")


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
