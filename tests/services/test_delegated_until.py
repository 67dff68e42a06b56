"""Delegated roles and places in their groups that end by themselves: by the clock and by the sweep (4.4.3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Database, Query
from accord.database.tables.delegation import role_group_members
from accord.database.visibility import VIEWER, is_live_group_member
from accord.domain.errors import InvalidState, NotFound, ValidationError
from accord.services.expiry import sweep
from accord.services.grants.delegation import delegate_roles, set_delegated_roles
from accord.services.grants.role_group import add_role_group_members
from tests.services.contacts import stands
from tests.services.roles import OFFICE, D, P, assert_bijection, dialog, groups, inside, put, with_roles
from tests.services.scene import Scene

INSIDE = Query(
    select(role_group_members.c.id).where(
        role_group_members.c.group_id == bindparam("wanted", type_=Uuid()),
        role_group_members.c.user_id == VIEWER,
        is_live_group_member(),
    )
)


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    return await with_roles(scene)


@pytest.fixture
async def worker(scene: Scene) -> AsyncIterator[Database]:
    database = Database(scene.world.urls.worker, pool_size=2, clock=scene.world.clock)
    yield database
    await database.close()


def later(scene: Scene, **by: float) -> datetime:
    return scene.world.clock.now + timedelta(**by)


async def test_a_role_ends_on_time_without_the_sweep(scene: Scene) -> None:
    """Invariant 12."""
    await dialog(scene, D, expires_at=later(scene, days=2))
    await put(scene, D, "carla")
    group = (await groups(scene))[D]
    assert await stands(scene, "carla", group, INSIDE)
    scene.world.clock.advance(days=2)
    assert not await stands(scene, "carla", group, INSIDE)
    given = {"role_group_id": group, "user_ids": [scene["dan"].id]}
    await scene.refused("greta", InvalidState, add_role_group_members, **given)


async def test_the_sweep_ends_it_as_if_it_were_cleared(scene: Scene, worker: Database) -> None:
    await dialog(scene, D, expires_at=later(scene, days=2))
    await dialog(scene, D, P)
    await put(scene, D, "carla")
    phones, deciders = (await groups(scene))[P], (await groups(scene))[D]
    scene.world.clock.advance(days=2, seconds=-1)
    await sweep(worker, scene.world.clock.now)
    assert (await groups(scene)).keys() == {D, P}
    scene.world.clock.advance(seconds=1)
    for _ in range(2):
        await sweep(worker, scene.world.clock.now)
    assert await groups(scene) == {P: phones}
    assert await inside(scene, deciders) == set()
    sql = "SELECT state FROM accord.role_delegations WHERE partnership_id = $1 AND role = 'DECISION_MAKER'"
    assert await scene.world.owner.fetchval(sql, scene.partnership) == "EXPIRED"
    assert await scene.mails("roles_cleared") == [{"greta", "gustav"}, {OFFICE}]
    for side in (scene.host, scene.guest):
        (event,) = await scene.events(side, "delegation.cleared")
        assert json.loads(event["data"])["groupMembersEnded"] == 1
        assert event["actor_user_id"] is None
    await assert_bijection(scene)


@pytest.mark.parametrize("form", ["dialog", "step"])
async def test_what_is_over_can_be_delegated_anew_before_the_sweep(scene: Scene, form: str) -> None:
    """A new delegation with a new, empty group."""
    await dialog(scene, D, expires_at=later(scene, days=2))
    await put(scene, D, "carla")
    old = (await groups(scene))[D]
    scene.world.clock.advance(days=3)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    done = await scene.act("dora", set_delegated_roles if form == "dialog" else delegate_roles, **given)
    assert done.receipt.roles_enabled == 1
    new = (await groups(scene))[D]
    assert new != old
    assert await inside(scene, old) == await inside(scene, new) == set()
    await assert_bijection(scene)


async def test_what_stands_keeps_its_end(scene: Scene) -> None:
    until = later(scene, days=2)
    await dialog(scene, D, expires_at=until)
    await dialog(scene, D, P, expires_at=later(scene, days=9))
    sql = "SELECT role, expires_at, role_version FROM accord.role_delegations WHERE partnership_id = $1"
    rows = {row["role"]: row for row in await scene.world.owner.fetch(sql, scene.partnership)}
    assert rows["DECISION_MAKER"]["expires_at"] == until
    assert rows["PHONE_MANAGER"]["expires_at"] == later(scene, days=9)
    assert {row["role_version"] for row in rows.values()} == {1}


async def test_an_end_in_the_past_is_none(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    given |= {"expires_at": scene.world.clock.now}
    for service in (set_delegated_roles, delegate_roles):
        assert (await scene.refused("dora", ValidationError, service, **given)).path == ("expiresAt",)
    await dialog(scene, D)
    inside_it = {"role_group_id": (await groups(scene))[D], "user_ids": [scene["carla"].id]}
    await scene.refused("greta", ValidationError, add_role_group_members, **inside_it, expires_at=scene.world.clock.now)


async def test_a_place_in_a_group_ends_on_time(scene: Scene, worker: Database) -> None:
    await dialog(scene, D)
    group = (await groups(scene))[D]
    given = {"role_group_id": group, "expires_at": later(scene, days=2)}
    await scene.act("greta", add_role_group_members, user_ids=[scene["carla"].id, scene["dan"].id], **given)
    await put(scene, D, "gustav")
    scene.world.clock.advance(days=2)
    assert not await stands(scene, "carla", group, INSIDE)
    assert await stands(scene, "gustav", group, INSIDE)
    await put(scene, D, "dan")
    assert await stands(scene, "dan", group, INSIDE), "added anew before anybody has marked the old place"
    for _ in range(2):
        await sweep(worker, scene.world.clock.now)
    assert await inside(scene, group) == {"gustav", "dan"}
    for side in (scene.host, scene.guest):
        (event,) = await scene.events(side, "rolegroup.member_removed")
        assert json.loads(event["data"])["member"].endswith(str(scene["carla"].id))


async def test_who_is_over_is_no_longer_there_to_be_seen(scene: Scene) -> None:
    await dialog(scene, D, expires_at=later(scene, days=2))
    await put(scene, D, "carla")
    scene.world.clock.advance(days=2)
    group = (await groups(scene))[D]
    given = {"role_group_id": group, "user_ids": [scene["dan"].id]}
    await scene.refused("carla", NotFound, add_role_group_members, **given)
