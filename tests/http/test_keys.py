"""Keys of an issuer: found by discovery over HTTP, kept, asked for again seldom, and never taken from a token."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from accord.http.identity.issuers import Issuer
from accord.http.identity.keys import FetchedKeys, KeysUnavailable
from tests.http.listening import listening


class Provider:
    """An OpenID issuer on this machine, whose answers a test can change; `asked` counts fetches of its keys."""

    def __init__(self) -> None:
        self.keys = [named("one")]
        self.asked = 0
        self.name = ""
        self.answer: Response | None = None
        self.discovery: dict[str, Any] = {}
        routes = [Route("/.well-known/openid-configuration", self.configuration), Route("/keys", self.jwks)]
        self.app = Starlette(routes=routes)

    async def configuration(self, request: Request) -> Response:
        return JSONResponse({"issuer": self.name, "jwks_uri": f"{self.name}/keys", **self.discovery})

    async def jwks(self, request: Request) -> Response:
        self.asked += 1
        return self.answer or JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def named(kid: str) -> ECKey:
    key = ECKey.generate_key("P-256")
    return ECKey.import_key({**key.as_dict(private=True), "kid": kid, "use": "sig"})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with listening(made.app) as port:
        made.name = f"http://127.0.0.1:{port}"
        yield made


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as made:
        yield made


def keys_of(provider: Provider, client: httpx2.AsyncClient, **given: Any) -> tuple[FetchedKeys, Clock]:
    clock = Clock()
    return FetchedKeys(Issuer(provider.name, "accord", ("ES256",), **given), client, clock), clock


async def test_keys_are_kept_for_ten_minutes(provider: Provider, client: httpx2.AsyncClient) -> None:
    keys, clock = keys_of(provider, client)
    for _ in range(20):
        found = await keys.find("one")
        assert found is not None
        assert found.kid == "one"
    assert provider.asked == 1
    clock.now += 599
    await keys.find("one")
    assert provider.asked == 1
    clock.now += 2
    await keys.find("one")
    assert provider.asked == 2


async def test_a_hundred_at_once_ask_once(provider: Provider, client: httpx2.AsyncClient) -> None:
    keys, _ = keys_of(provider, client)
    found = await asyncio.gather(*(keys.find("one") for _ in range(100)))
    assert all(found)
    assert provider.asked == 1


async def test_a_new_key_is_found_and_unknown_ones_are_asked_for_seldom(
    provider: Provider, client: httpx2.AsyncClient
) -> None:
    keys, clock = keys_of(provider, client)
    await keys.find("one")
    clock.now += 31
    provider.keys.append(named("two"))
    assert await keys.find("two") is not None
    assert provider.asked == 2
    for number in range(200):
        assert await keys.find(f"made up {number}") is None
    assert provider.asked == 2
    clock.now += 31
    for number in range(200):
        assert await keys.find(f"made up {number}") is None
    assert provider.asked == 3
    assert len(keys.unknown) <= 1_000


async def test_a_withdrawn_key_is_gone_after_the_refresh(provider: Provider, client: httpx2.AsyncClient) -> None:
    keys, clock = keys_of(provider, client)
    assert await keys.find("one") is not None
    provider.keys = [named("two")]
    clock.now += 601
    assert await keys.find("one") is None


async def test_an_issuer_that_is_away_for_a_while(provider: Provider, client: httpx2.AsyncClient) -> None:
    keys, clock = keys_of(provider, client)
    await keys.find("one")
    provider.answer = Response(status_code=503)
    clock.now += 1_000
    assert await keys.find("one") is not None
    clock.now += 3_600
    with pytest.raises(KeysUnavailable):
        await keys.find("one")
    provider.answer = None
    clock.now += 31
    assert await keys.find("one") is not None


BAD: list[Response] = [
    Response(status_code=404),
    RedirectResponse("https://elsewhere.example/keys"),
    Response(b"not json"),
    Response(b"\xff"),
    JSONResponse([]),
    JSONResponse({}),
    JSONResponse({"keys": None}),
    JSONResponse({"keys": []}),
    JSONResponse({"keys": [1, "x", {}, {"kty": "EC"}]}),
    JSONResponse({"keys": [OctKey.generate_key(256).as_dict(private=True)]}),
    JSONResponse({"keys": [named("one").as_dict(private=True)]}),
    Response(b"[" * 5_000),
    Response(b" " * 600_000),
]


@pytest.mark.parametrize("number", range(len(BAD)))
async def test_answers_that_hold_no_key(provider: Provider, client: httpx2.AsyncClient, number: int) -> None:
    provider.answer = BAD[number]
    keys, _ = keys_of(provider, client)
    with pytest.raises(KeysUnavailable):
        await keys.find("one")


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "nonsense"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_discovery_that_misleads(
    provider: Provider, client: httpx2.AsyncClient, discovery: dict[str, Any]
) -> None:
    provider.discovery = discovery
    keys, _ = keys_of(provider, client)
    with pytest.raises(KeysUnavailable):
        await keys.find("one")
    assert provider.asked == 0


async def test_a_token_without_kid_needs_a_single_key(provider: Provider, client: httpx2.AsyncClient) -> None:
    keys, clock = keys_of(provider, client, jwks_uri=f"{provider.name}/keys")
    assert await keys.find(None) is not None
    provider.keys.append(named("two"))
    clock.now += 601
    assert await keys.find(None) is None


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS512")])
def test_an_issuer_signs_with_a_key_pair(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        Issuer("https://issuer.example", "accord", algorithms)
