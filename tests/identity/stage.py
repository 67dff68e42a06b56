"""Two organisations with a provider each, a gateway that trusts both, and browsers that know no secrets of either."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette

from accord.app import create_app
from accord.settings import Settings
from tests.http.listening import listening
from tests.identity.providers import FOLDER, Provider, consent, running
from tests.node import install
from tests.servers import DatabaseURLs
from tests.walkthroughs.mailbox import free_port
from tests.world import Organisation, World, open_world

FRONTEND: Final = "https://app.example"
WHO: Final = "{ viewer { user { displayName email } } }"
RENAME: Final = "mutation($name: String!) { updateProfile(input: {displayName: $name}) { user { displayName } } }"


def people(domain: str) -> dict[str, dict[str, Any]]:
    """The same subjects at every provider."""
    verified = {"email_verified": True}
    return {
        name: {"email": f"{name}@{domain}", "name": name.title(), **verified}
        for name in ("ada", "ben", "cleo", "dora", "emil", "fay")
    } | {
        "unverified": {"email": f"unverified@{domain}", "email_verified": False, "name": "Unverified"},
        "guest": {"email": "guest@elsewhere.example", "name": "Guest", **verified},
        "spy": {"email": "spy@norvik.example", "name": "Spy", **verified},
        "tenant": {"email": "tenant@elsewhere.example", "name": "Tenant", "tenant": "T-1", **verified},
        "sub": {"email": f"sub@deep.{domain}", "name": "Sub", **verified},
    }


@dataclass
class Stage:
    """What every test of the flow has. `meridian` is bound to the first provider, `norvik` to the second."""

    world: World
    app: Starlette
    url: str
    meridian: Organisation
    norvik: Organisation
    first: Provider
    second: Provider
    settings: Settings

    @property
    def callback(self) -> str:
        return f"{self.url}/auth/callback"

    def skip(self, seconds: float) -> None:
        """Let the gateway's clocks for keys and documents be ahead, as if so much time had passed."""
        gateway = self.app.state.gateway
        for trusted in gateway.checker.trusted.values():
            if hasattr(trusted.keys, "clock"):
                earlier = trusted.keys.clock
                trusted.keys.clock = lambda earlier=earlier: earlier() + seconds

    async def members(self, organisation: Organisation) -> list[tuple[str, str, list[str]]]:
        rows = await self.world.owner.fetch(
            "SELECT email, status, roles FROM accord.memberships WHERE organisation_id = $1 ORDER BY email",
            organisation.id,
        )
        return [(row["email"], row["status"], row["roles"]) for row in rows]

    async def events(self, organisation: Organisation, actor: str) -> list[str]:
        rows = await self.world.owner.fetch(
            "SELECT type FROM accord.activity_events WHERE stream_id = $1 AND actor_name = $2 ORDER BY sequence",
            organisation.id,
            actor,
        )
        return [row["type"] for row in rows]

    async def everything(self) -> tuple[int, ...]:
        """How many rows there are of what a sign-in can make."""
        tables = ("users", "identities", "memberships", "activity_events", "browser_sessions")
        return tuple([await self.world.owner.fetchval(f"SELECT count(*) FROM accord.{table}") for table in tables])


@dataclass
class Browser:
    """Cookies of the gateway, kept as a browser on a secure origin does, and another jar for the providers."""

    stage: Stage
    cookies: dict[str, str] = field(default_factory=dict)
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=20))
    heard: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def ask(self, method: str, path: str, **given: Any) -> httpx2.Response:
        headers = dict(given.pop("headers", {}))
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = path if path.startswith("http") else self.stage.url + path
        answer = await self.http.request(method, url, headers=headers, follow_redirects=False, **given)
        for line in answer.headers.get_list("set-cookie"):
            self.heard.append(line)
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return answer

    async def go(self, provider: Provider, return_to: str = "/") -> str:
        """The provider's address to which the gateway sends this browser."""
        asked = urlencode({"issuer": provider.issuer, "return_to": return_to})
        answer = await self.ask("GET", f"/auth/sign-in?{asked}")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def back(self, provider: Provider, subject: str, return_to: str = "/") -> str:
        """The address to which the provider sends this browser back, before the browser goes there."""
        return await consent(self.http, await self.go(provider, return_to), subject, self.stage.callback)

    async def sign_in(self, provider: Provider, subject: str, return_to: str = "/") -> httpx2.Response:
        return await self.ask("GET", await self.back(provider, subject, return_to))

    async def graphql(self, query: str = WHO, **headers: str | None) -> httpx2.Response:
        """As a page of the gateway's own origin asks; a header given as None is left out."""
        chosen = {"content-type": "application/json", "origin": self.stage.url, **headers}
        body = json.dumps({"query": query, "variables": {"name": "Changed"} if "$name" in query else {}})
        kept = {name.replace("_", "-"): value for name, value in chosen.items() if value is not None}
        return await self.ask("POST", "/graphql", content=body, headers=kept)

    async def viewer(self) -> dict[str, Any] | None:
        """Who the gateway takes this browser for; None for somebody it does not know."""
        answer = await self.graphql()
        assert answer.status_code == 200, answer.text
        data = answer.json().get("data") or {}
        return (data.get("viewer") or {}).get("user")


def code_of(answer: httpx2.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


@asynccontextmanager
async def open_stage(urls: DatabaseURLs, state: Path, **given: Any) -> AsyncIterator[Stage]:
    """`given`: settings of the first provider's entry; `bound` says by what it is bound, `first` is for itself."""
    install(FOLDER)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(urls))
        meridian, norvik = await world.organisation("Meridian"), await world.organisation("Norvik")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        callback = f"{url}/auth/callback"
        first = stack.enter_context(running(Provider(callback, people("meridian.example"), **given.pop("first", {}))))
        second = stack.enter_context(running(Provider(callback, people("norvik.example"), conforming=True)))
        bound = given.pop("bound", {"domains": ["meridian.example"]})
        entries = [
            first.settings_entry(
                **{
                    "organisations": [{"handle": meridian.handle, **bound}],
                    "provision": True,
                    **given,
                }
            ),
            second.settings_entry(
                organisations=[{"handle": norvik.handle, "domains": ["norvik.example"]}], provision=True
            ),
        ]
        settings = Settings(
            database_url=SecretStr(urls.gateway),
            worker_url=SecretStr(urls.worker),
            state=state,
            worker_inside=False,
            port=port,
            issuers=entries,
            cors_origins=(FRONTEND,),
            guesses_per_minute=10_000,
        )
        app = create_app(settings)
        await stack.enter_async_context(listening(app, port=port))
        yield Stage(world, app, url, meridian, norvik, first, second, settings)
