"""What a provider says of a browser: ID tokens that are for us, for this attempt and alive, and all that are not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from accord.http.identity.issuers import Issuer
from accord.http.identity.keys import FixedKeys
from accord.http.identity.tokens import InvalidToken, TokenChecker, TrustedIssuer

NOW = 1_800_000_000
KEY = ECKey.generate_key("P-256", {"kid": "one"})
ISSUER = Issuer("https://i.example", "accord", ("ES256",))
OTHER = Issuer("https://other.example", "accord", ("ES256",))
CHECKER = TokenChecker(
    {issuer.name: TrustedIssuer(issuer, FixedKeys(KeySet([KEY]))) for issuer in (ISSUER, OTHER)}, clock=lambda: NOW
)


def token(header: dict[str, Any] | None = None, **given: Any) -> bytes:
    claims = {"iss": ISSUER.name, "aud": "client", "sub": "ada", "nonce": "n", "iat": NOW, "exp": NOW + 60, **given}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "one", **(header or {})}, kept, KEY, algorithms=["ES256"]).encode()


async def check(made: bytes) -> dict[str, Any]:
    return await CHECKER.check_id_token(made, ISSUER, "client", "n")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"azp": "client"},
        {"aud": ["client"]},
        {"aud": ["client", "other"], "azp": "client"},
        {"iat": NOW + 30},
        {"nbf": NOW + 30},
        {"exp": NOW + 1},
        {"header": {"typ": "JWT"}},
    ],
)
async def test_what_is_taken(given: dict[str, Any]) -> None:
    assert (await check(token(**given)))["sub"] == "ada"


@pytest.mark.parametrize(
    "given",
    [
        {"aud": "accord"},
        {"aud": "other"},
        {"aud": None},
        {"aud": []},
        {"aud": ["client", "other"]},
        {"aud": ["client", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": None},
        {"nonce": "of another attempt"},
        {"nonce": ["n"]},
        {"iss": OTHER.name},
        {"iss": "https://elsewhere.example"},
        {"sub": None},
        {"sub": ""},
        {"exp": None},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"iat": NOW + 31},
        {"nbf": NOW + 31},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"kid": "two"}},
        {"header": {"jku": "https://elsewhere.example/keys"}},
    ],
)
async def test_what_is_not(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await check(token(**given))


async def test_an_access_token_signs_no_browser_in_and_an_id_token_is_no_access_token() -> None:
    assert (await CHECKER.check(token(aud="accord", exp=int(time.time()) + NOW))).subject == "ada"
    with pytest.raises(InvalidToken):
        await CHECKER.check(token())
