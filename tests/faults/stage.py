"""A gateway under load on a PostgreSQL of its own, to which everything may happen."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2

from accord.database.embedded import EmbeddedPostgres
from tests.processes import Process, bind, gateway, token
from tests.retries.copies import CREATE, named
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

REQUEST: Final = 10.0
"""The longest operation, as the gateway has it by default."""

LATE: Final = 2.0
"""Seconds that an answer may come later, and within which all is well again."""

CLIENTS: Final = 8
READ: Final = "{ viewer { user { displayName } } }"
FREE: Final[Mapping[str, Any]] = {
    "in_flight_of_person": 200,
    "in_flight_of_organisation": 200,
    "points_per_minute": 10_000_000,
    "points_per_hour": 100_000_000,
    "guesses_per_minute": 10_000,
}
"""Limits of how often, which are not what is asked about here; everything else is as it comes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: after how many seconds, and which codes."""

    took: float
    status: int
    codes: frozenset[str]
    retry_after: str | None
    label: str | None
    """The account that was to be made, None for a read."""


@dataclass
class Load:
    """The answers so far."""

    answers: list[Answer] = field(default_factory=list)
    pace: float = 0.0
    """Seconds that the slowest answer took before anything happened: what this machine needs, whatever else it does."""

    @property
    def late(self) -> float:
        """Seconds that anything may take longer than it has to."""
        return LATE + 2 * self.pace

    def faults(self) -> list[Answer]:
        """Answers that came too late, say what they must not, or do not say when to come back."""
        return [answer for answer in self.answers if not is_right(answer, self.late)]

    def codes(self) -> set[str]:
        return {code for answer in self.answers for code in answer.codes}


def is_right(answer: Answer, late: float) -> bool:
    in_time = answer.took <= REQUEST + late
    known = answer.codes <= {"BUSY", *(["OUTCOME_UNKNOWN"] if answer.label else [])}
    told = "BUSY" not in answer.codes or answer.retry_after is not None
    return in_time and known and told and (bool(answer.codes) or answer.status == 200)


@dataclass(frozen=True, slots=True)
class Stage:
    """The server, the gateway, and somebody who signs in."""

    server: EmbeddedPostgres
    urls: DatabaseURLs
    world: World
    person: Person
    process: Process
    client: httpx2.AsyncClient
    state: Path

    async def ask(self, label: str | None) -> Answer:
        """Read, or make an account of this label."""
        body: dict[str, Any] = {"query": READ}
        if label is not None:
            body = {"query": CREATE, "variables": {"input": named(self.person, label)}}
        headers = {"authorization": f"Bearer {token(self.state, self.person.email)}"}
        began = time.monotonic()
        answer = await self.client.post(f"{self.process.url}/graphql", json=body, headers=headers)
        took = time.monotonic() - began
        codes = frozenset(error["extensions"]["code"] for error in answer.json().get("errors", ()))
        return Answer(took, answer.status_code, codes, answer.headers.get("retry-after"), label)

    @asynccontextmanager
    async def load(self, clients: int = CLIENTS) -> AsyncIterator[Load]:
        """Clients that ask all the time, every second time for a change; all have their answer at the end."""
        load, over = Load(), asyncio.Event()

        async def client(number: int) -> None:
            turn = number
            while not over.is_set():
                load.answers.append(await self.ask(str(uuid4()) if turn % 2 else None))
                turn += 1

        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(client(number))
            await until(lambda: len(load.answers) > 4 * clients)
            load.pace = max(answer.took for answer in load.answers)
            try:
                yield load
            finally:
                over.set()

    async def well_within(self) -> float:
        """Seconds until a change is made again."""
        began = time.monotonic()
        while (await self.ask(str(uuid4()))).codes:
            assert time.monotonic() - began < 60, "not well within a minute"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def made(self) -> set[str]:
        """The labels of all accounts."""
        return {row["label"] for row in await self.world.owner.fetch("SELECT label FROM accord.accounts")}


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@asynccontextmanager
async def staged(server: EmbeddedPostgres, urls: DatabaseURLs, state: Path, **given: Any) -> AsyncIterator[Stage]:
    """A gateway of its own process on this database, with an owner's connection that reconnects nowhere."""
    async with open_world(urls) as world:
        person = await world.person(await world.organisation())
        await bind(world.owner, state, person)
        async with gateway(urls, state, **FREE, **given) as process, httpx2.AsyncClient(timeout=120) as client:
            yield Stage(server, urls, world, person, process, client, state)


def processes_of(server: EmbeddedPostgres) -> list[int]:
    """The server's process and those that it started."""
    parent, found = server.process_id, [server.process_id]
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(") ")[2].split()[1]) == parent:
                found.append(int(folder.name))
    return found


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Nothing of the server runs; its sockets stay open."""
    stopped = processes_of(server)
    for process in stopped:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(stopped):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
