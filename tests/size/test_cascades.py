"""What an act leaves to the worker is what the act itself would have done, in pieces and after any kill."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from accord.access.principal import Client
from accord.database.engine import Database
from accord.database.queries.cascade import list_unfinished
from accord.domain.cascade import CascadeKind
from accord.domain.errors import Conflict, DomainError, InvalidState
from accord.domain.level import DataAccessLevel
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.services.expiry import sweep
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people.erasure import erase_person
from accord.services.people.member import reactivate_member, remove_member
from accord.services.proceeding import Unfinished, finish_cascade
from tests.services.scene import Scene, Signer, set_scene
from tests.size.cases import CASES, PLACES, consequences, differences, limits
from tests.size.growth import grow_members, grow_shares
from tests.world import World

EVERYTHING = 10**6
MANY = 12


async def finish(worker: Database, world: World) -> list[UUID]:
    """Let the worker finish all that waits for it, and return what did."""
    done = list[UUID]()
    async with asyncio.timeout(300):
        while waiting := await _unfinished(worker):
            for key in waiting:
                await finish_cascade(worker, key)
            done += waiting
    assert not await world.owner.fetchval("SELECT count(*) FROM accord.cascades WHERE finished_at IS NULL")
    return done


async def _unfinished(worker: Database) -> list[UUID]:
    async with worker.system() as connection:
        return [*await list_unfinished(connection)]


def leaving(scene: Scene) -> UUID:
    return scene["greta"].id


def test_every_kind_has_a_case() -> None:
    assert {case.kind for case in CASES.values()} == set(PLACES)


@pytest.mark.parametrize("number", [2, MANY])
@pytest.mark.parametrize("name", CASES)
async def test_the_worker_does_what_the_act_would_have_done(
    world: World, worker: Database, name: str, number: int
) -> None:
    """With few things, of which people are told one by one, and with many, of which they are told together."""
    case = CASES[name]
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, number)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
        begun = await consequences(by_worker, leaving(by_worker))
        await finish(worker, world)
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker))) == {}
    assert differences(begun, expected), "the worker had something to do"


@pytest.mark.parametrize(("name", "person"), [(name, case.denied) for name, case in CASES.items() if case.denied])
async def test_access_is_denied_before_the_worker_comes(world: World, worker: Database, name: str, person: str) -> None:
    case = CASES[name]
    scene = await set_scene(world)
    await case.grow(scene, MANY)
    given = {"account_id": scene.account, "signer": Signer()}
    await scene.act(person, sign_in_to_account, **given)
    with limits(case.kind, at_once=0):
        await case.act(scene)
        with pytest.raises(DomainError):
            await scene.act(person, sign_in_to_account, **given)
        assert await finish(worker, world)


POISON = """
CREATE FUNCTION accord.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.id = '{key}' THEN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE UPDATE ON accord.{table} FOR EACH ROW EXECUTE FUNCTION accord.poison();
"""
CURE = "DROP TRIGGER poison ON accord.{table}; DROP FUNCTION accord.poison()"


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("remove a partner", "shares", "guest_id"),
        ("close a guest", "partnerships", "guest_id"),
        ("suspend a partner", "partnerships", "guest_id"),
        ("deactivate a representative", "partnerships", "guest_id"),
    ],
)
async def test_a_thing_that_can_not_be_done_keeps_no_other(
    world: World, worker: Database, name: str, table: str, column: str
) -> None:
    """It is passed over, and done once it can be; then everything is as if it had been done at once."""
    case = CASES[name]
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, MANY)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    listed = f"SELECT id FROM accord.{table} WHERE {column} = $1 ORDER BY id OFFSET 5 LIMIT 1"
    key = await world.owner.fetchval(listed, by_worker.guest.id)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
        async with worker.system() as connection:
            (cascade,) = await list_unfinished(connection)
        await world.owner.execute(POISON.format(table=table, key=key))
        for _ in range(2):
            with pytest.raises(Unfinished):
                await finish_cascade(worker, cascade)
            row = await by_worker.row("cascades", cascade)
            assert (row["failed"], row["done"], row["finished_at"]) == ([key], row["total"] - 1, None)
        await world.owner.execute(CURE.format(table=table))
        await finish(worker, world)
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker))) == {}


async def test_nobody_is_erased_whose_acts_are_under_way(world: World, worker: Database) -> None:
    """The events that are still to come would name the person again."""
    scene = await set_scene(world)
    case = CASES["remove a partner"]
    await case.grow(scene, MANY)
    with limits(case.kind, at_once=0):
        await scene.act("arne", remove_partner, partnership_id=scene.partnership)
        await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
        erasing = {"user_id": scene["arne"].id, "reason": "Arne asks for it."}
        with pytest.raises(InvalidState):
            await world.operate(erase_person, **erasing)
        await finish(worker, world)
    await world.operate(erase_person, **erasing)
    left = "SELECT count(*) FROM accord.activity_events WHERE actor_name = 'Arne Harbour' AND stream_id = $1"
    assert not await world.owner.fetchval(left, scene.host.id)
    assert not await world.owner.fetchval("SELECT count(*) FROM accord.cascades WHERE author IS NOT NULL")


FORGED = """
INSERT INTO accord.cascades (organisation_id, kind, subject_id, facts, author, total)
VALUES ($1, $2, $3, $4, $5, 1) RETURNING id
"""


@pytest.mark.parametrize("name", CASES)
async def test_without_the_act_the_worker_does_nothing(world: World, worker: Database, name: str) -> None:
    """Whoever could only write a cascade, by a hole in the gateway, could end nothing by it."""
    case = CASES[name]
    scene = await set_scene(world)
    await case.grow(scene, 3)
    author = dict.fromkeys(("person", "home", "for", "client", "acting")) | {
        "name": "Nobody",
        "place": asdict(Client()),
    }
    leaver = scene["greta" if "representative" in name else "mia"]
    facts: dict[str, str] = {
        "ended_at": world.clock.now.isoformat(),
        "user": str(leaver.id),
        "organisation": str(leaver.organisation.id),
    }
    subjects = {
        CascadeKind.END_SHARES: scene.partnership,
        CascadeKind.END_ACCOUNT_SHARES: scene.account,
        CascadeKind.REPLACE_MEMBER: leaver.membership_id,
    }
    subject = subjects.get(case.kind, scene.guest.id)
    if case.kind is CascadeKind.RELEASE_PARTNERSHIPS:
        pytest.skip("a partner is as free as its status says")
    given = json.dumps(facts), json.dumps(author)
    key = await world.owner.fetchval(FORGED, scene.host.id, case.kind.value, subject, *given)
    async with scene.unchanged():
        await finish_cascade(worker, key)
    assert (await scene.row("cascades", key))["finished_at"]


async def test_nobody_comes_back_while_others_still_follow(world: World, worker: Database) -> None:
    scene = await set_scene(world)
    case = CASES["deactivate a representative"]
    await case.grow(scene, MANY)
    again = {"membership_id": scene["greta"].membership_id}
    with limits(case.kind, at_once=0):
        await case.act(scene)
        await scene.refused("gustav", Conflict, reactivate_member, **again)
        await finish(worker, world)
    await scene.act("gustav", reactivate_member, **again)


async def test_a_ceiling_is_not_raised_while_it_is_being_lowered(world: World, worker: Database) -> None:
    """What was granted above it falls with it for good; raised before that, it would be granted again."""
    scene = await set_scene(world)
    case = CASES["lower a ceiling"]
    await case.grow(scene, MANY)
    higher = {"partner_id": scene.guest.id, "ceiling": DataAccessLevel.MANAGE}
    with limits(case.kind, at_once=0):
        await case.act(scene)
        async with scene.unchanged():
            with pytest.raises(Conflict):
                await world.operate(set_ceiling, **higher)
        await finish(worker, world)
    await world.operate(set_ceiling, **higher)
    granted = "SELECT DISTINCT granted_level FROM accord.partnerships WHERE guest_id = $1 AND granted_level <> 'NONE'"
    assert [row[0] for row in await world.owner.fetch(granted, scene.guest.id)] == ["SUPPORT"]


async def test_a_cascade_begins_another(world: World, worker: Database) -> None:
    """The partnership of a closed organisation has more shares than a batch takes."""
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await CASES["close a guest"].grow(scene, 3)
        await grow_shares(scene, MANY, await grow_members(scene, 2))
    with limits(CascadeKind.END_PARTNERSHIPS, at_once=EVERYTHING), limits(CascadeKind.END_SHARES, at_once=EVERYTHING):
        await CASES["close a guest"].act(by_act)
    with limits(CascadeKind.END_PARTNERSHIPS, at_once=0), limits(CascadeKind.END_SHARES, at_once=0):
        await CASES["close a guest"].act(by_worker)
        assert len(await finish(worker, world)) == 2
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker))) == {}


async def test_time_begins_a_cascade(world: World, worker: Database) -> None:
    """A partnership with many shares expires."""
    scene = await set_scene(world)
    await grow_shares(scene, MANY, await grow_members(scene, 2))
    over = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await world.owner.execute(over, scene.partnership, world.clock.now - timedelta(hours=1))
    with limits(CascadeKind.END_SHARES, at_once=0):
        await sweep(worker, world.clock.now)
        assert (await scene.row("partnerships", scene.partnership))["state"] == "EXPIRED"
        await finish(worker, world)
    assert len(await scene.events(scene.guest, "share.removed")) == MANY
    assert {row["actor_name"] for row in await scene.events(scene.guest, "share.removed")} == {"Accord"}


async def test_two_bounds_lowered_to_one_leave_nothing_above(world: World, worker: Database) -> None:
    scene = await set_scene(world)
    await _set_active(scene)
    link = await world.operate(
        link_partner, customer_id=scene.host.id, partner_id=scene.guest.id, kind=LinkKind.RESELLER
    )
    level = {"partnership_id": scene.partnership, "level": DataAccessLevel.MANAGE, "confirm": True}
    await scene.act("ada", set_data_access, **level)
    with limits(CascadeKind.BOUND_PARTNERSHIPS, at_once=0):
        await world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=DataAccessLevel.SUPPORT)
        await world.operate(set_ceiling, link_id=link, ceiling=DataAccessLevel.SUPPORT)
        await finish(worker, world)
    assert (await scene.row("partnerships", scene.partnership))["granted_level"] == "SUPPORT"


async def _set_active(scene: Scene) -> None:
    given = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}
    await scene.world.operate(set_partner_status, organisation_id=scene.guest.id, **given)


async def test_what_failed_is_not_done_when_it_is_no_longer_to_be(world: World, worker: Database) -> None:
    """A partnership could not be held, and meanwhile the partner goes on."""
    scene = await set_scene(world)
    await CASES["suspend a partner"].grow(scene, MANY)
    listed = "SELECT id FROM accord.partnerships WHERE guest_id = $1 ORDER BY id OFFSET 5 LIMIT 1"
    key = await world.owner.fetchval(listed, scene.guest.id)
    with limits(CascadeKind.HOLD_PARTNERSHIPS, at_once=0), limits(CascadeKind.RELEASE_PARTNERSHIPS, at_once=0):
        await CASES["suspend a partner"].act(scene)
        (cascade,) = await _unfinished(worker)
        await world.owner.execute(POISON.format(table="partnerships", key=key))
        with pytest.raises(Unfinished):
            await finish_cascade(worker, cascade)
        await world.owner.execute(CURE.format(table="partnerships"))
        await CASES["release a partner"].act(scene)
        await finish(worker, world)
    states = "SELECT DISTINCT state FROM accord.partnerships WHERE guest_id = $1"
    assert [row[0] for row in await world.owner.fetch(states, scene.guest.id)] == ["ACTIVE"]


async def test_who_follows_may_leave_at_the_same_moment(world: World, worker: Database) -> None:
    """What the worker hands to somebody is handed on by the act that ends that membership, or not handed over."""
    scene = await set_scene(world)
    await CASES["remove an owner"].grow(scene, MANY)
    with limits(CascadeKind.REPLACE_MEMBER, at_once=0, batch=1):
        await CASES["remove an owner"].act(scene)
        (cascade,) = await _unfinished(worker)
        heir = {"membership_id": scene["arne"].membership_id}
        await asyncio.gather(finish_cascade(worker, cascade), scene.act("ada", remove_member, **heir))
        await finish(worker, world)
    owners = "SELECT DISTINCT owner_user_id FROM accord.partnerships WHERE host_id = $1 AND ended_at IS NULL"
    assert [row[0] for row in await world.owner.fetch(owners, scene.host.id)] == [scene["ada"].id]


async def _nothing(*_: Any, **__: Any) -> Any:
    return 0


@pytest.mark.parametrize(
    ("name", "forgotten"),
    [
        ("remove a partner", "accord.services.grants.cascade.cancel_items"),
        ("suspend a partner", "accord.services.partnerships.status.tell"),
        ("lower a ceiling", "accord.services.partnerships.level.end_sessions_above"),
        ("deactivate a representative", "accord.services.people.departure.tell"),
    ],
)
async def test_a_cascade_that_forgets_one_kind_of_thing_is_found(
    world: World, worker: Database, name: str, forgotten: str
) -> None:
    """The control of the comparison: one step is left out, and only in the worker."""
    case = CASES[name]
    by_act, by_worker = await set_scene(world), await set_scene(world)
    for scene in (by_act, by_worker):
        await case.grow(scene, MANY)
    if "ceiling" in name:
        for scene in (by_act, by_worker):
            await scene.world.owner.execute(SESSION, scene["greta"].id, scene.guest.id, scene.world.clock.now)
    with limits(case.kind, at_once=EVERYTHING):
        await case.act(by_act)
    with limits(case.kind, at_once=0):
        await case.act(by_worker)
        with patch(forgotten, _nothing if "sessions" not in forgotten else _none):
            await finish(worker, world)
    expected = await consequences(by_act, leaving(by_act))
    assert differences(expected, await consequences(by_worker, leaving(by_worker)))


async def _none(*_: Any, **__: Any) -> tuple[()]:
    return ()


SESSION = """
INSERT INTO accord.acting_sessions (user_id, home_id, host_id, partnership_id, basis, level, state, started_at, used_at,
  ends_at, ip, user_agent)
SELECT $1, $2, host_id, id, 'LEVEL', 'MANAGE', 'ACTIVE', $3::timestamptz, $3, $3 + interval '1 hour', '', ''
FROM accord.partnerships WHERE guest_id = $2 AND granted_level = 'MANAGE' ORDER BY id LIMIT 1
"""
