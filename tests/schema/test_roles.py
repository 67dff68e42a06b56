"""Who reads of delegated roles and role groups (model 4.4.3, 4.7): host leaders, guest admins, members."""

from __future__ import annotations

from typing import Any, Final

import pytest

from accord.domain.ids import global_id
from accord.services.grants.delegation import clear_roles
from tests.schema.conftest import Asking
from tests.services.roles import OFFICE, D, P, dialog, groups, put, rename, second_customer, with_roles
from tests.services.scene import Scene, set_scene

DELEGATIONS: Final = """query Delegations($id: ID!) { partnership(id: $id) {
  delegations(state: [ACTIVE]) { edges { node { role group { name members {
    totalCount edges { node { user { displayName } } } } } } } } } }"""
ADDRESSES: Final = (
    "query Told($id: ID!) { partnership(id: $id) { delegations { edges { node { notifyAddresses } } } } }"
)
GROUPS: Final = """query Groups($id: ID!) { organisation(id: $id) {
  roleGroups(state: [ACTIVE]) { totalCount edges { node { name role host { name } } } } } }"""
GROUP: Final = "query Group($id: ID!) { node(id: $id) { ... on RoleGroup { name } } }"
CAN: Final = "query Can($id: ID!) { partnership(id: $id) { viewerCan } }"
EMAIL: Final = "query Email($id: ID!) { node(id: $id) { ... on User { email } } }"


@pytest.fixture
async def scene(asking: Asking) -> Scene:
    """Carla holds one of the two roles that the host has delegated."""
    made = await with_roles(await set_scene(asking.world))
    await dialog(made, D, P)
    await put(made, D, "carla")
    return made


def partnership(scene: Scene) -> str:
    return global_id("partnership", scene.partnership)


async def seen(asking: Asking, scene: Scene, name: str) -> dict[str, int]:
    """The roles somebody sees, each with how many people in its group."""
    data = await asking.ask(scene[name], DELEGATIONS, id=partnership(scene))
    delegations = [edge["node"] for edge in data["partnership"]["delegations"]["edges"]]
    return {one["role"]: one["group"]["members"]["totalCount"] for one in delegations}


async def test_who_sees_roles_and_their_people(asking: Asking, scene: Scene) -> None:
    for name in ("ada", "arne", "dora", "greta", "gustav", "carla"):
        assert await seen(asking, scene, name) == {"DECISION_MAKER": 1, "PHONE_MANAGER": 0}, name
    assert await seen(asking, scene, "mia") == {"DECISION_MAKER": 0, "PHONE_MANAGER": 0}
    for name in ("dan", "otto", "zoe"):
        assert await asking.codes(scene[name], DELEGATIONS, id=partnership(scene)) == ["NOT_FOUND"], name


async def test_whoever_left_the_group_sees_nothing_any_more(asking: Asking, scene: Scene) -> None:
    await scene.act("dora", clear_roles, partnership_id=scene.partnership, roles=[D], notify_addresses=OFFICE)
    assert await asking.codes(scene["carla"], DELEGATIONS, id=partnership(scene)) == ["NOT_FOUND"]


async def test_addresses_are_the_hosts(asking: Asking, scene: Scene) -> None:
    data = await asking.ask(scene["dora"], ADDRESSES, id=partnership(scene))
    assert [edge["node"]["notifyAddresses"] for edge in data["partnership"]["delegations"]["edges"]] == [
        [OFFICE],
        [OFFICE],
    ]
    assert await asking.codes(scene["greta"], ADDRESSES, id=partnership(scene)) == ["FORBIDDEN", "FORBIDDEN"]


async def test_the_groups_of_an_organisation(asking: Asking, scene: Scene) -> None:
    guest = global_id("organisation", scene.guest.id)
    for name in ("greta", "ada"):
        data = await asking.ask(scene[name], GROUPS, id=guest)
        shown = [edge["node"]["name"] for edge in data["organisation"]["roleGroups"]["edges"]]
        assert shown == ["Harbour Decision Maker", "Harbour Phone Manager"], name
        assert data["organisation"]["roleGroups"]["totalCount"] == 2
    data = await asking.ask(scene["dan"], GROUPS, id=guest)
    assert data["organisation"]["roleGroups"] == {"totalCount": 0, "edges": []}


async def test_a_host_never_learns_of_a_customer_of_its_name(asking: Asking, scene: Scene) -> None:
    """S111, Q25: the handle stands in the names that the partner's people read, and in no other."""
    other = await second_customer(scene)
    await dialog(other, D)
    group = global_id("rolegroup", (await groups(scene))[D])

    async def name(who: Any) -> Any:
        return (await asking.ask(who, GROUP, id=group))["node"]["name"]

    assert await name(scene["greta"]) == await name(scene["carla"]) == f"Harbour Decision Maker ({scene.host.handle})"
    assert await name(scene["ada"]) == "Harbour Decision Maker"
    assert await asking.codes(other["ada"], GROUP, id=group) == ["NOT_FOUND"]
    await rename(scene, "Haven")
    assert await name(scene["greta"]) == await name(scene["ada"]) == "Haven Decision Maker"
    await dialog(scene)
    assert await name(scene["greta"]) == "Haven Decision Maker"


async def test_the_host_reads_the_address_of_who_holds_its_role(asking: Asking, scene: Scene) -> None:
    carla = global_id("user", scene["carla"].id)
    assert (await asking.ask(scene["ada"], EMAIL, id=carla))["node"]["email"] == scene["carla"].email
    assert await asking.codes(scene["mia"], EMAIL, id=carla) == ["NOT_FOUND"]
    await dialog(scene)
    assert await asking.codes(scene["otto"], EMAIL, id=carla) == ["NOT_FOUND"]


async def test_what_is_open_to_whom(asking: Asking, scene: Scene) -> None:
    """S114, Q29: the dialog is offered to those who may use it, while there is something that it could do."""

    async def acts(name: str) -> set[str]:
        listed = (await asking.ask(scene[name], CAN, id=partnership(scene)))["partnership"]["viewerCan"]
        return {act for act in listed if "ROLES" in act}

    for name in ("ada", "arne", "dora"):
        assert await acts(name) == {"SET_DELEGATED_ROLES", "DELEGATE_ROLES", "CLEAR_ROLES"}, name
    for name in ("mia", "greta", "carla"):
        assert await acts(name) == set(), name
    await asking.world.owner.execute("DELETE FROM accord.partner_links")
    assert await acts("ada") == {"SET_DELEGATED_ROLES", "CLEAR_ROLES"}
    await dialog(scene)
    assert await acts("ada") == set()
