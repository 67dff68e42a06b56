"""The whole gateway over a real database: what it refuses to serve, and what its answers carry."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from accord.app import Gateway, UnsafeDatabase, create_app
from accord.database.pulse import Vitals
from accord.http.health import HealthRoutes
from accord.http.identity.development import STAFF, DevelopmentIssuer
from accord.settings import Settings
from tests.http.gateway import settings_for
from tests.servers import DatabaseURLs

VIEWER = {"query": "{ viewer { user { displayName } } }"}
CLOSED_PORT = "postgresql://accord_gateway:canary-5d1e@127.0.0.1:{}/accord"


@asynccontextmanager
async def running(app: Starlette, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
            yield client


def bearer(settings: Settings, email: str = "nobody@nowhere.example") -> dict[str, str]:
    assert settings.state is not None
    return {"authorization": f"Bearer {DevelopmentIssuer(settings.public_url, settings.state).token(email)}"}


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["owner", "superuser"])
async def test_a_role_that_the_walls_do_not_hold(database_urls: DatabaseURLs, tmp_path: Path, role: str) -> None:
    unsafe = replace(database_urls, gateway=getattr(database_urls, role))
    with pytest.raises(UnsafeDatabase, match="owns tables"):
        async with running(create_app(settings_for(unsafe, tmp_path))):
            pass


async def test_commits_that_are_forgotten(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    name = database_urls.name
    await execute(database_urls.superuser, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with pytest.raises(UnsafeDatabase, match="synchronous_commit"):
        async with running(create_app(settings_for(database_urls, tmp_path))):
            pass


async def test_a_table_without_its_wall(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    await execute(database_urls.owner, "ALTER TABLE accord.shares DISABLE ROW LEVEL SECURITY")
    with pytest.raises(UnsafeDatabase, match="row-level security"):
        async with running(create_app(settings_for(database_urls, tmp_path))):
            pass


async def test_ready_and_not_ready(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with running(create_app(settings_for(database_urls, tmp_path))) as http:
        assert (await http.get("/live")).json() == {"status": "live"}
        ready = (await http.get("/ready")).json()
        assert (ready["status"], ready["parts"]["database"]) == ("ready", {"status": "ok"})
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = CLOSED_PORT.format(unused.getsockname()[1])
        settings = settings_for(database_urls, tmp_path).model_copy(update={"database_url": SecretStr(url)})
        gateway = Gateway(settings)
        transport = httpx2.ASGITransport(Starlette(routes=gateway.routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
            answer = await http.get("/ready")
        await gateway.client.aclose()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    refused = {"status": "unreachable", "reason": "ConnectionRefusedError"}
    assert answer.json() == {"status": "unavailable", "parts": {"database": refused}}


async def test_one_probe_answers_all_who_ask() -> None:
    probes, go = 0, asyncio.Event()

    async def probe() -> Vitals:
        nonlocal probes
        probes += 1
        await go.wait()
        return Vitals("2", None, None, 0.0)

    health = HealthRoutes(probe, ("1", "2"))
    asking = [asyncio.create_task(health.look()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()
    go.set()
    answers = await asyncio.gather(*asking[1:])
    assert ({parts["schema"]["status"] for parts in answers}, probes) == ({"ok"}, 1)
    assert (await health.look())["database"] == {"status": "ok"}
    health.until = 0.0
    await health.look()
    assert probes == 2


async def test_somebody_unknown_is_nobody(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path)
    async with running(create_app(settings), **bearer(settings)) as http:
        answer = await http.post("/graphql", json=VIEWER)
        terms = await http.post("/graphql", json={"query": "{ supportContact { name } currentTerms { id } }"})
    assert answer.status_code == 200
    assert (answer.json().get("data") or {}).get("viewer") is None
    assert terms.json()["data"]["currentTerms"] is None


async def test_staff_is_who_the_settings_name(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    query = {"query": "{ organisations { totalCount } }"}
    settings = settings_for(database_urls, tmp_path)
    async with running(create_app(settings)) as http:
        allowed = await http.post("/graphql", json=query, headers=bearer(settings, STAFF))
        denied = await http.post("/graphql", json=query, headers=bearer(settings))
    assert allowed.json()["data"] == {"organisations": {"totalCount": 0}}
    assert denied.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    named = settings_for(database_urls, tmp_path, operators=f"{settings.public_url}/dev/issuer someone@accord.example")
    async with running(create_app(named)) as http:
        former = await http.post("/graphql", json=query, headers=bearer(settings, STAFF))
    assert former.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_connections_that_the_server_closed_are_replaced(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path)
    query = {"query": "{ supportContact { name } }"}
    end = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database_urls.name}' AND usename = "
    )
    async with running(create_app(settings), **bearer(settings)) as http:
        await asyncio.gather(*(http.post("/graphql", json=query) for _ in range(8)))
        await execute(database_urls.superuser, end + "'accord_gateway'")
        await asyncio.sleep(0.2)
        answers = [await http.post("/graphql", json=query) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}


async def test_a_pool_without_room_says_busy(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path, pool_size=1, pool_wait=0.2)
    gateway = Gateway(settings)
    app = create_app(settings)
    gateway.places.close()
    async with running(app, **bearer(settings)) as http:
        await http.post("/graphql", json=VIEWER)
        endpoint = next(route.app for route in app.routes if getattr(route, "path", "") == "/graphql")  # type: ignore[attr-defined]
        context: Any = endpoint.context(await endpoint.authenticator.identify(request_of(settings)))
        async with context.database.engine.connect():
            answer = await http.post("/graphql", json=VIEWER)
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["extensions"]["code"] == "BUSY"
    assert "data" not in answer.json()
    await gateway.client.aclose()


def request_of(settings: Settings) -> Any:
    """A request that carries a token, for asking who sends it."""
    name, value = next(iter(bearer(settings).items()))
    headers = [(name.encode(), value.encode())]
    return HTTPConnection({"type": "http", "headers": headers, "client": ("127.0.0.1", 1)})


async def test_no_origin_is_allowed_unless_named(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    ask = {"origin": "https://app.example", "access-control-request-method": "POST"}
    asked_headers = ask | {"access-control-request-headers": "authorization, content-type"}
    settings = settings_for(database_urls, tmp_path)
    async with running(create_app(settings)) as http:
        answer = await http.options("/graphql", headers=asked_headers)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.status_code == 405
    named = settings.model_copy(update={"cors_origins": ("https://app.example",)})
    async with running(create_app(named), **bearer(settings)) as http:
        answer = await http.options("/graphql", headers=asked_headers)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
        strange = await http.options("/graphql", headers=asked_headers | {"origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in strange.headers
        answer = await http.post("/graphql", json=VIEWER, headers={"origin": "https://app.example"})
        assert "x-request-id" in answer.headers["access-control-expose-headers"]


async def test_headers_of_every_answer(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path)
    async with running(create_app(settings)) as http:
        for path in ("/", "/live", "/graphql", "/nowhere", "/assets/none.js", "/exports/activity.csv"):
            answer = await http.get(path, headers={"x-request-id": "mine-12345678"})
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-request-id"] == "mine-12345678"
        bad = await http.get("/live", headers={"x-request-id": "no spaces\tplease"})
        assert len(bad.headers["x-request-id"]) == 32


async def test_the_development_issuer_answers_this_machine_alone(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path)
    app = create_app(settings)
    given = {"email": "ada@harbour.example"}
    async with running(app) as http:
        issued = await http.post("/dev/token", json=given)
        assert issued.status_code == 200
        token = issued.json()["token"]
        answer = await http.post("/graphql", json=VIEWER, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        for headers in ({"host": "elsewhere.example"}, {"host": "127.0.0.1.elsewhere.example:8000"}, {"host": ""}):
            assert (await http.post("/dev/token", json=given, headers=headers)).status_code == 403
            assert (await http.get("/dev/people", headers=headers)).status_code == 403
        cross = await http.post("/dev/token", json=given, headers={"origin": "https://elsewhere.example"})
        assert cross.status_code == 403
        form = await http.post("/dev/token", content=json.dumps(given), headers={"content-type": "text/plain"})
        assert form.status_code == 415
        for bad in ({}, {"email": 1}, {"email": "x"}, {"email": "a@b\n.example"}, {"email": "a@b", "name": 1}):
            assert (await http.post("/dev/token", json=bad)).status_code == 400
        people = (await http.get("/dev/people")).json()
        assert [(person["email"], person["roles"]) for person in people] == [(STAFF, ["OPERATOR"])]
        name = (await http.get("/dev/issuer/.well-known/openid-configuration")).json()["issuer"]
        assert name == DevelopmentIssuer(settings.public_url, tmp_path).name
        keys = (await http.get("/dev/issuer/jwks.json")).json()["keys"]
        assert keys[0].keys() & {"d"} == set()
    transport = httpx2.ASGITransport(app, client=("203.0.113.9", 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        assert (await http.post("/dev/token", json=given)).status_code == 403


async def test_production_has_no_development_issuer(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(
        database_urls,
        tmp_path,
        environment="production",
        public_url="https://accord.example",
        issuers=[{"issuer": "https://issuer.example", "audience": "accord"}],
    )
    development = bearer(settings_for(database_urls, tmp_path))
    async with running(create_app(settings)) as http:
        for path in ("/dev/people", "/dev/issuer/jwks.json", "/graphiql", "/"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/dev/token", json={"email": "a@b.example"})).status_code == 404
        answer = await http.post("/graphql", json=VIEWER, headers=development)
        assert answer.status_code == 401
        assert "max-age" in answer.headers["strict-transport-security"]


BAD_TICKETS: list[Any] = [None, "", "x", "a.b.c", 1, [], {}, "é", "x" * 5000]


async def test_every_ticket_that_is_none_gets_one_answer(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path)
    signer = Gateway(settings).tickets
    unknown = signer.sign(
        account_id="account_x",
        person_id="user_x",
        home_organisation_id="organisation_x",
        audience="https://app.example",
        jti="00000000-0000-7000-8000-000000000000",
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
    )
    foreign = DevelopmentIssuer(settings.public_url, tmp_path).token("ada@harbour.example")
    async with running(create_app(settings)) as http:
        answers = [await http.post("/tickets/redeem", json={"ticket": t}) for t in (*BAD_TICKETS, unknown, foreign)]
        keys = (await http.get("/.well-known/jwks.json")).json()["keys"]
    said = {(answer.status_code, json.dumps(answer.json()["errors"])) for answer in answers}
    assert len(said) == 1
    assert said.pop()[0] == 400
    assert [key["kty"] for key in keys] == ["EC"]
    assert "d" not in keys[0]


MISSING = "organisation_00000000-0000-7000-8000-000000000000"
BAD_EXPORTS: list[tuple[dict[str, str], int]] = [
    ({}, 400),
    ({"organisationId": "x"}, 404),
    ({"organisationId": "partnership_00000000-0000-7000-8000-000000000000"}, 404),
    ({"organisationId": MISSING}, 403),
    ({"organisationId": MISSING, "from": "yesterday"}, 400),
    ({"organisationId": MISSING, "types": "nonsense"}, 400),
    ({"organisationId": MISSING, "outcome": "MAYBE"}, 400),
    ({"organisationId": MISSING, "app": "a\x00b"}, 400),
    ({"organisationId": MISSING, "userId": "x"}, 404),
    ({"organisationId": MISSING, "limit": "1"}, 400),
    ({"organisationId": MISSING, "from": "2026-11-28T00:00:00"}, 400),
    ({"organisationId": MISSING, "to": "2026-11-28"}, 400),
    ({"organisationId": MISSING, "from": "20261128T000000Z"}, 400),
]


@pytest.mark.parametrize(("query", "status"), BAD_EXPORTS)
async def test_exports_that_are_refused(
    module_database_urls: DatabaseURLs, tmp_path: Path, query: dict[str, str], status: int
) -> None:
    settings = settings_for(module_database_urls, tmp_path)
    async with running(create_app(settings), **bearer(settings)) as http:
        answer = await http.get("/exports/activity.csv", params=query)
        assert answer.status_code == status, answer.text
        assert answer.json()["errors"][0]["extensions"]["code"]
        stranger = await http.get("/exports/activity.csv", params=query, headers={"authorization": "x"})
        assert stranger.status_code == 401


async def test_files_and_tickets_are_not_for_the_asking(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """An export costs points; a ticket is guessed so many times a minute from one address, whatever it says."""
    settings = settings_for(database_urls, tmp_path, points_per_minute=100, guesses_per_minute=3)
    async with running(create_app(settings)) as http:
        head = bearer(settings)
        answers = [(await http.get("/exports/activity.csv", headers=head)).status_code for _ in range(3)]
        assert answers == [400, 400, 429]
        assert (
            await http.get("/exports/activity.csv", headers=bearer(settings, "b@nowhere.example"))
        ).status_code == 400
        tries = [await http.post("/tickets/redeem", json={"ticket": "x"}) for _ in range(4)]
        assert [answer.status_code for answer in tries] == [400, 400, 400, 429]
        assert tries[3].headers["retry-after"] == "20"
