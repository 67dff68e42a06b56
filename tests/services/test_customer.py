"""A partner asks to be let in (model 4.4.1, requestCustomer): who may, what the host decides, who sees what."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from accord.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidState,
    NotFound,
    PrerequisiteMissing,
    RateLimited,
    ValidationError,
)
from accord.domain.organisation import Role
from accord.domain.partner import PartnerStatus
from accord.domain.partnership import Purpose
from accord.services.partnerships.customer import request_customer
from accord.services.partnerships.partnership import (
    accept_partnership,
    approve_partnership,
    decline_partnership,
    refuse_partnership,
    withdraw_partnership,
)
from accord.services.partnerships.proposal import remind_partnership, resend_partnership
from accord.services.people.member import deactivate_member
from accord.services.policy import set_policy
from accord.services.setting import update_settings
from tests.services.invitations import COMPLETE, LIMITED, Island, find_island
from tests.services.scene import Scene
from tests.world import World


@pytest.fixture
async def island(scene: Scene) -> Island:
    """A partner with an active status."""
    made = await find_island(scene)
    await made.become_partner()
    return made


async def wanted(scene: Scene, **given: Any) -> dict[str, Any]:
    consent = {"terms_version_id": await scene.world.terms(), "consent": True}
    return {"host_handle": scene.host.handle} | consent | given


async def ask(scene: Scene, by: str = "ines", **given: Any) -> UUID:
    key: UUID = await scene.act(by, request_customer, **await wanted(scene, **given))
    return key


async def decide(scene: Scene, key: UUID, by: str, service: Any, **given: Any) -> None:
    version = await scene.world.version("partnerships", key)
    await scene.act(by, service, partnership_id=key, expected_version=version, **given)


async def test_a_request_waits_for_the_host_and_is_known_to_both(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["path"], row["told_guest"]) == ("AWAITING_HOST_APPROVAL", "GUEST_REQUEST", True)
    assert (row["owner_user_id"], row["host_id"]) == (None, scene.host.id)
    assert await island.told(key, "customer_requested") == {"ada", "arne"}
    for side in (scene.host, island.organisation):
        kinds = [event["type"] for event in await scene.events(side) if event["partnership_id"] == key]
        assert sorted(kinds) == ["partnership.requested", "terms.accepted"]
    kept = await scene.world.owner.fetchrow("SELECT * FROM accord.terms_acceptances WHERE partnership_id = $1", key)
    assert (kept["user_id"], kept["ip"]) == (scene["ines"].id, "192.0.2.7")


@pytest.mark.parametrize("name", ["arne", "dirk", "lena"])
async def test_as_it_was_asked_it_is_active_at_once(scene: Scene, island: Island, name: str) -> None:
    key = await ask(scene)
    await decide(scene, key, name, approve_partnership, purposes=[Purpose.MANAGEMENT])
    row = await scene.row("partnerships", key)
    assert (row["state"], row["owner_user_id"]) == ("ACTIVE", scene[name].id)
    assert (row["representative_user_id"], row["granted_level"]) == (scene["ines"].id, "NONE")
    attempt = await scene.world.owner.fetchrow("SELECT * FROM accord.attempts WHERE partnership_id = $1", key)
    assert (attempt["host_decision"], attempt["guest_decision"]) == ("APPROVED", "ACCEPTED")
    assert await island.told(key, "customer_approved") == {"ada", "arne", "ines", "igor", name}
    assert await island.told(key, "invitation") == set()
    (event,) = await scene.events(island.organisation, "partnership.approved")
    assert (event["actor_user_id"], event["actor_name"]) == (None, scene.host.name)
    assert (await scene.world.verify()).faults == ()


async def test_on_narrower_terms_the_guest_answers_again(scene: Scene, island: Island) -> None:
    key = await ask(scene, access_mode=COMPLETE, purposes=[Purpose.MANAGEMENT, Purpose.SUPPORT])
    await decide(scene, key, "arne", approve_partnership, access_mode=LIMITED, purposes=[Purpose.SUPPORT])
    row = await scene.row("partnerships", key)
    assert (row["state"], row["owner_user_id"]) == ("AWAITING_GUEST_ACCEPTANCE", scene["arne"].id)
    assert (row["access_mode"], row["purposes"]) == ("LIMITED", ["SUPPORT"])
    assert await island.told(key, "invitation") == {"ines", "igor"}
    await island.accept(key)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["access_mode"]) == ("ACTIVE", "LIMITED")
    count = "SELECT count(*) FROM accord.terms_acceptances WHERE partnership_id = $1"
    assert await scene.world.owner.fetchval(count, key) == 2


async def test_complete_is_approved_by_a_legal_representative_alone(scene: Scene, island: Island) -> None:
    key = await ask(scene, access_mode=COMPLETE)
    for name in ("arne", "dirk"):
        await scene.refused(name, Forbidden, approve_partnership, partnership_id=key, expected_version=1)
    wider = {"partnership_id": key, "expected_version": 1, "wallet_entrusted": True}
    await scene.refused("lena", ValidationError, approve_partnership, **wider)
    await decide(scene, key, "lena", approve_partnership)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["access_mode"], row["wallet_entrusted"]) == ("ACTIVE", "COMPLETE", False)
    assert row["granted_level"] == "NONE"


async def test_an_approval_adds_nothing(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    on = {"partnership_id": key, "expected_version": 1}
    await scene.refused("lena", ValidationError, approve_partnership, access_mode=COMPLETE, **on)
    await scene.refused("lena", ValidationError, approve_partnership, purposes=list(Purpose), **on)


@pytest.mark.parametrize("name", ["ivy", "zoe", "mia", "ada"])
async def test_only_admins_of_an_active_partner_ask(scene: Scene, island: Island, name: str) -> None:
    given = await wanted(scene, host_handle=scene["zoe"].organisation.handle if name in {"mia", "ada"} else None)
    given["host_handle"] = given["host_handle"] or scene.host.handle
    await scene.refused(name, (Forbidden, PrerequisiteMissing), request_customer, **given)


async def test_a_partner_without_active_status_asks_nobody(scene: Scene, island: Island) -> None:
    await island.become_partner(PartnerStatus.SUSPENDED)
    await scene.refused("ines", PrerequisiteMissing, request_customer, **await wanted(scene))


async def test_consent_and_exactly_one_name_are_needed(scene: Scene, island: Island) -> None:
    for given in (
        {"consent": False},
        {"terms_version_id": uuid4()},
        {"host_handle": None},
        {"request_code": "abcd"},
        {"host_handle": island.organisation.handle},
    ):
        await scene.refused("ines", ValidationError, request_customer, **await wanted(scene, **given))


async def test_with_a_request_code_the_handle_is_not_enough(scene: Scene, island: Island) -> None:
    for name in ("mia", "aud"):
        await scene.refused(name, Forbidden, update_settings, with_request_code=True)
    await scene.act("arne", update_settings, with_request_code=True)
    sql = "SELECT request_code FROM accord.directory_entries WHERE id = $1"
    first = await scene.world.owner.fetchval(sql, scene.host.id)
    await scene.refused("ines", NotFound, request_customer, **await wanted(scene))
    await scene.act("lena", update_settings, with_request_code=True)
    code = await scene.world.owner.fetchval(sql, scene.host.id)
    assert code != first
    old = await wanted(scene, host_handle=None, request_code=first)
    await scene.refused("ines", NotFound, request_customer, **old)
    key = await ask(scene, host_handle=None, request_code=code)
    assert (await scene.row("partnerships", key))["host_id"] == scene.host.id


async def test_what_stands_against_it_at_the_host_looks_like_nothing_there(scene: Scene, island: Island) -> None:
    """One answer for a host that does not exist, that bars the partner, and that asks in secret itself (4.4.1)."""
    answers = []

    async def refused(**given: Any) -> None:
        error = await scene.refused("ines", NotFound, request_customer, **await wanted(scene, **given))
        answers.append((error.message, error.path))

    await refused(host_handle="no-such-place")
    closed = await scene.world.organisation(partners_enabled=False)
    await refused(host_handle=closed.handle)
    await scene.act("ada", set_policy, blocked_partners=[island.organisation.id])
    await refused()
    await scene.act("ada", set_policy, blocked_partners=[], allowed_partners=[scene.guest.id])
    await refused()
    await scene.act("ada", set_policy, allowed_partners=[])
    own = await scene.world.request(scene["mia"], island.organisation)
    await refused()
    assert len(set(answers)) == 1
    await scene.act("mia", withdraw_partnership, partnership_id=own)
    await ask(scene)


async def test_what_the_partner_knows_of_is_a_conflict(scene: Scene, island: Island) -> None:
    await ask(scene)
    refused = await scene.refused("igor", Conflict, request_customer, **await wanted(scene))
    assert isinstance(refused, Conflict)
    assert refused.current == "AWAITING_HOST_APPROVAL"
    await scene.act("ines", set_policy, blocked_partners=[scene["zoe"].organisation.id])
    barred = await wanted(scene, host_handle=scene["zoe"].organisation.handle)
    await scene.refused("ines", Forbidden, request_customer, **barred)


async def test_the_hosts_people_cannot_ask_past_it(scene: Scene, island: Island) -> None:
    await ask(scene)
    with pytest.raises(Conflict):
        await scene.world.request(scene["mia"], island.organisation)


async def test_the_partner_withdraws_and_reminds(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    scene.world.clock.advance(hours=25)
    await scene.refused("igor", Forbidden, remind_partnership, partnership_id=key)
    await scene.act("ines", remind_partnership, partnership_id=key)
    await scene.refused("ines", RateLimited, remind_partnership, partnership_id=key)
    await scene.refused("ivy", NotFound, withdraw_partnership, partnership_id=key)
    await scene.refused("mia", NotFound, withdraw_partnership, partnership_id=key)
    await scene.act("igor", withdraw_partnership, partnership_id=key, reason="Not now.")
    row = await scene.row("partnerships", key)
    assert row["state"] == "WITHDRAWN"
    assert await island.told(key, "withdrawn") == {"ada", "arne", "ines"}
    on = {"partnership_id": key, "expected_version": row["version"]}
    await scene.refused("ada", InvalidState, approve_partnership, **on)


async def test_a_declined_partner_learns_it_and_may_ask_again(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    await decide(scene, key, "arne", decline_partnership, reason="Not this year.")
    assert await island.told(key, "customer_declined") == {"ines"}
    (event,) = await scene.events(island.organisation, "partnership.declined")
    assert (event["actor_user_id"], event["actor_name"]) == (None, scene.host.name)
    await ask(scene)


async def test_the_partner_decides_nothing_for_the_host(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    on: dict[str, Any] = {"partnership_id": key, "expected_version": 1}
    for service in (approve_partnership, decline_partnership):
        await scene.refused("ines", Forbidden, service, **on)
        await scene.refused("igor", Forbidden, service, **on)
    consent = {"terms_version_id": await scene.world.terms(), "consent": True}
    await scene.refused("ines", InvalidState, accept_partnership, **on, **consent)
    await scene.refused("ines", InvalidState, refuse_partnership, **on)
    await scene.refused("ines", Forbidden, resend_partnership, partnership_id=key)


async def test_whoever_asked_for_the_partner_does_not_answer_for_the_host(scene: Scene, island: Island) -> None:
    await scene.world.join(scene["ines"], scene.host, Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
    key = await ask(scene)
    on: dict[str, Any] = {"partnership_id": key, "expected_version": 1, "organisation_id": scene.host.id}
    for service in (approve_partnership, decline_partnership):
        await scene.refused("ines", Forbidden, service, **on)


async def test_whoever_asked_for_the_partner_is_no_requester_at_the_host(scene: Scene, island: Island) -> None:
    """A member of both sides sees at the host what a member sees, and nothing for having asked elsewhere."""
    await scene.world.join(scene["ines"], scene.host)
    key = await ask(scene)
    on = {"partnership_id": key, "organisation_id": scene.host.id}
    await scene.refused("ines", (Forbidden, NotFound), withdraw_partnership, **on)
    await scene.refused("ines", (Forbidden, NotFound), remind_partnership, **on)


async def test_who_has_left_represents_nobody(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    await scene.act("igor", deactivate_member, membership_id=scene["ines"].membership_id)
    await decide(scene, key, "arne", approve_partnership)
    assert (await scene.row("partnerships", key))["representative_user_id"] == scene["igor"].id


async def test_after_its_no_the_host_proposes_in_secret_again(scene: Scene, island: Island, world: World) -> None:
    """Narrowed, refused, sent again wider: what waits for the host's approval is the host's own once more."""
    key = await ask(scene, purposes=[Purpose.MANAGEMENT, Purpose.SUPPORT])
    await decide(scene, key, "arne", approve_partnership, purposes=[Purpose.SUPPORT])
    await decide(scene, key, "igor", refuse_partnership)
    wider = [Purpose.SUPPORT, Purpose.IMPROVEMENT]
    await scene.act("arne", resend_partnership, partnership_id=key, purposes=wider)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["told_guest"], row["asked_by_guest"]) == ("AWAITING_HOST_APPROVAL", False, False)
    await scene.refused("ines", NotFound, withdraw_partnership, partnership_id=key)
    await decide(scene, key, "ada", approve_partnership)
    assert (await scene.row("partnerships", key))["state"] == "AWAITING_GUEST_ACCEPTANCE"


async def test_a_partner_that_is_barred_or_suspended_meanwhile_is_not_let_in(scene: Scene, island: Island) -> None:
    key = await ask(scene)
    await island.become_partner(PartnerStatus.SUSPENDED)
    on: dict[str, Any] = {"partnership_id": key, "expected_version": 1}
    errors: list[DomainError] = [await scene.refused("arne", Forbidden, approve_partnership, **on)]
    await island.become_partner()
    await scene.act("ines", set_policy, blocked_partners=[scene.host.id])
    errors.append(await scene.refused("arne", Forbidden, approve_partnership, **on))
    assert [getattr(error, "condition", None) for error in errors] == ["ORGANISATION_INACTIVE", "POLICY_DENIED"]
