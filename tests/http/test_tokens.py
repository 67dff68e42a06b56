"""Fifty tokens that prove nothing, and the few that do."""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.http.toy import AUDIENCE, ISSUER, Toy

OTHER = ECKey.generate_key("P-256")


def now() -> int:
    """Seconds since 1970, asked at each use: in a long run, half an hour passes after this file was read."""
    return int(time.time())


def claims(**other: object) -> dict[str, object]:
    """Claims that would be good for an hour if they were rightly signed."""
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "person", "exp": now() + 3600} | other


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: object, payload: object = None, signature: bytes = b"x" * 64) -> str:
    return f"{b64(header)}.{b64(payload or claims())}.{b64(signature)}"


def signed_raw(toy: Toy, payload: bytes) -> str:
    """Rightly signed, whatever the payload is."""
    return jws.serialize_compact({"alg": "ES256", "kid": "one"}, payload, toy.key, ["ES256"])


def bad_tokens(toy: Toy) -> dict[str, str]:
    """Every one is refused with the same answer."""
    good = toy.token()
    head, body, signature = good.split(".")
    public = json.dumps(toy.key.as_dict(private=False)).encode()
    rsa = RSAKey.generate_key(2048)
    secret = OctKey.import_key(public)

    def with_header(**header: object) -> str:
        return toy.token(header=header)

    return {
        "empty parts": "..",
        "words": "not a token",
        "one part": head,
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.x",
        "no signature": f"{head}.{body}.",
        "cut signature": good[:-4],
        "changed signature": f"{head}.{body}.{'A' * len(signature)}",
        "signature of another": f"{head}.{body}.{toy.token(sub='else').split('.')[2]}",
        "changed claims": f"{head}.{b64(claims(sub='admin'))}.{signature}",
        "alg none": unsigned({"alg": "none"}, signature=b"x"),
        "alg none, no signature": f"{b64({'alg': 'none'})}.{body}.",
        "alg None": unsigned({"alg": "None", "kid": "one"}),
        "alg missing": unsigned({"kid": "one"}),
        "alg a list": unsigned({"alg": ["ES256"], "kid": "one"}),
        "alg a number": unsigned({"alg": 1, "kid": "one"}),
        "alg another curve": unsigned({"alg": "ES384", "kid": "one"}),
        "HMAC with the public key": jwt.encode({"alg": "HS256", "kid": "one"}, claims(), secret, algorithms=["HS256"]),
        "RSA key of a stranger": jwt.encode({"alg": "RS256", "kid": "one"}, claims(), rsa, algorithms=["RS256"]),
        "EC key of a stranger": jwt.encode({"alg": "ES256", "kid": "one"}, claims(), OTHER, algorithms=["ES256"]),
        "unknown kid": with_header(kid="two"),
        "kid a path": with_header(kid="../../one"),
        "kid long": with_header(kid="k" * 300),
        "jku": with_header(jku="https://elsewhere.example/keys"),
        "x5u": with_header(x5u="https://elsewhere.example/cert"),
        "jwk": unsigned({"alg": "ES256", "kid": "one", "jwk": OTHER.as_dict(private=False)}),
        "x5c": unsigned({"alg": "ES256", "kid": "one", "x5c": ["AAAA"]}),
        "crit": unsigned({"alg": "ES256", "kid": "one", "crit": ["exp"]}),
        "typ of a logout": with_header(typ="logout+jwt"),
        "expired": toy.token(timedelta(seconds=-1)),
        "expired long ago": toy.token(timedelta(days=-4000)),
        "no exp": toy.token(exp=None),
        "exp text": toy.token(exp="tomorrow"),
        "exp true": toy.token(exp=True),
        "exp beyond time": toy.token(exp=10**30),
        "exp negative": toy.token(exp=-1),
        "not yet": toy.token(nbf=now() + 600),
        "issued tomorrow": toy.token(iat=now() + 86400),
        "another issuer": toy.token(iss="https://elsewhere.example"),
        "issuer with a slash": toy.token(iss=ISSUER + "/"),
        "no issuer": toy.token(iss=None),
        "issuer a list": toy.token(iss=[ISSUER]),
        "another audience": toy.token(aud="elsewhere"),
        "other audiences": toy.token(aud=["elsewhere", "nowhere"]),
        "no audience": toy.token(aud=None),
        "audience an object": toy.token(aud={AUDIENCE: 1}),
        "no subject": toy.token(sub=None),
        "empty subject": toy.token(sub=""),
        "subject a number": toy.token(sub=1),
        "subject with a control character": toy.token(sub="per\x00son"),
        "subject long": toy.token(sub="p" * 256),
        "name an object": toy.token(name={"a": 1}),
        "claims no object": signed_raw(toy, b"[1]"),
        "claims no JSON": signed_raw(toy, b"{"),
        "claims deep": signed_raw(toy, b"[" * 5000),
        "claims not UTF-8": signed_raw(toy, b'{"iss":"\xff"}'),
        "header deep": f"{b64(b'[' * 3000)}.{body}.{signature}",
        "header no object": f"{b64([1])}.{body}.{signature}",
        "header not base64": f"*{head}.{body}.{signature}",
        "padded": f"{head}=.{body}.{signature}",
        "9 KiB": toy.token(note="n" * 9 * 1024),
        "8 KiB and one": "x" * (8 * 1024 + 1),
        "encrypted": "a.b.c.d.e",
    }


@pytest.fixture
async def stranger(toy: Toy) -> Any:
    transport = httpx2.ASGITransport(toy.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        yield client


async def ask(client: httpx2.AsyncClient, *authorization: str) -> httpx2.Response:
    headers = [("authorization", value) for value in authorization]
    return await client.post("/graphql", json={"query": "{ viewer }"}, headers=headers)


def is_refused(answer: httpx2.Response) -> bool:
    body = answer.json()
    return (
        answer.status_code == 401
        and body["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
        and answer.headers["www-authenticate"].startswith('Bearer realm="accord"')
        and "data" not in body
    )


NAMES = sorted(bad_tokens(Toy()))


@pytest.mark.parametrize("name", NAMES)
async def test_a_token_that_proves_nothing(toy: Toy, stranger: httpx2.AsyncClient, name: str) -> None:
    token = bad_tokens(toy)[name]
    started = time.process_time()
    answer = await ask(stranger, f"Bearer {token}")
    assert time.process_time() - started < 1
    assert is_refused(answer), answer.text
    assert answer.json()["errors"][0]["message"] == "The token is not accepted."


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token {}", "{}", "bearer", "Bearer\t", "Digest x"]
)
async def test_headers_without_a_bearer_token(toy: Toy, stranger: httpx2.AsyncClient, value: str) -> None:
    assert is_refused(await ask(stranger, value.format(toy.token())))


async def test_no_header_and_two_headers(toy: Toy, stranger: httpx2.AsyncClient) -> None:
    assert is_refused(await ask(stranger))
    assert is_refused(await ask(stranger, f"Bearer {toy.token()}", f"Bearer {toy.token()}"))
    answer = await stranger.post(f"/graphql?access_token={toy.token()}", json={"query": "{ viewer }"})
    assert is_refused(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"x" * 300_000])
async def test_who_asks_comes_before_what(stranger: httpx2.AsyncClient, body: bytes) -> None:
    answer = await stranger.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert is_refused(answer)


async def test_good_tokens(toy: Toy, stranger: httpx2.AsyncClient) -> None:
    for token in (
        toy.token(),
        toy.token(aud=["elsewhere", AUDIENCE]),
        toy.token(iat=now(), nbf=now() - 5, jti="one"),
        toy.token(header={"typ": "at+jwt"}),
        toy.token(note="n" * 5000),
    ):
        answer = await ask(stranger, f"bearer {token}")
        assert answer.json()["data"] == {"viewer": "person"}, answer.text


async def test_a_token_says_who_and_how(toy: Toy) -> None:
    checker = toy.endpoint.authenticator.checker
    mine: dict[str, Any] = {
        "email": "a@b.example",
        "email_verified": True,
        "name": "Ada",
        "amr": ["pwd", "mfa"],
        "jti": "j",
    }
    proof = await checker.check(toy.token(**mine).encode())
    assert (proof.issuer, proof.subject, proof.email, proof.email_verified) == (ISSUER, "person", "a@b.example", True)
    assert (proof.name, proof.mfa, proof.token_id) == ("Ada", True, "j")
    bare = await checker.check(toy.token(email_verified="true", acr="anything").encode())
    assert (bare.email_verified, bare.mfa, len(bare.token_id)) == (False, False, 64)
