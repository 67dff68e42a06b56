"""Who reads of external contacts and of assigned customers (model 4.7): leaders, the person, admins of the home."""

from __future__ import annotations

from typing import Any, Final

import pytest

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.services.grants.assignment import assign_customers
from accord.services.grants.contact import remove_external_contact
from accord.services.partnerships.partnership import remove_partner
from tests.schema.conftest import Asking
from tests.services.contacts import D, P, invite, make_contact
from tests.services.scene import Scene, set_scene

CONTACTS: Final = """query Contacts($id: ID!) { organisation(id: $id) { externalContacts {
  totalCount edges { node { id roles status } } } } }"""
UNDER: Final = "query Under($id: ID!) { partnership(id: $id) { externalContacts { totalCount } } }"
OWN: Final = """{ viewer { externalContacts { totalCount edges { node {
  id email roles status host { name handle } user { displayName } } } } } }"""
CONTACT: Final = "query Contact($id: ID!) { node(id: $id) { ... on ExternalContact { status roles } } }"
EMAIL: Final = "query Email($id: ID!) { node(id: $id) { ... on ExternalContact { email } } }"
NAMED: Final = """query Named($id: ID!) { node(id: $id) { ... on ExternalContact { user { displayName email } } } }"""
ASSIGNED: Final = """query Assigned($id: ID!) { organisation(id: $id) { customerAssignments {
  totalCount edges { node { user { displayName } customer { name } } } } } }"""
USES: Final = "query Uses($id: ID!) { partnership(id: $id) { customerAssignments { totalCount } } }"


@pytest.fixture
async def scene(asking: Asking) -> Scene:
    """Pat of a consultancy is a contact, Carla of the guest a converted one; somebody has not answered."""
    made = await set_scene(asking.world)
    consultancy = await made.world.organisation("Consultancy")
    made.people["petra"] = await made.world.person(consultancy, Role.ORG_ADMIN, name="Petra Consultancy")
    made.people["pat"] = await made.world.person(consultancy, name="Pat Consultancy")
    made.people["lena"] = await made.world.person(made.host, Role.DECISION_MAKER, name="Lena Harbour")
    await invite(made, D)
    return made


def host(scene: Scene) -> str:
    return global_id("organisation", scene.host.id)


async def count(asking: Asking, scene: Scene, name: str) -> int:
    data = await asking.ask(scene[name], CONTACTS, id=host(scene))
    total: int = data["organisation"]["externalContacts"]["totalCount"]
    return total


async def test_who_sees_the_contacts_of_a_host(asking: Asking, scene: Scene) -> None:
    await make_contact(scene, "pat", P)
    await make_contact(scene, "carla", P)
    for name in ("ada", "arne", "lena"):
        assert await count(asking, scene, name) == 3, name
    for name, seen in {"mia": 0, "otto": 0, "pat": 1, "greta": 1, "carla": 1}.items():
        assert await count(asking, scene, name) == seen, name
    for name in ("petra", "zoe"):
        assert await asking.codes(scene[name], CONTACTS, id=host(scene)) == ["NOT_FOUND"], name


async def test_a_contact_reads_the_own_and_no_more_of_the_host(asking: Asking, scene: Scene) -> None:
    """The person sees the own row and the host's name; nothing else of the host opens by it at home."""
    key = await make_contact(scene, "pat", P)
    data = await asking.ask(scene["pat"], OWN)
    (edge,) = data["viewer"]["externalContacts"]["edges"]
    assert edge["node"]["host"]["name"] == scene.host.name
    assert (edge["node"]["status"], edge["node"]["roles"]) == ("ACTIVE", ["PHONE_MANAGER"])
    assert edge["node"]["user"] == {"displayName": "Pat Consultancy"}
    people = 'query P($id: ID!) { organisation(id: $id) { members(search: "harbour") { totalCount } } }'
    assert await asking.codes(scene["pat"], people, id=host(scene)) == ["FORBIDDEN"]
    theirs = "query T($id: ID!) { organisation(id: $id) { partnerships { totalCount } accounts { totalCount } } }"
    seen = (await asking.ask(scene["pat"], theirs, id=host(scene)))["organisation"]
    assert (seen["partnerships"]["totalCount"], seen["accounts"]["totalCount"]) == (0, 0)
    await scene.act("ada", remove_external_contact, contact_id=key)
    assert (await asking.ask(scene["pat"], OWN))["viewer"]["externalContacts"]["totalCount"] == 0
    assert await asking.codes(scene["pat"], CONTACT, id=global_id("contact", key)) == ["NOT_FOUND"]
    assert await asking.codes(scene["pat"], CONTACTS, id=host(scene)) == ["NOT_FOUND"]


async def test_the_home_sees_a_contact_once_it_is_converted(asking: Asking, scene: Scene) -> None:
    key = await make_contact(scene, "pat", P)
    node = {"id": global_id("contact", key)}
    assert await asking.codes(scene["petra"], CONTACT, **node) == ["NOT_FOUND"]
    partnership = await scene.world.partnership(scene["mia"], scene["ada"], scene["petra"])
    assert (await asking.ask(scene["petra"], CONTACT, **node))["node"]["status"] == "CONVERTED"
    under = {"id": global_id("partnership", partnership)}
    for name in ("petra", "ada"):
        data = await asking.ask(scene[name], UNDER, **under)
        assert data["partnership"]["externalContacts"]["totalCount"] == 1, name
    assert (await asking.ask(scene["mia"], UNDER, **under))["partnership"]["externalContacts"]["totalCount"] == 0
    assert await asking.codes(scene["petra"], EMAIL, **node) == ["FORBIDDEN"]
    for name in ("ada", "pat"):
        data = await asking.ask(scene[name], EMAIL, **node)
        assert data["node"]["email"] == scene["pat"].email, name
    await scene.act("mia", remove_partner, partnership_id=partnership)
    assert await asking.codes(scene["pat"], CONTACT, **node) == ["NOT_FOUND"]


async def test_the_hosts_leaders_learn_the_name_and_no_address(asking: Asking, scene: Scene) -> None:
    """The person's own address stays the home's: the host knows the one it wrote to."""
    key = await make_contact(scene, "pat", P)
    data, errors = await asking.look(scene["ada"], NAMED, id=global_id("contact", key))
    assert data["node"]["user"] == {"displayName": "Pat Consultancy", "email": None}
    assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]
    for name in ("mia", "greta", "zoe"):
        assert await asking.codes(scene[name], NAMED, id=global_id("contact", key)) == ["NOT_FOUND"], name


async def test_who_sees_assigned_customers(asking: Asking, scene: Scene) -> None:
    for name in ("carla", "dan"):
        await scene.act("greta", assign_customers, user_id=scene[name].id, customer_ids=[scene.host.id])
    guest = {"id": global_id("organisation", scene.guest.id)}

    async def seen(name: str) -> set[str]:
        data: Any = (await asking.ask(scene[name], ASSIGNED, **guest))["organisation"]["customerAssignments"]
        assert data["totalCount"] == len(data["edges"])
        assert {edge["node"]["customer"]["name"] for edge in data["edges"]} <= {scene.host.name}
        return {edge["node"]["user"]["displayName"].split()[0] for edge in data["edges"]}

    assert await seen("greta") == await seen("gustav") == {"Carla", "Dan"}
    assert await seen("carla") == {"Carla"}
    assert await seen("eva") == await seen("ada") == set()
    under = {"id": global_id("partnership", scene.partnership)}
    for name, total in {"greta": 2, "ada": 0, "mia": 0}.items():
        data = await asking.ask(scene[name], USES, **under)
        assert data["partnership"]["customerAssignments"]["totalCount"] == total, name
