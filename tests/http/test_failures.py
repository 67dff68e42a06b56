"""Wrong credentials of strangers: counted by failure and endpoint, and in nobody's way who has a right one."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
import pytest
from starlette.requests import HTTPConnection

from accord.app import Gateway, create_app
from accord.database.engine import Database
from accord.domain.callers.api_client import new_secret
from accord.domain.callers.scim import new_credential
from accord.domain.organisation import new_token
from accord.http.failures import CHECKED, OF_ADDRESS, TURNS, Failures, Presented, address_of
from accord.http.identity.cookies import SESSION
from accord.http.responses import HttpError
from accord.services.api_client import MadeClient, revoke_api_client
from accord.services.people.browser import begin_session
from accord.services.people.scim_credential import create_scim_credential, revoke_scim_credential
from tests.http.gateway import settings_for
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.services.clients import make_client
from tests.services.scene import Scene, set_scene
from tests.world import World, open_world

PROXY: Final = "192.0.2.10"
LIMIT: Final = 30
OTHERS: Final = count(test=200, check=1_000)


@dataclass(frozen=True, slots=True)
class Door:
    """A gateway, and everybody behind one proxy that knocks at it."""

    scene: Scene
    gateway: Gateway
    http: httpx2.AsyncClient
    made: MadeClient
    directory: str

    async def by_secret(self, secret: str) -> httpx2.Response:
        head = {"authorization": f"Bearer {secret}"}
        return await self.http.post("/graphql", json={"query": "{ __typename }"}, headers=head)

    async def by_form(self, client_id: UUID, secret: str) -> httpx2.Response:
        given = {"client_id": f"apiclient_{client_id}", "client_secret": secret, "grant_type": "client_credentials"}
        return await self.http.post("/oauth/token", data=given)

    async def by_ticket(self, ticket: str) -> httpx2.Response:
        return await self.http.post("/tickets/redeem", json={"ticket": ticket})

    async def by_directory(self, token: str) -> httpx2.Response:
        return await self.http.get("/scim/v2/Users", headers={"authorization": f"Bearer {token}"})

    async def by_cookie(self, secret: str) -> httpx2.Response:
        head = {"cookie": f"{SESSION}={secret}", "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
        return await self.http.post("/graphql", json={"query": "{ __typename }"}, headers=head)

    def signed(self) -> str:
        """A ticket of ours that stands for nothing."""
        ends = datetime.now(UTC) + timedelta(minutes=1)
        given = {"account_id": "account_x", "person_id": "user_x", "home_organisation_id": "organisation_x"}
        return self.gateway.tickets.sign(
            **given, audience="https://a.example", jti=f"ticket_{uuid4()}", expires_at=ends
        )

    async def keys(self) -> set[str]:
        rows = await self.scene.world.owner.fetch("SELECT key FROM accord.allowances WHERE key LIKE 'failures %'")
        return {row["key"] for row in rows}


@asynccontextmanager
async def opened(world: World, folder: Path, **given: Any) -> AsyncIterator[Door]:
    scene = await set_scene(world)
    made = await make_client(scene, "ada")
    ends = world.clock.now + timedelta(days=30)
    credential = await scene.act("ada", create_scim_credential, label="Directory", expires_at=ends)
    await world.owner.execute("TRUNCATE accord.allowances")
    app = create_app(settings_for(world.urls, folder, **given))
    gateway: Gateway = app.state.gateway
    gateway.database.clock = gateway.clients.tokens.clock = world.clock
    gateway.failures.clock = gateway.rates.clock = lambda: 1_000.0
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, client=(PROXY, 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=60) as http:
            yield Door(scene, gateway, http, made, credential.token)


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        yield made


@pytest.fixture
async def door(world: World, tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(world, tmp_path) as door:
        yield door


def statuses(answers: list[httpx2.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def attack(door: Door, times: int) -> dict[str, Counter[int]]:
    """Everything that can be wrong, so many times each, from behind the proxy."""
    ways: dict[str, Callable[[], Awaitable[httpx2.Response]]] = {
        "secret": lambda: door.by_secret(new_secret(uuid4())),
        "form": lambda: door.by_form(door.made.id, new_secret(door.made.id)),
        "ticket": lambda: door.by_ticket("made up"),
        "directory": lambda: door.by_directory(new_credential()),
        "callback": lambda: door.http.get("/auth/callback?state=made-up"),
    }
    return {name: statuses([await way() for _ in range(times)]) for name, way in ways.items()}


async def test_wrong_credentials_lock_nobody_out_behind_the_same_proxy(door: Door) -> None:
    """The fault: 31 made-up secrets, and tickets, tokens and sign-ins of everybody behind the proxy were refused."""
    found = await attack(door, LIMIT + 5)
    for name, wrong in (("form", 401), ("ticket", 400), ("directory", 401), ("callback", 400)):
        assert found[name] == {wrong: LIMIT, 429: 5}, name
    assert found["secret"] == {401: LIMIT + 5}, "each names another client: the limit of the address is wider"
    assert (await door.by_secret(door.made.secret)).status_code == 200
    assert (await door.by_form(door.made.id, door.made.secret)).status_code == 200
    assert (await door.by_directory(door.directory)).status_code == 200
    assert (await door.by_ticket(door.signed())).json()["errors"][0]["extensions"]["code"] == "TICKET_NOT_REDEEMABLE"
    assert (await door.http.get("/auth/sign-in?issuer=none")).status_code == 404


async def test_the_limit_of_an_address_holds_whatever_is_named(door: Door) -> None:
    answers = statuses([await door.by_secret(new_secret(uuid4())) for _ in range(LIMIT * OF_ADDRESS + 5)])
    assert answers == {401: LIMIT * OF_ADDRESS, 429: 5}
    rows = len(await door.keys())
    assert (await door.by_secret(new_secret(uuid4()))).status_code == 429
    assert len(await door.keys()) == rows, "beyond the limit nothing is written"
    assert (await door.by_secret(door.made.secret)).status_code == 200


async def test_good_uses_are_no_failures(door: Door) -> None:
    """They cost a point of whoever owns the client."""
    for _ in range(LIMIT + 5):
        assert (await door.by_form(door.made.id, door.made.secret)).status_code == 200
        assert (await door.by_directory(door.directory)).status_code == 200
    assert await door.keys() == set()
    await door.gateway.rates.close()
    spent = await door.scene.world.owner.fetchval(
        "SELECT hour FROM accord.allowances WHERE key = $1", f"person {door.scene['ada'].id}"
    )
    assert spent == LIMIT + 5


async def test_what_we_signed_or_gave_out_is_no_guess(door: Door) -> None:
    """A ticket that we signed, a client and a directory that are revoked: wrong each time, and never counted."""
    ada = door.scene["ada"]
    told = (await door.by_form(door.made.id, door.made.secret)).json()["access_token"]
    await door.scene.act("ada", revoke_api_client, api_client_id=door.made.id)
    key = await door.scene.world.owner.fetchval(
        "SELECT id FROM accord.scim_credentials WHERE organisation_id = $1", ada.organisation.id
    )
    await door.scene.act("ada", revoke_scim_credential, scim_credential_id=key)
    for _ in range(LIMIT + 5):
        assert (await door.by_ticket(door.signed())).status_code == 400
        assert (await door.by_secret(door.made.secret)).status_code == 401
        assert (await door.by_secret(told)).status_code == 401
        assert (await door.by_form(door.made.id, door.made.secret)).status_code == 401
        assert (await door.by_directory(door.directory)).status_code == 401
    assert await door.keys() == set()


async def test_a_cookie_that_was_never_ours_is_a_failure(door: Door) -> None:
    """One of a session that is over is none."""
    identity = door.scene["ada"].identity
    ours = await door.scene.world.database.write(identity, None, begin_session)
    await door.scene.world.owner.execute("UPDATE accord.browser_sessions SET ended_at = started_at")
    assert statuses([await door.by_cookie(ours) for _ in range(LIMIT + 5)]) == {401: LIMIT + 5}
    assert await door.keys() == set()
    assert statuses([await door.by_cookie(new_token()) for _ in range(LIMIT + 5)]) == {401: LIMIT, 429: 5}
    assert (await door.by_cookie(ours)).status_code == 401


async def test_a_failure_counts_where_it_was_and_for_what_it_named(door: Door) -> None:
    named = door.made.id.hex
    await door.by_secret(new_secret(door.made.id))
    await door.by_form(door.made.id, new_secret(door.made.id))
    await door.by_secret("accord_nothing")
    assert await door.keys() == {
        f"failures bearer {PROXY}",
        f"failures bearer {PROXY} {named}",
        f"failures bearer {PROXY} ",
        f"failures /oauth/token {PROXY}",
        f"failures /oauth/token {PROXY} {named}",
    }


@pytest.mark.alone
async def test_others_are_as_quick_while_somebody_guesses(world: World, tmp_path: Path) -> None:
    """Others, behind the same proxy: none is refused, and half of them wait at most twice as long."""
    async with opened(world, tmp_path, points_per_minute=10**6, points_per_hour=10**6) as door:

        async def asked(times: int) -> tuple[list[httpx2.Response], float]:
            answers, took = [], []
            for _ in range(times):
                begun = time.perf_counter()
                answers.append(await door.by_secret(door.made.secret))
                took.append(time.perf_counter() - begun)
            return answers, statistics.median(took)

        await asked(20)
        _, alone = await asked(OTHERS // 2)
        ended = asyncio.Event()
        guessed = Counter[int]()

        async def guessing() -> None:
            while not ended.is_set():
                guessed[(await door.by_form(uuid4(), new_secret(uuid4()))).status_code] += 1
                await asyncio.sleep(0)

        guesser = asyncio.create_task(guessing())
        answers, beside = await asked(OTHERS)
        ended.set()
        await guesser
    assert statuses(answers) == {200: OTHERS}
    assert guessed[429] > 0
    assert set(guessed) <= {401, 429}
    assert beside <= 2 * alone, (beside, alone)


class Wrong(Exception):
    """What a check of a test raises."""


@pytest.fixture
async def failures(module_database_urls: DatabaseURLs) -> AsyncIterator[Failures]:
    database = Database(module_database_urls.gateway)
    yield Failures(database, 3, clock=lambda: 1_000.0)
    await database.close()


async def wrong() -> None:
    raise Wrong


async def test_beyond_the_limit_checks_take_turns(failures: Failures) -> None:
    """So that strangers hold few connections; within it nobody waits for anybody."""
    shown, running, most = Presented("bearer", str(uuid4())), 0, 0

    async def check() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        raise Wrong

    for expected, times in ((5, 5), (TURNS, 20)):
        most = 0
        await asyncio.gather(*(failures.checked(shown, check, Wrong) for _ in range(times)), return_exceptions=True)
        assert most == expected


async def test_a_flood_of_wrong_ones_waits_for_no_turn(failures: Failures) -> None:
    """Those that may wait are few; another address and what was right lately are in nobody's queue."""
    shown, known = Presented("bearer", str(uuid4())), Presented("bearer", str(uuid4()), digest="known")
    at_work, go = 0, asyncio.Event()

    async def right() -> str:
        return "in"

    async def slow() -> None:
        nonlocal at_work
        at_work += 1
        await go.wait()
        raise Wrong

    known = replace(known, address=shown.address)
    assert await failures.checked(known, right, Wrong) == "in"
    await asyncio.gather(*(failures.checked(shown, wrong, Wrong) for _ in range(20)), return_exceptions=True)
    flood = [asyncio.create_task(failures.checked(shown, slow, Wrong)) for _ in range(200)]
    refused, _ = await asyncio.wait(flood, timeout=1.0)
    assert {getattr(one.exception(), "status", None) for one in refused} == {429}
    assert (at_work, len(flood) - len(refused)) == (TURNS, CHECKED // 2)
    assert await failures.checked(known, right, Wrong) == "in"
    assert await failures.checked(Presented("bearer", str(uuid4())), right, Wrong) == "in"
    go.set()
    await asyncio.wait(flood)
    assert failures.checking.running.total() == 0


async def test_when_to_come_again_is_told(failures: Failures) -> None:
    shown = Presented("bearer", str(uuid4()), "client")
    for _ in range(3):
        with pytest.raises(Wrong):
            await failures.checked(shown, wrong, Wrong)
    for _ in range(2):
        with pytest.raises(HttpError) as refused:
            await failures.checked(shown, wrong, Wrong)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "20")
    with pytest.raises(Wrong):
        await failures.checked(Presented(shown.endpoint, shown.address, "another"), wrong, Wrong)
    failures.clock = lambda: 1_020.0
    with pytest.raises(Wrong):
        await failures.checked(shown, wrong, Wrong)


async def test_without_the_database_a_failure_is_busy_and_a_success_is_none(database_urls: DatabaseURLs) -> None:
    database = Database(database_urls.gateway.replace(f"/{database_urls.name}", "/nowhere"))
    failures = Failures(database)

    async def right() -> str:
        return "in"

    assert await failures.checked(Presented("bearer", PROXY), right, Wrong) == "in"
    with pytest.raises(HttpError) as refused:
        await failures.checked(Presented("bearer", PROXY), wrong, Wrong)
    assert refused.value.code == "BUSY"
    await database.close()


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::1%eth0", "2001:db8:0:1::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_that_of_its_network(host: str, counted: str) -> None:
    """A household has 2^64 addresses of IPv6."""
    scope: dict[str, Any] = {"type": "http", "headers": [], "client": (host, 1) if host else None}
    assert address_of(HTTPConnection(scope)) == counted
