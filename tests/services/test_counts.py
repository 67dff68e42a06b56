"""What ended with something larger: the receipt and the event say the same, whoever ended it (model 4.10, 4.12)."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from accord.database.engine import Database
from accord.domain.activity import counted
from accord.services.expiry import sweep
from accord.services.grants.account import archive_account
from accord.services.grants.sharing import unshare_account
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member
from tests.services.scene import Scene

COUNTS = {
    "sharesEnded": 1,
    "grantsEnded": 2,
    "accessRequestsCancelled": 1,
    "ticketsVoided": 0,
}


async def shared(scene: Scene) -> Any:
    """One share with two people, and a request that waits."""
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.ask("greta", share, "dan")
    return share


async def told(scene: Scene, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await scene.events(scene.host, kind))[-1]["data"])
    return found


async def test_a_partnership_that_is_removed(scene: Scene) -> None:
    await shared(scene)
    removal = await scene.act("mia", remove_partner, partnership_id=scene.partnership)
    data = await told(scene, "partnership.terminated")
    assert COUNTS.items() <= data.items()
    receipt = {name: count for name, count in asdict(removal.receipt).items() if isinstance(count, int)}
    assert counted(receipt) == data


async def test_a_partnership_that_ends_by_the_clock_says_it_alike(scene: Scene) -> None:
    await shared(scene)
    ends = scene.world.clock.now + timedelta(days=1)
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, ends)
    scene.world.clock.advance(days=2)
    worker = Database(scene.world.urls.worker, clock=scene.world.clock)
    await sweep(worker, scene.world.clock.now)
    await worker.close()
    data = await told(scene, "partnership.expired")
    assert COUNTS.items() <= data.items()


async def test_an_account_a_share_and_a_member(scene: Scene) -> None:
    share = await shared(scene)
    await scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id)
    left: dict[str, Any] = json.loads((await scene.events(scene.guest, "member.deactivated"))[-1]["data"])
    assert left["grantsEnded"] == 1
    await scene.act("mia", unshare_account, share_id=share)
    ended = {name: count for name, count in (COUNTS | {"grantsEnded": 1}).items() if name != "sharesEnded"}
    assert ended.items() <= (await told(scene, "share.removed")).items()
    await scene.act("mia", archive_account, account_id=scene.account)
    archived = await told(scene, "account.archived")
    assert archived.keys() >= COUNTS.keys()
    sql = "SELECT DISTINCT jsonb_object_keys(data) FROM accord.activity_events"
    assert not [row[0] for row in await scene.world.owner.fetch(sql) if "_" in row[0]]
