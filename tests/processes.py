"""Gateways as processes of their own on one database, quick to start, and killed for real."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import uvicorn

from accord import app
from accord.http import middleware, shares
from accord.http.identity.development import DevelopmentIssuer
from tests.http.gateway import settings_for
from tests.servers import DatabaseURLs

PUBLIC: Final = "http://127.0.0.1:1"
"""The address of the whole deployment: every process trusts the same development issuer."""

FORKING: Final = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])
"""The one server that all processes of the tests fork from: what it has imported, they do not import again."""

START: Final = 60.0


@dataclass(frozen=True, slots=True)
class Process:
    """One running gateway."""

    url: str
    port: int
    process: BaseProcess

    def kill(self) -> None:
        """End it as a machine that fails would."""
        self.process.kill()


def _without_shares() -> None:
    """Let one address or organisation take every place that is free."""
    setattr(shares.Shares, "has_room", lambda pool, key: pool.running.total() < pool.limit)  # noqa: B010
    setattr(middleware.Place, "belong", lambda place, holder: None)  # noqa: B010


PROTECTIONS: Final[Mapping[str, Callable[[], object]]] = {
    "strangers": partial(setattr, middleware, "SIGNED_IN", ("/",)),
    "shares": _without_shares,
    "hurry": partial(setattr, middleware.Unhurried, "is_hurried", lambda *_: False),
    "connections": partial(setattr, app, "allow_connections", lambda wanted: None),
}
"""How a process is made to do without one of its protections, for the tests that show what it is for."""


def run(urls: DatabaseURLs, state: Path, port: int, given: dict[str, Any]) -> None:
    """The life of one process. `without` names the protections that it lacks, `files` is how many it may open."""
    for name in given.pop("without", ()):
        PROTECTIONS[name]()
    if files := given.pop("files", None):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    settings = settings_for(urls, state, public_url=PUBLIC, port=port, **given)
    uvicorn.Server(app.server_config(settings, app.create_app(settings))).run()


@asynccontextmanager
async def gateway(urls: DatabaseURLs, state: Path, **given: Any) -> AsyncIterator[Process]:
    """A process that listens; killed at the end if it still lives."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = FORKING.Process(target=run, args=(urls, state, port, given), daemon=True)
    process.start()
    try:
        await _listening(process, port)
        yield Process(f"http://127.0.0.1:{port}", port, process)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


async def _listening(process: BaseProcess, port: int) -> None:
    async with asyncio.timeout(START):
        while True:
            assert process.is_alive(), "the gateway ended"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


def token(state: Path, email: str) -> str:
    """A token of the issuer that every process trusts."""
    return DevelopmentIssuer(PUBLIC, state).token(email)


async def bind(owner: Any, state: Path, person: Any) -> None:
    """Let a person sign in by that issuer."""
    issuer = DevelopmentIssuer(PUBLIC, state).name
    sql = "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)"
    await owner.execute(sql, issuer, person.email, person.id)
