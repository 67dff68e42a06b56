"""What one operation costs: processor time of the gateway and of PostgreSQL, statements, rows, pages touched, bytes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any, Final

import asyncpg
import httpx2
import orjson

from tests.performance.growth.scene import Operation, Request
from tests.performance.usage import milliseconds

LONGEST: Final = 120.0
"""Seconds that one answer may take."""

KEPT: Final = 2**26
"""Bytes of an answer that are looked at: more than any answer in JSON has, and less than a file."""

SETTLED: Final = 0.005
"""Seconds after an answer in which a gateway gives back what the request held."""

BACKENDS: Final = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename <> current_user
"""
FORGET: Final = """
SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)
"""
SPENT: Final = """
SELECT coalesce(sum(calls), 0)::int AS statements, coalesce(sum(rows), 0)::bigint AS rows,
  coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint AS pages,
  coalesce((array_agg(query ORDER BY total_exec_time DESC))[1], '') AS dearest
FROM pg_stat_statements s JOIN pg_database d ON d.oid = dbid JOIN pg_roles r ON r.oid = userid
WHERE datname = current_database() AND rolname <> current_user
"""
"""Of the gateway's statements, with all that their functions and policies do. Time is in the other counts."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request took, milliseconds of processor time and of the clock; `dearest` is its slowest statement."""

    gateway: float
    database: float
    wall: float
    statements: float
    rows: float
    pages: float
    size: int
    outcome: str
    dearest: str = ""

    @property
    def whole(self) -> float:
        """Processor time of both."""
        return self.gateway + self.database

    def as_json(self) -> dict[str, Any]:
        """Return the cost with what a reader needs to find the cause."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time until an instant, in milliseconds: the gateway's, and that of each connection's process."""

    gateway: float
    backends: dict[int, float]


class Meter:
    """Measures one request after the other on one gateway that nobody else asks."""

    def __init__(self, gateway: int, owner: asyncpg.Connection[asyncpg.Record], http: httpx2.AsyncClient) -> None:
        self.gateway = gateway
        self.owner = owner
        self.http = http
        self.last = b""

    async def measure(self, operation: Operation, *, warm: int, rounds: int, seconds: float) -> Cost:
        """Return the medians of so many rounds, or of as many as begin within so many seconds; one at least."""
        for number in range(warm):
            began = time.perf_counter()
            await self.ask(operation.request)
            if number == 0 and time.perf_counter() - began > seconds:
                break
        await self.owner.execute(FORGET)
        found: list[Cost] = []
        began = time.perf_counter()
        while not found or (len(found) < rounds and time.perf_counter() - began < seconds):
            found.append(await self._once(operation.request))
        return await self._together(found)

    async def _together(self, found: list[Cost]) -> Cost:
        spent = await self.owner.fetchrow(SPENT)
        assert spent is not None
        times = {name: median(getattr(cost, name) for cost in found) for name in ("gateway", "database", "wall")}
        counts = {name: spent[name] / len(found) for name in ("statements", "rows", "pages")}
        return replace(found[-1], **times, **counts, dearest=" ".join(spent["dearest"].split())[:2000])

    async def begin(self) -> Spent:
        """Forget the counts; return what was spent until now."""
        await self.owner.execute(FORGET)
        return Spent(milliseconds(self.gateway), await self._backends())

    async def end(self, before: Spent) -> Cost:
        """Return what was spent since `begin`, whatever was asked."""
        return await self._together([await self._since(before, 0, 0, "")])

    async def _once(self, request: Request) -> Cost:
        before, began = Spent(milliseconds(self.gateway), await self._backends()), time.perf_counter()
        size, outcome = await self.ask(request)
        wall = (time.perf_counter() - began) * 1e3
        await asyncio.sleep(SETTLED)
        return await self._since(before, wall, size, outcome)

    async def _since(self, before: Spent, wall: float, size: int, outcome: str) -> Cost:
        gateway = milliseconds(self.gateway) - before.gateway
        database = sum(spent - before.backends.get(process, 0) for process, spent in (await self._backends()).items())
        return Cost(gateway, database, wall, 0, 0, 0, size, outcome)

    async def _backends(self) -> dict[int, float]:
        """Return the processor time of each connection's process; one that was cut in between is not counted."""
        return {row["pid"]: milliseconds(row["pid"]) for row in await self.owner.fetch(BACKENDS)}

    async def ask(self, request: Request) -> tuple[int, str]:
        """Return the length of the answer and what came of it; `last` keeps the answer."""
        size, kept, headers = 0, bytearray(), dict(request.headers)
        if request.path.startswith("/scim/"):
            headers["content-type"] = "application/scim+json"
        try:
            async with self.http.stream(request.method, request.path, headers=headers, json=request.body) as answer:
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    if len(kept) < KEPT:
                        kept += piece
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            return size, "broken off"
        self.last = bytes(kept)
        return size, outcome_of(answer.status_code, answer.headers.get("content-type", ""), self.last)


def outcome_of(status: int, content_type: str, body: bytes) -> str:
    """Return `ok`, or the codes of the errors that an answer has."""
    said: list[str] = [] if status < 300 else [str(status)]
    if "json" in content_type:
        answer = orjson.loads(body) if body else {}
        said += codes_of(answer)
    return ", ".join(sorted(set(said))) or "ok"


def codes_of(answer: Any) -> list[str]:
    """Return the codes of the errors of an operation, of the errors in its payloads and of another answer."""
    if not isinstance(answer, dict):
        return []
    found = [
        str(error.get("extensions", {}).get("code")) for error in answer.get("errors") or () if isinstance(error, dict)
    ]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict) and isinstance(payload.get("errors"), list):
            found += [str(error.get("__typename") or error.get("message")) for error in payload["errors"]]
    return found
