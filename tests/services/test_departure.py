"""What ends and what passes on when a member is deactivated or removed (model 4.10, S66, Q18)."""

from typing import Any

import pytest

from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.grants.account import set_account_owners
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ownership import set_co_owners
from accord.services.people.member import deactivate_member, reactivate_member, remove_member
from tests.services.scene import Scene, Signer

ENDS = [deactivate_member, remove_member]


@pytest.mark.parametrize("end", ENDS)
async def test_a_guest_member_loses_everything_at_once(scene: Scene, end: Any) -> None:
    first = await scene.share()
    second = await scene.share(account=await scene.world.account(scene["mia"]))
    for share in (first, second):
        await scene.let_in(share, "carla", AccountRole.ACCOUNT_MANAGER)
    (by_carla,) = await scene.ask("carla", first, "dan")
    await scene.act("carla", sign_in_to_account, account_id=scene.account, signer=Signer())
    done = await scene.act("gustav", end, membership_id=scene["carla"].membership_id, reason="Has left")
    receipt = done.receipt
    assert (receipt.grants_ended, receipt.access_requests_ended, receipt.tickets_voided) == (2, 1, 1)
    for share in (first, second):
        assert (await scene.grant(share, "carla"))["state"] == "REVOKED"
        assert (await scene.grant(share, "greta"))["state"] == "ACTIVE"
    assert (await scene.row("access_items", by_carla))["state"] == "CANCELLED"
    type_ = "member.deactivated" if end is deactivate_member else "member.removed"
    (own,), (told,) = await scene.events(scene.guest, type_), await scene.events(scene.host, type_)
    assert own["reason"] == "Has left"
    assert told["reason"] is None, "why is the guest's own"
    assert '"grantsEnded": 2' in told["data"]
    assert (told["partnership_id"], told["ip"]) == (scene.partnership, None)


async def test_deactivated_and_reactivated_is_without_grants(scene: Scene) -> None:
    """Invariant 6."""
    share = await scene.share()
    await scene.let_in(share, "carla")
    carla = {"membership_id": scene["carla"].membership_id}
    await scene.act("gustav", deactivate_member, **carla)
    await scene.act("gustav", reactivate_member, **carla)
    sql = "SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE'"
    assert await scene.world.owner.fetchval(sql, scene["carla"].id) == 0


@pytest.mark.parametrize("end", ENDS)
async def test_a_representative_is_followed_by_the_longest_standing_admin(scene: Scene, end: Any) -> None:
    done = await scene.act("gustav", end, membership_id=scene["greta"].membership_id)
    assert done.receipt.representatives_replaced == 1
    row = await scene.row("partnerships", scene.partnership)
    assert row["representative_user_id"] == scene["gustav"].id
    assert await scene.mails("representative_changed") == [{"gustav", "mia"}]
    for side in (scene.host, scene.guest):
        assert len(await scene.events(side, "partnership.representative_changed")) == 1


@pytest.mark.parametrize("end", ENDS)
async def test_a_sole_owner_is_followed_by_the_longest_standing_admin(scene: Scene, end: Any) -> None:
    share = await scene.share()
    done = await scene.act("arne", end, membership_id=scene["mia"].membership_id)
    assert (done.receipt.partnerships_succeeded, done.receipt.accounts_needing_owner) == (1, 1)
    assert done.receipt.grants_ended == 0
    row = await scene.row("partnerships", scene.partnership)
    assert (row["owner_user_id"], row["state"]) == (scene["ada"].id, "ACTIVE")
    assert (await scene.grant(share, "greta"))["state"] == "ACTIVE", "partner access is not cut by this alone"
    assert await scene.mails("ownership_moved") == [{"ada", "arne"}]
    assert await scene.mails("needs_owner") == [{"ada", "arne"}]
    assert len(await scene.events(scene.guest, "partnership.ownership_transferred")) == 1
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())


async def test_a_co_owner_comes_before_an_admin(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "user_ids": [scene["otto"].id, scene["arne"].id]}
    await scene.act("mia", set_co_owners, **given)
    await scene.act("ada", deactivate_member, membership_id=scene["mia"].membership_id)
    row = await scene.row("partnerships", scene.partnership)
    assert row["owner_user_id"] == scene["arne"].id, "the longest-standing co-owner"
    assert row["co_owner_ids"] == [scene["otto"].id]
    done = await scene.act("ada", deactivate_member, membership_id=scene["otto"].membership_id)
    assert done.receipt.partnerships_succeeded == 0
    assert (await scene.row("partnerships", scene.partnership))["co_owner_ids"] == []


async def test_an_account_with_another_owner_needs_none(scene: Scene) -> None:
    owners = [scene["mia"].id, scene["otto"].id]
    await scene.act("mia", set_account_owners, account_id=scene.account, user_ids=owners)
    done = await scene.act("ada", deactivate_member, membership_id=scene["mia"].membership_id)
    assert done.receipt.accounts_needing_owner == 0
    assert await scene.mails("needs_owner") == []
    sql = "SELECT user_id FROM accord.account_ownerships WHERE account_id = $1"
    assert [row["user_id"] for row in await scene.world.owner.fetch(sql, scene.account)] == [scene["otto"].id]


async def test_own_requests_that_wait_for_the_host_are_withdrawn(scene: Scene) -> None:
    world = scene.world
    waiting = await world.request(scene["otto"], await world.organisation())
    done = await scene.act("ada", remove_member, membership_id=scene["otto"].membership_id)
    assert done.receipt.partnerships_succeeded == 0
    row = await scene.row("partnerships", waiting)
    assert (row["state"], row["ended_at"]) == (PartnershipState.WITHDRAWN, world.clock.now)
    assert await scene.mails("withdrawn") == [{"ada", "arne"}]
    assert len(await scene.events(scene.host, "partnership.withdrawn")) == 1


async def test_every_open_partnership_keeps_an_active_owner(scene: Scene) -> None:
    """Invariant 11, for the states that have one."""
    world = scene.world
    made = [scene.partnership]
    for state in (
        PartnershipState.AWAITING_GUEST_ACCEPTANCE,
        PartnershipState.DECLINED_BY_GUEST,
        PartnershipState.SUSPENDED,
        PartnershipState.TERMINATED,
    ):
        admin = await world.person(await world.organisation(), Role.ORG_ADMIN)
        made.append(await world.partnership(scene["mia"], scene["ada"], admin, state))
    done = await scene.act("ada", deactivate_member, membership_id=scene["mia"].membership_id)
    assert done.receipt.partnerships_succeeded == 4
    owners = [(await scene.row("partnerships", key))["owner_user_id"] for key in made]
    assert owners == [scene["ada"].id] * 4 + [scene["mia"].id], "what has ended does not change"
    assert (await world.verify()).faults == ()
