"""What proxies say of callers: in development they are refused, elsewhere believed where they are named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from accord.app import create_app
from accord.http.edge import edge
from tests.http.gateway import settings_for
from tests.http.listening import listening
from tests.servers import DatabaseURLs

PROXY: Final = "198.51.100.7"
SIGNS: Final = (
    "Forwarded: for=203.0.113.9",
    "X-Forwarded-For: 203.0.113.9",
    "x-forwarded-proto: https",
    "X-Forwarded-Host: accord.example",
    "X-Forwarded-Server: web1",
    "X-FORWARDED-ANYTHING: 1",
    "X-Real-IP: 203.0.113.9",
    "Via: 1.1 proxy",
)
PATHS: Final = ("/dev/people", "/dev/token", "/dev/issuer/jwks.json", "/graphql", "/live", "/", "/nothing")


def header(sign: str) -> dict[str, str]:
    name, _, value = sign.partition(": ")
    return {name: value}


@pytest.mark.parametrize("sign", SIGNS)
async def test_development_answers_no_proxy(database_urls: DatabaseURLs, tmp_path: Path, sign: str) -> None:
    """A proxy on this machine makes the world's requests look as if they came from here."""
    app = create_app(settings_for(database_urls, tmp_path))
    async with listening(app) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert (await http.get("/dev/people")).status_code == 200
        for path in PATHS:
            for method in ("GET", "POST"):
                answer = await http.request(method, path, headers=header(sign), json={"email": "ada@harbour.example"})
                assert answer.status_code == 403, (method, path)
                assert "ACCORD_ENVIRONMENT=production" in answer.json()["errors"][0]["message"]
                assert "token" not in answer.json()
        assert (await http.get("/dev/people")).status_code == 200


async def test_development_answers_no_proxy_that_leaves_no_sign_but_its_age(
    database_urls: DatabaseURLs, tmp_path: Path
) -> None:
    """nginx without another word asks by HTTP/1.0, with a host of this machine and nothing more."""
    app = create_app(settings_for(database_urls, tmp_path))
    async with listening(app) as port:
        for version, status in (("1.0", b"403"), ("1.1", b"200")):
            head = f"GET /dev/people HTTP/{version}\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
            answer = await raw(port, head)
            assert answer.split(b" ")[1] == status


async def raw(port: int, request: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return answer


async def address(request: Request) -> JSONResponse:
    return JSONResponse({"client": request.client.host if request.client else "", "scheme": request.url.scheme})


@asynccontextmanager
async def behind(app: Starlette, peer: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, client=(peer, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        yield http


async def seen(app: Starlette, peer: str, headers: Mapping[str, str]) -> Any:
    async with behind(app, peer) as http:
        return (await http.get("/", headers=headers)).json()


def told(logs: list[Any]) -> list[str]:
    """The peers of whom the log warns."""
    return [line["peer"] for line in logs if line["log_level"] == "warning" and "TRUSTED_PROXIES" in line["event"]]


async def test_a_named_proxy_is_believed_and_another_is_told_of_once() -> None:
    app = edge([Route("/", address)], trusted_proxies=(PROXY, "10.0.0.0/8"))
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    with capture_logs() as logs:
        assert await seen(app, PROXY, headers) == {"client": "203.0.113.9", "scheme": "https"}
        assert await seen(app, "10.1.2.3", headers) == {"client": "203.0.113.9", "scheme": "https"}
        assert told(logs) == []
        for _ in range(3):
            assert await seen(app, "192.0.2.66", headers) == {"client": "192.0.2.66", "scheme": "http"}
        assert await seen(app, "192.0.2.67", header(SIGNS[0])) == {"client": "192.0.2.67", "scheme": "http"}
        assert await seen(app, "192.0.2.68", {}) == {"client": "192.0.2.68", "scheme": "http"}
    assert told(logs) == ["192.0.2.66", "192.0.2.67"]


async def test_nobody_fills_the_log_by_many_addresses() -> None:
    app = edge([Route("/", address)])
    with capture_logs() as logs:
        for number in range(150):
            await seen(app, f"192.0.2.{number}", {"x-forwarded-for": "203.0.113.9"})
    assert len(told(logs)) == 100
