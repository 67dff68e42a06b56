"""External contacts: invited by a leader, accepted by the mail's link, converted, ended (S103, S109, Q22, Q26)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accord.domain.errors import (
    Conflict,
    Forbidden,
    InvalidState,
    NotFound,
    OrganisationContextMismatch,
    RateLimited,
    ValidationError,
)
from accord.domain.organisation import Role
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.domain.partnership import PartnershipState
from accord.services.grants.contact import accept_contact, add_external_contact, remove_external_contact
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people.member import deactivate_member, reactivate_member, remove_member
from accord.services.policy import freeze_partner_access, set_policy, unfreeze_partner_access
from tests.services.contacts import PAT, D, P, contact, follow, invite, make_contact, stands, token_of
from tests.services.scene import Scene
from tests.world import identify

S = PartnershipState


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """Beside host and guest: Lena decides at the host; Pat and Petra are of a consultancy without any partnership."""
    scene.people["lena"] = await scene.world.person(scene.host, Role.DECISION_MAKER, name="Lena Harbour")
    consultancy = await scene.world.organisation("Consultancy")
    people = {"petra": (Role.ORG_ADMIN,), "pia": (Role.ORG_ADMIN,), "pat": (), "paul": (Role.AUDITOR,)}
    for name, roles in people.items():
        scene.people[name] = await scene.world.person(consultancy, *roles, name=f"{name.title()} Consultancy")
    return scene


async def refused_link(scene: Scene, name: str, token: str) -> None:
    """The one answer for every link that is of no use, and nothing has changed."""
    async with scene.unchanged():
        with pytest.raises(NotFound) as refusal:
            await follow(scene, scene[name], token)
    assert refusal.value.path == ("token",)


@pytest.mark.parametrize("by", ["ada", "arne", "lena"])
async def test_a_leader_names_a_contact_and_the_link_makes_it_one(scene: Scene, by: str) -> None:
    """S109, model 4.2: an address alone gives nobody the role; the person who follows the link, signed in, has it."""
    key = await invite(scene, D, P, by=by)
    row = await contact(scene, key)
    assert (row["status"], row["user_id"], row["email"], row["roles"]) == ("INVITED", None, PAT, [D, P])
    assert await scene.mails("contact_invited") == [{PAT}]
    await follow(scene, scene["pat"], await token_of(scene))
    row = await contact(scene, key)
    assert (row["status"], row["user_id"], row["home_id"]) == ("ACTIVE", scene["pat"].id, scene["pat"].organisation.id)
    assert (row["token_hash"], row["partnership_id"], row["roles"]) == (None, None, [D, P])
    assert await stands(scene, "pat", key)
    invited, accepted = await scene.events(scene.host, "contact.invited", "contact.accepted")
    assert (invited["actor_user_id"], accepted["actor_user_id"]) == (scene[by].id, scene["pat"].id)
    assert accepted["ip"] is None, "where the person sits is not the host's"
    assert await scene.events(scene["pat"].organisation, "contact.accepted") == []


@pytest.mark.parametrize("by", ["mia", "otto", "aud"])
async def test_nobody_else_names_or_removes_one(scene: Scene, by: str) -> None:
    """4.6, External contacts: HA and LR alone."""
    key = await make_contact(scene, "pat")
    await scene.refused(by, Forbidden, add_external_contact, email="new@contacts.example", roles=[P])
    await scene.refused(by, (Forbidden, NotFound), remove_external_contact, contact_id=key)


@pytest.mark.parametrize("by", ["greta", "petra", "zoe", "pat"])
async def test_nobody_of_elsewhere_acts_for_the_host(scene: Scene, by: str) -> None:
    """4.9: not the partner's admin, nor the home's, nor the contact with its Decision Maker's role."""
    key = await make_contact(scene, "pat", D)
    await scene.refused(by, NotFound, remove_external_contact, contact_id=key)
    given: dict[str, Any] = {"organisation_id": scene.host.id}
    await scene.refused(by, OrganisationContextMismatch, remove_external_contact, contact_id=key, **given)
    given |= {"email": "friend@contacts.example", "roles": [D]}
    await scene.refused(by, OrganisationContextMismatch, add_external_contact, **given)


@pytest.mark.parametrize("email", ["", "nobody", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "a@b"])
async def test_what_is_no_address_is_refused(scene: Scene, email: str) -> None:
    await scene.refused("ada", ValidationError, add_external_contact, email=email, roles=[D])


async def test_a_contact_has_at_least_one_role(scene: Scene) -> None:
    refusal = await scene.refused("ada", ValidationError, add_external_contact, email=PAT, roles=[])
    assert refusal.path == ("roles",)


async def test_a_link_works_once_and_for_72_hours(scene: Scene) -> None:
    """One answer for all: used, late, unknown, replaced, removed."""
    await invite(scene)
    token = await token_of(scene)
    await refused_link(scene, "pat", "no such token")
    await follow(scene, scene["pat"], token)
    for name in ("pat", "petra", "greta"):
        await refused_link(scene, name, token)
    await invite(scene, email="two@contacts.example")
    late = await token_of(scene, "two@contacts.example")
    scene.world.clock.advance(hours=72)
    await refused_link(scene, "petra", late)
    key = await invite(scene, email="three@contacts.example")
    taken_back = await token_of(scene, "three@contacts.example")
    await scene.act("arne", remove_external_contact, contact_id=key)
    await refused_link(scene, "petra", taken_back)


async def test_a_new_link_voids_the_old_one(scene: Scene) -> None:
    first = await invite(scene, D)
    old = await token_of(scene)
    second = await invite(scene, P, email=PAT.upper())
    assert (await contact(scene, first))["status"] == "REMOVED"
    await refused_link(scene, "pat", old)
    await follow(scene, scene["pat"], await token_of(scene, PAT.upper().replace("CONSULT.EXAMPLE", "consult.example")))
    row = await contact(scene, second)
    assert (row["status"], row["roles"]) == ("ACTIVE", [P])


@pytest.mark.parametrize("name", ["ada", "otto", "paul"])
async def test_who_can_be_no_contact(scene: Scene, name: str) -> None:
    """Nobody of the host makes themself Decision Maker by another address; an auditor reads activity and no more."""
    await invite(scene)
    await refused_link(scene, name, await token_of(scene))


async def test_somebody_without_a_home_here_is_none(scene: Scene) -> None:
    await invite(scene)
    token = await token_of(scene)
    async with scene.unchanged():
        with pytest.raises(NotFound):
            await scene.world.database.write(
                identify("new@nowhere.example"), None, lambda tx: accept_contact(tx, token=token)
            )
    await scene.world.act(scene["petra"], deactivate_member, membership_id=scene["pat"].membership_id)
    await refused_link(scene, "pat", token)


async def test_a_link_falls_with_the_leader_who_made_it(scene: Scene) -> None:
    await invite(scene, by="arne")
    token = await token_of(scene)
    await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
    await refused_link(scene, "pat", token)


async def test_one_person_is_one_contact_and_keeps_its_roles(scene: Scene) -> None:
    key = await make_contact(scene, "pat", P)
    given: dict[str, Any] = {"email": scene["pat"].email, "roles": [D]}
    await scene.refused("ada", InvalidState, add_external_contact, **given)
    await invite(scene, D, email="other@contacts.example")
    await refused_link(scene, "pat", await token_of(scene, "other@contacts.example"))
    assert (await contact(scene, key))["roles"] == [P]


async def test_invitations_count_against_the_caps_of_mail(scene: Scene) -> None:
    for _ in range(5):
        await invite(scene)
    await scene.refused("ada", RateLimited, add_external_contact, email=PAT, roles=[D])


async def test_a_removed_contact_has_nothing(scene: Scene) -> None:
    key = await make_contact(scene, "pat")
    version = await scene.world.version("external_contacts", key)
    await scene.refused("ada", Conflict, remove_external_contact, contact_id=key, expected_version=version - 1)
    await scene.act("arne", remove_external_contact, contact_id=key, expected_version=version, reason="Work is done.")
    assert not await stands(scene, "pat", key)
    assert (await contact(scene, key))["status"] == "REMOVED"
    (removed,) = await scene.events(scene.host, "contact.removed")
    assert removed["reason"] == "Work is done."
    await scene.refused("ada", InvalidState, remove_external_contact, contact_id=key)


async def test_the_hosts_policy_holds_for_contacts_too(scene: Scene) -> None:
    """4.5, condition 4: frozen, more than one factor, blocked; condition 2: the host is active."""
    key = await make_contact(scene, "pat")
    await scene.act("ada", freeze_partner_access)
    assert not await stands(scene, "pat", key)
    await scene.act("ada", unfreeze_partner_access)
    assert await stands(scene, "pat", key)
    await scene.act("ada", set_policy, blocked_partners=[scene["pat"].organisation.id])
    assert not await stands(scene, "pat", key)
    await scene.act("ada", set_policy, blocked_partners=[])
    await scene.world.owner.execute("UPDATE accord.organisations SET status = 'SUSPENDED' WHERE id = $1", scene.host.id)
    assert not await stands(scene, "pat", key)
    await scene.world.owner.execute("UPDATE accord.organisations SET status = 'ACTIVE' WHERE id = $1", scene.host.id)
    assert await stands(scene, "pat", key)


async def test_nobody_else_uses_or_sees_it(scene: Scene) -> None:
    key = await make_contact(scene, "pat")
    for name in ("zoe", "greta", "carla"):
        assert not await stands(scene, name, key), name


async def connect(scene: Scene) -> Any:
    """The consultancy becomes a partner of the host, by request and acceptance."""
    return await scene.world.partnership(scene["mia"], scene["ada"], scene["petra"])


async def test_accepting_a_partnership_converts(scene: Scene) -> None:
    """S103, Q22: same person, same roles, from then on under the partnership; no role group is made of it; logged."""
    key = await make_contact(scene, "pat", P)
    waiting = await invite(scene, D, email="waits@contacts.example")
    partnership = await connect(scene)
    row = await contact(scene, key)
    assert (row["status"], row["partnership_id"]) == ("CONVERTED", partnership)
    assert (row["roles"], row["user_id"]) == ([P], scene["pat"].id)
    assert (await contact(scene, waiting))["status"] == "INVITED"
    groups = "SELECT count(*) FROM accord.role_groups WHERE host_id = $1"
    assert await scene.world.owner.fetchval(groups, scene.host.id) == 0
    for side in (scene.host, scene["petra"].organisation):
        (event,) = await scene.events(side, "contact.converted")
        assert json.loads(event["data"])["roles"] == ["PHONE_MANAGER"]
        assert event["partnership_id"] == partnership
    assert await stands(scene, "pat", key)


async def test_a_link_by_the_vendor_converts(scene: Scene) -> None:
    key = await make_contact(scene, "pat")
    home = scene["pat"].organisation.id
    await scene.world.operate(
        set_partner_status, organisation_id=home, program=PartnerProgram.MSP, status=PartnerStatus.ACTIVE
    )
    await scene.world.operate(link_partner, customer_id=scene.host.id, partner_id=home, kind=LinkKind.RESELLER)
    row = await contact(scene, key)
    assert row["status"] == "CONVERTED"
    for side in (scene.host, scene["petra"].organisation):
        assert len(await scene.events(side, "contact.converted")) == 1


async def test_a_partnership_with_anybody_else_converts_nothing(scene: Scene) -> None:
    key = await make_contact(scene, "pat")
    await scene.world.partnership(scene["mia"], scene["ada"], scene["zoe"])
    assert (await contact(scene, key))["status"] == "ACTIVE"


@pytest.mark.parametrize("hold", [False, True])
async def test_a_person_of_a_partner_is_converted_at_once(scene: Scene, hold: bool) -> None:
    if hold:
        await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    key = await make_contact(scene, "carla")
    row = await contact(scene, key)
    assert (row["status"], row["partnership_id"]) == ("CONVERTED", scene.partnership)
    assert await stands(scene, "carla", key) is not hold
    kinds = [event["type"] for event in await scene.events(scene.host, "contact.accepted", "contact.converted")]
    assert kinds == ["contact.accepted", "contact.converted"]


async def test_a_converted_contact_lives_and_ends_with_its_partnership(scene: Scene) -> None:
    """Denied while held, usable after, over with the end; not revived by the next partnership (4.10, invariant 6)."""
    key = await make_contact(scene, "pat")
    partnership = await connect(scene)
    await scene.act("ada", suspend_partnership, partnership_id=partnership, reason="A review.")
    assert not await stands(scene, "pat", key)
    await scene.act("ada", resume_partnership, partnership_id=partnership)
    assert await stands(scene, "pat", key)
    done = await scene.act("mia", remove_partner, partnership_id=partnership)
    assert done.receipt.contacts_ended == 1
    row = await contact(scene, key)
    assert (row["status"], row["ended_at"] is None) == ("CONVERTED", False)
    assert not await stands(scene, "pat", key)
    await connect(scene)
    assert not await stands(scene, "pat", key)
    assert (await contact(scene, key))["partnership_id"] == partnership
    await scene.refused("ada", InvalidState, remove_external_contact, contact_id=key)
    assert await make_contact(scene, "pat") != key, "the host may name the person anew"


async def test_a_converted_contact_can_be_removed_alone(scene: Scene) -> None:
    key = await make_contact(scene, "carla")
    await scene.act("lena", remove_external_contact, contact_id=key, reason="Private.")
    assert not await stands(scene, "carla", key)
    told = {side.id: (await scene.events(side, "contact.removed"))[0] for side in (scene.host, scene.guest)}
    assert (told[scene.host.id]["reason"], told[scene.guest.id]["reason"]) == ("Private.", None)


@pytest.mark.parametrize("end", [deactivate_member, remove_member])
@pytest.mark.parametrize("converted", [False, True])
async def test_a_contact_ends_with_the_membership_at_home(scene: Scene, end: Any, converted: bool) -> None:
    """4.10, guest member: contacts at any host; the hosts hear it; nothing comes back with the person."""
    key = await make_contact(scene, "pat")
    if converted:
        await connect(scene)
    done = await scene.act("petra", end, membership_id=scene["pat"].membership_id, reason="Has left")
    assert done.receipt.contacts_ended == 1
    assert (await contact(scene, key))["status"] == "REMOVED"
    kind = "member.deactivated" if end is deactivate_member else "member.removed"
    (told,) = await scene.events(scene.host, kind)
    assert json.loads(told["data"])["contactsEnded"] == 1
    assert told["reason"] is None
    if end is deactivate_member:
        await scene.act("petra", reactivate_member, membership_id=scene["pat"].membership_id)
    assert not await stands(scene, "pat", key)


async def test_the_end_of_a_membership_elsewhere_ends_no_contact(scene: Scene) -> None:
    """Only that organisation's membership (4.4.5)."""
    key = await make_contact(scene, "pat")
    membership = await scene.world.join(scene["pat"], scene["zoe"].organisation)
    await scene.world.act(scene["zoe"], remove_member, membership_id=membership)
    assert await stands(scene, "pat", key)
