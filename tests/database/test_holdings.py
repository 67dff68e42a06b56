"""Lists that begin with what the viewer holds bring exactly what the predicates admit, in random worlds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from sqlalchemy import select

from accord.database.engine import Query, Snapshot
from accord.database.queries.read import sharing
from accord.database.queries.read.pages import PARENT, PARENTS, Pages, paged
from accord.database.queries.read.ways import Way
from accord.database.visibility import granted_account, sees_account
from tests.database.oracle import Facts
from tests.database.worlds import Maker, identity_of, write
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import World, open_world

WORLDS: Final = count(test=6, check=60, prove=2_000)
NOTHING: Final[dict[str, Any]] = {"search": None, "category": None}
a = sharing.a
OF_HOST: Final = Query(
    select(a.c.id).select_from(a, PARENTS).where(a.c.host_id == PARENT, sees_account(a)).order_by(a.c.id)
)
GRANTED: Final = Query(select(a.c.id).where(granted_account(a)).order_by(a.c.id))


async def walked(snapshot: Snapshot, pages: Pages, parent: str, backward: bool) -> list[str]:
    """The keys of all rows of a list, two at a time."""
    listed: list[Any] = []
    while True:
        last = listed[-1].position if listed else None
        bounds = pages.bounds(None, last) if backward else pages.bounds(last, None)
        page = await snapshot.fetch(pages.page(backward), keys=[parent], size=2, **bounds, **NOTHING)
        listed += page
        if len(page) < 2:
            return [row.key for row in listed]


async def differences(world: World, number: int) -> tuple[list[str], int]:
    """Where a list or its count is not what is admitted, and how many rows were."""
    chance, found, seen = seeded(), list[str](), 0
    for _ in range(number):
        facts: Facts = Maker(chance, world.clock.now).make()
        await write(world, facts)
        hosts = sorted({str(account.host) for account in facts.accounts})
        for person in facts.people:
            snapshot = world.database.snapshot(identity_of(person))
            for pages, plain, parents in (
                (sharing.ACCOUNTS, OF_HOST, hosts),
                (sharing.SHARED_ACCOUNTS, GRANTED, [str(person.id)]),
            ):
                for parent in parents:
                    admitted = [str(row["id"]) for row in await snapshot.fetch(plain, keys=[parent])]
                    (counted,) = await snapshot.fetch(pages.count, keys=[parent], most=1_000, **NOTHING)
                    both = [await walked(snapshot, pages, parent, backward) for backward in (False, True)]
                    seen += len(admitted)
                    if both != [admitted, admitted[::-1]] or counted.total != len(admitted):
                        found.append(f"{person.id} {parent}: {both} {counted.total} {admitted}")
            await snapshot.close()
    return found, seen


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls, pool_size=1) as made:
        yield made


async def test_the_lists_bring_what_may_be_seen_and_nothing_else(world: World) -> None:
    found, seen = await differences(world, WORLDS)
    assert found == []
    assert seen > 20


async def test_holdings_that_are_forgotten_are_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = paged(
        sharing.AccountRow,
        sharing.ACCOUNT,
        a,
        (a.c.host_id == PARENT, sees_account(a)),
        a.c.id,
        ways=lambda _: [Way((sharing.WALKED,))],
    )
    monkeypatch.setattr(sharing, "ACCOUNTS", lists)
    found, _ = await differences(world, 4)
    assert found
