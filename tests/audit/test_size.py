"""Verification of a long stream says how far it is, and takes no more memory than that of a short one."""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from typing import Any, Final
from uuid import UUID

from accord.database.audit import open_connection, verify
from accord.domain.chain import PERSONAL, PLAIN, sealed
from accord.services.people import member
from accord.services.people.erasure import erase_person
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.services.scene import set_scene
from tests.world import World, open_world

SMALL: Final = 5_000
LARGE: Final = count(test=15_000, check=100_000, prove=1_000_000)
AT_ONCE: Final = 5_000


async def lengthen(world: World, stream: UUID, actor: UUID, upto: int) -> None:
    """Append events to a stream, past the service but in its format."""
    head = await world.owner.fetchrow("SELECT sequence, hash FROM accord.chain_heads WHERE stream_id = $1", stream)
    sequence, previous = head["sequence"], head["hash"]
    base: dict[str, Any] = {
        **dict.fromkeys((*PLAIN, *PERSONAL)),
        "stream_id": stream,
        "occurred_at": world.clock.now,
        "type": "signin.account",
        "outcome": "SUCCESS",
        "actor_user_id": actor,
        "actor_name": "Person 1",
        "ip": "192.0.2.7",
        "os": "Linux",
        "device": "Chrome",
        "location": "Oslo",
        "account_label": "Ledger",
    }
    while sequence < upto:
        rows = []
        for number in range(sequence + 1, min(sequence + AT_ONCE, upto) + 1):
            data = {"ticket": number, "label": "Front desk"}
            rows.append(sealed({**base, "sequence": number, "data": data}, previous))
            previous = rows[-1]["hash"]
        records = [[json.dumps(row["data"]) if name == "data" else row[name] for name in row] for row in rows]
        await world.owner.copy_records_to_table(
            "activity_events", schema_name="accord", columns=list(rows[0]), records=records
        )
        sequence += len(rows)
    await world.owner.execute(
        "UPDATE accord.chain_heads SET sequence = $2, hash = $3 WHERE stream_id = $1", stream, sequence, previous
    )


async def measured(world: World) -> tuple[int, int, list[int]]:
    """How many events were read, the peak of the memory that it took, and what was said on the way.

    The collector of cycles runs as often as in the command; the tests let it rest.
    """
    told: list[int] = []
    rare = gc.get_threshold()
    gc.collect()
    gc.set_threshold(700, 10, 10)
    tracemalloc.start()
    try:
        async with open_connection(world.urls.superuser) as connection:
            verdict = await verify(connection, progress=told.append)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*rare)
    assert not verdict.faults
    return verdict.events, peak, told


async def test_memory_is_flat_and_progress_is_told(database_urls: DatabaseURLs) -> None:
    async with open_world(database_urls) as world:
        scene = await set_scene(world)
        actor = scene["ada"].id
        await lengthen(world, scene.host.id, actor, SMALL)
        _, small, _ = await measured(world)
        await lengthen(world, scene.host.id, actor, LARGE)
        read, large, told = await measured(world)
        assert read > LARGE
        assert large < 1.5 * small
        assert told == list(range(100_000, read + 1, 100_000))
        await report(world)


async def report(world: World) -> None:
    """Print what takes how long, for the documents."""
    began = time.perf_counter()
    verdict = await world.verify()
    sys.stdout.write(f"{verdict.events} events verified in {time.perf_counter() - began:.1f} s\n")


async def test_somebody_is_erased_out_of_a_long_stream(database_urls: DatabaseURLs) -> None:
    async with open_world(database_urls, statement_timeout=600.0, idle_timeout=600.0) as world:
        scene = await set_scene(world)
        gone = await world.person(scene.host, name="Nobody Anymore")
        await lengthen(world, scene.host.id, scene["ada"].id, LARGE // 2)
        await lengthen(world, scene.host.id, gone.id, LARGE // 2 + 2_000)
        await lengthen(world, scene.host.id, scene["ada"].id, LARGE)
        await scene.act("ada", member.remove_member, membership_id=gone.membership_id)
        began = time.perf_counter()
        receipt = await world.operate(erase_person, user_id=gone.id, reason="They asked for it.")
        sys.stdout.write(f"erased out of {LARGE} events in {time.perf_counter() - began:.1f} s\n")
        assert receipt.events >= 2_000
        assert not (await world.verify()).faults
