"""The host knows which people of a partner may use a level or a role before they act, and on what basis (model 4.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel
from accord.domain.partner import PartnerProgram, PartnerStatus
from accord.services.grants.assignment import assign_customers
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, update_member
from accord.services.policy import freeze_partner_access, set_policy
from tests.schema.conftest import Asking
from tests.services.contacts import make_contact
from tests.services.roles import D, P, dialog, put, with_roles
from tests.services.scene import Scene, set_scene

MEMBERS: Final = """query M($id: ID!) { partnership(id: $id) { members {
  totalCount edges { node {
    basis isRepresentative user { displayName email } grants { edges { node { id } } } } } } } }"""
FIGURE: Final = "{ viewer { organisation { dashboard { peopleWithAccess } } } }"
PERSON: Final = "query P($id: ID!) { node(id: $id) { ... on User { displayName email } } }"
MANAGE = DataAccessLevel.MANAGE


@pytest.fixture
async def scene(asking: Asking) -> Scene:
    """Carla is a delegated admin, Dan is not; the host has granted MANAGE."""
    made = await with_roles(await set_scene(asking.world))
    await delegated(made, "carla", flag=True)
    await level(made, MANAGE)
    return made


async def delegated(scene: Scene, name: str, *, flag: bool) -> None:
    await scene.act("gustav", update_member, membership_id=scene[name].membership_id, delegated_admin=flag)


async def level(scene: Scene, to: DataAccessLevel) -> None:
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=to, confirm=True)


async def members(asking: Asking, scene: Scene, name: str) -> dict[str, set[str]]:
    """Whom somebody sees in the Members tab, by first name, each with every basis."""
    data = await asking.ask(scene[name], MEMBERS, id=global_id("partnership", scene.partnership))
    found = data["partnership"]["members"]
    shown = {e["node"]["user"]["displayName"].split()[0].lower(): set(e["node"]["basis"]) for e in found["edges"]}
    assert found["totalCount"] == len(found["edges"]) == len(shown)
    return shown


async def figure(asking: Asking, scene: Scene) -> int:
    data = await asking.ask(scene["ada"], FIGURE)
    count: int = data["viewer"]["organisation"]["dashboard"]["peopleWithAccess"]
    return count


GRETA: Final = {"greta": {"REPRESENTATIVE"}}
CARLA: Final = {"carla": {"LEVEL"}}


async def test_the_hosts_leaders_and_the_guests_admins_see_who_may_use_the_level(asking: Asking, scene: Scene) -> None:
    for name in ("ada", "arne", "dora", "greta", "gustav"):
        assert await members(asking, scene, name) == GRETA | CARLA, name
    assert await members(asking, scene, "mia") == GRETA, "a Partnership Owner sees those on the accounts alone"
    assert await figure(asking, scene) == 1
    for name in ("carla", "dan"):
        person = global_id("user", scene[name].id)
        if name == "carla":
            data = await asking.ask(scene["ada"], PERSON, id=person)
            assert data["node"] == {"displayName": "Carla Lighthouse", "email": scene["carla"].email}
            assert await asking.codes(scene["mia"], PERSON, id=person) == ["NOT_FOUND"]
        else:
            assert await asking.codes(scene["ada"], PERSON, id=person) == ["NOT_FOUND"], "nobody without access"


async def test_roles_and_contacts_are_a_basis_and_one_person_has_them_all(asking: Asking, scene: Scene) -> None:
    await dialog(scene, D, P)
    await put(scene, D, "carla", "dan")
    await scene.share()
    expected = {"greta": {"REPRESENTATIVE", "ACCOUNT"}, "carla": {"LEVEL", "ROLE_GROUP"}, "dan": {"ROLE_GROUP"}}
    assert await members(asking, scene, "ada") == expected
    assert await figure(asking, scene) == 3
    await make_contact(scene, "dan", D)
    assert (await members(asking, scene, "ada"))["dan"] == {"ROLE_GROUP", "CONTACT"}
    assert await figure(asking, scene) == 3


async def assigned(scene: Scene) -> None:
    """The customer is another one's, of all delegated admins."""
    await delegated(scene, "dan", flag=True)
    given = {"user_id": scene["dan"].id, "customer_ids": [scene.host.id]}
    await scene.act("gustav", assign_customers, **given)


async def explicit(scene: Scene) -> None:
    await scene.act("gustav", set_policy, explicit_assignment=True)


async def lowered(scene: Scene) -> None:
    await level(scene, DataAccessLevel.NONE)


async def suspended(scene: Scene) -> None:
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="for now")


async def frozen(scene: Scene) -> None:
    await scene.act("ada", freeze_partner_access)


async def left(scene: Scene) -> None:
    await scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id)


async def no_more(scene: Scene) -> None:
    await delegated(scene, "carla", flag=False)


async def bounded(scene: Scene) -> None:
    await scene.world.owner.execute("UPDATE accord.organisations SET ceiling = 'NONE' WHERE id = $1", scene.guest.id)


async def barred(scene: Scene) -> None:
    sql = "UPDATE accord.organisations SET partner_program = $2, partner_status = $3 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.guest.id, PartnerProgram.MSP, PartnerStatus.SUSPENDED)


async def over(scene: Scene) -> None:
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, scene.world.clock.now)


WITHOUT = [explicit, lowered, suspended, frozen, left, no_more, bounded, barred, over]


@pytest.mark.parametrize("how", WITHOUT, ids=lambda how: how.__name__)
async def test_who_may_use_no_level_is_not_shown(asking: Asking, scene: Scene, how: Any) -> None:
    await how(scene)
    assert await members(asking, scene, "ada") == ({} if how is over else GRETA)
    assert await figure(asking, scene) == 0
    person = global_id("user", scene["carla"].id)
    data, errors = await asking.look(scene["ada"], PERSON, id=person)
    assert data["node"] is None or data["node"]["email"] is None, (data, errors)


async def test_a_customer_that_is_assigned_names_whom_it_is_assigned_to(asking: Asking, scene: Scene) -> None:
    await assigned(scene)
    assert await members(asking, scene, "ada") == GRETA | {"dan": {"LEVEL"}}


async def test_the_viewers_own_sign_in_changes_nothing(asking: Asking, scene: Scene) -> None:
    await scene.act("ada", set_policy, require_mfa=True)
    weak = replace(scene["arne"], identity=replace(scene["arne"].identity, mfa=False))
    scene.people["arne"] = weak
    assert await members(asking, scene, "arne") == GRETA | CARLA


async def test_what_is_resumed_is_shown_again(asking: Asking, scene: Scene) -> None:
    await suspended(scene)
    await scene.act("ada", resume_partnership, partnership_id=scene.partnership)
    assert await members(asking, scene, "ada") == GRETA | CARLA


async def test_the_receipt_of_the_end_counts_them(asking: Asking, scene: Scene) -> None:
    await delegated(scene, "dan", flag=True)
    removed = await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    assert removed.receipt.level_holders_ended == 2
    assert await members(asking, scene, "ada") == {}
