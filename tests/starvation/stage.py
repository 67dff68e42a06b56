"""A gateway under attack: those who attack, those who only work, and what the process spends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from tests.processes import Process, bind, gateway, token
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

PATIENCE: Final = 60.0
WORKERS: Final = 4
SMALL_WINDOW: Final = 8 * 1024
"""Bytes that the kernel of a reader who does not read takes for it."""

UNLIMITED: Final[dict[str, Any]] = {"in_flight_of_person": 1_000, "in_flight_of_organisation": 1_000}
"""Settings with which neither a person nor an organisation is bounded."""

EVENTS: Final = """
INSERT INTO accord.activity_events
  (stream_id, sequence, occurred_at, type, outcome, actor_name, host_id, reason, data, previous_hash, hash)
SELECT $1, h.sequence + n, now(), 'member.invited', 'SUCCESS', 'Somebody', $1, repeat('x', $3), '{}', '', ''
FROM accord.chain_heads h CROSS JOIN generate_series(1, $2::int) n WHERE h.stream_id = $1
"""
HEAD: Final = "UPDATE accord.chain_heads SET sequence = sequence + $2 WHERE stream_id = $1"


@dataclass
class Attack:
    """Sockets that somebody opened against the gateway."""

    port: int
    sockets: list[socket.socket] = field(default_factory=list)

    async def open(self, first: bytes, window: int = SMALL_WINDOW) -> socket.socket:
        """Connect and send the first bytes; nothing is read."""
        loop = asyncio.get_running_loop()
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        opened.setblocking(False)
        self.sockets.append(opened)
        async with asyncio.timeout(PATIENCE):
            await loop.sock_connect(opened, ("127.0.0.1", self.port))
            await loop.sock_sendall(opened, first)
        return opened

    async def open_many(self, count: int, first: bytes) -> None:
        for _ in range(count):
            await self.open(first)

    def statuses(self) -> Counter[str]:
        """How many sockets were answered with what: a status, `silent`, or `cut`."""
        found = Counter[str]()
        for opened in self.sockets:
            try:
                said = opened.recv(64, socket.MSG_PEEK)
            except BlockingIOError:
                found["silent"] += 1
            except ConnectionError:
                found["cut"] += 1
            else:
                found[said[9:12].decode() or "cut"] += 1
        return found

    async def becomes(self, **expected: int) -> None:
        """Wait until so many sockets have been told a status (`s429`), nothing (`silent`), or cut off (`cut`)."""
        wanted = {name.removeprefix("s"): number for name, number in expected.items() if name != "silent"}
        wanted |= {"silent": expected["silent"]} if "silent" in expected else {}
        try:
            async with asyncio.timeout(PATIENCE):
                while self.statuses() != wanted:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.statuses()} instead of {wanted}") from None

    async def all_told(self) -> None:
        """Wait until each socket has been told something."""
        async with asyncio.timeout(PATIENCE):
            while self.statuses()["silent"]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)

    def close(self) -> None:
        for opened in self.sockets:
            opened.close()


@dataclass(frozen=True, slots=True)
class Served:
    """What came of some requests: how many had which status, and the median of their times in seconds."""

    statuses: Counter[int]
    median: float

    def assert_unharmed(self, quiet: Served) -> None:
        """Assert that none was refused, and that the median at most doubled."""
        assert set(self.statuses) == {200}, self.statuses
        assert self.median <= 2 * quiet.median, (self.median, quiet.median)


@dataclass(frozen=True, slots=True)
class Stage:
    """One gateway process, the attackers of one organisation, and somebody of another."""

    process: Process
    state: Path
    world: World
    attackers: Sequence[Person]
    other: Person

    def head(self, person: Person, line: str = "POST /graphql", *more: str) -> bytes:
        """A request's head with this person's token, without its end."""
        lines = [
            f"{line} HTTP/1.1",
            "host: gateway.example",
            f"authorization: Bearer {token(self.state, person.email)}",
        ]
        return "\r\n".join([*lines, *more, ""]).encode()

    def post(self, person: Person, document: str, *more: str, **variables: Any) -> bytes:
        """A whole GraphQL request."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        head = self.head(
            person, "POST /graphql", "content-type: application/json", f"content-length: {len(body)}", *more
        )
        return head + b"\r\n" + body

    def beginning(self, person: Person, line: str = "POST /graphql", media_type: str = "application/json") -> bytes:
        """A request of which one byte of its body is sent."""
        return self.head(person, line, f"content-type: {media_type}", "content-length: 2000") + b"\r\n{"

    def export(self, person: Person) -> bytes:
        """A request for the whole stream of the person's organisation as a file."""
        key = global_id("organisation", person.organisation.id)
        return self.head(person, f"GET /exports/activity.csv?organisationId={key}") + b"\r\n"

    @asynccontextmanager
    async def attack(self) -> AsyncIterator[Attack]:
        attack = Attack(self.process.port)
        try:
            yield attack
        finally:
            attack.close()

    async def serve(self, count: int, request: bytes | None = None) -> Served:
        """Send so many requests of the other tenant, a few at a time, each connection kept."""
        request = request or self.post(self.other, "{ viewer { user { id } } }")
        times: list[float] = []
        statuses = Counter[int]()
        waiting = iter(range(count))

        async def work() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
            try:
                for _ in waiting:
                    began = time.perf_counter()
                    writer.write(request)
                    status, head, _ = await read_answer(reader)
                    times.append(time.perf_counter() - began)
                    statuses[status] += 1
                    if b"connection: close" in head.lower():
                        writer.close()
                        reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
            finally:
                writer.close()

        async with asyncio.timeout(PATIENCE + count / 2):
            await asyncio.gather(*(work() for _ in range(WORKERS)))
        return Served(statuses, median(times))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send one request on a connection of its own; its status and body."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.process.port)
            writer.write(request)
            status, _, body = await read_answer(reader)
            writer.close()
        return status, body

    async def serve_within(self, seconds: float) -> Served:
        """Serve one request of the other tenant; raises TimeoutError if that takes longer."""
        async with asyncio.timeout(seconds):
            return await self.serve(1)

    async def under_way(self, key: str = "person %") -> int:
        """How many slots are taken."""
        counted = "SELECT coalesce(sum(cardinality(running)), 0)::int FROM accord.allowances WHERE key LIKE $1"
        number: int = await self.world.owner.fetchval(counted, key)
        return number

    async def all_given_back(self, left: int = 0) -> None:
        """Wait until no more than so many slots are taken."""
        async with asyncio.timeout(PATIENCE):
            while await self.under_way() > left:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)

    def memory(self) -> int:
        """Bytes of the gateway's process that are in memory."""
        with Path(f"/proc/{self.process.process.pid}/statm").open() as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def processor(self) -> float:
        """Seconds of a processor that the gateway's process has used."""
        with Path(f"/proc/{self.process.process.pid}/stat").open() as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def fill(self, person: Person, events: int, length: int) -> None:
        """Put events with reasons of this length into the stream of somebody's organisation."""
        async with self.world.owner.transaction():
            await self.world.owner.execute(EVENTS, person.organisation.id, events, length)
            await self.world.owner.execute(HEAD, person.organisation.id, events)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """The status, the head and the body of the next answer; a body without a length is not read."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), head, await reader.readexactly(length)


@asynccontextmanager
async def staged(urls: DatabaseURLs, state: Path, attackers: int = 1, **given: Any) -> AsyncIterator[Stage]:
    """A gateway that has served a few requests; `given` are settings and what is switched off."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(urls))
        attacking, working = await world.organisation(), await world.organisation()
        people = [await world.person(attacking, Role.ORG_ADMIN) for _ in range(attackers)]
        other = await world.person(working)
        for person in (*people, other):
            await bind(world.owner, state, person)
        process = await stack.enter_async_context(gateway(urls, state, **{"refusals_per_second": 20, **given}))
        stage = Stage(process, state, world, people, other)
        await stage.serve(20)
        for person in people:
            with suppress(asyncio.IncompleteReadError):
                await stage.ask(stage.post(person, "{ viewer { user { id } } }"))
        yield stage
