"""Readers who do not read cost those who ask, and nobody else; what waits for them in memory is bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from tests.scale import CONTROL, count
from tests.servers import DatabaseURLs
from tests.starvation.stage import UNLIMITED, Stage, staged

pytestmark = pytest.mark.alone

REQUESTS: Final = count(test=200, check=1_000)
MEGABYTE: Final = 1024 * 1024
ENOUGH: Final = 2_000 * MEGABYTE
"""Bytes of waiting answers that nothing here reaches."""
REASON: Final = 10_000
PAGE: Final = "query Page($first: Int) { activity(first: $first) { edges { node { %s } } } }"
READERS: Final = 30
PATIENT: Final[dict[str, Any]] = {"points_per_minute": 1_000_000, "points_per_hour": 1_000_000, "reader_timeout": 600.0}


def page(aliases: int) -> str:
    """A page of reasons, each under so many names."""
    return PAGE % " ".join(f"r{number}: reason" for number in range(aliases))


async def wait_for_readers(stage: Stage, aliases: int, first: int) -> int:
    """Let `READERS` ask for a page and read none of it; how much the process grew while they waited."""
    requests = [stage.post(person, page(aliases), first=first) for person in stage.attackers]
    async with stage.attack() as attack:
        before, most = stage.memory(), 0
        for number in range(READERS):
            await attack.open(requests[number % len(requests)])
            most = max(most, stage.memory())
        told = asyncio.create_task(attack.all_told())
        while not told.done():
            most = max(most, stage.memory())
            await asyncio.sleep(0.05)
        await told
        return max(most, stage.memory()) - before


async def test_readers_of_the_largest_answer_fill_no_memory(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Seven megabytes each, of three people: those that wait keep no more than the setting, whoever they are."""
    async with staged(database_urls, tmp_path, attackers=3, answers_waiting=32 * MEGABYTE, **PATIENT) as stage:
        await stage.fill(stage.attackers[0], 100, REASON)
        assert (await stage.ask(stage.post(stage.attackers[0], page(7), first=100)))[0] == 200
        quiet = await stage.serve(REQUESTS)
        grown = await wait_for_readers(stage, 7, 100)
        assert grown < 96 * MEGABYTE, grown / MEGABYTE
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)
        await stage.all_given_back()


@CONTROL
async def test_without_a_bound_they_fill_it(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    given = {"without": ("shares",), "answers_waiting": ENOUGH, **UNLIMITED, **PATIENT}
    async with staged(database_urls, tmp_path, attackers=3, **given) as stage:
        await stage.fill(stage.attackers[0], 100, REASON)
        grown = await wait_for_readers(stage, 7, 100)
        assert grown > 150 * MEGABYTE, grown / MEGABYTE


async def test_an_answer_has_a_largest_size(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """What would be 20 megabytes is refused before it is made, with the limit; and it is paid by its bytes."""
    async with staged(database_urls, tmp_path) as stage:
        await stage.fill(stage.attackers[0], 70, REASON)
        before = stage.memory()
        status, body = await stage.ask(stage.post(stage.attackers[0], page(29), first=70))
        assert (status, b"ANSWER_TOO_LARGE" in body, b'"limit":8388608' in body) == (413, True, True)
        assert stage.memory() - before < 12 * MEGABYTE
        await stage.all_given_back()
        spent = (
            "SELECT hour FROM accord.allowances WHERE key = 'person ' || (SELECT id FROM accord.users WHERE email = $1)"
        )
        points = await stage.world.owner.fetchval(spent, stage.attackers[0].email)
        assert points > 100, "of 128 some have come back"


async def test_a_reader_who_stops_is_cut_off_and_the_slot_is_free(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, reader_timeout=1.0) as stage, stage.attack() as attack:
        await stage.fill(stage.attackers[0], 100, REASON)
        await attack.open(stage.post(stage.attackers[0], page(7), first=100))
        async with asyncio.timeout(60):
            while await stage.under_way() == 0:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert await stage.under_way() == 1, "the slot is held while the answer waits"
        await stage.all_given_back()
        reader = attack.sockets[0]
        reader.setblocking(True)
        said = 0
        try:
            while piece := await asyncio.to_thread(reader.recv, 65_536):
                said += len(piece)
        except ConnectionError:
            pass
        assert said < 7 * MEGABYTE


async def test_a_slow_reader_gets_all_of_it(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Faster than the least rate, but with pauses: nothing is cut off."""
    async with staged(database_urls, tmp_path, reader_timeout=5.0, reader_rate=64 * 1024) as stage:
        await stage.fill(stage.attackers[0], 40, REASON)
        async with stage.attack() as attack:
            opened = await attack.open(
                stage.post(stage.attackers[0], page(7), "connection: close", first=40), 64 * 1024
            )
            loop, said = asyncio.get_running_loop(), 0
            while piece := await loop.sock_recv(opened, 32 * 1024):
                said += len(piece)
                await asyncio.sleep(len(piece) / (600 * 1024))
            assert said > 39 * 7 * REASON, "of 40 events one has no reason"


async def test_idle_exports_leave_others_alone(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Of 200 sockets of 20 people two of a person and eight of an organisation are served, and keep a few megabytes."""
    async with staged(database_urls, tmp_path, attackers=20, reader_timeout=600.0) as stage, stage.attack() as attack:
        await stage.fill(stage.attackers[0], 3_000, REASON)
        quiet = await stage.serve(REQUESTS)
        before = stage.memory()
        requests = [stage.export(person) for person in stage.attackers]
        for number in range(200):
            await attack.open(requests[number % 20])
            await asyncio.sleep(0.01)  # strangers until they are read, of whom one address has half the places
        await attack.becomes(s200=8, s429=192)
        assert await stage.under_way("exports of person %") == 8
        (await stage.serve(REQUESTS)).assert_unharmed(quiet)
        assert stage.memory() - before < 80 * MEGABYTE, (stage.memory() - before) / MEGABYTE
        attack.close()
        await stage.all_given_back()


async def test_two_exports_of_a_person_at_once(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, reader_timeout=600.0) as stage, stage.attack() as attack:
        await stage.fill(stage.attackers[0], 1_000, REASON)
        await attack.open_many(4, stage.export(stage.attackers[0]))
        await attack.becomes(s200=2, s429=2)
        assert (await stage.ask(stage.post(stage.attackers[0], "{ viewer { user { id } } }")))[0] == 200


@CONTROL
async def test_without_limits_idle_exports_take_every_slot(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    exports = {"exports_of_person": 1_000, "exports_of_organisation": 1_000}
    given = {"without": ("shares",), "reader_timeout": 600.0, "answers_waiting": ENOUGH, **exports, **UNLIMITED}
    async with (
        staged(database_urls, tmp_path, attackers=20, **given) as stage,
        stage.attack() as attack,
    ):
        await stage.fill(stage.attackers[0], 1_000, REASON)
        for begun in range(20, 220, 20):  # all at once would wait for connections of the database until they are BUSY
            for attacker in stage.attackers:
                await attack.open(stage.export(attacker))
            await attack.becomes(s200=begun)
        assert (await stage.serve(50)).statuses == {503: 50}
