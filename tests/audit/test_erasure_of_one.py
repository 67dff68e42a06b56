"""Erasing one person takes nothing from anybody else: neither rows that others need, nor their addresses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from accord.domain.errors import InvalidState
from accord.domain.notice import Template
from accord.domain.partnership import Terms
from accord.services.people import member
from accord.services.people.erasure import erase_person
from tests.audit.test_erasure import mentions
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import Person, open_world

KEPT: Final = ("id", "address", "template", "facts")
WORDS: Final = ("NONE", "true", "null", "LIMITED", "MANAGEMENT", "accessMode", "listedBy", "host", "guest", "label")


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        yield await set_scene(world)


async def somebody_gone(scene: Scene, name: str = "Zebedee Quillfeather") -> Person:
    """A member of the guest who has left."""
    person = await scene.world.person(scene.guest, name=name)
    await scene.act("greta", member.remove_member, membership_id=person.membership_id, reason="Moved away")
    return person


@pytest.mark.parametrize("name", WORDS)
async def test_a_name_that_is_a_word_of_the_product_breaks_no_row(scene: Scene, name: str) -> None:
    owner = scene.world.owner
    person = await somebody_gone(scene, name)
    terms = await owner.fetch("SELECT id, terms FROM accord.attempts ORDER BY id")
    facts = await owner.fetch("SELECT id, facts FROM accord.mails WHERE address <> $1 ORDER BY id", person.email)
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert await owner.fetch("SELECT id, terms FROM accord.attempts ORDER BY id") == terms
    assert all(Terms.read(json.loads(row["terms"])) for row in terms)
    after = await owner.fetch("SELECT id, facts FROM accord.mails ORDER BY id")
    assert [json.loads(row["facts"]).keys() for row in after] == [json.loads(row["facts"]).keys() for row in facts]


async def test_texts_inside_of_stored_json_are_erased(scene: Scene) -> None:
    owner = scene.world.owner
    person = await somebody_gone(scene, 'Zebedee "Zed" \\ Quillfeather')
    facts = {"member": 'Ask Zebedee "Zed" \\ Quillfeather', "others": [{"note": person.email.upper()}], "count": 3}
    await owner.execute(
        "INSERT INTO accord.mails (organisation_id, template, address, facts, external, ordinal, created_at)"
        " VALUES ($1, $2, 'x@else.example', $3, false, 0, now())",
        scene.host.id,
        Template.WITHDRAWN.value,
        json.dumps(facts),
    )
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    found = await owner.fetchval("SELECT facts FROM accord.mails WHERE address = 'x@else.example'")
    assert json.loads(found) == {"member": "Ask [erased]", "others": [{"note": "[erased]"}], "count": 3}
    assert await mentions(owner, "Quillfeather", person.email) == {}


@pytest.mark.parametrize("said_by", ["directory", "former event"])
async def test_what_belongs_to_the_owner_of_an_address_stays(scene: Scene, said_by: str) -> None:
    """A directory, or an event of long ago, gives the person an address that is somebody else's now."""
    owner = scene.world.owner
    others = (scene["ada"].email, "security@host.example")
    person = await scene.world.person(scene.guest)
    await owner.execute(
        "INSERT INTO accord.organisation_settings (id, notification_addresses, security_contact)"
        " VALUES ($1, ARRAY['security@host.example'], 'security@host.example')",
        scene.host.id,
    )
    sql = (
        "SELECT (SELECT count(*) FROM accord.mails WHERE address = $2), s.* FROM accord.organisation_settings s"
        " WHERE id = $1"
    )
    await scene.act("greta", member.remove_member, membership_id=person.membership_id, reason="Moved away")
    for address in reversed(others):
        await say_address(scene, person, address, said_by)
    before = await owner.fetchrow(sql, scene.host.id, others[0])
    assert before["count"] > 0
    await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert await owner.fetchrow(sql, scene.host.id, others[0]) == before


async def say_address(scene: Scene, person: Person, address: str, said_by: str) -> None:
    owner = scene.world.owner
    if said_by == "directory":
        profile = json.dumps({"emails": [{"value": address}]})
        await owner.execute(
            "INSERT INTO accord.scim_users (id, organisation_id, user_name, profile) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (id) DO UPDATE SET profile = excluded.profile",
            person.membership_id,
            scene.guest.id,
            person.email,
            profile,
        )
    else:
        data = {"user": f"user_{person.id}", "email": {"from": address, "to": person.email}}
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(
            "UPDATE accord.activity_events SET data = $2 WHERE stream_id = $1 AND sequence = 1",
            scene.guest.id,
            json.dumps(data),
        )
        await owner.execute("SET session_replication_role = origin")


@pytest.mark.parametrize("place", ["contact of a proposal", "link of a proposal", "claim"])
async def test_nobody_is_erased_while_an_invitation_is_open(scene: Scene, place: str) -> None:
    owner = scene.world.owner
    person = await somebody_gone(scene)
    request = await scene.world.request(scene["ada"], await scene.world.organisation())
    if place == "contact of a proposal":
        sql = "UPDATE accord.partnerships SET contact_email = upper($2) WHERE id = $1"
        await owner.execute(sql, request, person.email)
    elif place == "link of a proposal":
        sql = "UPDATE accord.invitations SET email = upper($2) WHERE partnership_id = $1"
        await owner.execute(sql, request, person.email)
    else:
        await owner.execute(
            "INSERT INTO accord.invitation_claims (organisation_id, membership_id, by_operator, link_hash,"
            " invited_email, issuer, subject, email, email_verified, state, claimed_at, expires_at)"
            " VALUES ($1, $2, false, 'h', 'x@else.example', 'i', 's', $3, true, 'WAITING', now(), now())",
            scene.host.id,
            scene["ada"].membership_id,
            person.email,
        )
    before = await state(scene)
    with pytest.raises(InvalidState):
        await scene.world.operate(erase_person, user_id=person.id, reason="They asked for it.")
    assert await state(scene) == before


async def state(scene: Scene) -> list[Any]:
    tables = ("users", "partnerships", "invitations", "invitation_claims", "chain_heads")
    return [await scene.world.owner.fetch(f"SELECT * FROM accord.{table} ORDER BY 1") for table in tables]
