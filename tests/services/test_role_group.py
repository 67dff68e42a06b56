"""Who of the partner holds a delegated role, what the groups are called, and what ends them (S110 to S112, S118)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pytest

from accord.database.engine import Database
from accord.domain.errors import DomainError, Forbidden, InvalidState, NotFound, ValidationError
from accord.services.expiry import sweep
from accord.services.grants.delegation import clear_roles, delegate_roles, set_delegated_roles
from accord.services.grants.role_group import add_role_group_members, remove_role_group_members
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.ownership import set_representative
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, reactivate_member, remove_member
from accord.services.policy import set_policy
from tests.services.roles import (
    OFFICE,
    D,
    P,
    assert_bijection,
    dialog,
    groups,
    inside,
    put,
    rename,
    second_customer,
    shown_names,
    with_roles,
)
from tests.services.scene import Scene
from tests.world import Service


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    return await with_roles(scene)


async def test_the_partner_fills_its_groups(scene: Scene) -> None:
    """S112: one result per person; foreign people, auditors and those inside already are refused one by one."""
    await dialog(scene, D)
    done = await put(scene, D, "carla", "zoe", "mia", "eva", "carla", "dan")
    carla, dan = scene["carla"].id, scene["dan"].id
    refused = [type(one) for one in done.results[1:5]]
    assert refused == [NotFound, NotFound, ValidationError, InvalidState]
    assert [done.results[0], done.results[5]] == [carla, dan]
    group = (await groups(scene))[D]
    assert await inside(scene, group) == {"carla", "dan"}
    for organisation in (scene.host, scene.guest):
        assert len(await scene.events(organisation, "rolegroup.member_added")) == 2
    given = {"role_group_id": group, "user_ids": [scene["carla"].id, scene["greta"].id]}
    done = await scene.act("gustav", remove_role_group_members, **given)
    assert done.results[0] == carla
    assert isinstance(done.results[1], NotFound)
    assert await inside(scene, group) == {"dan"}
    assert len(await scene.events(scene.host, "rolegroup.member_removed")) == 1


async def test_who_granted_a_role_does_not_take_it_up(scene: Scene) -> None:
    """Somebody who belongs to both sides would give oneself by one what the other has not."""
    await dialog(scene, D)
    group = (await groups(scene))[D]
    granted = "UPDATE accord.role_delegations SET granted_by = $1 WHERE partnership_id = $2"
    await scene.world.owner.execute(granted, scene["carla"].id, scene.partnership)
    async with scene.unchanged():
        (refusal,) = (await put(scene, D, "carla")).results
    assert isinstance(refusal, Forbidden)
    assert (await put(scene, D, "dan")).results == [scene["dan"].id]
    assert await inside(scene, group) == {"dan"}


@pytest.mark.parametrize("foreign", ["zoe", "mia"])
async def test_a_person_of_another_organisation_changes_nothing(scene: Scene, foreign: str) -> None:
    await dialog(scene, D)
    group = (await groups(scene))[D]
    async with scene.unchanged():
        (refusal,) = (await put(scene, D, foreign)).results
    assert isinstance(refusal, NotFound)
    assert await inside(scene, group) == set()


@pytest.mark.parametrize("by", ["ada", "dora", "mia", "carla", "zoe"])
async def test_nobody_else_fills_them(scene: Scene, by: str) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    given = {"role_group_id": (await groups(scene))[D], "user_ids": [scene["dan"].id]}
    await scene.refused(by, (Forbidden, NotFound), add_role_group_members, **given)


async def test_the_representative_fills_them_where_the_guests_policy_says_so(scene: Scene) -> None:
    await scene.act("greta", set_representative, partnership_id=scene.partnership, user_id=scene["dan"].id)
    await dialog(scene, D)
    group = (await groups(scene))[D]
    given: dict[str, Any] = {"role_group_id": group, "user_ids": [scene["carla"].id]}
    await scene.refused("dan", Forbidden, add_role_group_members, **given)
    await scene.act("ada", set_policy, representative_manages_groups=True)
    await scene.refused("dan", Forbidden, add_role_group_members, **given)
    await scene.act("greta", set_policy, representative_manages_groups=True)
    await scene.act("dan", add_role_group_members, **given)
    assert await inside(scene, group) == {"carla"}


async def test_nobody_is_put_into_a_deleted_group(scene: Scene) -> None:
    """S118: through the service, and past it."""
    await dialog(scene, D)
    group = (await groups(scene))[D]
    await dialog(scene)
    for service in (add_role_group_members, remove_role_group_members):
        await scene.refused("greta", InvalidState, service, role_group_id=group, user_ids=[scene["carla"].id])
    row = await scene.row("role_groups", group)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "INSERT INTO accord.role_group_members"
            " (group_id, partnership_id, host_id, guest_id, user_id, added_by, added_at)"
            " VALUES ($1, $2, $3, $4, $5, $5, now())",
            *(row[name] for name in ("id", "partnership_id", "host_id", "guest_id")),
            scene["carla"].id,
        )


async def test_members_are_never_restored(scene: Scene) -> None:
    """4.4.3: delegating again makes a new, empty group."""
    await dialog(scene, D)
    before = (await groups(scene))[D]
    await put(scene, D, "carla", "dan")
    await dialog(scene)
    await dialog(scene, D)
    after = (await groups(scene))[D]
    assert after != before
    assert await inside(scene, after) == set()


async def test_two_customers_of_one_name(scene: Scene) -> None:
    """S111, Q25: each carries its handle as long as both stand; renames are followed at once."""
    other = await second_customer(scene)
    await dialog(scene, D, P)
    await dialog(other, D)
    mine, theirs = await groups(scene), await groups(other)
    assert await shown_names(scene) == {
        mine[D]: f"Harbour Decision Maker ({scene.host.handle})",
        mine[P]: "Harbour Phone Manager",
        theirs[D]: f"Harbour Decision Maker ({other.host.handle})",
    }
    await rename(scene, "Haven")
    assert await shown_names(scene) == {
        mine[D]: "Haven Decision Maker",
        mine[P]: "Haven Phone Manager",
        theirs[D]: "Harbour Decision Maker",
    }
    await rename(scene, "HARBOU\N{FULLWIDTH LATIN CAPITAL LETTER R}")
    assert (await shown_names(scene))[theirs[D]] == f"Harbour Decision Maker ({other.host.handle})"
    await dialog(scene, P)
    assert (await shown_names(scene))[theirs[D]] == "Harbour Decision Maker"


async def test_the_end_of_a_partnership_ends_its_roles(scene: Scene) -> None:
    """4.10: with counts in the receipt and an event for each."""
    await dialog(scene, D, P)
    await put(scene, D, "carla", "dan")
    await put(scene, P, "carla")
    ended = await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    assert (ended.receipt.roles_cleared, ended.receipt.group_members_ended) == (2, 3)
    assert await groups(scene) == {}
    assert len(await scene.events(scene.guest, "delegation.cleared")) == 2
    assert await scene.mails("partnership_ended") == [{"ada", "arne", "mia", "greta", "gustav", "carla", "dan"}]
    await assert_bijection(scene)


async def test_roles_expire_with_their_partnership(scene: Scene) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    world = scene.world
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await world.owner.execute(sql, scene.partnership, world.clock.now + timedelta(days=1))
    world.clock.advance(days=2)
    given = {"partnership_id": scene.partnership, "roles": [D, P], "notify_addresses": OFFICE}
    await scene.refused("ada", InvalidState, set_delegated_roles, **given)
    worker = Database(world.urls.worker, clock=world.clock)
    await sweep(worker, world.clock.now)
    await worker.close()
    states = "SELECT state FROM accord.role_delegations WHERE partnership_id = $1"
    assert await world.owner.fetchval(states, scene.partnership) == "EXPIRED"
    assert await groups(scene) == {}
    await assert_bijection(scene)


@pytest.mark.parametrize("service", [deactivate_member, remove_member])
async def test_whoever_leaves_the_partner_leaves_its_groups(scene: Scene, service: Any) -> None:
    """4.10, invariant 6: and does not come back into them."""
    await dialog(scene, D, P)
    await put(scene, D, "carla", "dan")
    await put(scene, P, "carla")
    membership = scene["carla"].membership_id
    left = await scene.act("greta", service, membership_id=membership)
    assert left.receipt.group_memberships_ended == 2
    found = await groups(scene)
    assert (await inside(scene, found[D]), await inside(scene, found[P])) == ({"dan"}, set())
    (told,) = await scene.events(scene.host, "member.deactivated", "member.removed")
    assert '"groupMembershipsEnded": 2' in told["data"]
    if service is deactivate_member:
        await scene.act("greta", reactivate_member, membership_id=membership)
        assert await inside(scene, found[D]) == {"dan"}


async def test_nobody_who_left_is_in_a_group_past_the_services(scene: Scene) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1", scene["carla"].membership_id
        )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "UPDATE accord.role_delegations SET state = 'REVOKED', ended_at = now() WHERE partnership_id = $1",
            scene.partnership,
        )


@pytest.mark.parametrize("seed", range(6))
async def test_groups_and_delegations_are_in_bijection_whatever_happens(scene: Scene, seed: int) -> None:
    """Invariant 4 after each act of a random sequence, and nobody is in a deleted group."""
    chance = random.Random(seed)
    done = 0
    for _ in range(25):
        try:
            await random_act(scene, chance)
            done += 1
        except DomainError:
            pass
        await assert_bijection(scene)
    assert done > 8


DIALOG: Final[dict[str, Service[Any]]] = {
    "set": set_delegated_roles,
    "delegate": delegate_roles,
    "clear": clear_roles,
}


async def random_act(scene: Scene, chance: random.Random) -> None:
    roles = chance.sample([D, P], chance.randint(0, 2))
    address = f"p{chance.random()}@partner.example"
    everybody = sorted({"greta", "gustav", "carla", "dan", "zoe", "mia"})
    people = [scene[name].id for name in chance.sample(everybody, 2)]
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1"
    known = [row["id"] for row in await scene.world.owner.fetch(sql, scene.partnership)]
    given = {"partnership_id": scene.partnership}
    kind = chance.choice(["set", "delegate", "clear", "add", "add", "remove", "leave", "hold"])
    if kind in {"set", "delegate", "clear"}:
        service: Service[Any] = DIALOG[kind]
        await scene.act("dora", service, roles=roles, notify_addresses=address, **given)
    elif kind == "leave":
        membership = scene["carla"].membership_id
        change: Service[Any] = deactivate_member if chance.random() < 0.5 else reactivate_member
        await scene.act("gustav", change, membership_id=membership)
    elif kind == "hold":
        if chance.random() < 0.5:
            await scene.act("ada", suspend_partnership, reason="A quarrel.", **given)
        else:
            await scene.act("ada", resume_partnership, **given)
    elif known:
        service = add_role_group_members if kind == "add" else remove_role_group_members
        await scene.act("greta", service, role_group_id=chance.choice(known), user_ids=people)
