"""What people on the other side, or without a role, could learn by the way: each of these was one way once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.grants.grant import remove_member_from_share
from accord.services.partnerships.ownership import set_co_owners
from accord.services.partnerships.partnership import decline_partnership, refuse_partnership, withdraw_partnership
from accord.services.partnerships.proposal import resend_partnership
from tests.schema.conftest import Asking
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import World, open_world

NODE = "query N($id: ID!) { node(id: $id) { %s } }"


@dataclass
class Spy:
    """A scene, and the schema to look at it."""

    scene: Scene
    asking: Asking

    async def look(self, who: str, id: str, fields: str) -> tuple[Any, list[str]]:
        """One thing by its ID, and where errors stand."""
        data, errors = await self.asking.look(self.scene[who], NODE % fields, id=id)
        return data["node"], [".".join(map(str, error["path"])) for error in errors]


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        yield made


@pytest.fixture
async def spy(world: World) -> Spy:
    return Spy(await set_scene(world), Asking(world))


SEARCH = """query S($id: ID!) { organisation(id: $id) { members(search: "lighthouse") { edges { node {
  displayName email roles delegatedAdmin } } } } }"""


async def test_a_search_of_the_directory_finds_names_and_addresses_alone(spy: Spy) -> None:
    """Q15: an Account Manager names colleagues to ask access for, and learns nothing else of them (S42)."""
    share = await spy.scene.share()
    await spy.scene.let_in(share, "carla", role=AccountRole.ACCOUNT_MANAGER)
    data, errors = await spy.asking.look(spy.scene["carla"], SEARCH, id=global_id("organisation", spy.scene.guest.id))
    found = {edge["node"]["displayName"]: edge["node"] for edge in data["organisation"]["members"]["edges"]}
    greta = found["Greta Lighthouse"]
    assert greta["email"] == spy.scene["greta"].email
    assert (greta["roles"], greta["delegatedAdmin"]) == (None, None)
    assert found["Carla Lighthouse"]["roles"] == ["MEMBER"]
    assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}
    data, errors = await spy.asking.look(spy.scene["greta"], SEARCH, id=global_id("organisation", spy.scene.guest.id))
    assert not errors
    assert all(edge["node"]["roles"] for edge in data["organisation"]["members"]["edges"])


async def test_the_guest_learns_the_owner_and_not_who_may_stand_in(spy: Spy) -> None:
    """Model 4.7: the guest's admin sees owner and representative."""
    scene = spy.scene
    await scene.act("mia", set_co_owners, partnership_id=scene.partnership, user_ids=[scene["otto"].id])
    partnership = global_id("partnership", scene.partnership)
    fields = "... on Partnership { owner { displayName } coOwners { displayName } }"
    seen, errors = await spy.look("greta", partnership, fields)
    assert seen == {"owner": {"displayName": "Mia Harbour"}, "coOwners": None}
    assert errors == ["node.coOwners"]
    assert (await spy.look("greta", global_id("user", scene["otto"].id), "id"))[0] is None
    for who in ("ada", "mia", "otto"):
        seen, errors = await spy.look(who, partnership, fields)
        assert (seen["coOwners"], errors) == ([{"displayName": "Otto Harbour"}], [])


async def test_why_the_host_withdrew_stays_with_the_host(spy: Spy) -> None:
    """The event keeps it from the guest; the partnership does too."""
    scene = spy.scene
    guest = await scene.world.organisation()
    scene.people["gus"] = await scene.world.person(guest, Role.ORG_ADMIN)
    made = await scene.world.partnership(
        scene["otto"], scene["ada"], scene["gus"], PartnershipState.AWAITING_GUEST_ACCEPTANCE
    )
    await scene.act("ada", withdraw_partnership, partnership_id=made, reason="They were late before.")
    fields = "... on Partnership { state endReason }"
    seen, _ = await spy.look("gus", global_id("partnership", made), fields)
    assert seen == {"state": "WITHDRAWN", "endReason": None}
    seen, _ = await spy.look("otto", global_id("partnership", made), fields)
    assert seen == {"state": "WITHDRAWN", "endReason": "They were late before."}


ATTEMPT = "... on PartnershipAttempt { number decisionReason purposes }"


async def test_an_attempt_by_its_id_is_for_those_who_read_the_attempts(spy: Spy) -> None:
    """Somebody of both sides, with no part in it at the host, reads no more as `node` than as `attempts`."""
    scene = spy.scene
    share = await scene.share()
    await scene.world.join(scene["carla"], scene.host)
    await scene.let_in(share, "carla")
    attempt = await scene.world.owner.fetchval(
        "SELECT id FROM accord.attempts WHERE partnership_id = $1", scene.partnership
    )
    partnership = global_id("partnership", scene.partnership)
    read = "... on Partnership { state attempts { edges { node { number } } } }"
    seen, errors = await spy.look("carla", partnership, read)
    assert (seen, errors) == ({"state": "ACTIVE", "attempts": None}, ["node.attempts"])
    assert await spy.look("carla", global_id("attempt", attempt), ATTEMPT) == (None, ["node"])
    for who in ("ada", "mia", "greta"):
        seen, _ = await spy.look(who, global_id("attempt", attempt), ATTEMPT)
        assert seen["number"] == 1


async def test_a_refusal_that_the_host_thinks_over_is_the_host_s_again(spy: Spy) -> None:
    """Sent again with wider terms and declined by the host: the guest has no part in that and sees none of it."""
    scene = spy.scene
    guest = await scene.world.organisation()
    scene.people["gus"] = await scene.world.person(guest, Role.ORG_ADMIN)
    made = await scene.world.partnership(
        scene["otto"], scene["ada"], scene["gus"], PartnershipState.AWAITING_GUEST_ACCEPTANCE
    )
    version = await scene.world.version("partnerships", made)
    await scene.act("gus", refuse_partnership, partnership_id=made, expected_version=version)
    await scene.act("otto", resend_partnership, partnership_id=made, purposes=["SUPPORT", "MANAGEMENT"])
    version = await scene.world.version("partnerships", made)
    given = {"partnership_id": made, "expected_version": version, "reason": "Too much."}
    await scene.act("ada", decline_partnership, **given)
    attempts = await scene.world.owner.fetch("SELECT id FROM accord.attempts WHERE partnership_id = $1", made)
    for key in (global_id("partnership", made), *(global_id("attempt", row["id"]) for row in attempts)):
        assert await spy.look("gus", key, "id") == (None, ["node"])
        assert (await spy.look("otto", key, "id"))[0] == {"id": key}


async def test_an_address_is_seen_as_long_as_there_is_access(spy: Spy) -> None:
    """Model 4.7: of guest people with access; who has none any more keeps the name in the past, and no address."""
    scene = spy.scene
    share = await scene.share()
    await scene.let_in(share, "carla")
    carla = global_id("user", scene["carla"].id)
    fields = "... on User { displayName email }"
    for who in ("ada", "mia"):
        assert (await spy.look(who, carla, fields))[0]["email"] == scene["carla"].email
    await scene.act("mia", remove_member_from_share, share_id=share, user_id=scene["carla"].id)
    for who in ("ada", "mia"):
        seen, errors = await spy.look(who, carla, fields)
        assert seen == {"displayName": "Carla Lighthouse", "email": None}
        assert errors == ["node.email"]
    assert (await spy.look("greta", carla, fields))[0]["email"] == scene["carla"].email
