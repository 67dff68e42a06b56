"""Amendments: narrower at once, wider when both sides have agreed; COMPLETE is for a legal representative to give."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from accord.database.engine import Database
from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partnership import AccessMode, Purpose
from accord.services.expiry import sweep
from accord.services.operator import publish_terms
from accord.services.partnerships.amendment import amend_partnership, decide_amendment, withdraw_amendment
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_organisation_status
from accord.services.partnerships.term import extend_partnership, set_auto_extend
from accord.services.policy import set_policy
from tests.services.scene import Scene

COMPLETE, LIMITED = AccessMode.COMPLETE, AccessMode.LIMITED
SUPPORT, IMPROVEMENT, MANAGEMENT = Purpose.SUPPORT, Purpose.IMPROVEMENT, Purpose.MANAGEMENT
WIDER: Final[dict[str, Any]] = {"purposes": [MANAGEMENT, SUPPORT]}
"""The scene's partnership is for MANAGEMENT, LIMITED and without an end."""


async def amend(scene: Scene, name: str = "ada", **changes: Any) -> UUID:
    """Propose or narrow; the amendment."""
    made = await scene.act(name, amend_partnership, partnership_id=scene.partnership, **changes)
    key: UUID = made.id
    return key


async def decide(scene: Scene, name: str, amendment: UUID, *, accept: bool = True, **given: Any) -> None:
    await scene.act(name, decide_amendment, **await answer(scene, amendment, accept=accept) | given)


async def answer(scene: Scene, amendment: UUID, *, accept: bool = True) -> dict[str, Any]:
    version = await scene.world.version("amendments", amendment)
    consent = {"terms_version_id": await scene.world.terms(), "consent": True}
    return {"amendment_id": amendment, "accept": accept, "expected_version": version, **consent}


async def terms(scene: Scene) -> tuple[set[str], datetime | None, str, bool]:
    row = await scene.row("partnerships", scene.partnership)
    return set(row["purposes"]), row["expires_at"], row["access_mode"], row["wallet_entrusted"]


async def state(scene: Scene, amendment: UUID) -> str:
    return str((await scene.row("amendments", amendment))["state"])


async def opened(scene: Scene) -> None:
    """COMPLETE with the wallet, agreed by both sides."""
    await decide(scene, "greta", await amend(scene, access_mode=COMPLETE, wallet_entrusted=True))


async def ends_in(scene: Scene, days: int) -> datetime:
    ends = scene.world.clock.now + timedelta(days=days)
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, ends)
    return ends


async def sweep_now(scene: Scene) -> None:
    worker = Database(scene.world.urls.worker, clock=scene.world.clock)
    await sweep(worker, scene.world.clock.now)
    await worker.close()


async def test_a_leader_widens_the_guest_accepts(scene: Scene) -> None:
    amendment = await amend(scene, "arne", **WIDER)
    assert (await state(scene, amendment), (await terms(scene))[0]) == ("PENDING_GUEST", {"MANAGEMENT"})
    assert (await scene.mails("amendment_proposed"))[-1] == {"greta", "gustav"}
    await decide(scene, "greta", amendment)
    assert (await state(scene, amendment), (await terms(scene))[0]) == ("APPLIED", {"MANAGEMENT", "SUPPORT"})
    assert (await scene.mails("amendment_applied"))[-1] == {"ada", "arne", "mia", "greta", "gustav"}
    for side in (scene.host, scene.guest):
        types = [event["type"] for event in await scene.events(side)]
        assert types[-3:] == ["amendment.proposed", "amendment.applied", "terms.accepted"]
    consent = await scene.world.owner.fetchrow(
        "SELECT * FROM accord.terms_acceptances WHERE amendment_id = $1", amendment
    )
    assert (consent["user_id"], consent["attempt_id"]) == (scene["greta"].id, None)


async def test_an_owners_widening_waits_for_a_leader_then_for_the_guest(scene: Scene) -> None:
    amendment = await amend(scene, "mia", **WIDER)
    assert await state(scene, amendment) == "PENDING_HOST"
    assert (await scene.mails("amendment_proposed"))[-1] == {"ada", "arne"}
    assert await scene.events(scene.guest, "amendment.proposed") == []
    await decide(scene, "arne", amendment)
    assert await state(scene, amendment) == "PENDING_GUEST"
    told = (await scene.events(scene.guest, "amendment.approved"))[0]
    assert (told["actor_name"], told["actor_user_id"]) == (scene.host.name, None)
    assert (await terms(scene))[0] == {"MANAGEMENT"}
    await decide(scene, "gustav", amendment)
    assert (await terms(scene))[0] == {"MANAGEMENT", "SUPPORT"}


async def test_what_the_guest_asks_for_a_leader_grants(scene: Scene) -> None:
    amendment = await amend(scene, "greta", **WIDER)
    assert await state(scene, amendment) == "PENDING_HOST"
    await scene.refused("mia", Forbidden, decide_amendment, **await answer(scene, amendment))
    await scene.refused("gustav", InvalidState, decide_amendment, **await answer(scene, amendment))
    await decide(scene, "arne", amendment, terms_version_id=None, consent=False)
    assert (await state(scene, amendment), (await terms(scene))[0]) == ("APPLIED", {"MANAGEMENT", "SUPPORT"})
    told = (await scene.events(scene.guest, "amendment.applied"))[0]
    assert (told["actor_name"], told["actor_user_id"]) == (scene.host.name, None)


@pytest.mark.parametrize("name", ["ada", "arne", "mia"])
async def test_narrowing_is_at_once_and_the_guest_is_told(scene: Scene, name: str) -> None:
    await opened(scene)
    amendment = await amend(scene, name, wallet_entrusted=False)
    assert (await state(scene, amendment), (await terms(scene))[2:]) == ("APPLIED", ("COMPLETE", False))
    assert (await scene.mails("amendment_applied"))[-1] == {"greta", "gustav"}
    await decide(scene, "greta", await amend(scene, wallet_entrusted=True))
    await amend(scene, name, access_mode=LIMITED)
    assert (await terms(scene))[2:] == ("LIMITED", False)
    assert len(await scene.events(scene.guest, "amendment.applied")) == 4


async def level(scene: Scene) -> tuple[str, UUID | None]:
    """The level that is granted, and who of the host did it."""
    row = await scene.row("partnerships", scene.partnership)
    return row["granted_level"], row["level_changed_by"]


async def stated(scene: Scene, amendment: UUID) -> tuple[str, str]:
    """The level of before and after that an amendment states."""
    kept = await scene.row("amendments", amendment)
    return json.loads(kept["terms_before"])["level"], json.loads(kept["terms_after"])["level"]


@pytest.mark.parametrize("before", [DataAccessLevel.NONE, DataAccessLevel.SUPPORT])
async def test_complete_brings_the_level_that_both_sides_have_read(scene: Scene, before: DataAccessLevel) -> None:
    if before is not DataAccessLevel.NONE:
        await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=before)
    amendment = await amend(scene, access_mode=COMPLETE)
    assert await stated(scene, amendment) == (before, "MANAGE")
    assert (await level(scene))[0] == before, "nothing before the guest's yes"
    await decide(scene, "greta", amendment)
    assert await level(scene) == ("MANAGE", scene["ada"].id), "the act of the host's person, not of the guest's"
    assert (await scene.mails("level_changed"))[-1] == {"greta", "gustav"}
    for side in (scene.host, scene.guest):
        assert len(await scene.events(side, "level.granted")) == (1 if before is DataAccessLevel.NONE else 2)
    await amend(scene, access_mode=LIMITED)
    assert (await level(scene))[0] == "MANAGE", "the mode says which accounts, the level what may be done (Q20)"


async def test_what_the_guest_asks_for_states_the_level_too(scene: Scene) -> None:
    amendment = await amend(scene, "greta", access_mode=COMPLETE)
    assert await stated(scene, amendment) == ("NONE", "MANAGE")
    await decide(scene, "ada", amendment, terms_version_id=None, consent=False)
    assert await level(scene) == ("MANAGE", scene["ada"].id)
    (told,) = await scene.events(scene.guest, "level.granted")
    assert (told["actor_name"], told["actor_user_id"]) == (scene.host.name, None)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_level_of_complete_stays_within_the_ceiling(scene: Scene, when: str) -> None:
    bound = "UPDATE accord.organisations SET ceiling = 'SUPPORT' WHERE id = $1"
    if when == "before":
        await scene.world.owner.execute(bound, scene.guest.id)
    amendment = await amend(scene, access_mode=COMPLETE)
    assert (await stated(scene, amendment))[1] == ("SUPPORT" if when == "before" else "MANAGE")
    await scene.world.owner.execute(bound, scene.guest.id)
    await decide(scene, "greta", amendment)
    assert (await level(scene))[0] == "SUPPORT"


async def test_a_level_that_is_lowered_meanwhile_is_not_raised_by_an_older_proposal(scene: Scene) -> None:
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=DataAccessLevel.SUPPORT)
    amendment = await amend(scene, access_mode=COMPLETE)
    await scene.act("mia", set_data_access, partnership_id=scene.partnership, level=DataAccessLevel.NONE)
    assert await state(scene, amendment) == "WITHDRAWN"
    assert (await scene.mails("amendment_closed"))[-1] == {"ada", "greta", "gustav"}
    await scene.refused("greta", InvalidState, decide_amendment, **await answer(scene, amendment))
    other = await amend(scene, **WIDER)
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=DataAccessLevel.SUPPORT)
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=DataAccessLevel.NONE)
    assert await state(scene, other) == "PENDING_GUEST", "what brings no level goes on"


@pytest.mark.parametrize("changes", [{"access_mode": COMPLETE}, {"access_mode": COMPLETE, "wallet_entrusted": True}])
@pytest.mark.parametrize("name", ["arne", "mia", "greta"])
async def test_complete_and_the_wallet_are_a_legal_representatives(
    scene: Scene, name: str, changes: dict[str, Any]
) -> None:
    decision_maker = await scene.world.person(scene.host, Role.DECISION_MAKER)
    scene.people["dora"] = decision_maker
    amendment = await amend(scene, name, **changes)
    assert await state(scene, amendment) == "PENDING_HOST"
    for other in {"arne", "dora"} - {name}:
        await scene.refused(other, Forbidden, decide_amendment, **await answer(scene, amendment))
    await decide(scene, "ada", amendment)
    if name != "greta":
        assert (await terms(scene))[2] == "LIMITED"
        await decide(scene, "greta", amendment)
    assert (await terms(scene))[2:] == ("COMPLETE", "wallet_entrusted" in changes)


async def test_the_wallet_alone_is_a_legal_representatives_too(scene: Scene) -> None:
    await opened(scene)
    await amend(scene, wallet_entrusted=False)
    assert await state(scene, await amend(scene, "arne", wallet_entrusted=True)) == "PENDING_HOST"


async def test_a_legal_representative_is_asked_by_mail(scene: Scene) -> None:
    scene.people["leo"] = await scene.world.person(scene.host, Role.LEGAL_REPRESENTATIVE)
    await amend(scene, "mia", access_mode=COMPLETE)
    assert (await scene.mails("amendment_proposed"))[-1] == {"ada", "arne", "leo"}


async def test_there_is_no_wallet_without_complete(scene: Scene) -> None:
    await scene.refused(
        "ada", ValidationError, amend_partnership, partnership_id=scene.partnership, wallet_entrusted=True
    )
    await opened(scene)
    given = {"access_mode": LIMITED, "wallet_entrusted": True}
    await scene.refused("ada", ValidationError, amend_partnership, partnership_id=scene.partnership, **given)


async def test_nobody_else_amends(scene: Scene) -> None:
    await opened(scene)
    given = {"partnership_id": scene.partnership, "access_mode": LIMITED}
    await scene.refused("greta", Forbidden, amend_partnership, **given)
    for name in ("otto", "aud", "dan", "eva", "zoe"):
        await scene.refused(name, NotFound, amend_partnership, **given)
    await scene.let_in(await scene.share(), "carla")
    await scene.refused("carla", Forbidden, amend_partnership, **given)


async def test_an_answer_is_its_sides_whose_turn_it_is(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    await scene.refused("arne", InvalidState, decide_amendment, **await answer(scene, amendment))
    for name in ("dan", "eva", "zoe", "otto", "aud"):
        await scene.refused(name, NotFound, decide_amendment, **await answer(scene, amendment))
        await scene.refused(name, NotFound, withdraw_amendment, amendment_id=amendment)
    await scene.refused(
        "greta", NotFound, decide_amendment, **await answer(scene, amendment) | {"amendment_id": uuid4()}
    )


async def test_one_person_never_answers_for_both_sides(scene: Scene) -> None:
    await scene.world.join(scene["ada"], scene.guest, Role.ORG_ADMIN)
    await scene.world.join(scene["greta"], scene.host, Role.ORG_ADMIN)
    at_guest, at_host = {"organisation_id": scene.guest.id}, {"organisation_id": scene.host.id}
    proposed = await amend(scene, **WIDER)
    for accept in (True, False):
        given = await answer(scene, proposed, accept=accept)
        await scene.refused("ada", Forbidden, decide_amendment, **given, **at_guest)
    await scene.act("ada", withdraw_amendment, amendment_id=proposed)
    passed = await amend(scene, "mia", **WIDER)
    await decide(scene, "ada", passed)
    await scene.refused("ada", Forbidden, decide_amendment, **await answer(scene, passed), **at_guest)
    await decide(scene, "gustav", passed, accept=False)
    asked = await amend(scene, "greta", **WIDER)
    await scene.refused("greta", Forbidden, decide_amendment, **await answer(scene, asked), **at_host)


async def test_nobody_approves_what_one_proposed(scene: Scene) -> None:
    amendment = await amend(scene, "mia", **WIDER)
    sql = "UPDATE accord.memberships SET roles = '{ORG_ADMIN}' WHERE id = $1"
    await scene.world.owner.execute(sql, scene["mia"].membership_id)
    await scene.refused("mia", Forbidden, decide_amendment, **await answer(scene, amendment))


async def test_the_database_knows_two_people_too(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    await scene.world.join(scene["ada"], scene.guest, Role.ORG_ADMIN)
    sql = (
        "UPDATE accord.amendments SET state = 'APPLIED', lapses_at = NULL, ended_at = now(),"
        " guest_decision = 'ACCEPTED', guest_decided_by = $2 WHERE id = $1"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await scene.world.owner.execute(sql, amendment, scene["ada"].id)
    with pytest.raises(asyncpg.CheckViolationError):
        await scene.world.owner.execute(sql.replace("'ACCEPTED'", "NULL"), amendment, None)


async def test_the_guests_yes_needs_consent_to_the_current_terms(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    given = await answer(scene, amendment)
    await scene.refused("greta", ValidationError, decide_amendment, **given | {"consent": False})
    await scene.refused("greta", ValidationError, decide_amendment, **given | {"terms_version_id": None})
    newer = await scene.world.operate(publish_terms, version="2", text="Be kinder.")
    await scene.refused("greta", ValidationError, decide_amendment, **given)
    await decide(scene, "greta", amendment, terms_version_id=newer)
    scene.world.terms_version_id = newer


async def test_an_answer_is_to_what_was_read(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    given = await answer(scene, amendment) | {"expected_version": 7}
    await scene.refused("greta", Conflict, decide_amendment, **given)
    await scene.refused("ada", Conflict, withdraw_amendment, amendment_id=amendment, expected_version=7)
    stale = {"partnership_id": scene.partnership, "expected_version": 1}
    await scene.refused("ada", Conflict, amend_partnership, **stale, **WIDER)


async def test_a_no_ends_it(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    await decide(scene, "greta", amendment, accept=False, consent=False, reason="Not now.")
    assert (await state(scene, amendment), (await terms(scene))[0]) == ("DECLINED", {"MANAGEMENT"})
    assert (await scene.mails("amendment_declined"))[-1] == {"ada", "arne", "mia"}
    await scene.refused("greta", InvalidState, decide_amendment, **await answer(scene, amendment))
    await scene.refused("ada", InvalidState, withdraw_amendment, amendment_id=amendment)
    own = await amend(scene, "mia", **WIDER)
    await decide(scene, "arne", own, accept=False)
    assert (await scene.mails("amendment_declined"))[-1] == {"mia"}
    assert len(await scene.events(scene.guest, "amendment.declined")) == 1
    asked = await amend(scene, "greta", **WIDER)
    await decide(scene, "arne", asked, accept=False)
    assert (await scene.mails("amendment_declined"))[-1] == {"greta", "gustav"}


@pytest.mark.parametrize(("proposer", "other"), [("ada", "gustav"), ("ada", "mia"), ("greta", "mia"), ("mia", "arne")])
async def test_either_side_withdraws_what_it_knows_of(scene: Scene, proposer: str, other: str) -> None:
    amendment = await amend(scene, proposer, **WIDER)
    await scene.act(other, withdraw_amendment, amendment_id=amendment)
    assert await state(scene, amendment) == "WITHDRAWN"
    assert proposer in (await scene.mails("amendment_closed"))[-1]
    await scene.refused(proposer, InvalidState, withdraw_amendment, amendment_id=amendment)
    await amend(scene, proposer, **WIDER)


async def test_one_waits_at_a_time(scene: Scene) -> None:
    await amend(scene, **WIDER)
    given = {"partnership_id": scene.partnership, "purposes": [MANAGEMENT, IMPROVEMENT]}
    for name in ("ada", "mia", "greta"):
        await scene.refused(name, Conflict, amend_partnership, **given)


async def test_what_an_owner_proposed_is_nothing_to_the_guest(scene: Scene) -> None:
    internal = await amend(scene, "mia", **WIDER)
    await scene.refused("greta", NotFound, decide_amendment, **await answer(scene, internal))
    await scene.refused("greta", NotFound, withdraw_amendment, amendment_id=internal)
    asked = await amend(scene, "greta", purposes=[MANAGEMENT, IMPROVEMENT])
    await scene.refused("ada", Conflict, decide_amendment, **await answer(scene, internal))
    await decide(scene, "ada", asked)
    assert await state(scene, internal) == "WITHDRAWN"
    assert (await terms(scene))[0] == {"MANAGEMENT", "IMPROVEMENT"}
    assert await scene.events(scene.guest, "amendment.withdrawn") == []


async def test_narrowing_withdraws_what_was_proposed_on_other_terms(scene: Scene) -> None:
    await opened(scene)
    proposed = await amend(scene, **WIDER)
    await amend(scene, "mia", wallet_entrusted=False)
    assert await state(scene, proposed) == "WITHDRAWN"
    await scene.refused("greta", InvalidState, decide_amendment, **await answer(scene, proposed))
    assert (await terms(scene))[2:] == ("COMPLETE", False)


async def test_something_taken_back_does_not_wait(scene: Scene) -> None:
    """Mixed: another purpose is wider as a whole, everything else that goes has to go by itself."""
    await opened(scene)
    ends = await ends_in(scene, 90)
    sooner, later = ends - timedelta(days=30), ends + timedelta(days=30)
    for mixed in (
        WIDER | {"wallet_entrusted": False},
        WIDER | {"access_mode": LIMITED},
        WIDER | {"expires_at": sooner},
        {"expires_at": later, "access_mode": LIMITED},
    ):
        await scene.refused("ada", ValidationError, amend_partnership, partnership_id=scene.partnership, **mixed)
    swapped = await amend(scene, purposes=[SUPPORT])
    assert (await state(scene, swapped), (await terms(scene))[0]) == ("PENDING_GUEST", {"MANAGEMENT"})
    await decide(scene, "greta", swapped)
    assert (await terms(scene))[0] == {"SUPPORT"}


async def test_what_changes_nothing_or_makes_no_sense_is_refused(scene: Scene) -> None:
    ends = await ends_in(scene, 90)
    tried: list[dict[str, Any]] = [
        {},
        {"purposes": [MANAGEMENT]},
        {"purposes": []},
        {"access_mode": LIMITED},
        {"expires_at": ends},
        {"expires_at": scene.world.clock.now - timedelta(days=1)},
        {"expires_at": ends, "without_end": True},
    ]
    for senseless in tried:
        await scene.refused("ada", ValidationError, amend_partnership, partnership_id=scene.partnership, **senseless)


async def test_an_end_is_brought_forward_at_once_and_is_the_end(scene: Scene) -> None:
    ends = await ends_in(scene, 90)
    await scene.act("ada", set_auto_extend, partnership_id=scene.partnership, by=timedelta(days=30))
    await amend(scene, "mia", expires_at=ends - timedelta(days=60))
    row = await scene.row("partnerships", scene.partnership)
    assert (row["expires_at"], row["auto_extend"]) == (ends - timedelta(days=60), None)
    scene.world.clock.advance(days=31)
    await scene.refused("ada", InvalidState, amend_partnership, partnership_id=scene.partnership, **WIDER)


async def test_a_later_end_is_within_the_policy_when_proposed_and_when_accepted(scene: Scene) -> None:
    ends = await ends_in(scene, 10)
    now = scene.world.clock.now
    await scene.act("ada", set_policy, max_partnership_duration=timedelta(days=60))
    for beyond in ({"expires_at": now + timedelta(days=61)}, {"without_end": True}):
        for name in ("ada", "greta"):
            await scene.refused(name, ValidationError, amend_partnership, partnership_id=scene.partnership, **beyond)
    amendment = await amend(scene, expires_at=now + timedelta(days=50))
    assert (await terms(scene))[1] == ends
    await scene.act("ada", set_policy, max_partnership_duration=timedelta(days=40))
    await decide(scene, "greta", amendment)
    assert (await terms(scene))[1] == now + timedelta(days=40)
    await amend(scene, expires_at=now + timedelta(days=20))


async def test_an_end_that_the_host_moved_meanwhile_is_not_taken_back(scene: Scene) -> None:
    ends = await ends_in(scene, 30)
    amendment = await amend(scene, expires_at=ends + timedelta(days=10))
    until = ends + timedelta(days=20)
    await scene.act("ada", extend_partnership, partnership_id=scene.partnership, until=until)
    await decide(scene, "greta", amendment)
    assert (await terms(scene))[1] == until


async def test_an_end_goes(scene: Scene) -> None:
    await ends_in(scene, 30)
    await decide(scene, "greta", await amend(scene, without_end=True))
    assert (await terms(scene))[1] is None


async def test_nothing_is_amended_while_suspended(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    await scene.act("mia", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    for changes in (WIDER, {"access_mode": COMPLETE}):
        await scene.refused("ada", InvalidState, amend_partnership, partnership_id=scene.partnership, **changes)
    for accept in (True, False):
        given = await answer(scene, amendment, accept=accept)
        await scene.refused("greta", InvalidState, decide_amendment, **given)
    await scene.act("mia", resume_partnership, partnership_id=scene.partnership)
    await decide(scene, "greta", amendment)
    second = await amend(scene, purposes=[*WIDER["purposes"], IMPROVEMENT])
    await scene.act("mia", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    await scene.act("ada", withdraw_amendment, amendment_id=second)
    assert await state(scene, second) == "WITHDRAWN"


async def test_a_barred_or_inactive_side_agrees_to_nothing_wider(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    given = await answer(scene, amendment)
    await scene.act("greta", set_policy, blocked_partners=[scene.host.id])
    assert (await scene.refused("greta", Forbidden, decide_amendment, **given)).condition == "POLICY_DENIED"
    await scene.act("greta", set_policy, blocked_partners=[])
    suspended = {"organisation_id": scene.host.id, "status": OrganisationStatus.SUSPENDED}
    await scene.world.operate(set_organisation_status, **suspended)
    refused = await scene.refused("greta", Forbidden, decide_amendment, **given)
    assert refused.condition == "ORGANISATION_INACTIVE"
    await scene.world.operate(set_organisation_status, **suspended | {"status": OrganisationStatus.ACTIVE})
    await scene.act("ada", set_policy, require_mfa=True)
    scene.people["greta"] = replace(scene["greta"], identity=replace(scene["greta"].identity, mfa=False))
    assert (await scene.refused("greta", Forbidden, decide_amendment, **given)).condition == "POLICY_DENIED"
    assert await state(scene, amendment) == "PENDING_GUEST"


async def test_after_fourteen_days_it_has_lapsed_by_the_clock_and_by_the_sweep(scene: Scene) -> None:
    amendment = await amend(scene, **WIDER)
    scene.world.clock.advance(days=14)
    await scene.refused("greta", InvalidState, decide_amendment, **await answer(scene, amendment))
    await scene.refused("ada", InvalidState, withdraw_amendment, amendment_id=amendment)
    await sweep_now(scene)
    assert (await state(scene, amendment), (await terms(scene))[0]) == ("LAPSED", {"MANAGEMENT"})
    assert (await scene.mails("amendment_closed"))[-1] == {"ada", "arne", "mia", "greta", "gustav"}
    for side in (scene.host, scene.guest):
        assert len(await scene.events(side, "amendment.lapsed")) == 1
    async with scene.unchanged():
        await sweep_now(scene)


async def test_each_side_has_its_fourteen_days_and_the_guest_hears_of_no_lapse_at_the_host(scene: Scene) -> None:
    amendment = await amend(scene, "mia", **WIDER)
    scene.world.clock.advance(days=13)
    await decide(scene, "ada", amendment)
    scene.world.clock.advance(days=13)
    await decide(scene, "greta", amendment)
    await amend(scene, "mia", purposes=[*WIDER["purposes"], IMPROVEMENT])
    scene.world.clock.advance(days=14)
    await sweep_now(scene)
    assert (await scene.mails("amendment_closed"))[-1] == {"ada", "arne", "mia"}
    assert await scene.events(scene.guest, "amendment.lapsed") == []


async def test_what_has_lapsed_makes_room(scene: Scene) -> None:
    first = await amend(scene, **WIDER)
    scene.world.clock.advance(days=14)
    second = await amend(scene, "greta", **WIDER)
    assert (await state(scene, first), await state(scene, second)) == ("LAPSED", "PENDING_HOST")
    assert (await scene.world.verify()).faults == ()


@pytest.mark.parametrize("name", ["ada", "greta"])
async def test_with_the_partnership_everything_that_waits_ends(scene: Scene, name: str) -> None:
    internal = await amend(scene, "mia", **WIDER)
    asked = await amend(scene, "gustav", purposes=[MANAGEMENT, IMPROVEMENT])
    removal = await scene.act(name, remove_partner, partnership_id=scene.partnership)
    assert [await state(scene, key) for key in (internal, asked)] == ["WITHDRAWN"] * 2
    assert removal.receipt.amendments_withdrawn == 1
    await scene.refused("ada", InvalidState, decide_amendment, **await answer(scene, asked))
    assert (await scene.world.verify()).faults == ()


async def test_with_its_end_everything_that_waits_ends(scene: Scene) -> None:
    await ends_in(scene, 5)
    keys = [await amend(scene, "mia", **WIDER), await amend(scene, "gustav", purposes=[MANAGEMENT, IMPROVEMENT])]
    scene.world.clock.advance(days=6)
    await scene.refused("ada", InvalidState, decide_amendment, **await answer(scene, keys[1]))
    await sweep_now(scene)
    assert [await state(scene, key) for key in keys] == ["WITHDRAWN"] * 2


async def test_closing_an_organisation_ends_them_too(scene: Scene) -> None:
    amendment = await amend(scene, "mia", **WIDER)
    await scene.world.operate(set_organisation_status, organisation_id=scene.guest.id, status=OrganisationStatus.CLOSED)
    assert await state(scene, amendment) == "WITHDRAWN"
