"""Somebody who is gone is erased: nothing of them is left in any table, and every chain still verifies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest

from accord.domain.chain import ERASED
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.organisation import MembershipStatus
from accord.services.people import member, profile
from accord.services.people.erasure import ErasureReceipt, erase_person
from accord.services.people.signin import note_sign_in
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import Owner, Person, open_world

NAME: Final = 'Zebedee "Zed" Quillfeather'
LATER: Final = "Zeb O'Quill"
TABLES: Final = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname IN ('accord', 'queue') AND c.relkind IN ('r', 'p') ORDER BY 1"
)


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        yield await set_scene(world)


async def mentions(owner: Owner, *words: str) -> dict[str, int]:
    """How many rows of which table hold one of these words, in whatever column and spelling."""
    found = {}
    for table in [row[0] for row in await owner.fetch(TABLES)]:
        spelt = [spelling for word in words for spelling in (word, json.dumps(word)[1:-1])]
        sql = f"SELECT count(*) FROM {table} t WHERE t::text ILIKE ANY ($1) OR to_jsonb(t)::text ILIKE ANY ($1)"
        if count := await owner.fetchval(sql, [f"%{word}%" for word in spelt]):
            found[table] = count
    return found


async def leave_traces(scene: Scene) -> Person:
    """A member of the guest does what leaves names in places: signs in, is shared with, asks, renames, is told of."""
    world = scene.world
    person = await world.person(scene.guest, name=NAME)
    scene.people["zed"] = person
    await world.act_as_oneself(person, note_sign_in)
    share = await scene.share()
    await scene.let_in(share, "zed")
    await world.act_as_oneself(person, profile.update_profile, display_name=LATER)
    await world.owner.execute("UPDATE accord.attempts SET reason = 'Ask ' || $1 WHERE guest_decision IS NULL", LATER)
    await scene.act("greta", member.deactivate_member, membership_id=person.membership_id, reason=f"{LATER} moved away")
    await scene.act("greta", member.remove_member, membership_id=person.membership_id, reason=f"Ask {person.email}")
    await world.owner.execute(
        "INSERT INTO accord.mails (organisation_id, template, address, facts, external, ordinal, created_at)"
        " VALUES ($1, 'withdrawn', 'somebody@else.example', $2, false, 0, now())",
        scene.host.id,
        json.dumps({"member": NAME, "note": person.email}),
    )
    return person


async def test_nothing_of_an_erased_person_is_left(scene: Scene) -> None:
    person = await leave_traces(scene)
    before = await mentions(scene.world.owner, NAME, LATER, person.email)
    assert {"accord.users", "accord.memberships", "accord.activity_events", "accord.mails"} <= before.keys()
    assert not (await scene.world.verify()).faults
    receipt = await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert await mentions(scene.world.owner, NAME, LATER, person.email) == {}
    assert isinstance(receipt, ErasureReceipt)
    assert receipt.facts >= receipt.events > 3
    verdict = await scene.world.verify()
    assert not verdict.faults
    rows = await scene.world.owner.fetch(
        "SELECT * FROM accord.activity_events WHERE actor_user_id = $1 AND type <> 'person.erased'", person.id
    )
    assert {row["actor_name"] for row in rows} == {ERASED}
    assert all(row["ip"] is None and row["salt"] is None and row["erased"] for row in rows)


PLACES: Final = (
    (
        "INSERT INTO accord.organisation_settings (id, notification_addresses, security_contact)"
        " VALUES ($1, ARRAY['x@y.example', upper($2)], $2)"
    ),
    "INSERT INTO accord.directory_entries (id, email) VALUES ($1, $2)",
    "INSERT INTO accord.acting_changes (organisation_id, change) VALUES ($1, 'invited ' || $3 || ' (' || $2 || ')')",
    "UPDATE accord.partnerships SET contact_email = $2, end_reason = $3 || ' left' WHERE guest_id = $1",
    (
        "UPDATE accord.attempts SET host_reason = 'Ask ' || $2, terms = terms || jsonb_build_object('x', $3::text)"
        " WHERE guest_id = $1"
    ),
    (
        "INSERT INTO accord.scim_credentials (organisation_id, label, token_hash, created_by, expires_at)"
        " SELECT $1, 'By ' || $3, 'h', id, now() FROM accord.users WHERE home_organisation_id = $1 AND $2 <> '' LIMIT 1"
    ),
    "INSERT INTO accord.scim_groups (organisation_id, display_name) VALUES ($1, 'Friends of ' || $3 || ', ' || $2)",
    (
        "INSERT INTO accord.scim_users (id, organisation_id, user_name, profile) SELECT id, organisation_id, $2,"
        " jsonb_build_object('displayName', $3::text) FROM accord.memberships WHERE organisation_id = $1 AND email = $2"
    ),
    (
        "INSERT INTO accord.browser_sessions (token_hash, issuer, subject, email, email_verified,"
        " name, mfa, started_at,"
        " used_at, ends_at) SELECT 't' || $2, 'i', home_organisation_id::text, $2, true, $3, false, now(), now(),"
        " now() + interval '1 hour' FROM accord.users WHERE home_organisation_id = $1 LIMIT 1"
    ),
    (
        "INSERT INTO accord.sign_ins (token_hash, user_id, expires_at) SELECT 's' || $2 || $3, id,"
        " now() FROM accord.users"
        " WHERE home_organisation_id = $1 AND email = $2"
    ),
    (
        "INSERT INTO accord.external_contacts (host_id, email, roles, status, invited_by, ended_at)"
        " SELECT $1, initcap($2), '{PHONE_MANAGER}', 'REMOVED', id, now() FROM accord.users"
        " WHERE home_organisation_id = $1 AND $3 <> '' LIMIT 1"
    ),
    (
        "INSERT INTO accord.notifications (user_id, organisation_id, template, subject, text,"
        " created_at) SELECT id, $1,"
        " 'withdrawn', $3 || ' asks', 'Write to ' || $2, now() FROM accord.users WHERE"
        " home_organisation_id = $1 LIMIT 1"
    ),
    (
        "INSERT INTO accord.mails (organisation_id, template, address, facts, external, ordinal,"
        " created_at, last_error)"
        " VALUES ($1, 'withdrawn', $2, '{}', false, 0, now(), '550 ' || $3)"
    ),
    (
        "INSERT INTO accord.mails (organisation_id, template, address, address_key, facts, external, ordinal,"
        " created_at) VALUES ($1, 'withdrawn', upper($2), $2, '{}', false, 0, now())"
    ),
    (
        "INSERT INTO accord.held_mails (organisation_id, key, template, address, facts, created_at)"
        " VALUES ($1, 'k', 'withdrawn', upper($2), jsonb_build_object('member', $3::text), now())"
    ),
    (
        "INSERT INTO accord.held_mails (organisation_id, key, template, address, facts, display_name, created_at)"
        " VALUES ($1, 'k', 'withdrawn', 'x@else.example', jsonb_build_object('note', $2::text), $3, now())"
    ),
    (
        "INSERT INTO accord.invitation_claims (organisation_id, membership_id, by_operator, link_hash, invited_email,"
        " issuer, subject, email, email_verified, display_name, state, claimed_at, expires_at) SELECT $1, id, false,"
        " 'h', 'x@else.example', 'i', 's', upper($2), true, $3, 'LAPSED', now(), now()"
        " FROM accord.memberships WHERE organisation_id = $1 LIMIT 1"
    ),
    (
        "INSERT INTO accord.invitation_claims (organisation_id, membership_id, by_operator, link_hash, invited_email,"
        " issuer, subject, email, email_verified, display_name, state, claimed_at, expires_at) SELECT $1, id, false,"
        " 'h', $2, 'i', 's', 'x@else.example', true, $3, 'LAPSED', now(), now()"
        " FROM accord.memberships WHERE organisation_id = $1 LIMIT 1"
    ),
    (
        "INSERT INTO accord.retries (actor, mutation, place, key_hash, arguments_hash, created_at, expires_at)"
        " SELECT i.issuer || ' ' || i.subject, $2, $3, 'k', 'a', now(), now() FROM accord.identities i"
        " JOIN accord.users u ON u.id = i.user_id WHERE u.home_organisation_id = $1 AND u.email = $2"
    ),
    (
        "INSERT INTO accord.allowances (key, minute, hour, at) SELECT 'person ' || i.issuer || ' '"
        " || i.subject, 0, 0, 0"
        " FROM accord.identities i JOIN accord.users u ON u.id = i.user_id"
        " WHERE u.home_organisation_id = $1 AND u.email = $2 AND $3 <> ''"
    ),
    (
        "UPDATE accord.accounts SET label = 'Mailbox of ' || $3 || ', ' || $2 WHERE host_id IN (SELECT host_id"
        " FROM accord.partnerships WHERE guest_id = $1)"
    ),
)
"""Statements that put an address ($2) and a name ($3) into a place each, of or about an organisation ($1)."""


@pytest.mark.parametrize("place", PLACES, ids=lambda place: " ".join(place.split()[:3]))
async def test_each_place_is_reached(scene: Scene, place: str) -> None:
    person = await leave_traces(scene)
    values = [scene.guest.id, person.email, LATER][: 3 if "$3" in place else 2]
    typed = place.replace("$1", "$1::uuid").replace("$2", "$2::text").replace("$3", "$3::text")
    await scene.world.owner.execute("SET session_replication_role = replica")
    assert (await scene.world.owner.execute(typed, *values))[-2:] != " 0"
    await scene.world.owner.execute("SET session_replication_role = origin")
    if "mails" not in place:
        assert len(await mentions(scene.world.owner, LATER, person.email)) > 3
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert await mentions(scene.world.owner, NAME, LATER, person.email) == {}
    assert not (await scene.world.verify()).faults


async def test_neither_the_gateway_by_itself_nor_a_live_person_is_let_through_by_the_database(scene: Scene) -> None:
    gateway = await asyncpg.connect(scene.world.urls.gateway)
    worker = await asyncpg.connect(scene.world.urls.worker)
    try:
        for function in ("lock_gone_person", "erase_person"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await gateway.fetch(f"SELECT * FROM accord.{function}($1, NULL, NULL)", scene["dan"].id)
        with pytest.raises(asyncpg.CheckViolationError):
            await worker.fetch("SELECT * FROM accord.erase_person($1, NULL, NULL)", scene["dan"].id)
    finally:
        await gateway.close()
        await worker.close()


async def test_other_peoples_facts_stay(scene: Scene) -> None:
    person = await leave_traces(scene)
    sql = "SELECT count(*) FROM accord.activity_events WHERE actor_name = $1"
    name = await scene.world.owner.fetchval("SELECT display_name FROM accord.users WHERE id = $1", scene["greta"].id)
    before = await scene.world.owner.fetchval(sql, name)
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert before > 0
    assert await scene.world.owner.fetchval(sql, name) == before


async def test_every_affected_stream_has_it_on_record(scene: Scene) -> None:
    person = await leave_traces(scene)
    receipt = await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    rows = await scene.world.owner.fetch(
        "SELECT stream_id, data, hash FROM accord.activity_events WHERE type = 'person.erased'"
    )
    told = {row["stream_id"]: json.loads(row["data"]) for row in rows}
    assert {scene.guest.id} <= told.keys()
    assert sum(data["facts"] for data in told.values()) == receipt.facts
    assert {data["person"] for data in told.values()} == {f"user_{person.id}"}
    assert receipt.activity_head in {row["hash"] for row in rows}


@pytest.mark.parametrize("status", [MembershipStatus.ACTIVE, MembershipStatus.DEACTIVATED])
async def test_a_live_member_is_not_erased(scene: Scene, status: MembershipStatus) -> None:
    person = scene["dan"]
    if status is MembershipStatus.DEACTIVATED:
        await scene.act("greta", member.deactivate_member, membership_id=person.membership_id)
    await refused(scene, InvalidState, user_id=person.id)


async def test_nobody_is_erased_while_invited_elsewhere_by_the_same_address(scene: Scene) -> None:
    person = await leave_traces(scene)
    await scene.world.owner.execute(
        "INSERT INTO accord.memberships (organisation_id, email, display_name, status) VALUES ($1, $2, 'Z', 'INVITED')",
        scene.host.id,
        person.email.upper(),
    )
    await refused(scene, InvalidState, user_id=person.id)


async def test_who_is_erased_is_not_erased_again(scene: Scene) -> None:
    person = await leave_traces(scene)
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    await refused(scene, InvalidState, user_id=person.id)
    await refused(scene, InvalidState, membership_id=person.membership_id)


async def test_exactly_one_key_names_somebody(scene: Scene) -> None:
    person = scene["dan"]
    await refused(scene, ValidationError)
    await refused(scene, ValidationError, user_id=person.id, membership_id=person.membership_id)
    await refused(scene, NotFound, user_id=scene.guest.id)


async def test_only_the_operator_erases(scene: Scene) -> None:
    person = await leave_traces(scene)
    before = await scene.world.owner.fetchval("SELECT sum(sequence) FROM accord.chain_heads")
    with pytest.raises(Forbidden):
        await scene.world.act_as_oneself(scene["greta"], erase_person, user_id=person.id, reason="no")
    assert await scene.world.owner.fetchval("SELECT sum(sequence) FROM accord.chain_heads") == before
    assert NAME in str(await scene.world.owner.fetch("SELECT * FROM accord.activity_events"))


async def refused(scene: Scene, kind: type[Exception], **given: Any) -> None:
    """The operator is refused, and nothing has changed."""
    before = await scene.world.owner.fetch("SELECT * FROM accord.users, accord.chain_heads ORDER BY id, stream_id")
    with pytest.raises(kind):
        await scene.world.operate(erase_person, reason="They asked for it.", **given)
    after = await scene.world.owner.fetch("SELECT * FROM accord.users, accord.chain_heads ORDER BY id, stream_id")
    assert after == before
