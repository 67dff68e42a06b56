"""Sharing accounts, taking them back, suspending and resuming (S67 to S73, Q10 to Q13)."""

import pytest

from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.grants.account import archive_account
from accord.services.grants.sharing import ShareItem, resume_share, share_accounts, suspend_share, unshare_account
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.partnership import remove_partner
from tests.services.scene import Scene, Signer

CO, AM = AccountRole.COLLABORATOR, AccountRole.ACCOUNT_MANAGER


@pytest.mark.parametrize("role", list(AccountRole))
async def test_a_share_goes_to_the_representative_in_its_role(scene: Scene, role: AccountRole) -> None:
    share = await scene.share(role=role)
    assert (await scene.row("shares", share))["state"] == "ACTIVE"
    grant = await scene.grant(share, "greta")
    assert (grant["role"], grant["state"], grant["origin"], grant["granted_by"]) == (
        role, "ACTIVE", "SHARE", scene["mia"].id,
    )  # fmt: skip
    for side in (scene.host, scene.guest):
        (event,) = await scene.events(side, "share.added")
        assert (event["account_label"], event["app"]) == ("Campaign desk", "Ledger")
        assert event["actor_user_id"] == scene["mia"].id
    assert (await scene.events(scene.guest, "share.added"))[0]["ip"] is None, "where Mia sits is the host's own"
    assert await scene.mails("shared") == [{"greta"}]


async def test_several_accounts_each_in_its_role_and_one_answer_each(scene: Scene) -> None:
    foreign = await scene.world.account(scene["otto"])
    unknown = await scene.world.account(scene["zoe"])
    second = await scene.world.account(scene["mia"])
    items = [
        ShareItem(scene.account, AM),
        ShareItem(foreign, CO),
        ShareItem(second, CO),
        ShareItem(second, CO),
        ShareItem(unknown, CO),
    ]
    made = await scene.act("mia", share_accounts, partnership_id=scene.partnership, items=items)
    kinds = [type(one).__name__ for one in made]
    assert kinds[:1] == kinds[2:3] == ["UUID"], "what can be shared is, whatever becomes of the others"
    assert isinstance(made[1], Forbidden | NotFound)
    assert isinstance(made[3], InvalidState), "the same account twice"
    assert isinstance(made[4], NotFound)
    assert made[4].path == ("items", "4", "accountId")
    assert len(await scene.events(scene.host, "share.added")) == 2


@pytest.mark.parametrize("name", ["ada", "otto", "greta", "carla", "zoe"])
async def test_only_the_partnership_owner_shares(scene: Scene, name: str) -> None:
    items = [ShareItem(scene.account, CO)]
    given = {"partnership_id": scene.partnership, "items": items}
    await scene.refused(name, (Forbidden, NotFound), share_accounts, **given)


async def test_an_account_of_somebody_else_is_not_the_owners_to_share(scene: Scene) -> None:
    account = await scene.world.account(scene["otto"])
    given = {"partnership_id": scene.partnership, "items": [ShareItem(account, CO)]}
    await scene.refused_item("mia", NotFound, share_accounts, **given)


async def test_collaborators_are_people_whom_the_sharer_sees(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    second = await scene.world.account(scene["mia"])
    to_carla = await scene.share(role=CO, account=second, recipients=("carla",))
    assert (await scene.grant(to_carla, "carla"))["role"] == CO
    assert await scene.grant(to_carla, "greta") is None
    assert (await scene.mails("shared"))[-1] == {"carla", "greta"}, "the representative is told (4.11)"

    third = await scene.world.account(scene["mia"])
    given = {"partnership_id": scene.partnership}
    unseen = ShareItem(third, CO, [scene["dan"].id])
    await scene.refused_item("mia", NotFound, share_accounts, items=[unseen], **given)
    foreign = ShareItem(third, CO, [scene["zoe"].id])
    await scene.refused_item("mia", NotFound, share_accounts, items=[foreign], **given)
    managed = ShareItem(third, AM, [scene["carla"].id])
    await scene.refused_item("mia", ValidationError, share_accounts, items=[managed], **given)


async def test_one_live_share_for_an_account_in_a_partnership(scene: Scene) -> None:
    share = await scene.share()
    given = {"partnership_id": scene.partnership, "items": [ShareItem(scene.account, CO)]}
    await scene.refused_item("mia", InvalidState, share_accounts, **given)
    await scene.act("mia", unshare_account, share_id=share)
    again = await scene.share(role=CO)
    assert again != share


async def test_what_an_act_cannot_take(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership}
    await scene.refused("mia", ValidationError, share_accounts, items=[], **given)
    many = [ShareItem(scene.account, CO)] * 501
    await scene.refused("mia", ValidationError, share_accounts, items=many, **given)
    items = [ShareItem(scene.account, CO)]
    version = await scene.world.version("partnerships", scene.partnership)
    conflict = await scene.refused("mia", Conflict, share_accounts, items=items, expected_version=version - 1, **given)
    assert isinstance(conflict, Conflict)
    assert (conflict.version, conflict.current) == (version, "ACTIVE")


@pytest.mark.parametrize("state", [PartnershipState.AWAITING_GUEST_ACCEPTANCE, PartnershipState.SUSPENDED])
async def test_nothing_is_shared_before_acceptance_or_while_suspended(scene: Scene, state: PartnershipState) -> None:
    """S61."""
    world = scene.world
    guest = await world.organisation()
    admin = await world.person(guest, Role.ORG_ADMIN)
    partnership = await world.partnership(scene["mia"], scene["ada"], admin, state)
    items = [ShareItem(scene.account, CO)]
    await scene.refused("mia", InvalidState, share_accounts, partnership_id=partnership, items=items)


async def test_nothing_is_shared_once_the_end_has_come_though_nobody_has_marked_it(scene: Scene) -> None:
    """Invariant 12."""
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, scene.world.clock.now)
    items = [ShareItem(scene.account, CO)]
    error = await scene.refused("mia", InvalidState, share_accounts, partnership_id=scene.partnership, items=items)
    assert isinstance(error, InvalidState)
    assert error.current == "EXPIRED"


async def test_an_archived_account_is_not_shared(scene: Scene) -> None:
    await scene.act("mia", archive_account, account_id=scene.account)
    given = {"partnership_id": scene.partnership, "items": [ShareItem(scene.account, CO)]}
    await scene.refused_item("mia", InvalidState, share_accounts, **given)


async def test_taking_back_ends_grants_requests_and_tickets(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    (item,) = await scene.ask("greta", share, "dan")
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    done = await scene.act("mia", unshare_account, share_id=share)
    counts = (done.receipt.grants_ended, done.receipt.access_requests_cancelled, done.receipt.tickets_voided)
    assert counts == (2, 1, 1)
    assert (await scene.row("shares", share))["state"] == "REMOVED"
    for name in ("greta", "carla"):
        assert (await scene.grant(share, name))["state"] == "REVOKED"
    assert (await scene.row("access_items", item))["state"] == "CANCELLED"
    assert len(await scene.events(scene.guest, "share.removed")) == 1
    assert await scene.mails("access_removed") == [{"greta", "carla"}]
    await scene.refused("mia", InvalidState, unshare_account, share_id=share)


@pytest.mark.parametrize("act", [unshare_account, suspend_share])
@pytest.mark.parametrize("name", ["ada", "otto", "greta", "carla", "zoe"])
async def test_who_may_not_take_back_or_suspend(scene: Scene, act: object, name: str) -> None:
    share = await scene.share()
    await scene.refused(name, (Forbidden, NotFound), act, share_id=share)  # type: ignore[arg-type]


async def test_a_host_admin_takes_back_and_suspends_what_that_admin_sees(scene: Scene) -> None:
    """Q13: an account that nobody active owns is seen by the host's admins."""
    share = await scene.share()
    sql = "UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1"
    await scene.world.owner.execute(sql, scene["mia"].membership_id)
    await scene.act("ada", suspend_share, share_id=share)
    await scene.act("arne", unshare_account, share_id=share)
    assert (await scene.row("shares", share))["state"] == "REMOVED"


async def test_an_owner_who_has_lost_the_account_still_takes_it_back(scene: Scene) -> None:
    """Q12: taking back is never blocked."""
    share = await scene.share()
    sql = "UPDATE accord.account_ownerships SET user_id = $2 WHERE account_id = $1"
    await scene.world.owner.execute(sql, scene.account, scene["otto"].id)
    await scene.act("mia", unshare_account, share_id=share)


async def test_a_suspended_share_denies_and_keeps(scene: Scene) -> None:
    share = await scene.share()
    version = (await scene.row("shares", share))["version"]
    await scene.act("mia", suspend_share, share_id=share, expected_version=version, reason="Audit")
    await scene.refused("greta", (NotFound, Forbidden), sign_in_to_account, account_id=scene.account, signer=Signer())
    assert (await scene.grant(share, "greta"))["state"] == "ACTIVE"
    (event,) = await scene.events(scene.guest, "share.suspended")
    assert event["reason"] == "Audit"
    assert await scene.mails("share_suspended") == [{"greta"}]
    await scene.refused("mia", InvalidState, suspend_share, share_id=share)
    await scene.refused("mia", Conflict, resume_share, share_id=share, expected_version=version)
    await scene.act("mia", resume_share, share_id=share)
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    await scene.refused("mia", InvalidState, resume_share, share_id=share)


async def test_removing_the_partner_ends_every_share(scene: Scene) -> None:
    """S91: counts in the receipt, one event per share."""
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.share(role=CO, account=await scene.world.account(scene["mia"]))
    await scene.ask("greta", share, "dan")
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    done = await scene.act("greta", remove_partner, partnership_id=scene.partnership)
    receipt = done.receipt
    assert (receipt.shares_ended, receipt.grants_ended) == (2, 3)
    assert (receipt.access_requests_cancelled, receipt.tickets_voided) == (1, 1)
    assert len(await scene.events(scene.host, "share.removed")) == 2
    assert (await scene.world.verify()).faults == ()
