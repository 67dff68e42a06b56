"""The whole gateway in this process, over real HTTP on the loopback interface, and what its tables hold."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import uvicorn
from pydantic import SecretStr

from accord.app import Gateway, create_app
from tests.http.gateway import settings_of
from tests.servers import DatabaseURLs

TABLES = (
    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'accord' AND relkind = 'r'"
    " AND relname NOT IN ('alembic_version', 'sign_ins', 'allowances') ORDER BY 1"
)
LINES = "string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")"
FINGERPRINT = f"SELECT '{{0}}' AS name, md5({LINES}) AS fingerprint FROM accord.{{0}} t"


class Api:
    """A gateway to talk to as somebody."""

    def __init__(self, url: str, gateway: Gateway, client: httpx2.AsyncClient, urls: DatabaseURLs) -> None:
        self.url = url
        self.gateway = gateway
        self.client = client
        self.urls = urls
        self._tokens: dict[str, str] = {}

    def token(self, email: str) -> str:
        """A token of the development issuer."""
        assert self.gateway.development is not None
        if email not in self._tokens:
            self._tokens[email] = self.gateway.development.token(email)
        return self._tokens[email]

    def knows(self, name: str, token: str) -> str:
        """Somebody with a token or a secret of another kind; the name to send it by."""
        self._tokens[name] = token
        return name

    async def post(
        self,
        email: str | None,
        document: str,
        variables: Mapping[str, Any] | None = None,
        session: str | None = None,
        key: str | None = None,
    ) -> Any:
        """The whole answer to one operation, in an acting session and under a key where they are named."""
        headers = {"Authorization": f"Bearer {self.token(email)}"} if email else {}
        headers |= {"Accord-Acting-Session": session} if session else {}
        headers |= {"Idempotency-Key": key} if key else {}
        body = {"query": document, "variables": dict(variables or {})}
        answer = await self.client.post(f"{self.url}/graphql", json=body, headers=headers)
        return answer.json()

    async def mutate(
        self,
        email: str,
        name: str,
        selection: str,
        given: Mapping[str, Any],
        session: str | None = None,
        key: str | None = None,
    ) -> Any:
        """The whole answer to one mutation, its errors with everything they say."""
        kind = name[0].upper() + name[1:] + "Input"
        errors = (
            "errors { __typename code message path ... on Conflict { version current }"
            " ... on InvalidState { state: current allowed } ... on Forbidden { action condition }"
            " ... on ValidationError { field } }"
        )
        document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {selection} {errors} }} }}"
        return await self.post(email, document, {"input": dict(given)}, session, key)


async def digest(urls: DatabaseURLs) -> dict[str, str]:
    """A fingerprint of every table: what a denied call must leave as it was."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        names = [row["relname"] for row in await connection.fetch(TABLES)]
        rows = await connection.fetch(" UNION ALL ".join(map(FINGERPRINT.format, names)))
        return {row["name"]: row["fingerprint"] for row in rows}
    finally:
        await connection.close()


@asynccontextmanager
async def running(urls: DatabaseURLs, state: Path, *, staff: str, **given: Any) -> AsyncIterator[Api]:
    """The gateway on a free port, the worker left out: nothing but the acts themselves changes a row."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        settings = settings_of(
            port=port,
            state=state,
            database_url=SecretStr(urls.gateway),
            worker_url=SecretStr(urls.worker),
            worker_inside=False,
            operators=(f"http://127.0.0.1:{port}/dev/issuer {staff}",),
            **given,
        )
        app = create_app(settings)
        gateway: Gateway = app.state.gateway
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)
            async with httpx2.AsyncClient(timeout=30) as client:
                yield Api(settings.public_url, gateway, client, urls)
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task
