"""People by a directory: made, found, changed, ended, each answer as RFC 7644 has it (S65)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.bench import PATCH, SEARCH, USER, Bench, patch, user


async def test_a_new_person_is_an_active_plain_member_at_home(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example", externalId="00u1", name={"givenName": "Nora"})
    assert made["meta"]["resourceType"] == "User"
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert (made["active"], made["externalId"], made["name"]) == (True, "00u1", {"givenName": "Nora"})
    row = await bench.membership(made["id"])
    assert (row["status"], row["source"], row["roles"]) == ("ACTIVE", "SCIM", ["MEMBER"])
    home = await bench.scene.row("users", row["user_id"])
    assert home["home_organisation_id"] == bench.scene.guest.id
    (event,) = await bench.scene.events(bench.scene.guest, "member.provisioned")
    assert (event["actor_name"], event["actor_user_id"]) == ("Okta (directory)", None)
    assert event["actor_home_organisation_id"] == bench.scene.guest.id
    assert await bench.scene.mails("member_invited") == [{"nora@lighthouse.example"}]
    assert not (await bench.scene.world.verify()).faults


async def test_what_was_made_is_read_back_the_same(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    answer = await bench.guest.send("GET", f"/Users/{made['id']}")
    assert answer.json() == made
    assert answer.headers["etag"] == made["meta"]["version"]
    assert (await bench.guest.find("/Users", 'userName eq "NORA@lighthouse.example"')) == [made]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('userName eq "nora@lighthouse.example"', True),
        ('USERNAME Eq "Nora@Lighthouse.example"', True),
        ('externalId eq "X1"', True),
        ('externalId eq "x1"', False),
        ('userName sw "nora" and active eq true', True),
        ('not (userName sw "nora")', False),
        ('emails[type eq "work" and value co "lighthouse"]', True),
        ('emails.value eq "nora@lighthouse.example"', True),
        ('displayName co "OR" or userName eq "nobody"', True),
        ("name pr", False),
        ('meta.resourceType eq "User" and id pr', True),
        ('active eq "false"', False),
    ],
)
async def test_filters_find_whom_they_say(bench: Bench, filter: str, found: bool) -> None:
    made = await bench.guest.create("nora@lighthouse.example", externalId="X1")
    assert (made["id"] in [one["id"] for one in await bench.guest.find("/Users", filter)]) is found


async def test_pages_and_orders(bench: Bench) -> None:
    everybody = await bench.guest.ok("GET", "/Users")
    assert everybody["totalResults"] == 5
    first = await bench.guest.ok("GET", "/Users", params={"startIndex": "1", "count": "2"})
    last = await bench.guest.ok("GET", "/Users", params={"startIndex": "5", "count": "2"})
    assert (first["itemsPerPage"], last["itemsPerPage"], last["startIndex"]) == (2, 1, 5)
    none = await bench.guest.ok("GET", "/Users", params={"count": "0"})
    assert (none["totalResults"], none.get("Resources", [])) == (5, [])
    for order, expected in (("ascending", sorted), ("descending", lambda names: sorted(names, reverse=True))):
        sent = {"sortBy": "displayName", "sortOrder": order}
        listed = [one["displayName"] for one in (await bench.guest.ok("GET", "/Users", params=sent))["Resources"]]
        assert listed == expected(listed)


async def test_attributes_that_are_asked_for_or_left_out(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    few = await bench.guest.ok("GET", f"/Users/{made['id']}", params={"attributes": "userName,emails.value"})
    assert set(few) == {"schemas", "id", "userName", "emails"}
    less = await bench.guest.ok("GET", f"/Users/{made['id']}", params={"excludedAttributes": "emails"})
    assert "emails" not in less
    assert "userName" in less
    asked = {"schemas": [SEARCH], "filter": 'userName sw "nora"', "attributes": ["displayName"]}
    (found,) = (await bench.guest.ok("POST", "/Users/.search", asked))["Resources"]
    assert set(found) == {"schemas", "id", "displayName"}
    everything = await bench.guest.ok("POST", "/.search", {"schemas": [SEARCH], "filter": 'displayName eq "Nora"'})
    assert [one["id"] for one in everything["Resources"]] == [made["id"]]


@pytest.mark.parametrize("says", [False, "False", "false", "FALSE"])
@pytest.mark.parametrize("as_path", [True, False])
async def test_inactive_is_inactive_however_it_is_written(bench: Bench, says: Any, as_path: bool) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    change = (
        {"op": "Replace", "path": "Active", "value": says} if as_path else {"op": "replace", "value": {"active": says}}
    )
    answer = await bench.guest.patch(f"/Users/{made['id']}", change)
    assert answer["active"] is False
    assert (await bench.membership(made["id"]))["status"] == "DEACTIVATED"
    (event,) = await bench.scene.events(bench.scene.guest, "member.deactivated")
    assert event["actor_name"] == "Okta (directory)"


async def test_a_change_of_name_and_address(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    path = f"/Users/{made['id']}"
    changed = await bench.guest.patch(
        path,
        {"op": "Add", "path": "name.givenName", "value": "Nora"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "nora.new@lighthouse.example"},
        {"op": "replace", "path": "displayName", "value": "Nora New"},
        {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"},
    )
    assert changed["emails"][0]["value"] == "nora.new@lighthouse.example"
    assert changed["name"] == {"givenName": "Nora"}
    row = await bench.membership(made["id"])
    person = await bench.scene.row("users", row["user_id"])
    assert (person["email"], person["display_name"]) == ("nora.new@lighthouse.example", "Nora New")
    whole = await bench.guest.ok("PUT", path, user("nora@lighthouse.example", displayName="Nora Again"))
    assert "name" not in whole
    assert whole["displayName"] == "Nora Again"
    (first, second) = await bench.scene.events(bench.scene.guest, "member.updated")
    assert first["actor_name"] == second["actor_name"] == "Okta (directory)"


async def test_what_a_directory_leaves_out_is_filled_in(bench: Bench) -> None:
    sparse = {
        "schemas": [USER],
        "userName": "nora@lighthouse.example",
        "name": {"givenName": "Nora", "familyName": "Lu"},
    }
    made = await bench.guest.ok("POST", "/Users", sparse, 201)
    assert (made["active"], made["displayName"]) == (True, "Nora Lu")
    assert made["emails"] == [{"value": "nora@lighthouse.example", "type": "work", "primary": True}]


async def test_versions_guard_a_change(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    path, version = f"/Users/{made['id']}", made["meta"]["version"]
    unchanged = await bench.guest.send("GET", path, headers={"if-none-match": version})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    rename = {"op": "replace", "path": "displayName", "value": "Nora New"}
    changed = await bench.guest.patch(path, rename, headers={"if-match": version})
    assert changed["meta"]["version"] != version
    async with bench.scene.unchanged():
        for method, payload in (
            ("PATCH", patch(rename)),
            ("PUT", user("x@y.example", displayName="X")),
            ("DELETE", None),
        ):
            await bench.guest.refused(412, method, path, payload, headers={"if-match": version})
    await bench.guest.ok("DELETE", path, status=204, headers={"if-match": f'"x", {changed["meta"]["version"]}'})


async def test_names_and_external_ids_are_unique_in_one_organisation_only(bench: Bench) -> None:
    await bench.guest.create("nora@lighthouse.example", externalId="1")
    async with bench.scene.unchanged():
        for again in (
            user("Nora@lighthouse.example", displayName="N"),
            user("other@lighthouse.example", displayName="N", externalId="1"),
            user(bench.scene["carla"].email, displayName="N"),
            user("third", displayName="N", emails=[{"value": "NORA@lighthouse.example"}]),
        ):
            await bench.guest.refused(409, "POST", "/Users", again, "uniqueness")
    await bench.host.create("nora@lighthouse.example", externalId="1")


async def test_whoever_was_removed_is_gone_and_comes_back_as_the_same_plain_member(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example", externalId="1")
    await bench.guest.ok("DELETE", f"/Users/{made['id']}", status=204)
    await bench.guest.refused(404, "GET", f"/Users/{made['id']}")
    await bench.guest.refused(404, "DELETE", f"/Users/{made['id']}")
    assert await bench.guest.find("/Users", 'userName eq "nora@lighthouse.example"') == []
    again = await bench.guest.create("nora@lighthouse.example", externalId="2")
    assert again["id"] == made["id"]
    assert (await bench.membership(made["id"]))["roles"] == ["MEMBER"]


async def test_a_patch_that_fails_halfway_changes_nothing(bench: Bench) -> None:
    made = await bench.guest.create("nora@lighthouse.example")
    async with bench.scene.unchanged():
        good, bad = (
            {"op": "replace", "path": "displayName", "value": "X"},
            {"op": "replace", "path": "id", "value": "1"},
        )
        await bench.guest.refused(400, "PATCH", f"/Users/{made['id']}", patch(good, bad), "mutability")
        await bench.guest.refused(400, "PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": []})
