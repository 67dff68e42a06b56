"""Who answers: Accord on both executors, the hand-written statement, PostGraphile and Mercurius, a process each."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from accord.http.identity.development import DevelopmentIssuer
from tests.node import NODE
from tests.performance.dataset import ISSUER_OF_ALL
from tests.performance.load import CONNECTIONS, Call
from tests.performance.views import ours, theirs
from tests.servers import DatabaseURLs
from tests.walkthroughs.mailbox import free_port

FOLDER: Final = Path(__file__).parent / "peers"
ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
PUBLIC: Final = ISSUER_OF_ALL.removesuffix("/dev/issuer")
START: Final = 60.0
GATEWAY: Final = {
    "ACCORD_PUBLIC_URL": PUBLIC,
    "ACCORD_POOL_SIZE": str(4 * CONNECTIONS),
    "ACCORD_POINTS_PER_MINUTE": "1000000000",
    "ACCORD_POINTS_PER_HOUR": "1000000000",
    "ACCORD_IN_FLIGHT": "1000",
    "ACCORD_IN_FLIGHT_OF_PERSON": str(3 * CONNECTIONS),
    "ACCORD_IN_FLIGHT_OF_ORGANISATION": str(3 * CONNECTIONS),
    "ACCORD_POOL_WAIT": "30",
    "ACCORD_LOG_LEVEL": "warning",
}
"""One person asks all, far more often than a person may: the limits are counted as ever, and are high."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks: the first administrator of the first organisation of a data set."""

    person_id: UUID
    organisation_id: UUID
    subject: str

    @property
    def told(self) -> dict[str, str]:
        """What PostgreSQL is told of whoever asks, in each transaction, whichever server tells it."""
        return {
            "accord.issuer": ISSUER_OF_ALL,
            "accord.subject": self.subject,
            "accord.operator": "off",
            "accord.organisations": str(self.organisation_id),
        }


async def first_asker(urls: DatabaseURLs) -> Asker:
    """Whom the whole benchmark asks as."""
    owner = await asyncpg.connect(urls.superuser)
    try:
        row = await owner.fetchrow(
            "SELECT u.id, o.id, i.subject FROM accord.organisations o"
            " JOIN accord.memberships m ON m.organisation_id = o.id AND 'ORG_ADMIN' = ANY (m.roles)"
            " JOIN accord.users u ON u.id = m.user_id JOIN accord.identities i ON i.user_id = u.id"
            " WHERE o.handle = 'org-1' ORDER BY u.id LIMIT 1"
        )
    finally:
        await owner.close()
    return Asker(*row)


@dataclass(frozen=True, slots=True)
class Peer:
    """How a server is started, and how it is asked for each view."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    bodies: Mapping[str, dict[str, Any]]
    headers: Mapping[str, str]
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens."""

    name: str
    port: int
    process_id: int
    calls: Mapping[str, Call]


def gateway(name: str, urls: DatabaseURLs, asker: Asker, state: Path, **given: str) -> Peer:
    """`accord serve`; `given` are settings beside those of every load."""
    token = DevelopmentIssuer(PUBLIC, state).token(asker.subject)
    allowed = {"ACCORD_DEVELOPMENT_ON_DATABASE_URL": "true"}
    environment = {"ACCORD_DATABASE_URL": urls.gateway, "ACCORD_STATE": str(state), **allowed, **GATEWAY, **given}
    headers = {"authorization": f"Bearer {token}"}
    return Peer(name, (str(BIN / "accord"), "serve"), environment, ours(asker.organisation_id), headers)


def by_hand(urls: DatabaseURLs, asker: Asker) -> Peer:
    command = (sys.executable, "-m", "tests.performance.by_hand")
    return Peer("by hand", command, told(urls, asker), ours(asker.organisation_id), {})


def mercurius(urls: DatabaseURLs, asker: Asker) -> Peer:
    command, bodies = (str(NODE), "mercurius.mjs"), ours(asker.organisation_id)
    return Peer("Mercurius", command, told(urls, asker), bodies, {}, FOLDER)


def postgraphile(urls: DatabaseURLs, asker: Asker) -> Peer:
    command, bodies = (str(NODE), "postgraphile.mjs"), theirs(asker.organisation_id, asker.person_id)
    return Peer("PostGraphile", command, told(urls, asker), bodies, {}, FOLDER)


def told(urls: DatabaseURLs, asker: Asker) -> dict[str, str]:
    return {"DATABASE_URL": urls.gateway, "CALLER": json.dumps(asker.told), "NODE_ENV": "production"}


@asynccontextmanager
async def started(peer: Peer, log: Path) -> AsyncIterator[Running]:
    """The server as a process of its own; what it says is in the log."""
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("ACCORD_")}
    environment = own | dict(peer.environment) | {"PORT": str(port), "ACCORD_PORT": str(port)}
    process = spawned(peer, environment, log)
    try:
        await listening(process, port, log)
        url = f"http://127.0.0.1:{port}/graphql"
        calls = {view: Call.post(url, body, **peer.headers) for view, body in peer.bodies.items()}
        yield Running(peer.name, port, process.pid, calls)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 10)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def spawned(peer: Peer, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as said:
        return subprocess.Popen(
            peer.command, cwd=peer.folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )


def last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


@asynccontextmanager
async def all_started(peers: Sequence[Peer], logs: Path) -> AsyncIterator[list[Running]]:
    """All of them side by side, each idle while another is asked."""
    async with AsyncExitStack() as stack:
        found = []
        for number, peer in enumerate(peers):
            log = logs / f"{number} {peer.name}.log"
            found.append(await stack.enter_async_context(started(peer, log)))
        yield found


async def listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the port is taken; raises with what was said if the process ends first."""
    async with asyncio.timeout(START):
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {last_words(log)}")
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            await asyncio.sleep(0.02)


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
