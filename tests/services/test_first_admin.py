"""The operator helps where an organisation cannot: a first admin again, the next legal representative (model 4.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.principal import Identity
from accord.domain.errors import Forbidden, InvalidState, NotFound
from accord.domain.organisation import OrganisationStatus, Role
from accord.services.operator import create_organisation
from accord.services.partnerships.status import set_organisation_status
from accord.services.people.confirmation import confirm_invitation_claim
from accord.services.people.first_admin import invite_first_admin, name_legal_representative
from accord.services.people.joining import accept_membership
from accord.services.people.member import update_member
from tests.services.scene import Scene
from tests.world import STAFF, identify

LINK: Final = "SELECT secret FROM accord.mails WHERE address = $1 AND secret IS NOT NULL ORDER BY id DESC LIMIT 1"


async def found(scene: Scene, email: str, **given: Any) -> UUID:
    named = {"name": f"Found {scene.host.handle}", "country_code": "CH", "admin_display_name": "First Person"}
    key: UUID = await scene.world.operate(create_organisation, **named | given, admin_email=email)
    return key


def address(scene: Scene, name: str = "first") -> str:
    return f"{name}.{scene.host.handle}@found.example"


async def link(scene: Scene, email: str) -> str:
    return str(await scene.world.owner.fetchval(LINK, email))


async def follow(scene: Scene, identity: Identity, token: str) -> Any:
    return await scene.world.database.write(identity, None, lambda tx: accept_membership(tx, token=token))


async def roles(scene: Scene, membership: UUID) -> list[str]:
    row = await scene.row("memberships", membership)
    assert row["status"] == "ACTIVE"
    return sorted(row["roles"])


BOTH: Final = ["LEGAL_REPRESENTATIVE", "ORG_ADMIN"]


@pytest.mark.parametrize("other", [True, False])
@pytest.mark.parametrize("again", ["invite_first_admin", "create_organisation"])
async def test_a_first_admin_is_invited_again(scene: Scene, again: str, other: bool) -> None:
    first = address(scene)
    made = await found(scene, first)
    old = await link(scene, first)
    scene.world.clock.advance(hours=72)
    with pytest.raises(NotFound):
        await follow(scene, identify(first), old)
    second = address(scene, "second") if other and again == "invite_first_admin" else first
    if again == "create_organisation":
        assert await found(scene, first) == made, "nobody has joined: the same organisation"
        new = await link(scene, first)
        assert await found(scene, first, country_code="DE") != made
        assert await found(scene, address(scene, "third")) != made
    else:
        given = {"organisation_id": made, "email": second, "display_name": "Second Person"}
        assert await scene.world.operate(invite_first_admin, **given) == made
        new = await link(scene, second)
    for token in {old} - {new}:
        with pytest.raises(NotFound):
            await follow(scene, identify(first), token)
    membership = await follow(scene, identify(second), new)
    assert await roles(scene, membership) == BOTH
    told = [e["type"] for e in await scene.world.owner.fetch(
        "SELECT type FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence", made
    )]  # fmt: skip
    assert told[:2] == ["organisation.created", "member.invited"]
    if again == "create_organisation":
        assert await found(scene, first) != made, "somebody has joined: another organisation"


async def refused(scene: Scene, error: type[Exception], act: Any, **given: Any) -> None:
    async with scene.unchanged():
        with pytest.raises(error):
            await scene.world.operate(act, **given)


async def test_while_an_admin_is_active_the_operator_invites_none(scene: Scene) -> None:
    given = {"email": address(scene), "display_name": "Thief"}
    await refused(scene, InvalidState, invite_first_admin, organisation_id=scene.host.id, **given)
    await refused(scene, NotFound, invite_first_admin, organisation_id=scene["ada"].id, **given)
    empty = await scene.world.organisation()
    with pytest.raises(Forbidden):
        await scene.world.act_as_oneself(scene["ada"], invite_first_admin, organisation_id=empty.id, **given)
    await scene.world.operate(set_organisation_status, organisation_id=empty.id, status=OrganisationStatus.CLOSED)
    await refused(scene, InvalidState, invite_first_admin, organisation_id=empty.id, **given)


async def test_a_member_becomes_the_admin_at_once_and_all_is_on_record(scene: Scene) -> None:
    home = await scene.world.organisation()
    member = await scene.world.person(home)
    given = {"organisation_id": home.id, "email": member.email, "display_name": "Member"}
    await scene.world.operate(invite_first_admin, **given)
    assert await roles(scene, member.membership_id) == [*BOTH[:1], "MEMBER", *BOTH[1:]]
    for stream in (home.id, UUID(int=0)):
        sql = "SELECT type, data FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence DESC LIMIT 1"
        event = await scene.world.owner.fetchrow(sql, stream)
        assert event["type"] == "member.updated"
        assert "byOperator" in event["data"]
    sql = "SELECT count(*) FROM accord.mails WHERE template = 'leading_roles_changed' AND address = $1"
    assert await scene.world.owner.fetchval(sql, member.email) == 1


async def test_the_operator_names_the_next_legal_representative(scene: Scene) -> None:
    given = {"organisation_id": scene.host.id, "email": scene["otto"].email}
    await scene.refused("arne", Forbidden, name_legal_representative, **given)
    await refused(scene, NotFound, name_legal_representative, **given | {"email": "nobody@harbour.example"})
    await scene.world.operate(name_legal_representative, **given)
    assert await roles(scene, scene["otto"].membership_id) == ["LEGAL_REPRESENTATIVE", "MEMBER"]
    assert (await scene.mails("leading_roles_changed"))[-1] == {"otto", "ada", "arne"}
    await refused(scene, InvalidState, name_legal_representative, **given)
    stripped = {"membership_id": scene["ada"].membership_id, "roles": [Role.ORG_ADMIN]}
    await scene.act("arne", update_member, **stripped)


async def test_staff_becomes_no_first_admin_and_confirms_its_own_invitations_alone(scene: Scene) -> None:
    first = address(scene)
    made = await found(scene, first)
    token = await link(scene, first)
    with pytest.raises(NotFound):
        await follow(scene, replace(STAFF, email=first), token)
    other = identify(address(scene, "other"))
    assert await follow(scene, other, token) is None
    claim = await scene.world.owner.fetchval("SELECT id FROM accord.invitation_claims WHERE organisation_id = $1", made)
    await scene.world.operate(confirm_invitation_claim, claim_id=claim, expected_version=1)
    membership = await follow(scene, other, token)
    assert await roles(scene, membership) == BOTH
