"""Access tokens that the gateway signs for API clients: they say which client, and are looked up at every use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from accord.domain.callers.api_client import TOKEN_LIFE
from accord.domain.errors import NotFound
from accord.domain.ids import global_id, parse_id
from accord.http.identity.tokens import LARGEST, InvalidToken, LapsedToken, parts

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"


@dataclass(frozen=True, slots=True)
class ClientToken:
    """What a token of ours says; `scopes` are actions, at most those that the client has."""

    client_id: UUID
    scopes: frozenset[str]
    token_id: str
    expires_at: datetime


class ClientTokens:
    """Signs tokens with the gateway's own key and knows its own: no ticket is one, and no token is a ticket."""

    def __init__(self, key: ECKey, issuer: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.key = key
        self.issuer = issuer
        self.clock = clock

    def sign(self, client_id: UUID, scopes: Iterable[str]) -> str:
        """A token for fifteen minutes (RFC 9068)."""
        now, name = self.clock(), global_id("apiclient", client_id)
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": name,
            "client_id": name,
            "scope": " ".join(sorted(scopes)),
            "jti": secrets.token_hex(16),
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
        }
        header = {"alg": ALGORITHM, "kid": self.key.kid, "typ": TYPE}
        return jwt.encode(header, claims, self.key, algorithms=[ALGORITHM])

    def claims(self, token: bytes) -> bool:
        """Does the token say that it is one of ours? Nothing is proved by that."""
        try:
            return len(token) <= LARGEST and parts(token)[1].get("iss") == self.issuer
        except InvalidToken:
            return False

    def read(self, token: bytes) -> ClientToken:
        """Return what a token says; raise InvalidToken for what the gateway did not sign as a client's token, and
        LapsedToken for one that is over."""
        header, claims = parts(token)
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM or "crit" in header:
            raise InvalidToken("of another type")
        try:
            jws.deserialize_compact(token, self.key, [ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidToken(f"badly signed: {type(error).__name__}") from None
        if claims.get("aud") != self.issuer:
            raise LapsedToken("for another audience")
        return self._told(claims)

    def _told(self, claims: dict[str, Any]) -> ClientToken:
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
        if expires_at <= self.clock():
            raise LapsedToken("expired")
        try:
            client_id = parse_id("apiclient", str(claims["client_id"]))
        except NotFound:
            raise LapsedToken("of no client") from None
        return ClientToken(client_id, frozenset(str(claims["scope"]).split()), str(claims["jti"]), expires_at)
