"""The check of one token: signed by its issuer, for this gateway, alive. It says who, never what they may."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from accord.http.identity.issuers import ALGORITHMS, Issuer
from accord.http.identity.keys import Keys

LARGEST: Final = 8 * 1024
SKEW: Final = 30
LATEST: Final = 253_402_300_799
FORBIDDEN_HEADERS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64"})
ID_TYPES: Final = frozenset({"jwt"})
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class InvalidToken(Exception):
    """The token is refused; the reason is for the log alone."""


class LapsedToken(InvalidToken):
    """It is one that Accord signed, or a secret that it gave out, and is over or revoked: no guess of somebody."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token that was accepted says."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    mfa: bool
    token_id: str
    expires_at: datetime
    speaks_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer with its keys."""

    issuer: Issuer
    keys: Keys


class TokenChecker:
    """Checks tokens against the issuers of the deployment: bearer tokens, and what a provider says of a browser."""

    def __init__(self, trusted: Mapping[str, TrustedIssuer], clock: Callable[[], float] = time.time) -> None:
        self.trusted = trusted
        self.clock = clock

    async def check(self, token: bytes) -> Proof:
        """A bearer token. Raises InvalidToken, or KeysUnavailable when the issuer can't be asked for its keys."""
        claims, issuer = await self.signed(token, TYPES)
        self.refuse_claims(claims, issuer.audience)
        return proof(claims, issuer, token)

    async def check_id_token(self, token: bytes, issuer: Issuer, client_id: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that this issuer made for this client and this attempt; raises as `check` does."""
        claims, signer = await self.signed(token, ID_TYPES)
        if signer.name != issuer.name:
            raise InvalidToken("of another issuer than the one that was asked")
        self.refuse_claims(claims, client_id)
        if claims.get("azp", client_id) != client_id or (len(audiences(claims)) > 1 and "azp" not in claims):
            raise InvalidToken("for another client")
        if claims.get("nonce") != nonce:
            raise InvalidToken("of another attempt")
        text(claims, "sub")
        return claims

    async def signed(self, token: bytes, types: frozenset[str]) -> tuple[dict[str, Any], Issuer]:
        """What a token says that its issuer signed, and whose it is."""
        if len(token) > LARGEST:
            raise InvalidToken("longer than 8 KiB")
        header, unproved = parts(token)
        trusted = self.trusted.get(text(unproved, "iss"))
        if trusted is None:
            raise InvalidToken("of an issuer that is not trusted")
        refuse_header(header, trusted.issuer, types)
        key = await trusted.keys.find(optional_text(header, "kid"))
        if key is None:
            raise InvalidToken("signed with a key that the issuer does not have")
        algorithms = list(trusted.issuer.algorithms)
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        registry.max_header_length = LARGEST
        try:
            jws.deserialize_compact(token, key, algorithms, registry)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidToken(f"badly signed: {type(error).__name__}") from None
        return unproved, trusted.issuer

    def refuse_claims(self, claims: Mapping[str, Any], audience: str) -> None:
        now = self.clock()
        if instant(claims, "exp", required=True) <= now:
            raise InvalidToken("expired")
        if instant(claims, "nbf") > now + SKEW or instant(claims, "iat") > now + SKEW:
            raise InvalidToken("not valid yet")
        if audience not in audiences(claims):
            raise InvalidToken("for another audience")


def audiences(claims: Mapping[str, Any]) -> list[Any]:
    said = claims.get("aud")
    return said if isinstance(said, list) else [said]


def parts(token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before anything is proved."""
    segments = token.split(b".")
    if len(segments) != 3 or not all(segments):
        raise InvalidToken("not three parts")
    return document(segments[0]), document(segments[1])


def document(segment: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(segment))
    except (ValueError, TypeError):
        raise InvalidToken("not JSON") from None
    if not isinstance(value, dict):
        raise InvalidToken("not an object")
    return value


def refuse_header(header: Mapping[str, Any], issuer: Issuer, types: frozenset[str]) -> None:
    if header.get("alg") not in issuer.algorithms or header.get("alg") not in ALGORITHMS:
        raise InvalidToken("of another algorithm")
    if FORBIDDEN_HEADERS & header.keys():
        raise InvalidToken("with a header that names its own key")
    if str(header.get("typ", "JWT")).lower() not in types:
        raise InvalidToken("of another type")


def proof(claims: Mapping[str, Any], issuer: Issuer, token: bytes) -> Proof:
    methods = claims.get("amr")
    mfa = (isinstance(methods, list) and "mfa" in methods) or claims.get("acr") in issuer.mfa_acr
    return Proof(
        issuer=issuer.name,
        subject=text(claims, "sub"),
        email=optional_text(claims, "email", 320),
        email_verified=claims.get("email_verified") is True,
        name=optional_text(claims, "name", 200),
        mfa=mfa,
        token_id=optional_text(claims, "jti") or hashlib.sha256(token).hexdigest(),
        expires_at=datetime.fromtimestamp(instant(claims, "exp", required=True), UTC),
        speaks_for=issuer.speaks_for(claims),
    )


def text(claims: Mapping[str, Any], name: str) -> str:
    value = optional_text(claims, name)
    if not value:
        raise InvalidToken(f"without {name}")
    return value


def optional_text(claims: Mapping[str, Any], name: str, longest: int = 255) -> str | None:
    """A printable string, None where there is none; anything else is refused."""
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise InvalidToken(f"with a strange {name}")
    return value


def instant(claims: Mapping[str, Any], name: str, *, required: bool = False) -> float:
    value = claims.get(name)
    if value is None and not required:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise InvalidToken(f"with a strange {name}")
    return float(value)
