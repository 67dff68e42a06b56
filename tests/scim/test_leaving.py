"""Leaving wins, whatever a directory sends: no answer of success while access that should have ended goes on (S66)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import pytest

from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.services.grants.acting import switch_organisation
from accord.services.partnerships.level import set_data_access
from accord.services.people.member import update_member
from accord.services.people.scim_group import set_scim_group_roles
from tests.scim.bench import GROUP, USER, Bench, group, patch, user

NULL_FACTS: Final[list[dict[str, Any]]] = [
    {"$ref": None},
    {"$ref": None, "display": None, "type": None},
    {"display": "Somebody Else"},
    {"type": "Group"},
    {"$ref": "https://elsewhere.example/Users/7"},
    {"urn:example:made-up": [1, {"deep": True}]},
]
SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"


def removals(key: str) -> dict[str, dict[str, Any]]:
    """Every way in which directories say that somebody leaves a group; the other member is not in it."""
    one: list[dict[str, Any]] = [{"value": key}]
    said: dict[str, dict[str, Any]] = {
        "entra": {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": key}]},
        "one object": {"op": "remove", "path": "members", "value": {"value": key}},
        "a bare key": {"op": "remove", "path": "members", "value": [key]},
        "a key alone": {"op": "remove", "path": "members", "value": key},
        "by reference": {"op": "remove", "path": "members", "value": [{"$ref": f"https://x.example/Users/{key}"}]},
        "upper case": {"op": "REMOVE", "path": "Members", "value": [{"VALUE": key.upper()}]},
        "twice": {"op": "remove", "path": "members", "value": one * 2},
        "qualified": {"op": "remove", "path": f"{SCHEMA}:members", "value": one},
        "filter": {"op": "remove", "path": f'members[value eq "{key}"]'},
        "filter in upper case": {"op": "Remove", "path": f'members[value eq "{key.upper()}"]'},
        "filter with a value": {"op": "Remove", "path": f'members[value eq "{key}"]', "value": [{"value": None}]},
        "filter with a part": {"op": "remove", "path": f'members[value eq "{key}"].value'},
        "longer filter": {"op": "remove", "path": f'members[type eq "User" and (value eq "{key}" or value eq "x")]'},
        "qualified filter": {"op": "remove", "path": f'{SCHEMA.upper()}:members[value EQ "{key}"]'},
        "without a path": {"op": "remove", "value": {"members": one}},
        "schema as path": {"op": "remove", "path": SCHEMA, "value": {"members": one}},
        "all": {"op": "remove", "path": "members"},
        "all by null": {"op": "remove", "path": "members", "value": None},
        "replace by none": {"op": "Replace", "path": "members", "value": []},
        "replace by null": {"op": "replace", "path": "members", "value": None},
        "replace without a path": {"op": "replace", "value": {"displayName": "Admins", "members": []}},
    }
    return said | {f"facts {n}": {"op": "remove", "path": "members", "value": [one[0] | facts]}
                   for n, facts in enumerate(NULL_FACTS)}  # fmt: skip


async def admins_by_group(bench: Bench, *names: str) -> str:
    """A group that makes these people admins of the guest; its ID."""
    made = await bench.guest.ok("POST", "/Groups", group("Admins", *map(bench.key, names)), 201)
    key = UUID(made["id"].partition("_")[2])
    await bench.scene.act("gustav", set_scim_group_roles, scim_group_id=key, roles=[Role.ORG_ADMIN])
    return str(made["id"])


async def roles_of(bench: Bench, name: str) -> list[str]:
    return sorted((await bench.membership(bench.key(name)))["roles"])


async def people_of(bench: Bench, id: str) -> set[str]:
    return {one["value"] for one in (await bench.guest.ok("GET", f"/Groups/{id}")).get("members", [])}


async def test_whoever_is_removed_from_a_group_is_gone_in_every_spelling(bench: Bench) -> None:
    id, key = await admins_by_group(bench, "carla"), bench.key("carla")
    for way, operation in removals(key).items():
        await bench.guest.patch(f"/Groups/{id}", {"op": "add", "path": "members", "value": [{"value": key}]})
        assert "ORG_ADMIN" in await roles_of(bench, "carla"), way
        answer = await bench.guest.patch(f"/Groups/{id}", operation)
        assert key not in {one["value"] for one in answer.get("members", [])}, way
        assert await roles_of(bench, "carla") == ["MEMBER"], way
        assert await people_of(bench, id) == set(), way


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "members", "value": [{"display": "Carla Lighthouse"}]},
        {"op": "remove", "path": "members", "value": [{"value": "carla"}]},
        {"op": "remove", "path": "members", "value": [{}]},
        {"op": "remove", "path": "members", "value": 7},
        {"op": "remove", "path": 'members[display eq "Carla"]'},
        {"op": "remove", "path": 'members[type eq "Robot"]'},
        {"op": "remove", "path": "members.value"},
        {"op": "remove", "path": "members[value co"},
        {"op": "remove", "value": {"nobody": "x"}},
        {"op": "discard", "path": "members"},
    ],
)
async def test_what_names_nobody_is_refused_and_never_a_success(bench: Bench, operation: Mapping[str, Any]) -> None:
    id = await admins_by_group(bench, "carla")
    async with bench.scene.unchanged():
        answer = await bench.guest.send("PATCH", f"/Groups/{id}", patch(operation))
        assert answer.status_code == 400 or "nobody" in str(operation), answer.text


@pytest.mark.parametrize("beside", [{"value": "carla"}, {"display": "Dan"}, None, 7, [], "x" * 300])
async def test_who_is_named_has_left_though_another_entry_names_nobody(bench: Bench, beside: Any) -> None:
    id, key = await admins_by_group(bench, "carla"), bench.key("carla")
    for entries in ([{"value": key}, beside], [beside, {"value": key}]):
        await bench.guest.patch(f"/Groups/{id}", {"op": "add", "path": "members", "value": [{"value": key}]})
        leaving = patch({"op": "remove", "path": "members", "value": entries})
        await bench.guest.refused(400, "PATCH", f"/Groups/{id}", leaving)
        assert await people_of(bench, id) == set()
        assert await roles_of(bench, "carla") == ["MEMBER"]


async def test_whoever_is_not_in_the_group_by_now_is_no_error(bench: Bench) -> None:
    id = await admins_by_group(bench, "carla")
    dan = bench.key("dan")
    for way in ("entra", "filter", "one object"):
        answer = await bench.guest.patch(f"/Groups/{id}", removals(dan)[way])
        assert [one["value"] for one in answer["members"]] == [bench.key("carla")]


REFUSED_BESIDE: Final[list[Mapping[str, Any]]] = [
    {"op": "replace", "path": "id", "value": "x"},
    {"op": "replace", "path": "userName", "value": "greta@taken.example"},
    {"op": "replace", "path": "emails", "value": [{"value": f"n{n}@x.example"} for n in range(21)]},
    {"op": "replace", "path": "emails", "value": [{"value": "nobody"}]},
    {"op": "replace", "path": "displayName", "value": "x" * 300},
    {"op": "replace", "path": "displayName", "value": {"deep": {"er": 1}}},
    {"op": "remove", "path": "userName"},
    {"op": "remove"},
    {"op": "move", "path": "displayName", "value": "x"},
    {"op": "replace", "path": "emails[type eq", "value": "x"},
    {"op": "replace", "path": "name.givenName", "value": "a\x00b"},
    {"op": "replace", "path": 7, "value": "x"},
]
INACTIVE: Final[list[Mapping[str, Any]]] = [
    {"op": "Replace", "path": "active", "value": "False"},
    {"op": "replace", "path": "ACTIVE", "value": " false "},
    {"op": "add", "path": "active", "value": 0},
    {"op": "replace", "path": "active", "value": "0"},
    {"op": "replace", "path": "active", "value": [{"$ref": None, "value": "False"}]},
    {"op": "replace", "path": f"{USER}:active", "value": False},
    {"op": "Replace", "value": {"active": "False", "displayName": "Carla"}},
    {"op": "Replace", "value": {USER: {"active": False}}},
    {"op": "Replace", "value": {f"{USER}:active": "FALSE"}},
    {"op": "Replace", "path": USER, "value": {"Active": "false"}},
]


async def at_work(bench: Bench) -> None:
    """Carla has a grant, and a session at the host by a level."""
    await bench.scene.let_in(await bench.scene.share(), "carla")
    carla = bench.scene["carla"].membership_id
    await bench.scene.act("gustav", update_member, membership_id=carla, delegated_admin=True)
    level = {"partnership_id": bench.scene.partnership, "level": DataAccessLevel.MANAGE, "confirm": True}
    await bench.scene.act("ada", set_data_access, **level)
    await bench.scene.world.act_as_oneself(bench.scene["carla"], switch_organisation, host_id=bench.scene.host.id)


async def left(bench: Bench) -> int:
    sql = (
        "SELECT (SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE')"
        " + (SELECT count(*) FROM accord.acting_sessions WHERE user_id = $1 AND ended_at IS NULL)"
        " + (SELECT count(*) FROM accord.memberships WHERE user_id = $1 AND status = 'ACTIVE')"
    )
    return int(await bench.scene.world.owner.fetchval(sql, bench.scene["carla"].id))


@pytest.mark.parametrize("first", [True, False])
async def test_a_deactivation_stands_whatever_else_is_refused(bench: Bench, first: bool) -> None:
    await at_work(bench)
    path = f"/Users/{bench.key('carla')}"
    await bench.guest.patch(
        f"/Users/{bench.key('greta')}", {"op": "add", "path": "userName", "value": "greta@taken.example"}
    )
    for number, bad in enumerate(REFUSED_BESIDE):
        inactive = INACTIVE[number % len(INACTIVE)]
        operations = [inactive, bad] if first else [bad, inactive]
        error = await bench.guest.refused(400 if "taken" not in str(bad) else 409, "PATCH", path, patch(*operations))
        assert error["detail"].endswith("The deactivation stands."), (bad, error)
        assert await left(bench) == 0, (inactive, bad)
        again = await bench.guest.send("PATCH", path, patch(*operations))
        assert again.status_code in (400, 409)
        assert "stands" not in again.text
        await bench.guest.patch(path, {"op": "replace", "path": "active", "value": "True"})
        row = await bench.membership(bench.key("carla"))
        assert (row["status"], row["display_name"]) == ("ACTIVE", "Carla Lighthouse")
    assert not (await bench.scene.world.verify()).faults


@pytest.mark.parametrize("inactive", INACTIVE)
async def test_inactive_is_inactive_in_every_spelling(bench: Bench, inactive: Mapping[str, Any]) -> None:
    answer = await bench.guest.patch(f"/Users/{bench.key('carla')}", inactive)
    assert answer["active"] is False


async def test_what_a_patch_says_last_holds_and_what_nobody_understands_changes_nothing(bench: Bench) -> None:
    path = f"/Users/{bench.key('carla')}"
    bad = {"op": "replace", "path": "id", "value": "x"}
    off, on = ({"op": "replace", "path": "active", "value": value} for value in (False, True))
    async with bench.scene.unchanged():
        await bench.guest.refused(400, "PATCH", path, patch(off, bad, on))
        for value in ("perhaps", None, 2, {}, [], ["False", "True"], {"value": {"value": "x"}}):
            await bench.guest.refused(400, "PATCH", path, patch({"op": "replace", "path": "active", "value": value}))
        await bench.guest.refused(400, "PATCH", path, patch({"op": "remove", "path": "active"}, bad))
    assert (await bench.guest.patch(path, off, on))["active"] is True


async def test_of_the_last_admin_the_access_ends_beside_a_refusal_too(bench: Bench) -> None:
    await bench.guest.ok("DELETE", f"/Users/{bench.key('gustav')}", status=204)
    bad = {"op": "replace", "path": "id", "value": "x"}
    error = await bench.guest.refused(409, "PATCH", f"/Users/{bench.key('greta')}", patch(INACTIVE[0], bad))
    assert "All other access of this person has ended" in error["detail"]


PUTS: Final[list[Mapping[str, Any]]] = [
    {"displayName": "x" * 300},
    {"emails": [{"value": "nobody"}]},
    {"emails": [{"value": f"n{n}@x.example"} for n in range(500)]},
    {"emails": "carla@lighthouse.example"},
    {"userName": "greta@taken.example"},
    {"userName": 7},
    {"name": "Carla"},
    {"externalId": ["1"]},
    {"displayName": "a\x00b"},
]


async def test_a_put_ends_access_whatever_else_of_it_is_refused(bench: Bench) -> None:
    await at_work(bench)
    path, carla = f"/Users/{bench.key('carla')}", bench.scene["carla"].email
    await bench.guest.patch(
        f"/Users/{bench.key('greta')}", {"op": "add", "path": "userName", "value": "greta@taken.example"}
    )
    for bad in PUTS:
        whole = user(carla, displayName="Carla Lighthouse", active="False") | dict(bad)
        answer = await bench.guest.send("PUT", path, whole)
        assert answer.status_code in (400, 409), (bad, answer.text)
        assert answer.json()["detail"].endswith("The deactivation stands."), (bad, answer.text)
        assert await left(bench) == 0, bad
        await bench.guest.patch(path, {"op": "replace", "path": "active", "value": True})


@pytest.mark.parametrize("beside", [{}, {"active": None}])
async def test_a_put_that_does_not_say_keeps_who_is_active(bench: Bench, beside: Mapping[str, Any]) -> None:
    path, email = f"/Users/{bench.key('carla')}", bench.scene["carla"].email
    whole = {"schemas": [USER], "userName": email, "displayName": "Carla New", **beside}
    assert (await bench.guest.ok("PUT", path, whole))["active"] is True
    await bench.guest.patch(path, INACTIVE[0])
    off = await bench.guest.ok("PUT", path, whole | {"displayName": "Carla Newer"})
    assert (off["active"], off["displayName"]) == (False, "Carla Newer")
    assert (await bench.membership(bench.key("carla")))["status"] == "DEACTIVATED"
    assert (await bench.guest.ok("PUT", path, whole | {"active": True}))["active"] is True


async def test_a_put_of_a_group_keeps_the_people_that_it_does_not_mention_and_nobody_else(bench: Bench) -> None:
    id = await admins_by_group(bench, "carla", "dan")
    named = {"schemas": [GROUP], "displayName": "Chiefs"}
    assert len((await bench.guest.ok("PUT", f"/Groups/{id}", named))["members"]) == 2
    one = await bench.guest.ok("PUT", f"/Groups/{id}", named | {"members": [{"value": bench.key("dan"), "$ref": None}]})
    assert [member["value"] for member in one["members"]] == [bench.key("dan")]
    assert await roles_of(bench, "carla") == ["MEMBER"]
    assert "members" not in await bench.guest.ok("PUT", f"/Groups/{id}", named | {"members": None})
    assert await roles_of(bench, "dan") == ["MEMBER"]


NOBODY: Final = "membership_01990000-0000-7000-8000-000000000000"


async def test_a_removal_from_a_group_stands_whatever_else_is_refused(bench: Bench) -> None:
    id, carla = await admins_by_group(bench, "carla", "dan"), bench.key("carla")
    out = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": carla}]}
    beside: list[Mapping[str, Any]] = [
        {"op": "add", "path": "members", "value": [{"value": NOBODY}]},
        {"op": "replace", "path": "displayName", "value": ""},
        {"op": "remove", "path": "displayName"},
        {"op": "remove", "path": "members", "value": [{"value": "nobody"}]},
        {"op": "replace", "path": "id", "value": "x"},
    ]
    for bad in beside:
        for operations in ([out, bad], [bad, out]):
            error = await bench.guest.refused(400, "PATCH", f"/Groups/{id}", patch(*operations))
            assert error["detail"].endswith("Those who were taken out have left the group."), error
            assert await people_of(bench, id) == {bench.key("dan")}
            assert await roles_of(bench, "carla") == ["MEMBER"]
            await bench.guest.patch(f"/Groups/{id}", {"op": "add", "path": "members", "value": {"value": carla}})
    wrong = {"schemas": [GROUP], "displayName": "x" * 300, "members": [{"value": bench.key("dan")}]}
    for whole in (wrong, wrong | {"displayName": "Admins", "members": [*wrong["members"], {"value": NOBODY}]}):
        await bench.guest.refused(400, "PUT", f"/Groups/{id}", whole)
        assert await people_of(bench, id) == {bench.key("dan")}
        await bench.guest.patch(f"/Groups/{id}", {"op": "add", "path": "members", "value": {"value": carla}})


async def test_beside_the_last_admin_the_others_leave(bench: Bench) -> None:
    id = await admins_by_group(bench, "carla", "dan")
    for name in ("greta", "gustav"):
        await bench.scene.act(
            "carla", update_member, membership_id=bench.scene[name].membership_id, roles=[Role.MEMBER]
        )
    await bench.guest.patch(f"/Users/{bench.key('dan')}", INACTIVE[0])
    plain = {"op": "add", "path": "members", "value": [{"value": bench.key("eva")}]}
    await bench.guest.patch(f"/Groups/{id}", plain)
    await bench.scene.act("carla", update_member, membership_id=bench.scene["greta"].membership_id, roles=[Role.MEMBER])
    error = await bench.guest.refused(409, "PATCH", f"/Groups/{id}", patch({"op": "remove", "path": "members"}))
    assert "last admin" in error["detail"]
    assert bench.key("carla") in await people_of(bench, id)
    assert "ORG_ADMIN" in await roles_of(bench, "carla")


async def test_another_version_and_nothing_readable_change_nothing(bench: Bench) -> None:
    path = f"/Users/{bench.key('carla')}"
    bad = {"op": "replace", "path": "id", "value": "x"}
    async with bench.scene.unchanged():
        await bench.guest.refused(412, "PATCH", path, patch(INACTIVE[0], bad), headers={"if-match": 'W/"old"'})
        answer = await bench.guest.send("PATCH", path, content=b'{"Operations": [{"op": "replace", "path": "active"')
        assert answer.status_code == 400
        await bench.host.refused(404, "PATCH", path, patch(INACTIVE[0], bad))
