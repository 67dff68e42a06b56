"""Members: invited, joined, changed, and the roles that nobody gives to oneself (model 4.2, 4.4.5)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from accord.domain.errors import Conflict, DomainError, Forbidden, InvalidState, LastAdmin, NotFound, ValidationError
from accord.domain.organisation import MemberPreset, Role
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, reactivate_member, remove_member, update_member
from accord.services.people.profile import mark_notifications_read, update_profile
from tests.services.scene import Scene
from tests.world import Person, identify


async def invite(scene: Scene, email: str = "nora@harbour.example", name: str = "ada", **given: Any) -> UUID:
    membership: UUID = await scene.act(name, invite_member, email=email, display_name="Nora Harbour", **given)
    return membership


async def token_of(scene: Scene, email: str = "nora@harbour.example") -> str:
    """The token in the newest mail to an address."""
    sql = "SELECT secret FROM accord.mails WHERE address = $1 ORDER BY id DESC LIMIT 1"
    return str(await scene.world.owner.fetchval(sql, email))


async def accept(scene: Scene, token: str, subject: str | Person = "nora") -> UUID:
    identity = subject.identity if isinstance(subject, Person) else identify(f"{subject}@{scene.host.handle}.example")
    identity = await scene.world.vouched(identity, token)
    membership = await scene.world.database.write(identity, None, lambda tx: accept_membership(tx, token=token))
    assert membership is not None
    return membership


async def assert_dead(scene: Scene, token: str, subject: str | Person = "nora") -> None:
    async with scene.unchanged():
        with pytest.raises(NotFound) as refusal:
            await accept(scene, token, subject)
    assert refusal.value.path == ("token",)


@pytest.fixture(autouse=True)
async def _fresh_addresses(scene: Scene) -> None:
    await scene.world.owner.execute("UPDATE accord.mails SET address = address || '.old', secret = NULL")


async def test_an_invitation_gives_no_right_until_it_is_followed(scene: Scene) -> None:
    membership = await invite(scene, roles=[Role.MEMBER, Role.DECISION_MAKER], delegated_admin=True)
    row = await scene.row("memberships", membership)
    assert (row["status"], row["user_id"], row["roles"]) == ("INVITED", None, ["DECISION_MAKER", "MEMBER"])
    token = await token_of(scene)
    assert token not in str(row), "only its hash is kept"
    assert len(await scene.events(scene.host, "member.invited")) == 1

    assert await accept(scene, token) == membership
    row = await scene.row("memberships", membership)
    assert (row["status"], row["token_hash"], row["delegated_admin"]) == ("ACTIVE", None, True)
    person = await scene.row("users", row["user_id"])
    assert person["home_organisation_id"] == scene.host.id, "somebody unknown so far is at home here"
    assert person["display_name"] == "Nora Harbour"
    (event,) = await scene.events(scene.host, "member.joined")
    assert (event["actor_user_id"], event["actor_name"]) == (person["id"], "Nora Harbour")
    await assert_dead(scene, token)


async def test_whoever_follows_the_link_is_the_member(scene: Scene) -> None:
    """With the invited address vouched for; a person known already keeps home, name and address."""
    membership = await invite(scene)
    assert await accept(scene, await token_of(scene), scene["zoe"]) == membership
    row = await scene.row("memberships", membership)
    assert (row["user_id"], row["email"]) == (scene["zoe"].id, scene["zoe"].email)
    assert (await scene.row("users", scene["zoe"].id))["home_organisation_id"] == scene["zoe"].organisation.id


async def test_links_that_lead_nowhere(scene: Scene) -> None:
    await assert_dead(scene, "")
    await assert_dead(scene, "no such token")
    await invite(scene)
    old = await token_of(scene)
    await invite(scene)
    await assert_dead(scene, old)
    new = await token_of(scene)
    scene.world.clock.advance(hours=72)
    await assert_dead(scene, new)
    membership = await invite(scene)
    revoked = await token_of(scene)
    await scene.act("ada", remove_member, membership_id=membership)
    await assert_dead(scene, revoked)


async def test_a_member_is_not_invited_twice(scene: Scene) -> None:
    membership = await invite(scene)
    assert await invite(scene, email="NORA@harbour.example") == membership, "the waiting invitation is replaced"
    await scene.refused("ada", InvalidState, invite_member, email=scene["otto"].email, display_name="Otto")
    with pytest.raises(InvalidState):
        await accept(scene, await token_of(scene, "NORA@harbour.example"), scene["otto"])


async def test_whoever_was_removed_comes_back_without_what_was(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    await scene.act("gustav", remove_member, membership_id=scene["carla"].membership_id)
    email = "carla@lighthouse.example"
    await invite(scene, email, "gustav", roles=[Role.PHONE_MANAGER])
    back = await accept(scene, await token_of(scene, email), scene["carla"])
    assert back == scene["carla"].membership_id
    row = await scene.row("memberships", back)
    assert (row["status"], row["roles"]) == ("ACTIVE", ["PHONE_MANAGER"])
    assert (await scene.grant(share, "carla"))["state"] == "REVOKED"


@pytest.mark.parametrize("name", ["mia", "otto", "aud"])
async def test_only_admins_manage_members(scene: Scene, name: str) -> None:
    otto = scene["otto"].membership_id
    refusals = (Forbidden, NotFound)
    await scene.refused(name, Forbidden, invite_member, email="x@harbour.example", display_name="X")
    await scene.refused(name, refusals, update_member, membership_id=otto, roles=[Role.ORG_ADMIN])
    await scene.refused(name, refusals, deactivate_member, membership_id=otto)
    await scene.refused(name, refusals, reactivate_member, membership_id=otto)
    await scene.refused(name, refusals, remove_member, membership_id=otto)


async def test_no_admin_reaches_the_members_of_others(scene: Scene) -> None:
    for name in ("gustav", "zoe"):
        for act in (update_member, deactivate_member, reactivate_member, remove_member):
            await scene.refused(name, NotFound, act, membership_id=scene["otto"].membership_id)


@pytest.mark.parametrize("role", [Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER, Role.AUDITOR])
async def test_nobody_gives_these_roles_to_oneself(scene: Scene, role: Role) -> None:
    given = {"membership_id": scene["arne"].membership_id, "roles": [Role.ORG_ADMIN, role]}
    await scene.refused("arne", Forbidden, update_member, **given)


async def test_a_legal_representative_is_named_by_one_or_by_an_admin_while_there_is_none(scene: Scene) -> None:
    legal = [Role.MEMBER, Role.LEGAL_REPRESENTATIVE]
    otto = {"membership_id": scene["otto"].membership_id, "roles": legal}
    await scene.refused("arne", Forbidden, update_member, **otto)
    await scene.refused("arne", Forbidden, invite_member, email="x@x.example", display_name="X", roles=legal)
    await scene.act("ada", update_member, **otto)
    carla = {"membership_id": scene["carla"].membership_id, "roles": legal}
    await scene.act("gustav", update_member, **carla)
    assert (await scene.row("memberships", scene["carla"].membership_id))["roles"] == sorted(legal)


async def test_roles_that_somebody_has_already_are_not_given_again(scene: Scene) -> None:
    """An admin changes another role of a legal representative without being one."""
    ada = {"membership_id": scene["ada"].membership_id}
    roles = [Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE, Role.PHONE_MANAGER]
    await scene.act("arne", update_member, roles=roles, **ada)


async def test_updating_a_member(scene: Scene) -> None:
    otto = {"membership_id": scene["otto"].membership_id}
    await scene.act("ada", update_member, display_name="Otto the Second", delegated_admin=True, **otto)
    row = await scene.row("memberships", otto["membership_id"])
    assert (row["display_name"], row["delegated_admin"], row["version"]) == ("Otto the Second", True, 2)
    assert (await scene.row("users", scene["otto"].id))["display_name"] == "Otto the Second"
    assert len(await scene.events(scene.host, "member.updated")) == 1
    await scene.refused("ada", Conflict, update_member, expected_version=1, roles=[Role.MEMBER], **otto)
    await scene.refused("ada", ValidationError, update_member, roles=[], **otto)
    await scene.refused("ada", ValidationError, update_member, display_name="", **otto)
    async with scene.unchanged():
        await scene.act("ada", update_member, display_name="Otto the Second", **otto)


async def test_group_admin_is_two_things_by_one_name(scene: Scene) -> None:
    """Q2, S7, S12: the coupled preset; each half can be taken back alone."""
    otto = {"membership_id": scene["otto"].membership_id}
    await scene.refused("otto", Forbidden, update_member, preset=MemberPreset.GROUP_ADMIN, **otto)
    await scene.act("ada", update_member, preset=MemberPreset.GROUP_ADMIN, **otto)
    row = await scene.row("memberships", scene["otto"].membership_id)
    assert (row["roles"], row["delegated_admin"]) == (["MEMBER", "ORG_ADMIN"], True)
    await scene.act("ada", update_member, roles=[Role.MEMBER], **otto)
    row = await scene.row("memberships", scene["otto"].membership_id)
    assert (row["roles"], row["delegated_admin"]) == (["MEMBER"], True)
    given = {"email": "g@harbour.example", "display_name": "G", "preset": MemberPreset.GROUP_ADMIN}
    row = await scene.row("memberships", await scene.act("ada", invite_member, **given))
    assert (row["status"], row["roles"], row["delegated_admin"]) == ("INVITED", ["MEMBER", "ORG_ADMIN"], True)


async def test_only_the_home_organisation_changes_a_name(scene: Scene) -> None:
    """S16."""
    membership = await scene.world.join(scene["zoe"], scene.host)
    await scene.refused("ada", Forbidden, update_member, membership_id=membership, display_name="Zoe of Ours")
    await scene.act("ada", update_member, membership_id=membership, roles=[Role.PHONE_MANAGER])


async def test_the_last_admin_stays_one(scene: Scene) -> None:
    arne, ada = ({"membership_id": scene[name].membership_id} for name in ("arne", "ada"))
    await scene.act("ada", update_member, roles=[Role.MEMBER], **arne)
    await scene.refused("ada", LastAdmin, update_member, roles=[Role.MEMBER], **ada)
    await scene.refused("ada", LastAdmin, deactivate_member, **ada)
    await scene.refused("ada", LastAdmin, remove_member, **ada)


async def test_a_reactivated_member_is_a_plain_one(scene: Scene) -> None:
    arne = {"membership_id": scene["arne"].membership_id}
    await scene.act("ada", deactivate_member, **arne)
    await scene.refused("ada", InvalidState, deactivate_member, **arne)
    await scene.act("ada", reactivate_member, **arne)
    row = await scene.row("memberships", arne["membership_id"])
    assert (row["status"], row["roles"], row["delegated_admin"]) == ("ACTIVE", ["MEMBER"], False)
    await scene.refused("ada", InvalidState, reactivate_member, **arne)
    await scene.act("ada", remove_member, **arne)
    for act in (remove_member, reactivate_member, update_member):
        await scene.refused("ada", InvalidState, act, **arne)


async def myself(scene: Scene, name: str, act: Any, **given: Any) -> Any:
    return await scene.world.database.write(scene[name].identity, None, lambda tx: act(tx, **given))


async def test_ones_own_name_is_changed_at_home_wherever_one_acts(scene: Scene) -> None:
    elsewhere = await scene.world.join(scene["mia"], scene["zoe"].organisation)
    await myself(scene, "mia", update_profile, display_name="  Mia M. Harbour ", expected_version=1)
    assert (await scene.row("users", scene["mia"].id))["display_name"] == "Mia M. Harbour"
    for membership in (elsewhere, scene["mia"].membership_id):
        assert (await scene.row("memberships", membership))["display_name"] == "Mia M. Harbour"
    assert len(await scene.events(scene.host, "member.updated")) == 1
    assert await scene.events(scene["zoe"].organisation, "member.updated") == []
    for error, given in (
        (Conflict, {"display_name": "Mia", "expected_version": 1}),
        (ValidationError, {"display_name": "\x07"}),
    ):
        async with scene.unchanged():
            with pytest.raises(error):
                await myself(scene, "mia", update_profile, **given)


async def test_acts_of_one_person_that_change_their_own_rows_take_turns(scene: Scene) -> None:
    """Each of them holds the person's memberships before it changes them; none of them is refused for the others."""
    renamed = [myself(scene, "mia", update_profile, display_name=f"Mia {number}") for number in range(16)]
    assert await asyncio.gather(*renamed) == [scene["mia"].id] * 16
    assert (await scene.row("users", scene["mia"].id))["version"] == 17
    assert len(await scene.events(scene.host, "member.updated")) == 16


async def test_notices_are_read_by_whom_they_are_for(scene: Scene) -> None:
    await scene.share()
    sql = "SELECT id FROM accord.notifications WHERE user_id = $1 ORDER BY id"
    notices = [row["id"] for row in await scene.world.owner.fetch(sql, scene["greta"].id)]
    for name, given in (("mia", notices[:1]), ("greta", [*notices, scene.account]), ("greta", [])):
        async with scene.unchanged():
            with pytest.raises(DomainError):
                await myself(scene, name, mark_notifications_read, notification_ids=given)
    assert await myself(scene, "greta", mark_notifications_read, notification_ids=notices[:1]) == notices[:1]
    row = await scene.row("notifications", notices[0])
    assert row["read_at"] == scene.world.clock.now
    scene.world.clock.advance(hours=1)
    await myself(scene, "greta", mark_notifications_read, notification_ids=notices)
    assert (await scene.row("notifications", notices[0]))["read_at"] == row["read_at"], "the first time counts"
