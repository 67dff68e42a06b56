"""Requests for access, decided one by one (S81 to S85)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from accord.domain.errors import Conflict, DomainError, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import (
    AccessDecision,
    Decided,
    decide_access_requests,
    request_access,
    withdraw_access_request,
)
from accord.services.grants.account import set_account_owners
from accord.services.grants.grant import change_member_role
from accord.services.grants.sharing import suspend_share
from accord.services.people.member import deactivate_member
from tests.services.scene import Scene

CO, AM = AccountRole.COLLABORATOR, AccountRole.ACCOUNT_MANAGER


async def decide(scene: Scene, *decisions: AccessDecision, name: str = "mia") -> list[Any]:
    results: list[Any] = await scene.act(name, decide_access_requests, items=list(decisions))
    return results


async def test_one_item_per_member_and_one_mail_for_the_request(scene: Scene) -> None:
    share = await scene.share()
    first, second = await scene.ask("greta", share, "carla", "dan")
    rows = [await scene.row("access_items", key) for key in (first, second)]
    assert [row["state"] for row in rows] == ["PENDING", "PENDING"]
    assert rows[0]["request_id"] == rows[1]["request_id"]
    assert rows[0]["lapses_at"] - rows[0]["created_at"] == timedelta(days=14)
    assert await scene.mails("access_requested") == [{"mia"}]
    assert len(await scene.events(scene.host, "access_request.filed")) == 2
    assert await scene.grant(share, "carla") is None, "asking gives nothing"


async def test_who_can_be_asked_for(scene: Scene) -> None:
    share = await scene.share()
    await scene.ask("greta", share, "carla")
    results = await scene.ask("greta", share, "carla", "greta", "zoe", "mia", "eva", "dan", "dan")
    pending, held, foreign, of_host, auditor, made, twice = results
    assert isinstance(pending, InvalidState)
    assert pending.current == "PENDING"
    assert isinstance(held, InvalidState)
    assert held.current == "ACTIVE"
    assert isinstance(foreign, NotFound)
    assert isinstance(of_host, NotFound)
    assert isinstance(auditor, ValidationError)
    assert not isinstance(made, DomainError)
    assert isinstance(twice, InvalidState)
    assert len(await scene.events(scene.guest, "access_request.filed")) == 2


async def test_only_an_account_manager_asks(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla", CO)
    given = {"share_id": share, "member_user_ids": [scene["dan"].id], "role": CO}
    for name in ("carla", "dan", "gustav", "mia", "ada", "zoe"):
        await scene.refused(name, (Forbidden, NotFound), request_access, **given)
    await scene.refused("greta", ValidationError, request_access, **given | {"member_user_ids": []})
    await scene.refused(
        "greta", ValidationError, request_access, **given | {"member_user_ids": [scene["dan"].id] * 501}
    )
    await scene.refused("greta", ValidationError, request_access, note="a\x00b", **given)
    await scene.act("mia", suspend_share, share_id=share)
    await scene.refused("greta", (Forbidden, NotFound, InvalidState), request_access, **given)


async def test_each_member_is_decided_alone(scene: Scene) -> None:
    share = await scene.share()
    carla, dan = await scene.ask("greta", share, "carla", "dan", role=AM)
    ends = scene.world.clock.now + timedelta(days=30)
    yes, no = await decide(
        scene,
        AccessDecision(carla, 1, True, CO, ends, "For the summer"),
        AccessDecision(dan, 1, False, note="Not needed"),
    )
    assert isinstance(yes, Decided)
    grant = await scene.row("grants", yes.grant_id)  # type: ignore[arg-type]
    assert (grant["role"], grant["origin"], grant["expires_at"]) == (CO, "ACCESS_REQUEST", ends)
    assert (await scene.row("access_items", carla))["grant_id"] == yes.grant_id
    assert no == Decided(dan, None)
    declined = await scene.row("access_items", dan)
    assert (declined["state"], declined["decision_note"], declined["decided_by"]) == (
        "DECLINED", "Not needed", scene["mia"].id,
    )  # fmt: skip
    assert await scene.mails("access_decided") == [{"carla", "greta"}, {"dan", "greta"}]
    for type_ in ("access_request.accepted", "access_request.declined"):
        assert len(await scene.events(scene.guest, type_)) == 1


async def test_one_bad_item_spoils_no_other(scene: Scene) -> None:
    share = await scene.share()
    carla, dan = await scene.ask("greta", share, "carla", "dan")
    results = await decide(
        scene,
        AccessDecision(carla, 7, True),
        AccessDecision(share, 1, True),
        AccessDecision(dan, 1, True, AM),
        AccessDecision(dan, 1, True, expires_at=scene.world.clock.now),
        AccessDecision(dan, 1, True),
        AccessDecision(dan, 1, False),
        AccessDecision(dan, 2, False),
    )
    stale, unknown, raised, past, made, late, later = results
    assert isinstance(stale, Conflict)
    assert (stale.version, stale.current) == (1, "PENDING")
    assert isinstance(unknown, NotFound)
    assert isinstance(raised, ValidationError)
    assert raised.field == "role"
    assert isinstance(past, ValidationError)
    assert isinstance(made, Decided)
    assert isinstance(late, Conflict)
    assert late.current == "ACCEPTED"
    assert isinstance(later, InvalidState), "deciding twice"
    assert (await scene.row("access_items", carla))["state"] == "PENDING"


@pytest.mark.parametrize("name", ["ada", "otto", "greta", "carla", "gustav", "zoe"])
async def test_only_an_account_owner_decides(scene: Scene, name: str) -> None:
    (item,) = await scene.ask("greta", await scene.share(), "carla")
    async with scene.unchanged():
        (result,) = await decide(scene, AccessDecision(item, 1, True), name=name)
    assert isinstance(result, Forbidden | NotFound)


async def test_what_ends_a_request_before_it_is_decided(scene: Scene) -> None:
    share = await scene.share()
    by_carla_grant = await scene.let_in(share, "carla", AM)
    (by_carla,) = await scene.ask("carla", share, "dan")
    await scene.act("mia", change_member_role, grant_id=by_carla_grant, role=CO)
    (result,) = await decide(scene, AccessDecision(by_carla, 2, True))
    assert isinstance(result, InvalidState)
    assert result.current == "CANCELLED"

    (for_gustav,) = await scene.ask("greta", share, "gustav")
    sql = "UPDATE accord.grants SET expires_at = $2 WHERE share_id = $1 AND user_id = $3"
    await scene.world.owner.execute(sql, share, scene.world.clock.now, scene["greta"].id)
    (unfounded,) = await decide(scene, AccessDecision(for_gustav, 1, True))
    assert isinstance(unfounded, InvalidState), "who asked is no Account Manager any more"


async def test_a_request_lapses_by_the_clock(scene: Scene) -> None:
    """Invariant 12: nobody has to mark it first; the next request takes its place."""
    share = await scene.share()
    (item,) = await scene.ask("greta", share, "carla")
    sql = "UPDATE accord.access_items SET lapses_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, item, scene.world.clock.now)
    (result,) = await decide(scene, AccessDecision(item, 1, True))
    assert isinstance(result, InvalidState)
    assert result.current == "LAPSED"
    (again,) = await scene.ask("greta", share, "carla")
    assert not isinstance(again, DomainError)
    assert (await scene.row("access_items", item))["state"] == "LAPSED"
    assert len(await scene.events(scene.host, "access_request.lapsed")) == 1


async def test_an_expired_grant_makes_way_for_a_new_one(scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla")
    sql = "UPDATE accord.grants SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, grant, scene.world.clock.now)
    assert await scene.let_in(share, "carla") != grant
    assert (await scene.row("grants", grant))["state"] == "EXPIRED"
    assert len(await scene.events(scene.host, "grant.expired")) == 1


async def test_a_suspended_share_takes_no_yes_but_a_no(scene: Scene) -> None:
    share = await scene.share()
    (item,) = await scene.ask("greta", share, "carla")
    await scene.act("mia", suspend_share, share_id=share)
    async with scene.unchanged():
        (result,) = await decide(scene, AccessDecision(item, 1, True))
    assert isinstance(result, InvalidState)
    (declined,) = await decide(scene, AccessDecision(item, 1, False))
    assert isinstance(declined, Decided)


async def test_a_member_who_is_gone_is_not_let_in(scene: Scene) -> None:
    (item,) = await scene.ask("greta", await scene.share(), "carla")
    await scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id)
    (result,) = await decide(scene, AccessDecision(item, 2, True))
    assert isinstance(result, InvalidState)
    assert result.current == "CANCELLED"


@pytest.mark.parametrize("name", ["greta", "gustav"])
async def test_a_request_is_withdrawn_by_who_asked_or_an_admin(scene: Scene, name: str) -> None:
    (item,) = await scene.ask("greta", await scene.share(), "carla")
    await scene.refused(name, Conflict, withdraw_access_request, item_id=item, expected_version=2)
    assert await scene.act(name, withdraw_access_request, item_id=item, expected_version=1) == item
    assert (await scene.row("access_items", item))["state"] == "WITHDRAWN"
    assert len(await scene.events(scene.host, "access_request.withdrawn")) == 1
    await scene.refused(name, InvalidState, withdraw_access_request, item_id=item)


@pytest.mark.parametrize("name", ["mia", "ada", "carla", "dan", "zoe"])
async def test_nobody_else_withdraws_it(scene: Scene, name: str) -> None:
    (item,) = await scene.ask("greta", await scene.share(), "carla")
    await scene.refused(name, (Forbidden, NotFound), withdraw_access_request, item_id=item)


async def test_two_owners_decide_at_once_and_one_wins(scene: Scene) -> None:
    owners = [scene["mia"].id, scene["otto"].id]
    await scene.act("mia", set_account_owners, account_id=scene.account, user_ids=owners)
    share = await scene.share()
    for member in ("carla", "dan"):
        (item,) = await scene.ask("greta", share, member)
        answers = await asyncio.gather(
            *(decide(scene, AccessDecision(item, 1, name == "mia"), name=name) for name in ("mia", "otto") * 2)
        )
        won = [one for (one,) in answers if isinstance(one, Decided)]
        lost = [one for (one,) in answers if isinstance(one, Conflict)]
        assert (len(won), len(lost)) == (1, 3)
        state = (await scene.row("access_items", item))["state"]
        assert {one.current for one in lost} == {state}
