"""A partnership that renews itself goes on past its stored end whatever act meets it before the worker does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.status import set_partner_status
from accord.services.partnerships.term import set_auto_extend
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import open_world

MONTH: Final = timedelta(days=30)


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        yield await set_scene(world)


async def suspend_and_resume(scene: Scene) -> None:
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A question.")
    await scene.act("ada", resume_partnership, partnership_id=scene.partnership)


async def hold_by_the_operator(scene: Scene) -> None:
    for status in (PartnerStatus.SUSPENDED, PartnerStatus.ACTIVE):
        await scene.world.operate(
            set_partner_status, organisation_id=scene.guest.id, program=PartnerProgram.MSP, status=status
        )


async def stop_renewing(scene: Scene) -> None:
    await scene.act("ada", set_auto_extend, partnership_id=scene.partnership, by=None)


async def renew_for_shorter(scene: Scene) -> None:
    await scene.act("ada", set_auto_extend, partnership_id=scene.partnership, by=timedelta(days=1))


async def ends_at(scene: Scene, stored: datetime, auto_extend: timedelta | None) -> None:
    sql = "UPDATE accord.partnerships SET expires_at = $2, auto_extend = $3 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, stored, auto_extend)


@pytest.mark.parametrize("later", [timedelta(), timedelta(microseconds=1), timedelta(days=1), 2 * MONTH])
@pytest.mark.parametrize("act", [suspend_and_resume, hold_by_the_operator, stop_renewing, renew_for_shorter])
async def test_an_act_past_the_stored_end_keeps_the_end_that_was_shown(
    scene: Scene, act: Callable[[Scene], Awaitable[None]], later: timedelta
) -> None:
    end = scene.world.clock.now + timedelta(hours=1)
    await ends_at(scene, end, MONTH)
    scene.world.clock.advance(seconds=3600 + later.total_seconds())
    shown = end + MONTH * (later // MONTH + 1)
    await act(scene)
    row: Any = await scene.row("partnerships", scene.partnership)
    assert (row["state"], row["expires_at"]) == ("ACTIVE", shown)
    assert len(await scene.events(scene.guest, "partnership.extended")) >= 1
    assert not (await scene.world.verify()).faults
