"""API clients at the edge: keys as bearer tokens, `POST /oauth/token`, and everything that is neither."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from accord.app import Gateway, create_app
from accord.domain.callers.api_client import new_secret
from accord.http.failures import Failures
from accord.http.identity.client_tokens import ClientTokens
from accord.services.api_client import MadeClient, revoke_api_client
from accord.services.people.member import deactivate_member
from tests.http.gateway import settings_for
from tests.servers import DatabaseURLs
from tests.services.clients import make_client
from tests.services.scene import Scene, set_scene
from tests.world import Clock, open_world

WHO: Final = "{ viewer { apiClient { name } } }"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass
class Door:
    """A gateway over a scene, its client of Ada, and a way to knock."""

    scene: Scene
    gateway: Gateway
    http: httpx2.AsyncClient
    made: MadeClient

    @property
    def client_id(self) -> str:
        return f"apiclient_{self.made.id}"

    @property
    def clock(self) -> Clock:
        return self.scene.world.clock

    async def ask(self, bearer: str | bytes, document: str = WHO) -> httpx2.Response:
        scheme = b"Bearer " + (bearer.encode() if isinstance(bearer, str) else bearer)
        return await self.http.post("/graphql", json={"query": document}, headers={b"authorization": scheme})

    async def token(self, headers: dict[str, str] | None = None, **given: str) -> httpx2.Response:
        """The token endpoint's answer, with the client's own credentials unless others are given."""
        form = {"grant_type": "client_credentials"}
        if headers is None:
            form |= {"client_id": self.client_id, "client_secret": self.made.secret}
        return await self.http.post("/oauth/token", data=form | given, headers=headers)


@pytest.fixture(scope="module")
async def place(module_database_urls: DatabaseURLs, tmp_path_factory: Any) -> AsyncIterator[tuple[Any, Any]]:
    folder: Path = tmp_path_factory.mktemp("state")
    async with open_world(module_database_urls) as world:
        app = create_app(settings_for(module_database_urls, folder, guesses_per_minute=10_000))
        gateway: Gateway = app.state.gateway
        gateway.database.clock = gateway.clients.tokens.clock = world.clock
        yield world, app
        await gateway.pulse.close()
        await gateway.database.close()


@pytest.fixture
async def door(place: tuple[Any, Any]) -> AsyncIterator[Door]:
    world, app = place
    scene = await set_scene(world)
    made = await make_client(scene, "ada")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000") as http:
        yield Door(scene, app.state.gateway, http, made)


def shown(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["viewer"]["apiClient"]


def basic(name: str, secret: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}


async def test_a_key_signs_the_client_in(door: Door) -> None:
    assert shown(await door.ask(door.made.secret)) == {"name": "Sync of ada"}


async def test_client_credentials_give_a_token(door: Door) -> None:
    for answer in (await door.token(), await door.token(basic(door.client_id, door.made.secret))):
        assert answer.status_code == 200, answer.text
        given = answer.json()
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 900)
        assert "partnership:read" in given["scope"].split()
        assert answer.headers["cache-control"] == "no-store"
        assert shown(await door.ask(given["access_token"])) == {"name": "Sync of ada"}


async def test_a_token_is_signed_by_the_published_key(door: Door) -> None:
    token = (await door.token()).json()["access_token"]
    (public,) = (await door.http.get("/.well-known/jwks.json")).json()["keys"]
    told = jws.deserialize_compact(token, ECKey.import_key(public), ["ES256"])
    assert told.headers()["typ"] == "at+jwt"
    assert door.made.secret not in token


async def test_a_token_lives_a_quarter_of_an_hour(door: Door) -> None:
    token = (await door.token()).json()["access_token"]
    door.clock.advance(minutes=14, seconds=59)
    assert shown(await door.ask(token))
    door.clock.advance(seconds=1)
    assert (await door.ask(token)).status_code == 401
    assert shown(await door.ask(door.made.secret)), "the key lives on"


async def test_asking_for_less_gives_less(door: Door) -> None:
    given = (await door.token(scope="partnership:read access:freeze")).json()
    reads = {"partnership:read", "partnership:read_terms", "partnership:read_reason", "partnership:read_hidden"}
    assert set(given["scope"].split()) == reads | {"access:freeze"}
    narrow = await make_client(door.scene, "ada", "user:read")
    for scope in ("access:freeze", "user:read access:freeze", "partnership:approve", "nonsense", "  "):
        answer = await door.token(client_id=f"apiclient_{narrow.id}", client_secret=narrow.secret, scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), scope


REVOKED: Final = {"www-authenticate": 'Bearer realm="accord", error="invalid_token"'}


async def test_revoked_is_dead_by_key_and_by_token(door: Door) -> None:
    token = (await door.token()).json()["access_token"]
    await door.scene.act("arne", revoke_api_client, api_client_id=door.made.id)
    for bearer in (token, door.made.secret):
        answer = await door.ask(bearer)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == REVOKED["www-authenticate"]
    assert (await door.token()).json()["error"] == "invalid_client"


async def test_over_by_time_is_dead_by_key_and_by_token(door: Door) -> None:
    short = await make_client(door.scene, "ada", days=1)
    door.clock.advance(hours=23, minutes=55)
    given: Any = {"client_id": f"apiclient_{short.id}", "client_secret": short.secret}
    token = (await door.token(**given)).json()["access_token"]
    assert shown(await door.ask(token))
    door.clock.advance(minutes=5)
    for bearer in (token, short.secret):
        assert (await door.ask(bearer)).status_code == 401, "also a token that would live on"
    assert (await door.token(**given)).status_code == 401


async def test_with_its_owner_it_is_gone(door: Door) -> None:
    made = await make_client(door.scene, "arne")
    token = door.gateway.clients.tokens.sign(made.id, ["user:read"])
    assert shown(await door.ask(token))
    await door.scene.act("ada", deactivate_member, membership_id=door.scene["arne"].membership_id)
    for bearer in (token, made.secret):
        assert (await door.ask(bearer)).status_code == 401


def bad_keys(made: MadeClient) -> dict[str, str]:
    """Secrets that look right and are not."""
    name, secret = made.secret.removeprefix("accord_").split("_")
    return {
        "of nobody": new_secret(uuid4()),
        "of this client, made up": new_secret(made.id),
        "one digit off": made.secret[:-1] + ("0" if made.secret[-1] != "0" else "1"),
        "upper case": f"accord_{name}_{secret.upper()}",
        "cut": made.secret[:-1],
        "longer": f"{made.secret}0",
        "prefix alone": "accord_",
        "no secret": f"accord_{name}_",
        "with a blank": f"accord_{name}_{secret[:-1]} ",
        "of another form": f"accord_{made.id}_{secret}",
        "not hexadecimal": f"accord_{name}_{'g' * 64}",
        "full-width digits": f"accord_{name}_{chr(0xFF10) * 64}",
        "very long": "accord_" + "0" * 7000,
    }


async def test_keys_that_are_none(door: Door) -> None:
    for kind, bearer in bad_keys(door.made).items():
        answer = await door.ask(bearer.encode())
        assert answer.status_code == 401, kind
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}, kind


def bad_tokens(door: Door) -> dict[str, str]:
    tokens = door.gateway.clients.tokens
    good = tokens.sign(door.made.id, ["user:read"])
    head, body, signature = good.split(".")
    other = ECKey.generate_key("P-256", {"kid": str(tokens.key.kid)})
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    end = door.clock.now + timedelta(minutes=1)
    ids = {"account_id": "account_x", "person_id": "user_x", "home_organisation_id": "organisation_x"}
    ticket = door.gateway.tickets.sign(**ids, audience=tokens.issuer, jti=f"ticket_{uuid4()}", expires_at=end)
    return {
        "a ticket for this gateway": ticket,
        "another key": ClientTokens(other, tokens.issuer, tokens.clock).sign(door.made.id, []),
        "another issuer": ClientTokens(tokens.key, "https://x.example", tokens.clock).sign(door.made.id, []),
        "a client that is not": tokens.sign(uuid4(), ["user:read"]),
        "no signature": f"{head}.{body}.",
        "a changed one": f"{head}.{body}.{'A' * len(signature)}",
        "another head": f"{ticket.split('.')[0]}.{body}.{signature}",
        "alg none": f"{unsigned}.{body}.x",
    }


async def test_tokens_that_are_none(door: Door) -> None:
    for kind, bearer in bad_tokens(door).items():
        answer = await door.ask(bearer)
        assert answer.status_code == 401, kind
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}, kind


async def test_a_token_is_no_ticket(door: Door) -> None:
    token = (await door.token()).json()["access_token"]
    answer = await door.http.post("/tickets/redeem", json={"ticket": token})
    assert answer.json()["errors"][0]["extensions"]["code"] == "TICKET_NOT_REDEEMABLE"


def with_body(**given: str) -> dict[str, Any]:
    return {"data": {"grant_type": "client_credentials", **given}}


async def test_what_the_token_endpoint_refuses(door: Door) -> None:
    """Each with the code of RFC 6749, 5.2."""
    own = {"client_id": door.client_id, "client_secret": door.made.secret}
    other = await make_client(door.scene, "ada")
    known = basic(door.client_id, door.made.secret)
    odd = {"authorization": "Basic %%%"}
    tries: dict[str, tuple[dict[str, Any], str, int]] = {
        "no credentials": (with_body(), "invalid_client", 401),
        "no secret": (with_body(client_id=door.client_id), "invalid_client", 401),
        "wrong secret": (with_body(**own | {"client_secret": new_secret(door.made.id)}), "invalid_client", 401),
        "another's secret": (with_body(**own | {"client_secret": other.secret}), "invalid_client", 401),
        "nobody": (with_body(**own | {"client_id": f"apiclient_{uuid4()}"}), "invalid_client", 401),
        "an ID of another kind": (with_body(**own | {"client_id": f"user_{door.made.id}"}), "invalid_client", 401),
        "wrong by Basic": (with_body() | {"headers": basic(door.client_id, other.secret)}, "invalid_client", 401),
        "odd Basic": (with_body() | {"headers": odd}, "invalid_client", 401),
        "Bearer": (with_body() | {"headers": {"authorization": "Bearer x"}}, "invalid_client", 401),
        "two IDs": (with_body(client_id=f"apiclient_{other.id}") | {"headers": known}, "invalid_client", 401),
        "both ways": (with_body(**own) | {"headers": known}, "invalid_request", 400),
        "no grant": ({"data": own}, "invalid_request", 400),
        "another grant": ({"data": own | {"grant_type": "password"}}, "unsupported_grant_type", 400),
        "twice": ({"content": "grant_type=a&grant_type=b", "headers": {"content-type": FORM}}, "invalid_request", 400),
        "JSON": ({"json": own}, "invalid_request", 400),
        "not a form": ({"content": b"\xff", "headers": {"content-type": FORM}}, "invalid_request", 400),
        "many": ({"content": "a=b&" * 50, "headers": {"content-type": FORM}}, "invalid_request", 400),
    }
    for kind, (request, code, status) in tries.items():
        answer = await door.http.post("/oauth/token", **request)
        assert (answer.status_code, answer.json().get("error")) == (status, code), (kind, answer.text)
        assert answer.json().keys() == {"error", "error_description"}, kind
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert "access_token" not in answer.text


async def test_the_token_endpoint_takes_posts_alone(door: Door) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert (await door.http.request(method, "/oauth/token")).status_code == 405


async def test_guesses_are_limited(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were wrong, at each endpoint by themselves; the right key is stopped by none of them."""
    await door.scene.world.owner.execute("DELETE FROM accord.allowances")
    monkeypatch.setattr(door.gateway.clients, "failures", Failures(door.gateway.database, 5))
    for _ in range(5):
        assert (await door.ask(new_secret(door.made.id))).status_code == 401
    answer = await door.ask(new_secret(door.made.id))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert (await door.token(client_secret=new_secret(door.made.id))).status_code == 401
    assert (await door.token()).status_code == 200
    assert shown(await door.ask(door.made.secret))


async def test_the_last_use_is_kept_to_the_minute(door: Door) -> None:
    async def last() -> Any:
        return (await door.scene.row("api_clients", door.made.id))["last_used_at"]

    assert await last() is None
    await door.ask(new_secret(door.made.id))
    assert await last() is None, "a wrong secret is no use"
    first = door.clock.now
    await asyncio.gather(*(door.ask(door.made.secret) for _ in range(5)))
    assert await last() == first
    door.clock.advance(seconds=59)
    await door.ask(door.made.secret)
    assert await last() == first
    door.clock.advance(seconds=1)
    await door.ask((await door.token()).json()["access_token"])
    assert await last() == door.clock.now
    row = await door.scene.row("api_clients", door.made.id)
    assert row["version"] == 1, "being used changes nothing that somebody reads"


async def test_a_client_is_no_sign_in_of_its_owner(door: Door) -> None:
    before = await door.scene.state_of_things()
    assert shown(await door.ask(door.made.secret))
    after = await door.scene.state_of_things()
    assert {name for name in before if before[name] != after[name]} == {"api_clients"}
