"""An invitation that is answered and taken back at once: all that it lists is shared, or nothing (S99, S102)."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

from accord.domain.errors import Conflict, DomainError, InvalidState, NotFound
from accord.domain.partnership import AccessMode
from accord.services.grants.account import archive_account
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.partnerships.partnership import (
    accept_partnership,
    approve_partnership,
    refuse_partnership,
    remove_partner,
    withdraw_partnership,
)
from accord.services.people.member import deactivate_member, reactivate_member
from accord.services.policy import set_policy
from tests.scale import count
from tests.services.invitations import Island, find_island
from tests.services.scene import Scene, set_scene
from tests.world import World

TRIALS: Final = count(test=4, check=60, prove=400)
LOST: Final = (Conflict, InvalidState, NotFound)


async def at_once(*acts: Any) -> list[Any]:
    """Run acts together; anything but an expected refusal is a failure of the test."""
    answers = await asyncio.gather(*acts, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, DomainError):
            raise one
    return answers


async def set_up(world: World) -> tuple[Scene, Island]:
    scene = await set_scene(world)
    island = await find_island(scene)
    await island.become_partner()
    return scene, island


async def state(scene: Scene, key: UUID) -> tuple[str, str, int]:
    """State and level of a partnership, and how many live shares it has."""
    row = await scene.row("partnerships", key)
    sql = "SELECT count(*) FROM accord.shares WHERE partnership_id = $1 AND state = 'ACTIVE'"
    return row["state"], row["granted_level"], await scene.world.owner.fetchval(sql, key)


async def consent(scene: Scene) -> dict[str, Any]:
    return {"terms_version_id": await scene.world.terms(), "consent": True}


async def invite(scene: Scene, island: Island, round_: int) -> UUID:
    """Mails leave the host in numbers, so a day passes now and then."""
    if round_ % 4 == 0:
        scene.world.clock.advance(hours=25)
    whole = {"access_mode": AccessMode.COMPLETE, "wallet_entrusted": True}
    return await island.invite("lena", **whole if round_ % 2 else {})


async def test_accepted_and_withdrawn_at_once(world: World) -> None:
    scene, island = await set_up(world)
    for round_ in range(TRIALS):
        key = await invite(scene, island, round_)
        token, given = await island.token(key), await consent(scene)
        answers = await at_once(
            scene.act("ines", accept_partnership, token=token, expected_version=1, **given),
            scene.act("igor", accept_partnership, partnership_id=key, expected_version=1, **given),
            scene.act("arne", withdraw_partnership, partnership_id=key, expected_version=1),
        )
        losers = [answer for answer in answers if isinstance(answer, DomainError)]
        assert len(losers) == 2
        assert all(isinstance(lost, LOST) for lost in losers)
        if answers[2] is losers[-1]:
            assert await state(scene, key) == (("ACTIVE", "MANAGE", 0) if round_ % 2 else ("ACTIVE", "NONE", 1))
            await scene.act("lena", remove_partner, partnership_id=key)
        else:
            assert await state(scene, key) == ("WITHDRAWN", "NONE", 0)
        assert (await state(scene, key))[1:] == ("NONE", 0)


async def test_accepted_and_refused_at_once(world: World) -> None:
    scene, island = await set_up(world)
    for round_ in range(TRIALS):
        key = await invite(scene, island, round_)
        token, given = await island.token(key), await consent(scene)
        accepted, refused = await at_once(
            scene.act("ines", accept_partnership, token=token, expected_version=1, **given),
            scene.act("igor", refuse_partnership, token=token, expected_version=1),
        )
        assert isinstance(accepted, LOST) is not isinstance(refused, LOST)
        if isinstance(accepted, LOST):
            assert await state(scene, key) == ("DECLINED_BY_GUEST", "NONE", 0)
            await scene.act("lena", withdraw_partnership, partnership_id=key)
        else:
            await scene.act("lena", remove_partner, partnership_id=key)


async def test_accepted_while_the_account_is_archived(world: World) -> None:
    """Shared and ended with it, or left out: never a live share of an archived account."""
    scene, island = await set_up(world)
    for round_ in range(TRIALS):
        scene.world.clock.advance(hours=6)
        account = await world.account(scene["mia"])
        key = await island.invite("lena", items=[InvitedItem(account)])
        given = await consent(scene)
        accepted, archived = await at_once(
            scene.act("ines", accept_partnership, partnership_id=key, expected_version=1, **given),
            scene.act("mia", archive_account, account_id=account),
        )
        assert not isinstance(accepted, DomainError), round_
        assert not isinstance(archived, DomainError)
        assert await state(scene, key) == ("ACTIVE", "NONE", 0)
        await scene.act("lena", remove_partner, partnership_id=key)


async def test_accepted_by_somebody_who_leaves_at_once(world: World) -> None:
    """Whoever is deactivated holds nothing afterwards, whichever came first (invariant 5)."""
    scene, island = await set_up(world)
    membership = scene["ines"].membership_id
    for _ in range(TRIALS):
        scene.world.clock.advance(hours=6)
        key = await island.invite("lena")
        given = await consent(scene)
        await at_once(
            scene.act("ines", accept_partnership, partnership_id=key, expected_version=1, **given),
            scene.act("igor", deactivate_member, membership_id=membership),
        )
        sql = "SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE'"
        assert await world.owner.fetchval(sql, scene["ines"].id) == 0
        row = await scene.row("partnerships", key)
        assert row["representative_user_id"] != scene["ines"].id
        end = remove_partner if row["state"] == "ACTIVE" else withdraw_partnership
        await scene.act("lena", end, partnership_id=key)
        await scene.act("igor", reactivate_member, membership_id=membership)
        await world.owner.execute("UPDATE accord.memberships SET roles = '{ORG_ADMIN}' WHERE id = $1", membership)


async def test_both_sides_begin_at_once(world: World) -> None:
    """The host invites, the partner asks: one partnership, and who loses learns nothing that it may not know (S44)."""
    scene, island = await set_up(world)
    for _ in range(TRIALS):
        scene.world.clock.advance(hours=24)
        given = await consent(scene)
        invited: dict[str, Any] = {"guest_handle": island.organisation.handle, "contact_email": "office@island.example"}
        invited |= {"access_mode": AccessMode.LIMITED, "items": [InvitedItem(scene.account)]}
        answers = await at_once(
            scene.act("lena", invite_partner, **invited),
            scene.act("ines", request_customer, host_handle=scene.host.handle, **given),
        )
        (lost,) = [answer for answer in answers if isinstance(answer, DomainError)]
        assert isinstance(lost, LOST)
        sql = "SELECT id, state FROM accord.partnerships WHERE host_id = $1 AND guest_id = $2 AND ended_at IS NULL"
        (row,) = await world.owner.fetch(sql, scene.host.id, island.organisation.id)
        await scene.act("lena", withdraw_partnership, partnership_id=row["id"])


async def test_approved_and_withdrawn_at_once(world: World) -> None:
    """The partner takes back what the host says yes to: one of the two stands."""
    scene, _ = await set_up(world)
    for _ in range(TRIALS):
        scene.world.clock.advance(hours=9)
        key = await scene.act("ines", request_customer, host_handle=scene.host.handle, **await consent(scene))
        approved, withdrawn = await at_once(
            scene.act("arne", approve_partnership, partnership_id=key, expected_version=1),
            scene.act("igor", withdraw_partnership, partnership_id=key, expected_version=1),
        )
        assert isinstance(approved, LOST) is not isinstance(withdrawn, LOST)
        assert (await state(scene, key))[0] == ("WITHDRAWN" if isinstance(approved, LOST) else "ACTIVE")
        if not isinstance(approved, LOST):
            await scene.act("igor", remove_partner, partnership_id=key)


async def test_the_right_to_invite_is_taken_at_once(world: World) -> None:
    """An admin's invitation under the policy stands or is refused; without the policy there is no further one."""
    scene, island = await set_up(world)
    own = await world.account(scene["arne"])
    for _ in range(TRIALS):
        scene.world.clock.advance(hours=6)
        await scene.act("lena", set_policy, admin_may_invite=True)
        invited = {"items": [InvitedItem(own)]}
        answer, _ = await at_once(
            island.invite("arne", **invited), scene.act("lena", set_policy, admin_may_invite=False)
        )
        again = await asyncio.gather(island.invite("arne", **invited), return_exceptions=True)
        assert isinstance(again[0], DomainError)
        if isinstance(answer, UUID):
            await scene.act("arne", withdraw_partnership, partnership_id=answer)
