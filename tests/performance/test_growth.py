"""A page costs its page: its statements, their rows and the pages of the database that they touch stay as they are when
the tenant grows tenfold. Counts are compared and not times, so that a busy machine changes nothing.

`growth/known.txt` lists the operations that still grow. It may only become shorter: a test fails for an operation that
grows and is not listed, and for one that is listed and has been mended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from accord.database.embedded import EmbeddedPostgres
from accord.domain.ids import KINDS, kind_of
from tests.performance.dataset import Progress
from tests.performance.growth.acts import ACTS, copied, did
from tests.performance.growth.gateways import MEASURED, Ready, gateway
from tests.performance.growth.measured import Pace, costs
from tests.performance.growth.meter import Cost
from tests.performance.growth.scene import Operation, Request
from tests.performance.growth.tenants import Grown, provide_grown
from tests.performance.growth.verdict import COUNTED, FLOOR, Growth, compared, table
from tests.performance.growth.watched import PATH, Watched
from tests.scale import SCALE
from tests.servers import start_test_server

SIZES: Final = (60, 600)
"""Partners; the smaller tenant fills two pages of every list."""

TINY: Final = Grown(20)
"""Where acts are done."""

ONCE: Final = Pace(warm=0, rounds=1, seconds=0)
QUICKLY: Final = ("screen partners", "screen accounts", "screen banner", "activity of a rare", "userName eq")
"""What is measured outside of the check."""

KNOWN: Final = frozenset((Path(__file__).parent / "growth" / "known.txt").read_text("utf-8").splitlines())
EXPECTED: Final = {"ok", "FORBIDDEN", "NOT_FOUND"}
"""Outcomes of questions that are asked well: a screen may hold what its person may not read."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """The same operations in a small and in a large tenant."""

    sizes: Sequence[Ready]

    async def compare(self, *only: str) -> list[Growth]:
        """Measure both at once."""
        found = await asyncio.gather(*(costs(one, only, ONCE, Progress()) for one in self.sizes))
        return compared({one.scene.grown.partners: cost for one, cost in zip(self.sizes, found, strict=True)})


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server that counts its statements."""
    with start_test_server(**MEASURED) as server:
        yield server


@pytest.fixture(scope="module")
async def tenants(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tenants]:
    """Both data sets with a gateway each."""
    folder = tmp_path_factory.mktemp("growth")
    async with AsyncExitStack() as stack:
        urls = {Grown(size): await provide_grown(server, Grown(size), Progress()) for size in SIZES}
        opened = (stack.enter_async_context(gateway(made, grown, folder)) for grown, made in urls.items())
        yield Tenants(await asyncio.gather(*opened))


@pytest.fixture(scope="module")
async def measured(tenants: Tenants) -> list[Growth]:
    """Every operation, asked once of each tenant, and once more where that would fail a test: what the gateway does by
    the clock falls into the counts of one operation or another."""
    found = {one.operation.key: one for one in await tenants.compare(*(QUICKLY if SCALE == "test" else ()))}
    for key in [key for key, one in found.items() if is_new(one) or is_mended(one)]:
        found[key] = next(one for one in await tenants.compare(key) if one.operation.key == key)
    return list(found.values())


def is_new(one: Growth) -> bool:
    """Does the operation grow, and nobody knew?"""
    return bool(one.grows(COUNTED)) and one.operation.key not in KNOWN


def is_mended(one: Growth) -> bool:
    """Does the operation clearly not grow, but is said to?"""
    return one.is_flat(COUNTED) and one.operation.key in KNOWN


def told(grown: Sequence[Growth]) -> str:
    """What a failure shows: the counts of each size, and the dearest statement."""
    lines = []
    for one in grown:
        counts = [
            f"{size}: {cost.statements:.0f}, {cost.rows:.0f}, {cost.pages:.0f}" for size, cost in one.costs.items()
        ]
        lines.append(f"{one.operation.key}: {one.grows(COUNTED)} ({'; '.join(counts)})\n  {one.ends[1].dearest[:400]}")
    return "\n".join(lines)


async def test_no_page_grows_that_is_not_known_to_grow(measured: list[Growth]) -> None:
    found = [one for one in measured if is_new(one)]
    assert not found, told(found)


async def test_a_mended_page_is_no_longer_listed(measured: list[Growth]) -> None:
    mended = sorted(one.operation.key for one in measured if is_mended(one))
    assert not mended, "\n".join(["strike these from known.txt:", *mended])
    if SCALE != "test":
        assert {one.operation.key for one in measured} >= KNOWN, "known.txt lists operations that are not measured"


async def test_every_operation_is_asked_well(measured: list[Growth]) -> None:
    outcomes = {one.operation.key: cost.outcome for one in measured for cost in one.costs.values()}
    assert {key: said for key, said in outcomes.items() if not set(said.split(", ")) <= EXPECTED} == {}


@pytest.mark.skipif(SCALE == "test", reason="single things are measured at check scale only")
async def test_things_of_every_kind_are_asked_for(measured: list[Growth]) -> None:
    keys = [
        str((one.operation.request.body or {})["variables"]["id"]) for one in measured if "node:" in one.operation.name
    ]
    assert {kind_of(key) for key in keys} == KINDS


async def test_a_page_that_lost_its_index_is_found(tenants: Tenants) -> None:
    """The control of the whole measurement: the first page of activity, with the index of its order and without."""
    page = "screen activity (host admin)"
    assert [one.grows(COUNTED) for one in await tenants.compare(page)] == [[]]
    for one in tenants.sizes:
        await one.owner.execute(
            "ALTER TABLE accord.activity_events DROP CONSTRAINT uq_activity_events_stream_id_sequence"
        )
    assert [one.grows(COUNTED) for one in await tenants.compare(page)] == [["pages"]]


@pytest.mark.skipif(SCALE == "test", reason="tests/size has the acts; this is their benchmark, at check scale only")
async def test_each_act_is_done_and_denies_at_once(server: EmbeddedPostgres, tmp_path: Path) -> None:
    await provide_grown(server, TINY, Progress())
    async with copied(server, TINY, tmp_path) as one:
        found = {act.name: await did(act, one) for act in ACTS}
    assert {done.outcome for done in found.values()} == {"ok"}
    assert {name: done.still_seen for name, done in found.items() if done.still_seen not in {"0", "FORBIDDEN"}} == {}
    assert all(done.events >= TINY.partners and done.computed > 0 for done in found.values())


async def test_a_loop_that_stands_still_is_noticed() -> None:
    """What it computes is counted, so that a busy machine makes no pause."""
    sent: list[Any] = []

    async def busy(*_: Any) -> None:
        began = time.thread_time()
        while time.thread_time() < began + 0.08:
            pass

    async def send(message: Any) -> None:
        sent.append(message)

    watched = Watched(busy)
    for kind, path in (("lifespan", ""), ("http", "/ready"), ("http", PATH), ("http", PATH)):
        await watched({"type": kind, "path": path}, None, send)
        await asyncio.sleep(0.02)
    first, second = (orjson.loads(message["body"])["computed"] for message in sent if "body" in message)
    assert first >= 80
    assert second < 80
    assert watched.beating is not None
    watched.beating.cancel()


def judged(things: tuple[int, int] = (0, 0), **large: Any) -> Growth:
    """An operation that takes ten of everything in the small tenant, and as much as is said in the large one."""
    small = Cost(10, 10, 10, 10, 10, 100, 1_000, "ok")
    operation = Operation("page", "somebody", Request("GET", "/", {}), things[0])
    return Growth(operation, {1: small, 10: replace(small, **large)}, {1: things[0], 10: things[1]})


@pytest.mark.parametrize(
    ("large", "found"),
    [
        ({"statements": 23}, ["statements"]),
        ({"statements": 22}, []),
        ({"rows": 51}, ["rows"]),
        ({"pages": 261}, ["pages"]),
        ({"pages": 260}, []),
        ({"outcome": "TIMEOUT"}, ["outcome"]),
        ({"outcome": "broken off"}, ["outcome"]),
    ],
)
def test_each_count_is_judged(large: dict[str, Any], found: list[str]) -> None:
    assert judged(**large).grows(COUNTED) == found


def test_processor_time_is_judged_for_each_side() -> None:
    assert judged(gateway=24).grows(FLOOR) == ["gateway"]
    assert judged(database=24).grows(FLOOR) == ["database"]
    assert judged(gateway=22, database=22, wall=1_000).grows(FLOOR) == []


def test_what_is_about_many_things_may_cost_in_proportion() -> None:
    assert judged((1, 10), pages=2_000).grows(COUNTED) == []
    assert judged((1, 10), pages=2_100).grows(COUNTED) == ["pages"]


def test_an_operation_on_the_edge_is_neither_grown_nor_mended() -> None:
    assert judged(pages=100).is_flat(COUNTED)
    edge = judged(pages=230)
    assert not edge.grows(COUNTED)
    assert not edge.is_flat(COUNTED)


def test_the_list_says_what_is_new_and_what_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    grows, flat = judged(pages=1_000), judged()
    assert (is_new(grows), is_mended(flat)) == (True, False)
    monkeypatch.setattr(sys.modules[__name__], "KNOWN", {"page (somebody)"})
    assert (is_new(grows), is_mended(grows), is_mended(flat)) == (False, False, True)


def test_the_table_says_what_grows() -> None:
    assert "| page (somebody) | 10 + 10 ms | 10 + 50 ms | 10 | 1,000 | ok | database |" in table([judged(database=50)])
