"""Customers assigned to a partner's people: who of them uses a level (model 4.2, 4.5 c, Q2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.services.grants.assignment import assign_customers
from accord.services.partnerships.hold import suspend_partnership
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, reactivate_member, update_member
from accord.services.policy import set_policy
from tests.services.contacts import USERS, stands
from tests.services.scene import Scene


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """Carla and Dan are delegated admins of the guest."""
    for name in ("carla", "dan"):
        await set_delegated(scene, name, True)
    return scene


async def set_delegated(scene: Scene, name: str, delegated: bool) -> None:
    given = {"membership_id": scene[name].membership_id, "delegated_admin": delegated}
    await scene.act("greta", update_member, **given)


async def assign(scene: Scene, name: str, *customers: UUID, by: str = "greta", assigned: bool = True) -> Any:
    given = {"user_id": scene[name].id, "customer_ids": customers or (scene.host.id,), "assigned": assigned}
    return await scene.act(by, assign_customers, **given)


async def users(scene: Scene) -> set[str]:
    """Who of the guest uses the level of the partnership, if there is one."""
    names = ("greta", "gustav", "carla", "dan", "eva", "ada", "zoe")
    return {name for name in names if await stands(scene, name, scene.partnership, USERS)}


async def test_every_delegated_admin_until_somebody_is_assigned(scene: Scene) -> None:
    """Q2: being an admin of the partner alone is not enough; where people are assigned, they alone."""
    assert await users(scene) == {"carla", "dan"}
    done = await assign(scene, "carla")
    assert done.results == [scene.partnership]
    assert await users(scene) == {"carla"}
    await assign(scene, "gustav")
    assert await users(scene) == {"carla"}, "gustav is assigned, and no delegated admin"
    await assign(scene, "carla", assigned=False)
    await assign(scene, "gustav", assigned=False)
    assert await users(scene) == {"carla", "dan"}


async def test_with_explicit_assignment_nobody_is_everybody(scene: Scene) -> None:
    await scene.act("greta", set_policy, explicit_assignment=True)
    assert await users(scene) == set()
    await assign(scene, "dan")
    assert await users(scene) == {"dan"}
    await scene.act("ada", set_policy, explicit_assignment=True)
    await scene.act("greta", set_policy, explicit_assignment=False)
    assert await users(scene) == {"dan"}, "the host's policy says nothing about the guest's people"


async def test_a_level_is_used_by_delegated_admins_alone(scene: Scene) -> None:
    await assign(scene, "carla")
    await set_delegated(scene, "carla", False)
    assert await users(scene) == set()
    await set_delegated(scene, "carla", True)
    assert await users(scene) == {"carla"}


async def test_each_change_is_one_event_in_both_streams(scene: Scene) -> None:
    await assign(scene, "carla")
    await assign(scene, "carla", assigned=False)
    for side in (scene.host, scene.guest):
        events = await scene.events(side, "assignment.changed")
        assert [event["partnership_id"] for event in events] == [scene.partnership] * 2


async def test_one_answer_per_customer(scene: Scene) -> None:
    other = await scene.world.organisation()
    done = await assign(scene, "carla", other.id, scene.host.id, scene.host.id)
    first, second, third = done.results
    assert isinstance(first, NotFound)
    assert second == scene.partnership
    assert isinstance(third, InvalidState)
    assert await users(scene) == {"carla"}


async def test_what_is_no_customer_and_who_is_no_member(scene: Scene) -> None:
    given: dict[str, Any] = {"user_id": scene["carla"].id}
    for name in ("ada", "zoe"):
        foreign = {"user_id": scene[name].id, "customer_ids": [scene.host.id]}
        assert (await scene.refused("greta", NotFound, assign_customers, **foreign)).path == ("userId",)
    auditor = {"user_id": scene["eva"].id, "customer_ids": [scene.host.id]}
    await scene.refused("greta", ValidationError, assign_customers, **auditor)
    await scene.refused("greta", ValidationError, assign_customers, customer_ids=[], **given)
    await scene.refused("greta", ValidationError, assign_customers, customer_ids=[scene.host.id] * 501, **given)


@pytest.mark.parametrize("by", ["carla", "dan", "eva"])
async def test_only_admins_of_the_partner_assign(scene: Scene, by: str) -> None:
    given: dict[str, Any] = {"user_id": scene[by].id, "customer_ids": [scene.host.id]}
    await scene.refused(by, Forbidden, assign_customers, **given)


@pytest.mark.parametrize("by", ["ada", "zoe"])
async def test_an_admin_of_elsewhere_finds_nobody_to_assign(scene: Scene, by: str) -> None:
    given: dict[str, Any] = {"user_id": scene["carla"].id, "customer_ids": [scene.host.id]}
    await scene.refused(by, NotFound, assign_customers, **given)


async def test_assigned_while_held_is_kept(scene: Scene) -> None:
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    assert (await assign(scene, "carla")).results == [scene.partnership]


async def test_assignments_end_with_partnership_and_membership(scene: Scene) -> None:
    await assign(scene, "carla")
    await assign(scene, "dan")
    left = await scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id)
    assert left.receipt.assignments_ended == 1
    await scene.act("gustav", reactivate_member, membership_id=scene["carla"].membership_id)
    await set_delegated(scene, "carla", True)
    assert await users(scene) == {"dan"}
    done = await scene.act("mia", remove_partner, partnership_id=scene.partnership)
    assert done.receipt.assignments_ended == 1
    scene.partnership = await scene.world.partnership(scene["mia"], scene["ada"], scene["greta"])
    assert await users(scene) == {"carla", "dan"}, "nobody is assigned in the new partnership"
    assert isinstance((await assign(scene, "dan", assigned=False)).results[0], NotFound)


async def test_taking_back_what_is_not_assigned(scene: Scene) -> None:
    async with scene.unchanged():
        (result,) = (await assign(scene, "carla", assigned=False)).results
    assert isinstance(result, NotFound)
