"""Acts that meet: whatever comes first, nobody ends up with access that something else has ended."""

import asyncio
from typing import Any

from accord.domain.errors import DomainError
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import AccessDecision, Decided, decide_access_requests
from accord.services.grants.account import archive_account
from accord.services.grants.grant import remove_member_from_share
from accord.services.grants.sharing import ShareItem, share_accounts, unshare_account
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, reactivate_member
from tests.scale import count
from tests.services.scene import Scene, set_scene
from tests.world import World

TRIALS = count(test=5, check=50, prove=300)


async def at_once(*acts: Any) -> list[Any]:
    """Run acts together; anything but an expected refusal is a failure of the test."""
    answers = await asyncio.gather(*acts, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, DomainError):
            raise one
    return answers


async def live_grants(scene: Scene, name: str) -> int:
    sql = "SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE'"
    found: int = await scene.world.owner.fetchval(sql, scene[name].id)
    return found


async def test_a_member_is_let_in_and_deactivated_at_once(scene: Scene) -> None:
    share = await scene.share()
    carla = {"membership_id": scene["carla"].membership_id}
    for _ in range(TRIALS):
        (item,) = await scene.ask("greta", share, "carla")
        await at_once(
            scene.act("mia", decide_access_requests, items=[AccessDecision(item, 1, True)]),
            scene.act("gustav", deactivate_member, **carla),
        )
        assert await live_grants(scene, "carla") == 0
        assert (await scene.row("access_items", item))["state"] != "PENDING"
        await scene.act("gustav", reactivate_member, **carla)


async def test_a_member_is_let_in_and_the_share_ends_at_once(scene: Scene) -> None:
    for _ in range(TRIALS):
        share = await scene.share()
        (item,) = await scene.ask("greta", share, "carla")
        (decided,), ended = await at_once(
            scene.act("mia", decide_access_requests, items=[AccessDecision(item, 1, True)]),
            scene.act("mia", unshare_account, share_id=share),
        )
        assert ended.receipt.grants_ended == 1 + isinstance(decided, Decided)
        assert await live_grants(scene, "carla") == 0


async def test_an_account_is_shared_twice_at_once(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "items": [ShareItem(scene.account, AccountRole.COLLABORATOR)]}
    for _ in range(TRIALS):
        answers = await at_once(*(scene.act("mia", share_accounts, **given) for _ in range(4)))
        made = [one for (one,) in answers if not isinstance(one, DomainError)]
        assert len(made) == 1
        await scene.act("mia", unshare_account, share_id=made[0])


async def test_an_account_is_shared_and_the_partner_removed_at_once(world: World) -> None:
    for _ in range(TRIALS):
        scene = await set_scene(world)
        items = [ShareItem(scene.account, AccountRole.COLLABORATOR)]
        await at_once(
            scene.act("mia", share_accounts, partnership_id=scene.partnership, items=items),
            scene.act("gustav", remove_partner, partnership_id=scene.partnership),
        )
        assert await live_grants(scene, "greta") == 0


async def test_an_account_is_shared_and_archived_at_once(world: World) -> None:
    for _ in range(TRIALS):
        scene = await set_scene(world)
        items = [ShareItem(scene.account, AccountRole.COLLABORATOR)]
        await at_once(
            scene.act("mia", share_accounts, partnership_id=scene.partnership, items=items),
            scene.act("mia", archive_account, account_id=scene.account),
        )
        assert await live_grants(scene, "greta") == 0


async def test_a_member_is_removed_twice_at_once(scene: Scene) -> None:
    share = await scene.share()
    for _ in range(TRIALS):
        await scene.let_in(share, "carla")
        before = len(await scene.events(scene.host, "grant.revoked"))
        gone = {"share_id": share, "user_id": scene["carla"].id}
        answers = await at_once(*(scene.act(name, remove_member_from_share, **gone) for name in ("mia", "gustav")))
        assert sum(isinstance(one, DomainError) for one in answers) == 1
        assert len(await scene.events(scene.host, "grant.revoked")) == before + 1
    assert (await scene.world.verify()).faults == ()
