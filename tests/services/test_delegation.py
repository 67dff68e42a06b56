"""Roles delegated to the partner of record, their groups, and what ends them (S105 to S120)."""

from __future__ import annotations

from typing import Final

import pytest

from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, RateLimited, ValidationError
from accord.services.grants.delegation import clear_roles, delegate_roles, set_delegated_roles
from accord.services.partnerships.hold import suspend_partnership
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
    with_roles,
)
from tests.services.scene import Scene


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    return await with_roles(scene)


@pytest.mark.parametrize("by", ["dora", "ada", "arne"])
async def test_the_whole_dialog_is_one_change(scene: Scene, by: str) -> None:
    """S106, S107, S110, S114, S117, S120: one role for the other, in one transaction, with one notice of each kind."""
    await dialog(scene, P, by=by)
    phones = (await groups(scene))[P]
    await put(scene, P, "carla")
    done = await dialog(scene, D, by=by, notify_addresses=f"{OFFICE}, second@partner.example")
    assert (done.receipt.roles_enabled, done.receipt.roles_cleared, done.receipt.group_members_ended) == (1, 1, 1)
    assert (await groups(scene)).keys() == {D}
    assert await inside(scene, phones) == set()
    assert len(await scene.mails("roles_cleared")) == 2
    for organisation in (scene.host, scene.guest):
        kinds = [row["type"] for row in await scene.events(organisation, "delegation.enabled", "delegation.cleared")]
        assert kinds == ["delegation.enabled", "delegation.enabled", "delegation.cleared"]
    await assert_bijection(scene)


async def test_who_is_told_of_a_role(scene: Scene) -> None:
    """S115, S116, S119, Q24: the addresses each, the guest's admins in any case, with a notice in the application."""
    await dialog(scene, D, notify_addresses=f" {OFFICE} ,b@partner.example,{OFFICE}")
    assert await scene.mails("roles_delegated") == [{"greta", "gustav"}, {OFFICE, "b@partner.example"}]
    await scene.act(
        "dora", clear_roles, partnership_id=scene.partnership, roles=[D], notify_addresses="c@partner.example"
    )
    assert await scene.mails("roles_cleared") == [{"greta", "gustav"}, {"c@partner.example"}]
    sql = "SELECT user_id, text FROM accord.notifications WHERE template = 'roles_cleared' AND partnership_id = $1"
    notices = await scene.world.owner.fetch(sql, scene.partnership)
    assert {row["user_id"] for row in notices} == {scene["greta"].id, scene["gustav"].id}
    assert all("no longer has access" in row["text"] for row in notices)


async def test_clearing_needs_no_list(scene: Scene) -> None:
    """Q24: without a list those are told who were told before; without the box the admins alone."""
    await dialog(scene, D, P)
    await dialog(scene, P, notify_addresses=None)
    assert await scene.mails("roles_cleared") == [{"greta", "gustav"}, {OFFICE}]
    await dialog(scene, notify_addresses=None, send_email=False)
    assert (await scene.mails("roles_cleared"))[2:] == [{"greta", "gustav"}]


async def test_an_admin_on_the_list_gets_one_mail(scene: Scene) -> None:
    await dialog(scene, D, notify_addresses=scene["greta"].email.upper())
    assert await scene.mails("roles_delegated") == [{"greta", "gustav"}]


MANY: Final = ", ".join(f"p{number}@partner.example" for number in range(21))


@pytest.mark.parametrize("listed", [f"{OFFICE}, not an address", MANY, "", " , ", None])
async def test_a_list_that_is_none_refuses_the_whole_change(scene: Scene, listed: str | None) -> None:
    await dialog(scene, P)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": listed}
    refusal = await scene.refused("dora", ValidationError, set_delegated_roles, **given)
    assert refusal.path == ("notifyAddresses",)
    assert (await groups(scene)).keys() == {P}


async def test_twenty_addresses_are_not_too_many(scene: Scene) -> None:
    await dialog(scene, D, notify_addresses=MANY.rpartition(",")[0])
    assert len((await scene.mails("roles_delegated"))[1]) == 20


async def test_one_bad_address_refuses_clearing_too(scene: Scene) -> None:
    await dialog(scene, D)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": "nobody"}
    await scene.refused("dora", ValidationError, clear_roles, **given)


async def test_enabling_is_never_silent(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE, "send_email": False}
    assert (await scene.refused("dora", ValidationError, set_delegated_roles, **given)).path == ("sendEmail",)


async def test_the_same_dialog_again_changes_nothing(scene: Scene) -> None:
    await dialog(scene, D)
    async with scene.unchanged():
        done = await dialog(scene, D)
    assert (done.receipt.roles_enabled, done.receipt.roles_cleared) == (0, 0)


async def test_two_dialogs_on_one_reading_conflict(scene: Scene) -> None:
    read = await scene.world.version("partnerships", scene.partnership)
    await dialog(scene, D, expected_version=read)
    given = {"partnership_id": scene.partnership, "roles": [P], "notify_addresses": OFFICE, "expected_version": read}
    await scene.refused("ada", Conflict, set_delegated_roles, **given)


async def test_steps_of_the_dialog_say_what_stands(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "notify_addresses": OFFICE}
    await scene.act("dora", delegate_roles, roles=[D], **given)
    await scene.refused("dora", InvalidState, delegate_roles, roles=[D, P], **given)
    await scene.refused("dora", InvalidState, clear_roles, roles=[D, P], **given)
    await scene.refused("dora", ValidationError, delegate_roles, roles=[], **given)
    await scene.act("dora", clear_roles, roles=[D], **given)
    assert await groups(scene) == {}


@pytest.mark.parametrize("by", ["mia", "greta", "carla", "otto", "zoe"])
async def test_nobody_else_delegates(scene: Scene, by: str) -> None:
    """S106, 4.9: not the Partnership Owner, nobody of the guest, and no holder of the role to itself."""
    await dialog(scene, D)
    await put(scene, D, "carla")
    for roles in ([P], []):
        given = {"partnership_id": scene.partnership, "roles": roles, "notify_addresses": OFFICE}
        await scene.refused(by, (Forbidden, NotFound), set_delegated_roles, **given)


async def test_only_the_partner_of_record(scene: Scene) -> None:
    """S105, S109, Q26: whoever is not has no roles unless the host's policy says so; taking back always works."""
    await scene.world.owner.execute(
        "UPDATE accord.partner_links SET status = 'ENDED', ended_at = now() WHERE customer_id = $1", scene.host.id
    )
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    refusal = await scene.refused("ada", Forbidden, set_delegated_roles, **given)
    assert isinstance(refusal, Forbidden)
    assert refusal.condition == "POLICY_DENIED"
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    await dialog(scene, D)
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=True)
    await dialog(scene)
    assert await groups(scene) == {}


async def test_a_link_of_another_kind_is_none_of_record(scene: Scene) -> None:
    await scene.world.owner.execute(
        "UPDATE accord.partner_links SET kind = 'RESELLER' WHERE customer_id = $1", scene.host.id
    )
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    await scene.refused("ada", Forbidden, delegate_roles, **given)


async def test_a_suspended_partnership_loses_roles_and_gets_none(scene: Scene) -> None:
    await dialog(scene, D)
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    given = {"partnership_id": scene.partnership, "notify_addresses": OFFICE}
    await scene.refused("ada", InvalidState, delegate_roles, roles=[P], **given)
    await scene.refused("ada", InvalidState, set_delegated_roles, roles=[D, P], **given)
    assert (await groups(scene)).keys() == {D}
    await scene.act("ada", clear_roles, roles=[D], **given)
    assert await groups(scene) == {}


async def test_enabling_counts_against_the_cap_of_mail_and_clearing_never_does(scene: Scene) -> None:
    for _ in range(5):
        await dialog(scene, D)
        await dialog(scene)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    await scene.refused("dora", RateLimited, set_delegated_roles, **given)
    await dialog(scene, D, notify_addresses="other@partner.example")
    await dialog(scene)
    assert await groups(scene) == {}
