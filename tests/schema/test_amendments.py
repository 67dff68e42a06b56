"""Who reads of amendments: the host's leaders and owners all, the guest's admins what they are told of (4.4.6)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.domain.partnership import AccessMode, Purpose
from accord.services.partnerships.amendment import amend_partnership, decide_amendment
from accord.services.partnerships.hold import suspend_partnership
from tests.schema.conftest import Asking
from tests.services.scene import Scene, set_scene

AMENDMENTS: Final = """query Amendments($id: ID!, $state: [AmendmentState!]) { partnership(id: $id) {
  viewerCan
  amendments(state: $state) { totalCount edges { node {
    id state side kind viewerCan guestDecidedBy { displayName }
    before { purposes expiresAt accessMode walletEntrusted } after { purposes accessMode } } } } } }"""
TERMS: Final = "query Terms($id: ID!) { partnership(id: $id) { accessMode walletEntrusted } }"
NODE: Final = "query Node($id: ID!) { node(id: $id) { ... on Amendment { state } } }"
HOST_ONLY: Final = """query Deciders($id: ID!) { node(id: $id) { ... on Amendment {
  proposedBy { displayName } hostDecidedBy { displayName } } } }"""
WIDER: Final = {"purposes": [Purpose.MANAGEMENT, Purpose.SUPPORT]}


@pytest.fixture
async def scene(asking: Asking) -> Scene:
    return await set_scene(asking.world)


async def amend(scene: Scene, name: str, **changes: Any) -> UUID:
    made = await scene.act(name, amend_partnership, partnership_id=scene.partnership, **changes)
    key: UUID = made.id
    return key


async def seen(asking: Asking, scene: Scene, name: str, *states: str) -> dict[str, list[str]]:
    """The amendments that somebody sees, with what is open to that person; the count says the same."""
    given = {"id": global_id("partnership", scene.partnership), "state": list(states) or None}
    data = await asking.ask(scene[name], AMENDMENTS, **given)
    shown = data["partnership"]["amendments"]
    assert shown["totalCount"] == len(shown["edges"])
    return {edge["node"]["id"]: edge["node"]["viewerCan"] for edge in shown["edges"]}


async def can(asking: Asking, scene: Scene, name: str) -> set[str]:
    data = await asking.ask(scene[name], AMENDMENTS, id=global_id("partnership", scene.partnership))
    return {act for act in data["partnership"]["viewerCan"] if "AMEND" in act}


async def test_an_owners_proposal_is_the_hosts_until_it_is_the_guests_turn(asking: Asking, scene: Scene) -> None:
    key = await amend(scene, "mia", **WIDER)
    name = global_id("amendment", key)
    for who, acts in (("ada", ["DECIDE", "WITHDRAW"]), ("arne", ["DECIDE", "WITHDRAW"]), ("mia", ["WITHDRAW"])):
        assert await seen(asking, scene, who) == {name: acts}
    assert await seen(asking, scene, "greta") == {}
    assert await asking.codes(scene["greta"], NODE, id=name) == ["NOT_FOUND"]
    assert await can(asking, scene, "greta") == {"AMEND"}
    await scene.act("ada", decide_amendment, amendment_id=key, accept=True, expected_version=1)
    assert await seen(asking, scene, "greta") == {name: ["DECIDE", "WITHDRAW"]}
    assert await seen(asking, scene, "ada") == {name: ["WITHDRAW"]}
    assert await can(asking, scene, "greta") == {"AMEND", "DECIDE_AMENDMENT", "WITHDRAW_AMENDMENT"}


async def test_what_the_host_declined_of_its_own_the_guest_never_sees(asking: Asking, scene: Scene) -> None:
    key = await amend(scene, "mia", **WIDER)
    await scene.act("ada", decide_amendment, amendment_id=key, accept=False, expected_version=1)
    assert await seen(asking, scene, "greta") == {}
    assert await seen(asking, scene, "mia", "DECLINED") == {global_id("amendment", key): []}


async def test_others_see_none(asking: Asking, scene: Scene) -> None:
    key = await amend(scene, "ada", **WIDER)
    await scene.let_in(await scene.share(), "carla")
    given = {"id": global_id("partnership", scene.partnership)}
    for name in ("carla", "otto", "aud", "eva", "zoe", "dan"):
        assert await asking.codes(scene[name], NODE, id=global_id("amendment", key)) in (["NOT_FOUND"], ["FORBIDDEN"])
        assert "NOT_FOUND" in (codes := await asking.codes(scene[name], AMENDMENTS, **given)) or codes == ["FORBIDDEN"]
    assert await asking.codes(scene["carla"], TERMS, **given) == ["FORBIDDEN", "FORBIDDEN"]


async def test_of_the_hosts_people_the_guest_learns_nothing(asking: Asking, scene: Scene) -> None:
    offered = global_id("amendment", await amend(scene, "ada", **WIDER))
    assert await asking.codes(scene["greta"], HOST_ONLY, id=offered) == ["FORBIDDEN", "FORBIDDEN"]
    data = await asking.ask(scene["mia"], HOST_ONLY, id=offered)
    assert data["node"]["proposedBy"]["displayName"] == "Ada Harbour"


async def test_the_guest_knows_who_asked_for_it(asking: Asking, scene: Scene) -> None:
    asked = global_id("amendment", await amend(scene, "greta", **WIDER))
    data, errors = await asking.look(scene["gustav"], HOST_ONLY, id=asked)
    assert data["node"]["proposedBy"]["displayName"] == "Greta Lighthouse"
    assert [error["path"] for error in errors] == [["node", "hostDecidedBy"]]
    assert await seen(asking, scene, "gustav") == {asked: ["WITHDRAW"]}
    assert await seen(asking, scene, "mia") == {asked: ["WITHDRAW"]}
    assert await seen(asking, scene, "arne") == {asked: ["DECIDE", "WITHDRAW"]}


async def test_whoever_proposed_for_the_host_is_not_shown_an_answer_for_the_guest(asking: Asking, scene: Scene) -> None:
    await scene.world.join(scene["ada"], scene.guest, Role.ORG_ADMIN)
    await amend(scene, "ada", **WIDER)
    assert await can(asking, scene, "ada") == {"AMEND", "WITHDRAW_AMENDMENT"}


async def test_terms_before_and_after_and_what_has_lapsed(asking: Asking, scene: Scene) -> None:
    complete = {"access_mode": AccessMode.COMPLETE, "wallet_entrusted": True}
    offered = global_id("amendment", await amend(scene, "ada", **complete))
    given = {"id": global_id("partnership", scene.partnership)}
    data = await asking.ask(scene["greta"], AMENDMENTS, **given)
    shown = data["partnership"]["amendments"]["edges"][0]["node"]
    assert (shown["state"], shown["kind"], shown["side"]) == ("PENDING_GUEST", "WIDEN", "HOST")
    assert shown["before"] == {
        "purposes": ["MANAGEMENT"],
        "expiresAt": None,
        "accessMode": "LIMITED",
        "walletEntrusted": False,
    }
    assert shown["after"]["accessMode"] == "COMPLETE"
    data = await asking.ask(scene["greta"], TERMS, **given)
    assert data["partnership"] == {"accessMode": "LIMITED", "walletEntrusted": False}
    asking.world.clock.advance(days=14)
    assert await seen(asking, scene, "greta", "LAPSED") == {offered: []}
    assert await seen(asking, scene, "greta", "PENDING_GUEST") == {}
    assert await can(asking, scene, "greta") == {"AMEND"}


async def test_while_suspended_it_can_only_be_withdrawn(asking: Asking, scene: Scene) -> None:
    await amend(scene, "ada", **WIDER)
    await scene.act("mia", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    for name in ("ada", "greta"):
        assert await can(asking, scene, name) == {"WITHDRAW_AMENDMENT"}
