"""The gateway over the database of a scene, and directories that talk to it by HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2

from accord.app import create_app
from accord.services.people.scim_credential import create_scim_credential
from tests.http.gateway import settings_for
from tests.services.scene import Scene

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
MEDIA_TYPE: Final = "application/scim+json"


class Directory:
    """A directory with a credential, and how it asks."""

    def __init__(self, http: httpx2.AsyncClient, token: str, url: str = "") -> None:
        self.http = http
        self.token = token
        self.url = url

    async def send(
        self, method: str, path: str, payload: Any = None, headers: Mapping[str, str] | None = None, **given: Any
    ) -> httpx2.Response:
        """One request; a payload goes out as SCIM."""
        sent = {"authorization": f"Bearer {self.token}", "content-type": MEDIA_TYPE, **(headers or {})}
        body = {} if payload is None else {"json": payload}
        return await self.http.request(method, f"{self.url}/scim/v2{path}", headers=sent, **body, **given)

    async def ok(self, method: str, path: str, payload: Any = None, status: int = 200, **given: Any) -> Any:
        """The answer of a request that has to succeed."""
        answer = await self.send(method, path, payload, **given)
        assert answer.status_code == status, answer.text
        assert answer.status_code == 204 or answer.headers["content-type"].startswith(MEDIA_TYPE)
        return None if status == 204 else answer.json()

    async def refused(
        self, status: int, method: str, path: str, payload: Any = None, scim_type: str | None = None, **given: Any
    ) -> Any:
        """The error of a request that has to be refused, in the shape that SCIM gives it."""
        answer = await self.send(method, path, payload, **given)
        return refusal(answer, status, scim_type)

    async def create(self, user_name: str, **given: Any) -> Any:
        """A new user."""
        name = user_name.partition("@")[0].title()
        return await self.ok("POST", "/Users", user(user_name, displayName=name) | given, 201)

    async def patch(self, path: str, *operations: Mapping[str, Any], **given: Any) -> Any:
        """A change by operations."""
        return await self.ok("PATCH", path, patch(*operations), **given)

    async def find(self, path: str, filter: str, **given: Any) -> list[Any]:
        """What a filter finds."""
        found = await self.ok("GET", path, params={"filter": filter, **given})
        resources = found.get("Resources", [])
        assert isinstance(resources, list)
        return resources


def user(user_name: str, **given: Any) -> dict[str, Any]:
    """A user as a directory sends it."""
    emails = [{"value": user_name, "type": "work", "primary": True}]
    return {"schemas": [USER], "userName": user_name, "emails": emails, "active": True, **given}


def group(name: str, *members: str, **given: Any) -> dict[str, Any]:
    """A group as a directory sends it."""
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": key} for key in members], **given}


def patch(*operations: Mapping[str, Any]) -> dict[str, Any]:
    """A PATCH with these operations."""
    return {"schemas": [PATCH], "Operations": [dict(operation) for operation in operations]}


def refusal(answer: httpx2.Response, status: int, scim_type: str | None = None) -> Any:
    """The error in an answer, which has the shape of RFC 7644 and says nothing of the inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith(MEDIA_TYPE), answer.headers
    body = answer.json()
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status)
    assert body["detail"]
    assert "pydantic" not in answer.text
    if scim_type is not None:
        assert body.get("scimType") == scim_type, body
    return body


class Bench:
    """A scene with the gateway beside it. `guest` and `host` are the directories of its two organisations."""

    def __init__(self, scene: Scene, http: httpx2.AsyncClient, app: Any) -> None:
        self.scene = scene
        self.http = http
        self.app = app
        self.guest = Directory(http, "")
        self.host = Directory(http, "")

    async def directory(self, admin: str, **given: Any) -> Directory:
        """A directory that an admin lets in."""
        made = await self.scene.world.act(self.scene[admin], create_scim_credential, label="Okta", **given)
        return Directory(self.http, made.token)

    def key(self, name: str) -> str:
        """The ID by which a directory knows somebody of the scene."""
        return f"membership_{self.scene[name].membership_id}"

    async def membership(self, id: str) -> Any:
        """The membership behind a user's ID."""
        return await self.scene.row("memberships", UUID(id.partition("_")[2]))


@asynccontextmanager
async def open_bench(scene: Scene, state: Path, **given: Any) -> AsyncIterator[Bench]:
    """The gateway over the scene's database and with the scene's clock; `given` are settings."""
    app = create_app(settings_for(scene.world.urls, state, **given))
    gateway = app.state.gateway
    gateway.database.clock = scene.world.clock
    transport = httpx2.ASGITransport(app, client=("192.0.2.99", 4000))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
            bench = Bench(scene, http, app)
            bench.guest, bench.host = await bench.directory("gustav"), await bench.directory("ada")
            yield bench
    finally:
        await gateway.rates.close()
        await gateway.pulse.close()
        await gateway.database.close()
        if gateway.worker_database is not None:
            await gateway.worker_database.close()
        await gateway.client.aclose()
