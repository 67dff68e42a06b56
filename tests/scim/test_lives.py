"""A person's and a group's whole life as Microsoft Entra ID and Okta send it, with bodies of our own.

What they send is told by their documentation. Entra: operations in capitals, `"False"`, members with `$ref` null,
one PATCH for several attributes, paths with `type eq "work"`, attributes of extensions that nobody keeps. Okta: PUT of
whole users, PATCH without a path for `active`, PATCH or PUT of groups, and the `id` among the values.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from accord.domain.organisation import Role
from accord.services.people.scim_group import set_scim_group_roles
from tests.scim.bench import GROUP, USER, Bench

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


async def give(bench: Bench, group_id: str, *roles: Role) -> None:
    key = UUID(group_id.partition("_")[2])
    await bench.scene.act("gustav", set_scim_group_roles, scim_group_id=key, roles=roles)


async def roles_of(bench: Bench, user_id: str) -> list[str]:
    return sorted((await bench.membership(user_id))["roles"])


async def entra_user(bench: Bench, name: str) -> Any:
    """Entra looks for a person before it makes one."""
    mail = f"{name.lower()}@lighthouse.example"
    assert await bench.guest.find("/Users", f'userName eq "{mail}"') == []
    sent = {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"entra-{name.lower()}",
        "userName": mail,
        "active": True,
        "displayName": name,
        "emails": [{"primary": True, "type": "work", "value": mail}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": f"{name} Lighthouse", "familyName": "Lighthouse", "givenName": name},
        "roles": [],
        ENTERPRISE: {"department": "Sales", "manager": {"value": None}},
    }
    return await bench.guest.ok("POST", "/Users", sent, 201)


async def test_the_life_of_a_person_and_a_group_in_entra(bench: Bench) -> None:
    nora, olaf = await entra_user(bench, "Nora"), await entra_user(bench, "Olaf")
    assert [one["id"] for one in await bench.guest.find("/Users", 'externalId eq "entra-nora"')] == [nora["id"]]
    path = f"/Users/{nora['id']}"
    changed = await bench.guest.patch(
        path,
        {"op": "Replace", "path": "userName", "value": "nora.berg@lighthouse.example"},
        {"op": "Replace", "path": "displayName", "value": "Nora Berg"},
        {"op": "Replace", "path": "name.familyName", "value": "Berg"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "nora.berg@lighthouse.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+47 1"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Service"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": olaf["id"]},
        {"op": "Add", "path": 'emails[type eq "home"].value', "value": "nora@home.example"},
    )
    assert (changed["userName"], changed["displayName"], changed["name"]["familyName"]) == (
        "nora.berg@lighthouse.example", "Nora Berg", "Berg",
    )  # fmt: skip
    assert {one["type"]: one["value"] for one in changed["emails"]} == {
        "work": "nora.berg@lighthouse.example", "home": "nora@home.example",
    }  # fmt: skip
    cleared = await bench.guest.patch(
        path,
        {"op": "Remove", "path": 'emails[type eq "home"].value', "value": "nora@home.example"},
        {"op": "Remove", "path": "name.familyName", "value": "Berg"},
        {"op": "Remove", "path": f"{ENTERPRISE}:manager", "value": olaf["id"]},
    )
    assert [one["type"] for one in cleared["emails"]] == ["work"]
    assert "familyName" not in cleared["name"]

    assert await bench.guest.find("/Groups", 'displayName eq "Sales"', excludedAttributes="members") == []
    made = {"schemas": [GROUP], "externalId": str(uuid4()), "displayName": "Sales", "meta": {"resourceType": "Group"}}
    team = (await bench.guest.ok("POST", "/Groups", made, 201))["id"]
    await give(bench, team, Role.PHONE_MANAGER)
    entered = [{"$ref": None, "value": one["id"]} for one in (nora, olaf)]
    await bench.guest.patch(f"/Groups/{team}", {"op": "Add", "path": "members", "value": entered})
    assert await roles_of(bench, nora["id"]) == ["MEMBER", "PHONE_MANAGER"]
    await bench.guest.patch(f"/Groups/{team}", {"op": "Replace", "path": "displayName", "value": "Sales North"})
    lean = await bench.guest.ok("GET", f"/Groups/{team}", params={"excludedAttributes": "members"})
    assert "members" not in lean
    assert lean["displayName"] == "Sales North"
    await bench.guest.patch(f"/Groups/{team}", {"op": "Remove", "path": "members", "value": entered[:1]})
    assert await roles_of(bench, nora["id"]) == ["MEMBER"]

    off = await bench.guest.patch(path, {"op": "Replace", "path": "active", "value": "False"})
    assert off["active"] is False
    assert (await bench.guest.find("/Users", 'externalId eq "entra-nora"'))[0]["active"] is False
    assert (await bench.guest.patch(path, {"op": "Replace", "path": "active", "value": "True"}))["active"] is True
    assert await roles_of(bench, nora["id"]) == ["MEMBER"]
    await bench.guest.ok("DELETE", path, status=204)
    await bench.guest.refused(404, "GET", path)
    await bench.guest.ok("DELETE", f"/Groups/{team}", status=204)
    assert await roles_of(bench, olaf["id"]) == ["MEMBER"]
    assert not (await bench.scene.world.verify()).faults


async def test_an_address_that_entra_clears_is_replaced_by_a_user_name_that_is_one(bench: Bench) -> None:
    nora = await entra_user(bench, "Nora")
    gone = {"op": "Remove", "path": 'emails[type eq "work"].value', "value": "nora@lighthouse.example"}
    answer = await bench.guest.send(
        "PATCH", f"/Users/{nora['id']}", {"Operations": [gone], "schemas": nora["schemas"][:0]}
    )
    assert answer.status_code in (200, 400), answer.text
    row = await bench.membership(nora["id"])
    assert row["email"] == "nora@lighthouse.example"


def okta_user(name: str, mail: str, **given: Any) -> dict[str, Any]:
    """A person as Okta sends it, by POST and by PUT."""
    return {
        "schemas": [USER],
        "userName": mail,
        "name": {"givenName": name, "familyName": "Lighthouse"},
        "emails": [{"primary": True, "value": mail, "type": "work"}],
        "displayName": f"{name} Lighthouse",
        "locale": "en-US",
        "externalId": f"00u-{name}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **given,
    }


async def test_the_life_of_a_person_in_okta(bench: Bench) -> None:
    mail = "nora@lighthouse.example"
    first = await bench.guest.ok(
        "GET", "/Users", params={"filter": f'userName eq "{mail}"', "startIndex": 1, "count": 100}
    )
    assert first["totalResults"] == 0
    nora = await bench.guest.ok("POST", "/Users", okta_user("Nora", mail), 201)
    assert "password" not in nora
    path = f"/Users/{nora['id']}"
    renamed = okta_user("Nora", "nora.berg@lighthouse.example", id=nora["id"], meta={"resourceType": "User"})
    renamed["name"]["familyName"] = "Berg"
    changed = await bench.guest.ok("PUT", path, renamed)
    assert (changed["userName"], changed["name"]["familyName"]) == ("nora.berg@lighthouse.example", "Berg")
    off = await bench.guest.patch(path, {"op": "replace", "value": {"active": False}})
    assert off["active"] is False
    pushed = {name: value for name, value in renamed.items() if name != "active"}
    assert (await bench.guest.ok("PUT", path, pushed))["active"] is False, "a profile push lets nobody in"
    assert (await bench.guest.ok("PUT", path, renamed | {"active": True}))["active"] is True
    assert (await bench.guest.ok("PUT", path, renamed | {"active": False}))["active"] is False
    assert (await bench.membership(nora["id"]))["status"] == "DEACTIVATED"


async def test_the_life_of_a_group_in_okta(bench: Bench) -> None:
    carla, dan = bench.key("carla"), bench.key("dan")
    sent = {
        "schemas": [GROUP],
        "displayName": "Sales",
        "members": [{"value": carla, "display": "carla@lighthouse.example"}],
    }
    team = await bench.guest.ok("POST", "/Groups", sent, 201)
    path = f"/Groups/{team['id']}"
    await give(bench, team["id"], Role.PHONE_MANAGER)
    renamed = {"op": "replace", "value": {"id": team["id"], "displayName": "Sellers"}}
    assert (await bench.guest.patch(path, renamed))["displayName"] == "Sellers"
    assert await roles_of(bench, carla) == ["MEMBER", "PHONE_MANAGER"]
    await bench.guest.patch(
        path,
        {"op": "remove", "path": f'members[value eq "{carla}"]'},
        {"op": "add", "path": "members", "value": [{"value": dan, "display": "dan@lighthouse.example"}]},
    )
    assert (await roles_of(bench, carla), await roles_of(bench, dan)) == (["MEMBER"], ["MEMBER", "PHONE_MANAGER"])
    whole = {"schemas": [GROUP], "id": team["id"], "displayName": "Sellers", "members": [{"value": carla}]}
    await bench.guest.ok("PUT", path, whole)
    assert (await roles_of(bench, carla), await roles_of(bench, dan)) == (["MEMBER", "PHONE_MANAGER"], ["MEMBER"])
    await bench.guest.patch(path, {"op": "replace", "path": "members", "value": [{"value": dan}]})
    assert await roles_of(bench, carla) == ["MEMBER"]
    await bench.guest.ok("DELETE", path, status=204)
    assert await roles_of(bench, dan) == ["MEMBER"]
