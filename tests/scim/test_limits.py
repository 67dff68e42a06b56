"""How often a directory may ask, and how much of its organisation's room it takes (security.md, limits)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scim.bench import Bench, Directory, open_bench, refusal, user
from tests.services.scene import set_scene
from tests.world import World

FEW = 6
ADDRESS = "192.0.2.99"


@pytest.fixture(autouse=True)
async def _nothing_spent(world: World) -> None:
    await world.owner.execute("TRUNCATE accord.allowances")


@pytest.fixture
async def narrow(world: World, tmp_path: Path) -> AsyncIterator[Bench]:
    """Directories that may ask so many times an hour."""
    async with open_bench(await set_scene(world), tmp_path, points_per_minute=FEW, points_per_hour=FEW) as opened:
        yield opened


async def held(bench: Bench) -> dict[str, Any]:
    """What the rows of the limits say, by who is counted."""
    rows = await bench.scene.world.owner.fetch("SELECT key, hour, running FROM accord.allowances")
    return {row["key"]: row for row in rows}


async def test_what_is_left_is_told_with_every_answer(narrow: Bench) -> None:
    told = [(await narrow.guest.send("GET", "/ServiceProviderConfig")).headers["ratelimit"] for _ in range(3)]
    assert [int(one.partition("r=")[2].partition(";")[0]) for one in told] == [FEW - 1, FEW - 2, FEW - 3]


async def test_a_directory_without_points_waits_and_nothing_changes(narrow: Bench) -> None:
    for number in range(FEW):
        await narrow.guest.create(f"nora{number}@lighthouse.example")
    members = "SELECT count(*) FROM accord.memberships"
    before = await narrow.scene.world.owner.fetchval(members)
    answer = await narrow.guest.send("POST", "/Users", user("late@lighthouse.example"))
    refusal(answer, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 3_600
    assert await narrow.scene.world.owner.fetchval(members) == before
    await narrow.host.ok("GET", "/Users")


async def test_more_credentials_of_an_organisation_give_its_directory_nothing_more(narrow: Bench) -> None:
    second = await narrow.directory("gustav")
    for number in range(FEW):
        await (narrow.guest, second)[number % 2].ok("GET", "/Groups")
    for one in (narrow.guest, second, await narrow.directory("gustav")):
        await one.refused(429, "GET", "/Groups")
    await narrow.host.ok("GET", "/Groups")


async def test_a_directory_shares_the_room_of_its_organisation(narrow: Bench) -> None:
    second = await narrow.directory("gustav")
    await second.ok("GET", "/Groups")
    await narrow.app.state.gateway.rates.close()
    never = [2**62] * 40
    lighthouse = f"organisation {narrow.scene.guest.id}"
    await narrow.scene.world.owner.execute(
        "UPDATE accord.allowances SET running = $2 WHERE key = $1", lighthouse, never
    )
    await second.refused(429, "GET", "/Groups")
    await narrow.host.ok("GET", "/Groups")


async def test_a_place_is_taken_for_as_long_as_a_request_lasts(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.guest.send("GET", "/Users") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200, 429}
    await bench.app.state.gateway.rates.close()
    assert not any(row["running"] for row in (await held(bench)).values())
    await bench.guest.ok("GET", "/Users")


@pytest.mark.parametrize("token", ["", "made-up", "accord_scim_made-up"])
async def test_who_is_no_directory_takes_no_place(narrow: Bench, token: str) -> None:
    await Directory(narrow.http, token).refused(401, "GET", "/Users")
    failures = {f"failures /scim/v2 {ADDRESS}", f"failures /scim/v2 {ADDRESS} "} if token else set()
    assert (await held(narrow)).keys() == failures
