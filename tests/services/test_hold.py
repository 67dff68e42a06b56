"""Suspending, resuming, freezing and other rules: what is granted stays, and is denied meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accord.database.engine import Database
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.organisation import Role
from accord.services.expiry import sweep
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.proposal import request_partnership
from accord.services.partnerships.term import extend_partnership, set_auto_extend
from accord.services.policy import freeze_partner_access, set_policy, unfreeze_partner_access
from tests.services.scene import Scene, Signer


async def sign_in(scene: Scene, name: str = "greta", **given: Any) -> Any:
    return await scene.act(name, sign_in_to_account, account_id=scene.account, signer=Signer(), **given)


async def state(scene: Scene) -> tuple[str, list[str]]:
    row = await scene.row("partnerships", scene.partnership)
    return row["state"], row["suspended_by"]


async def test_each_side_lets_go_of_its_own_hold_alone(scene: Scene) -> None:
    await scene.share()
    await scene.act("gustav", suspend_partnership, partnership_id=scene.partnership, reason="A quarrel.")
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)
    await scene.act("mia", suspend_partnership, partnership_id=scene.partnership, reason="So be it.")
    assert await state(scene) == ("SUSPENDED", ["GUEST", "HOST"])
    await scene.act("greta", resume_partnership, partnership_id=scene.partnership)
    assert await state(scene) == ("SUSPENDED", ["HOST"])
    with pytest.raises(InvalidState):
        await scene.act("greta", resume_partnership, partnership_id=scene.partnership)
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)
    await scene.act("ada", resume_partnership, partnership_id=scene.partnership)
    assert await state(scene) == ("ACTIVE", [])
    await sign_in(scene)


async def test_a_guest_that_suspends_first_cannot_undo_the_hosts_hold(scene: Scene) -> None:
    await scene.act("greta", suspend_partnership, partnership_id=scene.partnership, reason="First.")
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="Second.")
    await scene.act("greta", resume_partnership, partnership_id=scene.partnership)
    assert (await state(scene))[0] == "SUSPENDED"


async def test_freezing_denies_everything_and_moves_no_state(scene: Scene) -> None:
    await scene.share()
    await scene.act("ada", freeze_partner_access)
    assert await state(scene) == ("ACTIVE", [])
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)
    await scene.act("greta", suspend_partnership, partnership_id=scene.partnership, reason="Then we too.")
    await scene.act("greta", resume_partnership, partnership_id=scene.partnership)
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)
    await scene.act("ada", unfreeze_partner_access)
    await sign_in(scene)


async def test_a_policy_that_asks_for_more_than_one_factor_looks_at_this_sign_in(scene: Scene) -> None:
    await scene.share()
    await scene.act("ada", set_policy, require_mfa=True)
    await sign_in(scene)
    weak = replace(scene["greta"], identity=replace(scene["greta"].identity, mfa=False))
    scene.people["greta"] = weak
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)


async def test_blocking_works_in_both_directions(scene: Scene) -> None:
    await scene.share()
    await scene.act("greta", set_policy, blocked_partners=[scene.host.id])
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)
    await scene.act("greta", set_policy, blocked_partners=[])
    await sign_in(scene)
    await scene.act("ada", set_policy, blocked_partners=[scene.guest.id])
    with pytest.raises((Forbidden, NotFound)):
        await sign_in(scene)


async def test_a_blocked_or_unlisted_partner_is_not_asked(scene: Scene) -> None:
    other = await scene.world.organisation()
    admin = await scene.world.person(other, Role.ORG_ADMIN)
    given = {"guest_handle": other.handle, "contact_email": "office@other.example", "reason": "Help."}
    await scene.act("ada", set_policy, allowed_partners=[scene.guest.id])
    with pytest.raises(Forbidden) as refused:
        await scene.act("mia", request_partnership, **given)
    assert refused.value.condition == "POLICY_DENIED"
    await scene.act("ada", set_policy, allowed_partners=[])
    await scene.world.act(admin, set_policy, blocked_partners=[scene.host.id])
    with pytest.raises(NotFound):
        await scene.act("mia", request_partnership, **given)


async def test_a_trusted_partner_needs_no_admins_approval(scene: Scene) -> None:
    other = await scene.world.organisation()
    await scene.world.person(other, Role.ORG_ADMIN)
    await scene.act("ada", set_policy, auto_approve_partners=[other.id])
    key = await scene.act(
        "mia", request_partnership, guest_handle=other.handle, contact_email="office@other.example", reason="Help."
    )
    row = await scene.row("partnerships", key)
    assert (row["state"], row["owner_user_id"]) == ("AWAITING_GUEST_ACCEPTANCE", scene["mia"].id)


async def test_an_end_moves_within_the_policy(scene: Scene) -> None:
    now = scene.world.clock.now
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, now + timedelta(days=10))
    await scene.act("ada", set_policy, max_partnership_duration=timedelta(days=30))
    given = {"partnership_id": scene.partnership}
    for until in (now - timedelta(days=1), now + timedelta(days=5), now + timedelta(days=31)):
        with pytest.raises(ValidationError):
            await scene.act("ada", extend_partnership, until=until, **given)
    await scene.act("ada", extend_partnership, until=now + timedelta(days=30), **given)
    assert (await scene.row("partnerships", scene.partnership))["expires_at"] == now + timedelta(days=30)


async def test_a_partnership_goes_on_by_itself_unless_somebody_holds_it(scene: Scene) -> None:
    world = scene.world
    ends = world.clock.now + timedelta(days=10)
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await world.owner.execute(sql, scene.partnership, ends)
    await scene.act("ada", set_auto_extend, partnership_id=scene.partnership, by=timedelta(days=30))
    worker = Database(world.urls.worker, clock=world.clock)
    world.clock.advance(days=9, hours=23, minutes=30)
    await sweep(worker, world.clock.now)
    assert (await scene.row("partnerships", scene.partnership))["expires_at"] == ends + timedelta(days=30)
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    world.clock.advance(days=31)
    await sweep(worker, world.clock.now)
    assert await state(scene) == ("EXPIRED", [])
    await worker.close()
