"""P1 and P2: the same view asked of every server in turn, round after round, with what it costs each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from statistics import median
from typing import Any

import orjson

from accord.database.embedded import EmbeddedPostgres
from tests.performance.dataset import Progress
from tests.performance.load import ask, load
from tests.performance.peers import Running
from tests.performance.usage import family, seconds
from tests.performance.views import plain


class Different(Exception):
    """Two servers gave different data."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One server under load. Times in milliseconds; processor time is per request, the client's shows its share."""

    per_second: float
    half: float
    slowest: float
    server: float
    database: float
    client: float


async def check_same(servers: Sequence[Running], view: str) -> int:
    """The bytes of the first server's answer; raises Different unless all answers hold the same data, and some."""
    answers = {server.name: await ask(server.calls[view]) for server in servers}
    read = {name: orjson.loads(answer) for name, answer in answers.items()}
    for name, answer in read.items():
        if "data" not in answer:
            raise Different(f"{view}: {name} answers {answer}")
    data: dict[str, Any] = {name: plain(answer["data"]) for name, answer in read.items()}
    first = data[servers[0].name]
    for name, found in data.items():
        if found != first or not all(found.values()):
            raise Different(f"{view}: {name} answers otherwise than {servers[0].name}")
    return len(answers[servers[0].name])


async def measure(
    servers: Sequence[Running], database: EmbeddedPostgres, view: str, rounds: int, length: float, progress: Progress
) -> Mapping[str, Cost]:
    """The medians of rounds in which each server in turn is loaded for `length` seconds; the first round warms up."""
    found: dict[str, list[Cost]] = {server.name: [] for server in servers}
    for number in range(rounds + 1):
        for server in servers:
            progress(f"{view}: round {number} of {rounds}, {server.name}")
            cost = await one_load(server, database, view, length)
            if number:
                found[server.name].append(cost)
    return {name: Cost(*map(median, zip(*map(astuple, costs), strict=True))) for name, costs in found.items()}


async def one_load(server: Running, database: EmbeddedPostgres, view: str, length: float) -> Cost:
    def used() -> tuple[float, float, float]:
        return seconds([server.process_id]), seconds(family(database.process_id)), time.process_time()

    before = used()
    answers = await load([server.calls[view]], length)
    count = len(answers.times)
    spent = [(after - earlier) * 1e3 / count for after, earlier in zip(used(), before, strict=True)]
    return Cost(answers.per_second, answers.percentile(50) * 1e3, answers.percentile(99) * 1e3, *spent)
