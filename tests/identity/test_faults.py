"""What goes wrong with providers and their tokens: keys that change, clocks that are wrong, a provider that is away.

The tests of this file turn the provider's keys and clock, and put them back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.identity.providers import SECRET, Provider, new_key
from tests.identity.stage import WHO, Browser, Stage, code_of, open_stage
from tests.servers import DatabaseURLs

HOUR = 3600
SKEW = 30
"""Seconds that a provider's clock may be ahead."""


async def by_token(stage: Stage, token: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(timeout=20) as http:
        return await http.post(f"{stage.url}/graphql", json={"query": WHO}, headers=headers)


def named(answer: httpx2.Response) -> str | None:
    assert answer.status_code == 200, answer.text
    viewer = (answer.json()["data"] or {}).get("viewer")
    return viewer["user"]["displayName"] if viewer else None


@contextmanager
def clock_ahead(provider: Provider, seconds: float, life: float = HOUR) -> Iterator[None]:
    """`life`: how long its tokens live; all in seconds."""
    provider.change(skew=seconds, life=life)
    try:
        yield
    finally:
        provider.change(skew=0, life=HOUR)


async def test_a_token_of_the_provider_is_a_first_sign_in_too(stage: Stage) -> None:
    """An access token that a frontend got at the provider, `at+jwt`, for this gateway."""
    assert named(await by_token(stage, await stage.first.token("ada"))) == "Ada"
    assert named(await by_token(stage, await stage.second.token("ada"))) == "Ada"
    assert await stage.members(stage.meridian) == [("ada@meridian.example", "ACTIVE", ["MEMBER"])]
    assert await stage.members(stage.norvik) == [("ada@norvik.example", "ACTIVE", ["MEMBER"])]
    assert await stage.events(stage.meridian, "Ada") == ["member.provisioned", "signin.platform"]


@pytest.mark.parametrize("subject", ["unverified", "guest", "spy", "sub"])
async def test_a_token_of_whom_nobody_speaks_for_makes_nobody(stage: Stage, subject: str) -> None:
    before = await stage.everything()
    assert named(await by_token(stage, await stage.first.token(subject))) is None
    assert await stage.everything() == before


async def test_an_id_token_of_an_own_client_is_no_bearer_token_of_another_audience(stage: Stage) -> None:
    before = await stage.everything()
    answer = await by_token(stage, await stage.first.token("ben", resource="https://elsewhere"))
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert await stage.everything() == before


FORGED: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "elsewhere"},
    "expired": {"exp": int(time.time()) - 1},
    "expired within the leeway": {"exp": int(time.time()) - SKEW + 5},
    "issued later than the leeway": {"iat": int(time.time()) + 6 * HOUR},
    "not yet": {"nbf": int(time.time()) + 6 * HOUR},
    "no subject": {"sub": ""},
}


@pytest.mark.parametrize("given", FORGED.values(), ids=FORGED)
async def test_a_token_that_the_provider_signed_wrongly(stage: Stage, given: dict[str, Any]) -> None:
    before = await stage.everything()
    answer = await by_token(stage, stage.first.forged("ben", **given))
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert await stage.everything() == before


async def test_the_control_is_taken(stage: Stage) -> None:
    """The negative control: the same token with nothing wrong is somebody."""
    assert named(await by_token(stage, stage.first.forged("ben", aud=["else", "accord"]))) == "Ben"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ada@norvik.example"},
        {"email": "cleo@norvik.example", "email_verified": True, "organisation": "norvik"},
        {"email": "cleo@meridian.example@norvik.example"},
        {"email": "norvik.example"},
    ],
)
async def test_a_token_that_names_the_other_organisation_gives_nothing_there(
    stage: Stage, claims: dict[str, Any]
) -> None:
    """Whatever the first provider says, it says nothing about people of the second one's organisation."""
    before = await stage.members(stage.norvik)
    answer = await by_token(stage, stage.first.forged("dora", **claims))
    assert answer.status_code == 401 or named(answer) is None
    assert await stage.members(stage.norvik) == before


async def test_a_token_in_the_other_providers_name(stage: Stage) -> None:
    before = await stage.everything()
    answer = await by_token(stage, stage.first.forged("ada", iss=stage.second.issuer))
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert await stage.everything() == before


async def test_a_key_that_is_not_the_providers(stage: Stage) -> None:
    answer = await by_token(stage, stage.first.forged("ada", key=new_key()))
    assert answer.status_code == 401


@pytest.mark.parametrize(("ahead", "taken"), [(SKEW - 10, True), (-SKEW, True), (SKEW + 30, False)])
async def test_the_clock_of_the_provider(stage: Stage, browser: Browser, ahead: float, *, taken: bool) -> None:
    """Half a minute ahead is put up with; a token that ended is not, however near."""
    with clock_ahead(stage.first, ahead):
        token, answer = await stage.first.token("emil"), await browser.sign_in(stage.first, "emil")
    assert answer.status_code == (303 if taken else 400), answer.text
    assert (await by_token(stage, token)).status_code == (200 if taken else 401)
    assert ("__Host-accord" in browser.cookies) is taken


async def test_tokens_that_ended_before_they_arrived(stage: Stage, browser: Browser) -> None:
    before = await stage.everything()
    with clock_ahead(stage.first, -10, life=1):
        token, answer = await stage.first.token("fay"), await browser.sign_in(stage.first, "fay")
    assert (answer.status_code, code_of(answer)) == (400, "SIGN_IN_REFUSED")
    assert (await by_token(stage, token)).status_code == 401
    assert await stage.everything() == before


async def test_keys_that_change_while_everything_runs(stage: Stage, browser: Browser) -> None:
    """The new key is found at once, or half a minute after the last look; what the old one signed counts no more."""
    await browser.sign_in(stage.first, "ada")
    old = await stage.first.token("ada")
    stage.first.rotate()
    stage.skip(31)
    fresh = await stage.first.token("ada")
    assert named(await by_token(stage, fresh)) == "Ada"
    assert (await by_token(stage, old)).status_code == 401
    assert await browser.viewer() is not None
    assert (await browser.sign_in(stage.first, "ada")).status_code == 303


async def test_a_provider_that_is_away(stage: Stage, browser: Browser, another: Browser, third: Browser) -> None:
    """Nobody is signed in meanwhile, whoever is stays it, and it goes on when the provider is back."""
    await browser.sign_in(stage.second, "ben")
    newcomer, waiting = another, third
    back = await waiting.back(stage.second, "ada")
    token, before = await stage.second.token("ben"), await stage.everything()
    stage.second.stop()
    try:
        answer = await waiting.ask("GET", back)
        assert (answer.status_code, code_of(answer)) == (503, "BUSY")
        assert answer.headers["retry-after"] == "30"
        assert await stage.everything() == before
        assert await browser.viewer() is not None
        assert named(await by_token(stage, token)) == "Ben"
        provider = stage.app.state.gateway.providers[stage.second.issuer]
        provider.known_at = float("-inf")
        asked = httpx2.QueryParams({"issuer": stage.second.issuer})
        answer = await newcomer.ask("GET", f"/auth/sign-in?{asked}")
        assert (answer.status_code, code_of(answer)) == (503, "BUSY")
        assert (await browser.sign_in(stage.first, "ben")).status_code == 303
    finally:
        stage.second.start()
    provider.failed_at = float("-inf")
    assert (await newcomer.sign_in(stage.second, "ben")).status_code == 303
    assert await newcomer.viewer() == {"displayName": "Ben", "email": "ben@norvik.example"}


@pytest.mark.parametrize(
    ("client", "fixed"), [({"id_token_signed_response_alg": "HS256"}, "RS256"), ({}, "ES256")], ids=["HS256", "RS256"]
)
async def test_an_algorithm_that_is_not_the_fixed_one(
    database_urls: DatabaseURLs, tmp_path: Path, client: dict[str, str], fixed: str
) -> None:
    """ID tokens signed with the client's secret, or with another key than the deployment fixed, are nothing."""
    async with (
        open_stage(database_urls, tmp_path, first={"client": client}, algorithms=[fixed]) as stage,
        Browser(stage) as browser,
    ):
        before = await stage.everything()
        answer = await browser.sign_in(stage.first, "ada")
        assert (answer.status_code, code_of(answer)) == (400, "SIGN_IN_REFUSED")
        assert "__Host-accord" not in browser.cookies
        assert await stage.everything() == before


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
async def test_a_bearer_token_of_another_algorithm(stage: Stage, algorithm: str) -> None:
    """Signed with what a client knows, or not at all."""
    before = await stage.everything()
    _, body, signature = stage.first.forged("ben").split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": stage.first.key.kid}).encode())
    signed = header.rstrip(b"=") + b"." + body.encode()
    made = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest() if algorithm == "HS256" else b"x"
    token = signed + b"." + base64.urlsafe_b64encode(made).rstrip(b"=")
    assert (await by_token(stage, token.decode())).status_code == 401
    assert (await by_token(stage, f"{header.decode().rstrip('=')}.{body}.{signature}")).status_code == 401
    assert await stage.everything() == before
