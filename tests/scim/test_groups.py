"""Groups of a directory, and the roles that the organisation's own table gives to their people (S65, model 4.2)."""

from __future__ import annotations

from uuid import UUID

import pytest

from accord.domain.errors import Conflict, DomainError, Forbidden, NotFound, ValidationError
from accord.domain.organisation import Role
from accord.services.people.member import deactivate_member, reactivate_member, update_member
from accord.services.people.scim_group import set_scim_group_roles
from tests.scim.bench import Bench, group, patch


async def make_group(bench: Bench, name: str, *members: str) -> tuple[str, UUID]:
    made = await bench.guest.ok("POST", "/Groups", group(name, *members), 201)
    return made["id"], UUID(made["id"].partition("_")[2])


async def give(bench: Bench, key: UUID, *roles: Role, by: str = "gustav") -> None:
    await bench.scene.act(by, set_scim_group_roles, scim_group_id=key, roles=roles)


async def roles_of(bench: Bench, name: str) -> list[str]:
    row = await bench.scene.row("memberships", bench.scene[name].membership_id)
    assert set(row["directory_roles"]) <= set(row["roles"])
    return sorted(row["roles"])


async def test_a_group_is_made_read_changed_and_deleted(bench: Bench) -> None:
    id, _ = await make_group(bench, "Sales", bench.key("carla"))
    read = await bench.guest.ok("GET", f"/Groups/{id}")
    assert [member["value"] for member in read["members"]] == [bench.key("carla")]
    carla = await bench.guest.ok("GET", f"/Users/{bench.key('carla')}")
    assert [(one["value"], one["display"]) for one in carla["groups"]] == [(id, "Sales")]
    add = {"op": "Add", "path": "members", "value": [{"value": bench.key("dan")}]}
    assert len((await bench.guest.patch(f"/Groups/{id}", add))["members"]) == 2
    by_value = {"op": "Remove", "path": "members", "value": [{"value": bench.key("carla")}]}
    assert len((await bench.guest.patch(f"/Groups/{id}", by_value))["members"]) == 1
    by_filter = {"op": "remove", "path": f'members[value eq "{bench.key("dan")}"]'}
    assert "members" not in await bench.guest.patch(f"/Groups/{id}", by_filter)
    renamed = await bench.guest.ok("PUT", f"/Groups/{id}", group("Sellers", bench.key("dan"), externalId="g1"))
    assert (renamed["displayName"], renamed["externalId"], len(renamed["members"])) == ("Sellers", "g1", 1)
    assert [one["id"] for one in await bench.guest.find("/Groups", 'displayName eq "sellers"')] == [id]
    assert await bench.guest.find("/Groups", 'externalId eq "g2"') == []
    await bench.guest.ok("DELETE", f"/Groups/{id}", status=204)
    await bench.guest.refused(404, "GET", f"/Groups/{id}")


async def test_losing_the_group_loses_what_the_group_gave_and_nothing_else(bench: Bench) -> None:
    await bench.scene.act(
        "gustav", update_member, membership_id=bench.scene["carla"].membership_id, roles=[Role.MEMBER, Role.AUDITOR]
    )
    id, key = await make_group(bench, "Sales", bench.key("carla"), bench.key("dan"))
    other, second = await make_group(bench, "Office", bench.key("dan"))
    await give(bench, key, Role.AUDITOR, Role.PHONE_MANAGER)
    await give(bench, second, Role.PHONE_MANAGER)
    assert await roles_of(bench, "carla") == await roles_of(bench, "dan") == ["AUDITOR", "MEMBER", "PHONE_MANAGER"]
    await bench.guest.ok("DELETE", f"/Groups/{id}", status=204)
    assert await roles_of(bench, "carla") == ["AUDITOR", "MEMBER"]
    assert await roles_of(bench, "dan") == ["MEMBER", "PHONE_MANAGER"]
    await give(bench, second)
    assert await roles_of(bench, "dan") == ["MEMBER"]
    changes = await bench.scene.events(bench.scene.guest, "member.updated")
    assert {event["actor_name"] for event in changes} == {"Gustav Lighthouse", "Okta (directory)"}
    await bench.guest.ok("DELETE", f"/Groups/{other}", status=204)


async def test_people_can_not_take_what_a_group_gives(bench: Bench) -> None:
    _, key = await make_group(bench, "Sales", bench.key("carla"))
    await give(bench, key, Role.PHONE_MANAGER)
    carla = {"membership_id": bench.scene["carla"].membership_id}
    await bench.scene.refused("gustav", ValidationError, update_member, roles=[Role.MEMBER], **carla)
    await bench.scene.act("gustav", update_member, roles=[Role.AUDITOR, Role.PHONE_MANAGER], **carla)
    assert await roles_of(bench, "carla") == ["AUDITOR", "PHONE_MANAGER"]


async def test_what_no_table_may_say(bench: Bench) -> None:
    _, key = await make_group(bench, "Sales", bench.key("gustav"))
    tries: list[tuple[str, type[DomainError], list[Role]]] = [
        ("gustav", ValidationError, [Role.LEGAL_REPRESENTATIVE]),
        ("gustav", Forbidden, [Role.DECISION_MAKER]),
        ("gustav", Forbidden, [Role.AUDITOR]),
        ("carla", Forbidden, [Role.PHONE_MANAGER]),
        ("ada", NotFound, [Role.PHONE_MANAGER]),
    ]
    for name, error, roles in tries:
        await bench.scene.refused(name, error, set_scim_group_roles, scim_group_id=key, roles=roles)
    stale = {"scim_group_id": key, "roles": [Role.PHONE_MANAGER], "expected_version": 7}
    await bench.scene.refused("gustav", Conflict, set_scim_group_roles, **stale)
    await give(bench, key, Role.DECISION_MAKER, by="greta")
    assert "DECISION_MAKER" not in await roles_of(bench, "gustav"), "his own credential has put him in"


N = [Role.DECISION_MAKER, Role.AUDITOR]
BOTH = ["AUDITOR", "DECISION_MAKER"]


@pytest.mark.parametrize("order", ["roles first", "people first"])
@pytest.mark.parametrize(
    ("fills", "gives", "gets"),
    [
        ("gustav", "gustav", False),
        ("gustav", "greta", False),
        ("greta", "gustav", False),
        ("greta", "greta", True),
        ("greta", "gustav, then greta", True),
        ("gustav, then greta", "greta", True),
    ],
)
async def test_nobody_gets_by_a_group_what_nobody_gives_to_oneself(
    bench: Bench, order: str, fills: str, gives: str, gets: bool
) -> None:
    """Model 4.2: not by the group that one's own credential fills, nor by the roles that one gave alone, whichever is
    first. Somebody else who says the roles again confirms them; somebody else's credential puts the person in again."""
    id, key = await make_group(bench, "Deciders", bench.key("dan"))
    own = bench.key("gustav")

    async def fill() -> None:
        for by in fills.split(", then "):
            directory = await bench.directory(by)
            await directory.patch(f"/Groups/{id}", {"op": "remove", "path": f'members[value eq "{own}"]'})
            await directory.patch(f"/Groups/{id}", {"op": "add", "path": "members", "value": [{"value": own}]})

    async def say() -> None:
        for by in gives.split(", then "):
            if order == "people first" and by == "gustav":
                given = {"scim_group_id": key, "roles": N}
                await bench.scene.refused("gustav", Forbidden, set_scim_group_roles, **given)
            else:
                await give(bench, key, *N, by=by)

    for step in (say, fill) if order == "roles first" else (fill, say):
        await step()
    held = sorted(set(await roles_of(bench, "gustav")) & set(BOTH))
    assert held == (BOTH if gets else []), (order, fills, gives)
    said = await bench.scene.world.owner.fetchval("SELECT roles FROM accord.scim_groups WHERE id = $1", key)
    if said:
        assert sorted(set(await roles_of(bench, "dan")) & set(BOTH)) == BOTH, "others get what the group gives"


async def test_who_comes_back_gets_no_more_by_a_group(bench: Bench) -> None:
    """Reactivating recalculates by the same rule; a rotated credential changes nothing about who put somebody in."""
    id, key = await make_group(bench, "Deciders", bench.key("gustav"))
    await give(bench, key, Role.DECISION_MAKER, by="greta")
    other = await bench.directory("greta")
    await other.ok("PUT", f"/Groups/{id}", group("Deciders again", bench.key("gustav")))
    assert "DECISION_MAKER" not in await roles_of(bench, "gustav")


async def test_who_comes_back_is_in_no_group(bench: Bench) -> None:
    id, key = await make_group(bench, "Sales", bench.key("carla"), bench.key("dan"))
    await give(bench, key, Role.PHONE_MANAGER)
    await bench.guest.patch(f"/Users/{bench.key('carla')}", {"op": "replace", "path": "active", "value": False})
    dan = {"membership_id": bench.scene["dan"].membership_id}
    await bench.scene.act("gustav", deactivate_member, **dan)
    assert "members" not in await bench.guest.ok("GET", f"/Groups/{id}")
    await bench.guest.patch(f"/Users/{bench.key('carla')}", {"op": "replace", "path": "active", "value": True})
    await bench.scene.act("gustav", reactivate_member, **dan)
    assert await roles_of(bench, "carla") == await roles_of(bench, "dan") == ["MEMBER"]


async def test_a_group_that_carries_the_last_admin_stays_as_it_is(bench: Bench) -> None:
    id, key = await make_group(bench, "Admins", bench.key("carla"))
    await give(bench, key, Role.ORG_ADMIN)
    for name in ("greta", "gustav"):
        await bench.scene.act(
            "carla", update_member, membership_id=bench.scene[name].membership_id, roles=[Role.MEMBER]
        )
    async with bench.scene.unchanged():
        out = patch({"op": "remove", "path": "members"})
        await bench.guest.refused(409, "PATCH", f"/Groups/{id}", out)
        await bench.guest.refused(409, "DELETE", f"/Groups/{id}")


async def test_members_are_people_of_the_organisation(bench: Bench) -> None:
    id, _ = await make_group(bench, "Sales")
    nobody = "membership_01990000-0000-7000-8000-000000000000"
    async with bench.scene.unchanged():
        for key in (bench.key("ada"), nobody, id, "carla"):
            await bench.guest.refused(400, "POST", "/Groups", group("Other", key), "invalidValue")
            add = patch({"op": "add", "path": "members", "value": [{"value": key}]})
            await bench.guest.refused(400, "PATCH", f"/Groups/{id}", add, "invalidValue")


async def test_role_groups_of_delegated_roles_are_out_of_reach(bench: Bench) -> None:
    assert (await bench.guest.ok("GET", "/Groups"))["totalResults"] == 0
    for method, payload in (("GET", None), ("PUT", group("X")), ("DELETE", None)):
        path = "/Groups/rolegroup_01990000-0000-7000-8000-000000000000"
        await bench.guest.refused(404, method, path, payload)
