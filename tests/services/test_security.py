"""What somebody tries who was somebody a moment ago, or is somebody on both sides."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from accord.access.principal import Identity
from accord.domain.errors import InvalidState, NotFound
from accord.domain.organisation import Role, token_hash
from accord.domain.partnership import PartnershipState
from accord.services.partnerships.ownership import set_co_owners, set_representative, transfer_partnership
from accord.services.partnerships.partnership import accept_partnership, approve_partnership, decline_partnership
from accord.services.partnerships.proposal import request_partnership
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, remove_member, update_member
from tests.scale import count
from tests.services.scene import Scene, set_scene
from tests.services.test_races import at_once
from tests.world import World, identify

TRIALS = count(test=5, check=40, prove=200)


async def _invite(scene: Scene, by: str, *roles: Role) -> None:
    """Somebody is invited, and the link is known here."""
    membership = await scene.act(
        by, invite_member, email="again@people.example", display_name="Again", roles=list(roles)
    )
    await scene.world.owner.execute(
        "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1", membership, token_hash(scene.host.handle)
    )


async def test_nobody_comes_back_by_an_own_invitation(scene: Scene) -> None:
    """An admin who is removed has no way back that was prepared before: an invitation falls with who made it."""
    await _invite(scene, "arne", Role.ORG_ADMIN, Role.DECISION_MAKER)
    await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
    for identity in (scene["arne"].identity, identify(f"second.{scene.host.handle}@people.example")):
        async with scene.unchanged():
            answer = await _accept(scene, identity)
            assert isinstance(answer, NotFound)


async def test_an_invitation_falls_with_the_role_that_made_it(scene: Scene) -> None:
    await _invite(scene, "arne", Role.ORG_ADMIN)
    await scene.act("ada", update_member, membership_id=scene["arne"].membership_id, roles=[Role.MEMBER])
    assert isinstance(await _accept(scene, identify(f"new.{scene.host.handle}@people.example")), NotFound)


async def test_an_invitation_stands_while_its_maker_does(scene: Scene) -> None:
    await _invite(scene, "arne", Role.MEMBER)
    assert not isinstance(await _accept(scene, identify(f"new.{scene.host.handle}@people.example")), NotFound)


async def _accept(scene: Scene, identity: Identity) -> object:
    return await _follow(scene, await scene.world.vouched(identity, scene.host.handle))


async def _follow(scene: Scene, identity: Identity) -> object:
    try:
        return await scene.world.database.write(
            identity,
            None,
            lambda tx: accept_membership(tx, token=scene.host.handle),
        )
    except NotFound as error:
        return error


async def _owners(scene: Scene) -> None:
    """Everybody who stands for the partnership is an active member of the side."""
    row = await scene.row("partnerships", scene.partnership)
    for organisation, people in (
        (scene.host, [row["owner_user_id"], *row["co_owner_ids"]]),
        (scene.guest, [row["representative_user_id"]]),
    ):
        active = await scene.world.owner.fetch(
            "SELECT user_id FROM accord.memberships WHERE organisation_id = $1 AND status = 'ACTIVE'", organisation.id
        )
        assert set(people) <= {one["user_id"] for one in active}


async def test_a_partnership_passes_to_somebody_who_goes_at_once(world: World) -> None:
    """Whichever comes first, no partnership is left with an owner, co-owner or representative who is gone."""
    for _ in range(TRIALS):
        scene = await set_scene(world)
        await at_once(
            scene.act("mia", transfer_partnership, partnership_id=scene.partnership, owner_user_id=scene["otto"].id),
            scene.act("ada", deactivate_member, membership_id=scene["otto"].membership_id),
        )
        await _owners(scene)


async def test_a_co_owner_is_named_and_goes_at_once(world: World) -> None:
    for _ in range(TRIALS):
        scene = await set_scene(world)
        await at_once(
            scene.act("mia", set_co_owners, partnership_id=scene.partnership, user_ids=[scene["otto"].id]),
            scene.act("ada", deactivate_member, membership_id=scene["otto"].membership_id),
        )
        await _owners(scene)


async def test_a_representative_is_named_and_goes_at_once(world: World) -> None:
    for _ in range(TRIALS):
        scene = await set_scene(world)
        await at_once(
            scene.act("greta", set_representative, partnership_id=scene.partnership, user_id=scene["carla"].id),
            scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id),
        )
        await _owners(scene)


async def test_a_request_and_the_end_of_who_asks_at_once(world: World) -> None:
    """No request waits for an admin's decision whose requester is gone (model 4.10)."""
    for _ in range(TRIALS):
        scene = await set_scene(world)
        given = {
            "guest_handle": scene["zoe"].organisation.handle,
            "contact_email": "office@partner.example",
            "reason": "Books",
        }
        await at_once(
            scene.act("otto", request_partnership, **given),
            scene.act("ada", deactivate_member, membership_id=scene["otto"].membership_id),
        )
        left = await world.owner.fetchval(
            "SELECT count(*) FROM accord.partnerships WHERE requester_user_id = $1 AND ended_at IS NULL",
            scene["otto"].id,
        )
        assert left == 0


async def test_time_alone_ends_a_request(scene: Scene) -> None:
    """What has lapsed is not answered any more, though nobody has marked it yet (invariant 12)."""
    waiting = await scene.world.request(scene["otto"], scene["zoe"].organisation)
    other = await scene.world.organisation()
    admin = await scene.world.person(other, Role.ORG_ADMIN)
    approved = await scene.world.partnership(
        scene["otto"], scene["ada"], admin, PartnershipState.AWAITING_GUEST_ACCEPTANCE
    )
    terms = await scene.world.terms()
    scene.people["admin"] = admin
    before = scene.world.clock.now
    try:
        scene.world.clock.advance(days=14)
        given = {"terms_version_id": terms, "consent": True, "expected_version": 2}
        error = await scene.refused("admin", InvalidState, accept_partnership, partnership_id=approved, **given)
        assert isinstance(error, InvalidState)
        assert error.current == PartnershipState.LAPSED
        scene.world.clock.advance(days=16)
        for service in (approve_partnership, decline_partnership):
            await scene.refused("ada", InvalidState, service, partnership_id=waiting, expected_version=1)
    finally:
        scene.world.clock.now = before


async def test_an_address_that_is_none_vouches_for_nobody(scene: Scene) -> None:
    """An issuer may call anything an e-mail address; mails would go there in our name."""
    await _invite(scene, "ada", Role.MEMBER)
    strange = replace(identify(f"odd.{scene.host.handle}"), email="Ops <a@b.example>, c@d.example", email_verified=True)
    assert await _follow(scene, strange) is None
    sql = "SELECT email, email_verified FROM accord.invitation_claims WHERE organisation_id = $1"
    (claim,) = await scene.world.owner.fetch(sql, scene.host.id)
    assert tuple(claim) == (None, True)


async def test_a_verified_address_is_the_person_s(scene: Scene) -> None:
    await _invite(scene, "ada", Role.MEMBER)
    membership = await _follow(scene, replace(identify("sub"), email="AGAIN@People.example"))
    assert (await scene.row("memberships", UUID(str(membership))))["email"] == "AGAIN@people.example"
