"""`accord audit verify` finds every way to tamper with the chains, and is silent where nobody has (security.md, 9).

The tamperings are rolled back one by one. A tampering that a check alone finds is not found with that check off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Final

import asyncpg
import pytest

from accord.database import audit
from accord.database.audit import Anchor, Verdict, verify
from accord.database.engine import Database
from accord.domain.chain import chain_hash, sealed
from accord.domain.organisation import PLATFORM
from accord.services import operator
from accord.services.activity import record_export
from accord.services.checkpoint import take_checkpoint
from accord.services.people import member
from accord.services.people.erasure import erase_person
from accord.services.people.profile import update_profile
from tests.audit import tampering
from tests.audit.tampering import WAYS, Tampered
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import World, open_world

ROUNDS: Final = count(test=2, check=4, prove=40)


@pytest.fixture(scope="module")
async def scene(module_database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    """Organisations with streams of some length, an erased person, an export and a checkpoint."""
    async with open_world(module_database_urls) as world:
        scene = await set_scene(world)
        gone = await world.person(scene.guest)
        await world.act_as_oneself(gone, update_profile, display_name="Somebody Else")
        await scene.act("greta", member.remove_member, membership_id=gone.membership_id, reason="Moved away")
        await world.operate(erase_person, user_id=gone.id, reason="They asked for it.")
        for number in range(3):
            await world.operate(
                operator.create_organisation,
                name=f"Made {number}",
                country_code="NO",
                admin_email=f"a{number}@made.example",
                admin_display_name="A",
            )
        await scene.act("ada", record_export, filters={"app": "Ledger"})
        await checkpoint(world)
        yield scene


async def checkpoint(world: World) -> int:
    worker = Database(world.urls.worker, pool_size=1, clock=world.clock)
    try:
        return await take_checkpoint(worker)
    finally:
        await worker.close()


async def tampered(world: World, way: Callable[[Tampered], Any], random: Random, *anchors: Anchor) -> Verdict:
    """What is found after one tampering, which is rolled back."""
    return (await located(world, way, random, *anchors))[0]


async def located(
    world: World, way: Callable[[Tampered], Any], random: Random, *anchors: Anchor
) -> tuple[Verdict, bool]:
    """What is found after one tampering, and whether a fault names a stream that was tampered with."""
    async with audit.open_connection(world.urls.superuser) as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            await connection.execute("SET session_replication_role = replica")
            streams = [row["stream_id"] for row in await connection.fetch("SELECT stream_id FROM accord.chain_heads")]
            t = Tampered(connection, random, streams)
            await way(t)
            verdict = await verify(connection, anchors)
            named = {fault.stream_id for fault in verdict.faults}
            return verdict, not t.touched or bool(t.touched & named)
        finally:
            await transaction.rollback()


async def test_a_world_that_nobody_tampered_with_has_no_faults(scene: Scene) -> None:
    verdict = await scene.world.verify()
    assert not verdict.faults
    assert verdict.anchors > verdict.chains / 2
    assert verdict.events > 20


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_tampering_is_found(scene: Scene, way: Callable[[Tampered], Any]) -> None:
    random = seeded()
    for _ in range(ROUNDS):
        verdict, is_located = await located(scene.world, way, random)
        assert verdict.faults, way.__name__
        assert is_located, (way.__name__, verdict.faults)


async def test_a_rewritten_stream_is_found_by_a_head_kept_elsewhere_alone(scene: Scene) -> None:
    """The owner of the database can write a whole chain and its checkpoints again; an anchor outside shows it."""
    world, stream = scene.world, scene.host.id
    head = await world.owner.fetchrow("SELECT sequence, hash FROM accord.chain_heads WHERE stream_id = $1", stream)

    async def rewrite(t: Tampered) -> None:
        await t.owner.execute("DELETE FROM accord.activity_events WHERE type IN ('chain.checkpoint', 'export.created')")
        await t.owner.execute("UPDATE accord.chain_heads SET anchored = 0")
        for row in await t.owner.fetch("SELECT DISTINCT stream_id FROM accord.activity_events"):
            await write_again(t.owner, row["stream_id"])

    anchor = Anchor(stream, head["sequence"], head["hash"], "a file")
    assert not (await tampered(world, rewrite, Random(0))).faults
    assert (await tampered(world, rewrite, Random(0), anchor)).faults


async def write_again(owner: Any, stream: Any) -> None:
    """Make a stream's chain whole again, one salt and hash after the other."""
    rows = await owner.fetch("SELECT * FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence", stream)
    previous = "0" * 64
    for number, row in enumerate(rows, 1):
        made: dict[str, Any] = {**row, "sequence": number}
        if row["erased"]:
            made |= {"hash": chain_hash(previous, made)}
        else:
            made = sealed(made, previous)
        await owner.execute(
            "UPDATE accord.activity_events SET sequence = $2, salt = $3, facts = $4, previous_hash = $5, hash = $6"
            " WHERE id = $1",
            *(row["id"], number, made["salt"], made["facts"], previous, made["hash"]),
        )
        previous = made["hash"]
    await owner.execute(
        "UPDATE accord.chain_heads SET sequence = $2, hash = $3 WHERE stream_id = $1", stream, len(rows), previous
    )


def _follow(_audit: Any, chain: Any, row: Any) -> None:
    """Take every event for the next one."""
    chain.sequence, chain.hash = row["sequence"], row["hash"]


def _read_past(_audit: Any, _chain: Any) -> None:
    return None


async def _delete_second(t: Tampered) -> None:
    stream = await t.stream(3)
    await t.owner.execute("DELETE FROM accord.activity_events WHERE stream_id = $1 AND sequence = 2", stream)


CONTROLS: Final[dict[str, tuple[Callable[[Tampered], Any], Any, str, Any]]] = {
    "the hash of each event": (tampering.alter_text, audit, "_hash_of", lambda row: row["hash"]),
    "the end of each stream": (tampering.delete_head, audit._Audit, "_finish", _read_past),
    "the order of events": (_delete_second, audit._Audit, "_link", _follow),
}


@pytest.mark.parametrize("check", CONTROLS)
async def test_a_check_that_is_off_lets_its_tampering_pass(
    scene: Scene, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, place, name, off = CONTROLS[check]
    assert (await tampered(scene.world, way, Random(1))).faults
    monkeypatch.setattr(place, name, off)
    verdict = await tampered(scene.world, way, Random(1))
    assert [fault for fault in verdict.faults if fault.stream_id != PLATFORM] == []


async def _compare_nothing(_audit: Any, _anchors: Any) -> None:
    return None


async def test_without_what_is_on_record_a_cut_tail_passes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit._Audit, "compare", _compare_nothing)
    world, stream = scene.world, scene.host.id

    async def cut(t: Tampered) -> None:
        await tampering.cut_tail_with_head(Tampered(t.owner, t.random, [stream]))

    assert not (await tampered(world, cut, Random(2))).faults
    monkeypatch.undo()
    assert (await tampered(world, cut, Random(2))).faults


async def test_the_database_refuses_numbers_below_one_and_rewriting(scene: Scene) -> None:
    insert = (
        "INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_name, data,"
        " previous_hash, hash) VALUES ($1, 0, now(), 'denied', 'DENIED', 'x', '{}', '', '')"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await scene.world.owner.execute(insert, scene.host.id)
    for change in (
        "reason = 'x'",
        "salt = NULL",
        "salt = NULL, erased = '{}', actor_name = 'x'",
        "id = accord.new_id()",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await scene.world.owner.execute(f"UPDATE accord.activity_events SET {change}")


async def test_no_alarm_while_others_write(module_database_urls: DatabaseURLs) -> None:
    """Verification after verification under 16 writers and a worker that takes checkpoints."""
    async with open_world(module_database_urls, pool_size=16, pool_wait=60.0, lock_timeout=60.0) as world:
        homes = [await world.organisation() for _ in range(4)]
        people = [await world.person(homes[number % 4]) for number in range(16)]
        over = asyncio.Event()

        async def write(number: int) -> None:
            while not over.is_set():
                await world.act_as_oneself(people[number], update_profile, display_name=f"First {number}")
                await world.act_as_oneself(people[number], update_profile, display_name=f"Second {number}")

        async def take() -> None:
            while not over.is_set():
                await checkpoint(world)
                await asyncio.sleep(0.05)

        writers = [asyncio.create_task(write(number)) for number in range(16)] + [asyncio.create_task(take())]
        try:
            verdicts = [await world.verify() for _ in range(count(test=4, check=20))]
        finally:
            over.set()
            await asyncio.gather(*writers)
        assert [verdict.faults for verdict in verdicts] == [()] * len(verdicts)
        assert verdicts[-1].events > verdicts[0].events
