"""An invitation's link is its address's: anybody else waits until the organisation confirms them (model 4.2, 4.11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.principal import Identity
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.organisation import Role, token_hash
from accord.services.grants.contact import accept_contact, add_external_contact, remove_external_contact
from accord.services.people.confirmation import confirm_invitation_claim, refuse_invitation_claim
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import remove_member, update_member
from tests.services.scene import Scene
from tests.world import STAFF, identify

INVITED: Final = "invited@harbour.example"
TOKEN: Final = "SELECT secret FROM accord.mails WHERE address = $1 AND secret IS NOT NULL ORDER BY id DESC LIMIT 1"


@pytest.fixture(autouse=True)
async def _fresh_addresses(scene: Scene) -> None:
    await scene.world.owner.execute("UPDATE accord.mails SET address = address || '.old', secret = NULL")


def thief(scene: Scene, name: str = "thief") -> Identity:
    return identify(f"{name}.{scene.host.handle}@elsewhere.example")


async def token_of(scene: Scene) -> str:
    return str(await scene.world.owner.fetchval(TOKEN, INVITED))


async def invite(scene: Scene, kind: str = "member", by: str = "ada", **given: Any) -> tuple[UUID, str]:
    """The invitation and the token of its link."""
    if kind == "contact":
        key = await scene.act(by, add_external_contact, email=INVITED, roles=[DelegatedRole.DECISION_MAKER])
    else:
        key = await scene.act(by, invite_member, email=INVITED, display_name="Invited", **given)
    return key, await token_of(scene)


async def follow(scene: Scene, identity: Identity, token: str, kind: str = "member") -> Any:
    act = accept_contact if kind == "contact" else accept_membership
    return await scene.world.database.write(identity, None, lambda tx: act(tx, token=token))


async def claims(scene: Scene) -> list[Any]:
    sql = "SELECT * FROM accord.invitation_claims WHERE organisation_id = $1 ORDER BY id"
    return list(await scene.world.owner.fetch(sql, scene.host.id))


async def decide(scene: Scene, name: str, act: Any, version: int = 1) -> None:
    (claim,) = (await claims(scene))[-1:]
    await scene.act(name, act, claim_id=claim["id"], expected_version=version)


async def dead(scene: Scene, identity: Identity, token: str, kind: str = "member") -> None:
    async with scene.unchanged():
        with pytest.raises(NotFound) as refusal:
            await follow(scene, identity, token, kind)
    assert refusal.value.path == ("token",)


async def status(scene: Scene, kind: str, key: UUID) -> tuple[str, UUID | None]:
    row = await scene.row("external_contacts" if kind == "contact" else "memberships", key)
    return row["status"], row["user_id"]


KINDS: Final = ("member", "contact")


async def other_person(scene: Scene) -> Identity:
    """Somebody at home elsewhere, who could be either kind of invited person."""
    return scene["zoe"].identity


@pytest.mark.parametrize("kind", KINDS)
async def test_with_the_invited_address_nobody_waits(scene: Scene, kind: str) -> None:
    key, token = await invite(scene, kind)
    vouched = replace(await other_person(scene), email="Invited@HARBOUR.example")
    assert await follow(scene, vouched, token, kind) == key
    assert (await status(scene, kind, key))[0] == "ACTIVE"
    assert await claims(scene) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("address", "same"),
    [("Office@STRASSE.example", True), ("office@straße.example", False), ("oﬃce@strasse.example", False)],
)
async def test_a_mailbox_that_looks_the_same_waits(scene: Scene, kind: str, address: str, same: bool) -> None:
    """`fold` compares them alike; their owners are different people, each vouched for by a provider of sign-in."""
    key, token = await invite(scene, kind)
    table = "external_contacts" if kind == "contact" else "memberships"
    await scene.world.owner.execute(f"UPDATE accord.{table} SET email = 'office@strasse.example' WHERE id = $1", key)
    followed = await follow(scene, replace(await other_person(scene), email=address), token, kind)
    assert (followed == key) is same
    assert len(await claims(scene)) == (not same)


@pytest.mark.parametrize("kind", KINDS)
async def test_two_mailboxes_that_cannot_be_told_apart_do_not_stand_side_by_side(scene: Scene, kind: str) -> None:
    given: Any = {"roles": [DelegatedRole.DECISION_MAKER]} if kind == "contact" else {"display_name": "Twin"}
    act: Any = add_external_contact if kind == "contact" else invite_member
    await scene.act("ada", act, email="office@strasse.example", **given)
    await scene.refused("ada", ValidationError, act, email="office@straße.example", **given)
    await scene.refused("ada", ValidationError, act, email="oﬃce@strasse.example", **given)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verified", [True, False])
async def test_with_another_address_nothing_is_given_and_the_admins_are_told(
    scene: Scene, kind: str, verified: bool
) -> None:
    key, token = await invite(scene, kind, by="arne")
    other = await other_person(scene)
    stated = other if verified else replace(other, email=INVITED, email_verified=False)
    assert await follow(scene, stated, token, kind) is None
    assert await status(scene, kind, key) == ("INVITED", None)
    assert await scene.mails("invitation_claimed") == [{"ada", "arne"}]
    (claim,) = await claims(scene)
    assert (claim["email"], claim["email_verified"], claim["state"]) == (stated.email, verified, "WAITING")
    (event,) = await scene.events(scene.host, "invitation.claimed")
    assert event["actor_user_id"] == scene["zoe"].id
    async with scene.unchanged():
        assert await follow(scene, stated, token, kind) is None, "the same again is the same claim"


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_confirmed_follows_the_link_once_more(scene: Scene, kind: str) -> None:
    key, token = await invite(scene, kind)
    other = await other_person(scene)
    await follow(scene, other, token, kind)
    await decide(scene, "ada", confirm_invitation_claim)
    assert await status(scene, kind, key) == ("INVITED", None), "confirming alone gives nothing"
    assert (await scene.mails("claim_confirmed"))[-1] == {"zoe"}
    await dead(scene, thief(scene), token, kind)
    assert await follow(scene, other, token, kind) == key
    assert await status(scene, kind, key) == ("ACTIVE", scene["zoe"].id)
    await dead(scene, other, token, kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_refused_is_refused_for_good_and_the_link_stays_good(scene: Scene, kind: str) -> None:
    key, token = await invite(scene, kind)
    other = await other_person(scene)
    await follow(scene, other, token, kind)
    await decide(scene, "ada", refuse_invitation_claim)
    await dead(scene, other, token, kind)
    person = await scene.world.person(await scene.world.organisation())
    assert await follow(scene, replace(person.identity, email=INVITED), token, kind) == key
    assert await status(scene, kind, key) == ("ACTIVE", person.id)


async def test_a_confirmation_is_taken_back(scene: Scene) -> None:
    _, token = await invite(scene)
    await follow(scene, thief(scene), token)
    await decide(scene, "ada", confirm_invitation_claim)
    await decide(scene, "arne", refuse_invitation_claim, version=2)
    await dead(scene, thief(scene), token)


async def test_one_waits_at_a_time_and_a_link_is_claimed_three_times_at_most(scene: Scene) -> None:
    key, token = await invite(scene)
    for number in range(3):
        assert await follow(scene, thief(scene, f"t{number}"), token) is None
        await dead(scene, thief(scene, f"late{number}"), token)
        await decide(scene, "ada", refuse_invitation_claim)
    await dead(scene, thief(scene, "fourth"), token)
    assert len(await scene.mails("invitation_claimed")) == 3
    assert await follow(scene, replace(thief(scene, "right"), email=INVITED), token) == key


async def test_the_right_person_is_not_kept_waiting_by_a_claim(scene: Scene) -> None:
    key, token = await invite(scene)
    await follow(scene, thief(scene), token)
    assert await follow(scene, replace(thief(scene, "right"), email=INVITED), token) == key
    (claim,) = await claims(scene)
    given = {"claim_id": claim["id"], "expected_version": 1}
    await scene.refused("ada", InvalidState, confirm_invitation_claim, **given)
    await dead(scene, thief(scene), token)


@pytest.mark.parametrize("how", ["invited again", "removed", "late", "inviter gone"])
async def test_a_claim_falls_with_its_invitation(scene: Scene, how: str) -> None:
    key, token = await invite(scene, by="arne")
    await follow(scene, thief(scene), token)
    (claim,) = await claims(scene)
    given = {"claim_id": claim["id"], "expected_version": 1}
    if how == "inviter gone":
        await scene.act("ada", confirm_invitation_claim, **given)
        await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
        await dead(scene, thief(scene), token)
        return
    if how == "invited again":
        await invite(scene)
    elif how == "removed":
        await scene.act("ada", remove_member, membership_id=key)
    else:
        scene.world.clock.advance(hours=72)
    await scene.refused("ada", InvalidState, confirm_invitation_claim, **given)
    if how == "invited again":
        await dead(scene, thief(scene), token)
        assert await follow(scene, thief(scene), await token_of(scene)) is None, "a new link is claimed for itself"


async def test_a_link_that_lapsed_while_the_claim_waited_works_once_confirmed(scene: Scene) -> None:
    key, token = await invite(scene)
    scene.world.clock.advance(hours=71)
    await follow(scene, thief(scene), token)
    scene.world.clock.advance(hours=24)
    await dead(scene, thief(scene), token)
    await decide(scene, "ada", confirm_invitation_claim)
    assert await follow(scene, thief(scene), token) == key
    assert (await status(scene, "member", key))[0] == "ACTIVE"


async def test_who_confirms_gives(scene: Scene) -> None:
    """An admin confirms nobody as legal representative; nobody confirms oneself; what was read has to stand."""
    _, token = await invite(scene, roles=[Role.LEGAL_REPRESENTATIVE])
    await follow(scene, thief(scene), token)
    (claim,) = await claims(scene)
    given = {"claim_id": claim["id"], "expected_version": 1}
    await scene.refused("arne", Forbidden, confirm_invitation_claim, **given)
    for name in ("mia", "otto", "aud", "greta", "zoe"):
        await scene.refused(name, (Forbidden, NotFound), confirm_invitation_claim, **given)
        await scene.refused(name, (Forbidden, NotFound), refuse_invitation_claim, **given)
    await scene.refused("ada", Conflict, confirm_invitation_claim, claim_id=claim["id"], expected_version=7)
    own = "UPDATE accord.invitation_claims SET issuer = $2, subject = $3 WHERE id = $1"
    identity = scene["ada"].identity
    await scene.world.owner.execute(own, claim["id"], identity.issuer, identity.subject)
    await scene.refused("ada", Forbidden, confirm_invitation_claim, **given)
    for act in (confirm_invitation_claim, refuse_invitation_claim):
        async with scene.unchanged():
            with pytest.raises((Forbidden, NotFound)):
                await scene.world.database.write(STAFF, None, lambda tx, act=act: act(tx, **given))  # type: ignore[misc]


async def test_a_contacts_claim_is_its_leaders_to_decide(scene: Scene) -> None:
    _, token = await invite(scene, "contact")
    await follow(scene, scene["zoe"].identity, token, "contact")
    dora = await scene.world.person(scene.host, Role.DECISION_MAKER)
    scene.people["dora"] = dora
    await decide(scene, "dora", confirm_invitation_claim)
    key = await follow(scene, scene["zoe"].identity, token, "contact")
    await scene.act("ada", remove_external_contact, contact_id=key)


async def test_whom_a_directory_made_is_claimed_by_the_address_too(scene: Scene) -> None:
    sql = (
        "WITH made AS (INSERT INTO accord.users (email, display_name, home_organisation_id) VALUES ($1, 'Made', $2)"
        " RETURNING id) INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, source,"
        " status, unclaimed, token_hash, token_expires_at, joined_at) SELECT $2, id, $1, 'Made', '{DECISION_MAKER}',"
        " 'SCIM', 'ACTIVE', true, $3, $4, $5 FROM made RETURNING id"
    )
    now = scene.world.clock.now
    token = f"the link of {scene.host.handle}"
    ends = now.replace(year=now.year + 1)
    key = await scene.world.owner.fetchval(sql, INVITED, scene.host.id, token_hash(token), ends, now)
    with pytest.raises(ValidationError):
        await follow(scene, scene["zoe"].identity, token)
    assert await follow(scene, thief(scene), token) is None
    assert await scene.mails("invitation_claimed") == [{"ada", "arne"}]
    await dead(scene, thief(scene, "second"), token)
    await decide(scene, "ada", confirm_invitation_claim)
    assert await follow(scene, thief(scene), token) == key


async def test_nobody_invites_oneself_to_what_nobody_gives_to_oneself(scene: Scene) -> None:
    """By the link of one's own invitation, after one has left: the link falls with the inviter, and with the rule."""
    _, token = await invite(scene, by="arne", roles=[Role.DECISION_MAKER])
    await scene.act("ada", remove_member, membership_id=scene["arne"].membership_id)
    vouched = replace(scene["arne"].identity, email=INVITED)
    await dead(scene, vouched, token)
    await scene.world.owner.execute(
        "UPDATE accord.memberships SET invited_by = NULL WHERE token_hash = $1", token_hash(token)
    )
    staff = replace(STAFF, email=INVITED)
    await dead(scene, staff, token)


async def test_a_legal_representative_by_an_older_link_is_asked_about_again(scene: Scene) -> None:
    """An admin may name one while there never was one: not any more by a link that was kept until there is."""
    other = await scene.world.organisation()
    boss = await scene.world.person(other, Role.ORG_ADMIN)
    legal = await scene.world.person(other)
    given = {"email": INVITED, "display_name": "Alias", "roles": [Role.LEGAL_REPRESENTATIVE]}
    await scene.world.act(boss, invite_member, **given)
    token = await token_of(scene)
    promoted = {"membership_id": legal.membership_id, "roles": [Role.LEGAL_REPRESENTATIVE]}
    await scene.world.act(boss, update_member, **promoted)
    await dead(scene, replace(thief(scene), email=INVITED), token)
