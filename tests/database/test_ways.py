"""The ways in which events are found bring exactly those that the predicate of visibility and the filters admit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from accord.database.engine import Query, Snapshot
from accord.database.queries.read import activity
from accord.database.queries.read.pages import PARENT, PARENTS
from accord.database.visible_activity import sees_event
from accord.domain.organisation import PLATFORM, Role
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import STAFF, Organisation, Person, World, open_world

ROUNDS: Final = count(test=150, check=1_500, prove=20_000)
EVENTS: Final = 120
INSERT: Final = """
INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_user_id, actor_name, host_id,
  guest_id, account_id, app, data, previous_hash, hash)
VALUES ($1, $2, $3, $4, $5, $6, 'Somebody', $7, $8, $9, $10, '{}', '', '')
"""
TYPES: Final = ("share.added", "signin.account", "export.created", "invoice.issued")


class Stage:
    """Streams of random events, their readers, and the values of filters."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.readers: list[Any] = [STAFF]
        self.streams = [PLATFORM]
        self.accounts: list[UUID] = []
        self.people: list[Person] = []

    async def set(self) -> None:
        places = [await self.world.organisation() for _ in range(3)]
        for place in places:
            await self._staff(place)
        self.streams += [place.id for place in places]
        for stream in self.streams:
            await self.world.owner.executemany(INSERT, [self._event(stream, 10 + n) for n in range(EVENTS)])
        await self.world.owner.execute("ANALYZE accord.activity_events")

    async def _staff(self, place: Organisation) -> None:
        roles: tuple[list[Role], ...] = ([Role.ORG_ADMIN], [Role.AUDITOR], [], [], [])
        staff = [await self.world.person(place, *held) for held in roles]
        self.accounts += [await self.world.account(staff[2]) for _ in range(2)]
        self.accounts += [await self.world.account(staff[3], staff[2]) for _ in range(9)]
        self.accounts += [await self.world.account(staff[0])]
        self.people += staff
        self.readers += [person.identity for person in staff]

    def _event(self, stream: UUID, sequence: int) -> tuple[Any, ...]:
        pick, sides = self.chance.choice, [*self.streams[1:], stream, stream, None]
        app, actor = pick([None, "Ledger", "Ledger", "Rare"]), pick(self.people).id
        outcome = pick(["SUCCESS", "SUCCESS", "DENIED"])
        account = pick([None, *self.accounts])
        return (
            stream,
            sequence,
            self.world.clock.now,
            pick(TYPES),
            outcome,
            actor,
            pick(sides),
            pick(sides),
            account,
            app,
        )

    def filters(self) -> dict[str, Any]:
        """None to three filters."""
        values: Mapping[str, Any] = {
            "types": self.chance.choices([*TYPES, "absent"], k=2),
            "outcome": self.chance.choice(["SUCCESS", "DENIED"]),
            "person": str(self.chance.choice(self.people).id),
            "partner": str(self.chance.choice([*self.streams, uuid4()])),
            "account": str(self.chance.choice(self.accounts)),
            "app": self.chance.choice(["Ledger", "Rare"]),
        }
        return {
            name: values[name] for name in self.chance.sample(sorted(values), k=self.chance.choice([0, 1, 1, 2, 3]))
        }


def plain(names: frozenset[str]) -> Query:
    """Every event of the parent's stream that the predicate and these filters admit."""
    e = activity.e
    where = [e.c.stream_id == PARENT, sees_event(e), *(activity.FILTERS[name] for name in sorted(names))]
    return Query(select(e.c.sequence).select_from(e, PARENTS).where(*where).order_by(e.c.sequence))


async def differences(stage: Stage, rounds: int) -> list[str]:
    """Where a list of events, read page by page from either end, or its count is not what is admitted."""
    found: list[str] = []
    for _ in range(rounds):
        filters, reader = stage.filters(), stage.chance.choice(stage.readers)
        stream, size = str(stage.chance.choice(stage.streams)), stage.chance.choice([1, 3, 20])
        snapshot = stage.world.database.snapshot(reader)
        rows = await snapshot.fetch(plain(frozenset(filters)), keys=[stream], **filters)
        admitted = [row.sequence for row in rows]
        (counted,) = await snapshot.fetch(
            activity.EVENTS.narrowed(filters).count, keys=[stream], most=10_000, **filters
        )
        backward = stage.chance.choice([True, False])
        listed = await walked(snapshot, stream, size, backward, filters)
        await snapshot.close()
        if listed != (admitted if backward else admitted[::-1]) or counted.total != len(admitted):
            found.append(f"{reader.subject} {stream} {filters} {size} {backward}: {listed} {counted.total} {admitted}")
    return found


async def is_found_out(stage: Stage) -> bool:
    """Is there a difference sooner or later? Most questions are not about what was left out."""
    for _ in range(100):
        if await differences(stage, 50):
            return True
    return False


async def walked(snapshot: Snapshot, stream: str, size: int, backward: bool, filters: Mapping[str, Any]) -> list[int]:
    """The numbers of all events in the list, page by page in its order, or from its end."""
    pages, listed = activity.EVENTS.narrowed(filters), list[int]()
    while True:
        last = listed[-1] if listed else None
        bounds = pages.bounds(None, last) if backward else pages.bounds(last, None)
        page = await snapshot.fetch(pages.page(backward), keys=[stream], size=size, **bounds, **filters)
        listed += [row.sequence for row in page]
        if len(page) < size:
            return listed


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs) -> AsyncIterator[Stage]:
    async with open_world(module_database_urls, pool_size=1) as world:
        made = Stage(world, seeded())
        await made.set()
        yield made


async def test_the_ways_bring_what_may_be_seen_and_nothing_else(stage: Stage) -> None:
    assert await differences(stage, ROUNDS) == []


@pytest.mark.parametrize("name", ["partner", "outcome"])
async def test_a_way_that_is_forgotten_is_found_out(stage: Stage, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "BY_FILTER", {**activity.BY_FILTER, name: activity.BY_FILTER[name][:1]})
    monkeypatch.setattr(activity, "EVENTS", activity._listed(activity.e.c.stream_id == PARENT, ways=activity._ways))
    assert await is_found_out(stage)


async def test_accounts_that_are_forgotten_are_found_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = lambda given: activity._ways(given)[:-1]  # noqa: E731
    monkeypatch.setattr(activity, "EVENTS", activity._listed(activity.e.c.stream_id == PARENT, ways=ways))
    assert await is_found_out(stage)
