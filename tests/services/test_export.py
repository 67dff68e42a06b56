"""An export is read page by page, one page ahead, each with the rights of its own instant."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from accord.database.queries.read import export
from accord.domain.organisation import Role
from accord.http.exports import bound_filters
from tests.world import Person, World


@pytest.fixture
async def lead(world: World, monkeypatch: pytest.MonkeyPatch) -> Person:
    """An admin whose organisation has a stream of several events, and exports of one event a page."""
    monkeypatch.setattr(export, "AT_ONCE", 1)
    host, guest = await world.organisation(), await world.organisation()
    owner, admin = await world.person(host), await world.person(host, Role.ORG_ADMIN)
    await world.partnership(owner, admin, await world.person(guest, Role.ORG_ADMIN))
    return admin


def pages_of(world: World, person: Person) -> AsyncGenerator[export.Page]:
    home = person.organisation.id
    return export.stream_events(world.database, person.identity, home, bound_filters({}), 1_000_000)


async def test_every_event_comes_once_and_the_newest_first(world: World, lead: Person) -> None:
    numbers = [row.sequence async for page in pages_of(world, lead) for row in page.rows]
    assert len(numbers) >= 3
    assert numbers == list(range(len(numbers), 0, -1))


async def test_who_loses_the_right_gets_what_was_read_ahead_and_no_more(world: World, lead: Person) -> None:
    pages = pages_of(world, lead)
    assert len((await anext(pages)).rows) == 1
    await world.owner.execute("UPDATE accord.memberships SET roles = '{MEMBER}' WHERE user_id = $1", lead.id)
    assert len([row async for page in pages for row in page.rows]) <= 1


async def test_who_stops_reading_leaves_no_connection_behind(world: World, lead: Person) -> None:
    pages = pages_of(world, lead)
    await anext(pages)
    await pages.aclose()
    assert world.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_page_ends_after_so_many_bytes(world: World, lead: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the lines: a page keeps no more of them than its bytes allow, one at least."""
    monkeypatch.setattr(export, "AT_ONCE", 100)
    whole = [len(page.rows) async for page in pages_of(world, lead)]
    assert len(whole) == 1
    monkeypatch.setattr(export, "PAGE_SIZE", 250)
    sizes = [len(page.rows) async for page in pages_of(world, lead)]
    assert max(sizes) == 2
    monkeypatch.setattr(export, "PAGE_SIZE", 1)
    numbers = [row.sequence async for page in pages_of(world, lead) for row in page.rows]
    assert numbers == list(range(whole[0], 0, -1))
