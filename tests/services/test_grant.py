"""One person's access: its role, its removal, giving it up (S80, S86, Q14)."""

from datetime import timedelta

import pytest

from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound
from accord.domain.sharing import AccountRole
from accord.services.grants.grant import (
    change_member_role,
    leave_share,
    remove_member_from_partnership,
    remove_member_from_share,
)
from accord.services.grants.sharing import suspend_share
from accord.services.grants.ticket import sign_in_to_account
from tests.services.scene import Scene, Signer

CO, AM = AccountRole.COLLABORATOR, AccountRole.ACCOUNT_MANAGER


async def test_an_account_owner_changes_a_role(scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla")
    await scene.act("mia", change_member_role, grant_id=grant, role=AM, expected_version=1)
    assert (await scene.row("grants", grant))["role"] == AM
    assert await scene.mails("role_changed") == [{"carla", "greta"}]
    for side in (scene.host, scene.guest):
        (event,) = await scene.events(side, "grant.role_changed")
        assert '"to": "ACCOUNT_MANAGER"' in event["data"]
    await scene.refused("mia", Conflict, change_member_role, grant_id=grant, role=CO, expected_version=1)


async def test_the_role_somebody_has_is_no_change(scene: Scene) -> None:
    grant = await scene.let_in(await scene.share(), "carla")
    async with scene.unchanged():
        assert await scene.act("mia", change_member_role, grant_id=grant, role=CO) == grant


async def test_a_former_account_manager_has_no_requests_left(scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla", AM)
    (by_carla,) = await scene.ask("carla", share, "dan")
    (by_greta,) = await scene.ask("greta", share, "gustav")
    await scene.act("mia", change_member_role, grant_id=grant, role=CO)
    assert (await scene.row("access_items", by_carla))["state"] == "CANCELLED"
    assert (await scene.row("access_items", by_greta))["state"] == "PENDING"


@pytest.mark.parametrize("name", ["ada", "otto", "greta", "gustav", "carla", "dan", "zoe"])
async def test_nobody_else_changes_a_role(scene: Scene, name: str) -> None:
    grant = await scene.let_in(await scene.share(), "carla")
    await scene.refused(name, (Forbidden, NotFound), change_member_role, grant_id=grant, role=AM)


async def test_an_ended_or_expired_grant_has_no_role_to_change(scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla")
    sql = "UPDATE accord.grants SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, grant, scene.world.clock.now - timedelta(seconds=1))
    await scene.refused("mia", InvalidState, change_member_role, grant_id=grant, role=AM)
    await scene.act("mia", remove_member_from_share, share_id=share, user_id=scene["carla"].id)
    await scene.refused("mia", InvalidState, change_member_role, grant_id=grant, role=AM)


@pytest.mark.parametrize("name", ["mia", "gustav"])
async def test_a_member_is_removed_from_a_share(scene: Scene, name: str) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla", AM)
    (by_carla,) = await scene.ask("carla", share, "dan")
    await scene.act("carla", sign_in_to_account, account_id=scene.account, signer=Signer())
    version = (await scene.row("shares", share))["version"]
    done = await scene.act(
        name, remove_member_from_share, share_id=share, user_id=scene["carla"].id, expected_version=version
    )
    assert (done.receipt.grants_ended, done.receipt.access_requests_cancelled, done.receipt.tickets_voided) == (1, 1, 1)
    assert (await scene.grant(share, "carla"))["state"] == "REVOKED"
    assert (await scene.grant(share, "greta"))["state"] == "ACTIVE"
    assert (await scene.row("access_items", by_carla))["state"] == "CANCELLED"
    assert await scene.mails("access_removed") == [{"carla", "greta"}]
    given = {"share_id": share, "user_id": scene["carla"].id}
    await scene.refused(name, NotFound, remove_member_from_share, **given)
    given["user_id"] = scene["greta"].id
    await scene.refused(name, Conflict, remove_member_from_share, expected_version=version, **given)


async def test_an_account_owner_who_owns_no_partnership_removes_a_member(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    sql = "UPDATE accord.account_ownerships SET user_id = $2 WHERE account_id = $1"
    await scene.world.owner.execute(sql, scene.account, scene["otto"].id)
    await scene.act("otto", remove_member_from_share, share_id=share, user_id=scene["carla"].id)


@pytest.mark.parametrize("name", ["ada", "otto", "carla", "dan", "zoe"])
async def test_nobody_else_removes_a_member(scene: Scene, name: str) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    given = {"share_id": share, "user_id": scene["greta"].id}
    await scene.refused(name, (Forbidden, NotFound), remove_member_from_share, **given)


@pytest.mark.parametrize("name", ["mia", "ada", "gustav"])
async def test_a_member_is_removed_from_everything_at_once(scene: Scene, name: str) -> None:
    first, second = (
        await scene.share(),
        await scene.share(account=await scene.world.account(scene["mia"], label="Desk")),
    )
    for share in (first, second):
        await scene.let_in(share, "carla")
    given = {"partnership_id": scene.partnership, "user_id": scene["carla"].id}
    done = await scene.act(name, remove_member_from_partnership, **given)
    assert done.receipt.grants_ended == 2
    for share in (first, second):
        assert (await scene.grant(share, "carla"))["state"] == "REVOKED"
    assert len(await scene.events(scene.guest, "grant.revoked")) == 2
    assert await scene.mails("access_removed") == [{"carla", "greta"}], "one mail for all accounts"
    await scene.refused(name, NotFound, remove_member_from_partnership, **given)


@pytest.mark.parametrize("name", ["otto", "greta's colleague", "zoe"])
async def test_nobody_else_removes_a_member_from_everything(scene: Scene, name: str) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    given = {"partnership_id": scene.partnership, "user_id": scene["greta"].id}
    who = "carla" if name == "greta's colleague" else name
    await scene.refused(who, (Forbidden, NotFound), remove_member_from_partnership, **given)


async def test_a_member_leaves(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla", AM)
    (item,) = await scene.ask("carla", share, "dan")
    assert await scene.act("carla", leave_share, share_id=share) == share
    assert (await scene.grant(share, "carla"))["state"] == "REVOKED"
    assert (await scene.row("access_items", item))["state"] == "CANCELLED"
    (event,) = await scene.events(scene.host, "grant.revoked")
    assert event["actor_user_id"] == scene["carla"].id
    await scene.refused("carla", NotFound, leave_share, share_id=share)


@pytest.mark.parametrize("name", ["mia", "gustav", "dan"])
async def test_whoever_has_no_grant_has_nothing_to_leave(scene: Scene, name: str) -> None:
    share = await scene.share()
    await scene.refused(name, (Forbidden, NotFound), leave_share, share_id=share)


async def test_members_are_removed_from_a_suspended_share_too(scene: Scene) -> None:
    share = await scene.share()
    await scene.act("mia", suspend_share, share_id=share)
    await scene.act("mia", remove_member_from_share, share_id=share, user_id=scene["greta"].id)
    assert (await scene.grant(share, "greta"))["state"] == "REVOKED"
