"""Inviting a partner (source 003): who may, to what, and what acceptance brings about (S92 to S104, Q19, Q20, Q34)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, RateLimited, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import Purpose
from accord.domain.sharing import AccountRole
from accord.services.grants.account import archive_account
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.invite import InvitedItem, invite_partner
from accord.services.partnerships.partnership import (
    accept_partnership,
    approve_partnership,
    refuse_partnership,
    remove_partner,
    withdraw_partnership,
)
from accord.services.partnerships.proposal import resend_partnership
from accord.services.people.member import update_member
from accord.services.policy import set_policy
from tests.services.invitations import ADDRESS, COMPLETE, LIMITED, Island, find_island
from tests.services.scene import Scene, Signer

KEEPER, CLERK = AccountRole.ACCOUNT_MANAGER, AccountRole.COLLABORATOR


@pytest.fixture
async def island(scene: Scene) -> Island:
    return await find_island(scene)


async def shares_of(scene: Scene, key: UUID) -> list[Any]:
    sql = "SELECT * FROM accord.shares WHERE partnership_id = $1 AND state = 'ACTIVE' ORDER BY id"
    return list(await scene.world.owner.fetch(sql, key))


async def test_a_legal_representative_lists_accounts_without_owning_them(scene: Scene, island: Island) -> None:
    till = await scene.world.account(scene["otto"], label="Till")
    items = [InvitedItem(scene.account), InvitedItem(till, CLERK)]
    key = await island.invite("lena", items=items)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["path"], row["owner_user_id"]) == (
        "AWAITING_GUEST_ACCEPTANCE",
        "HOST_INVITE",
        scene["lena"].id,
    )
    attempt = await scene.world.owner.fetchrow("SELECT * FROM accord.attempts WHERE partnership_id = $1", key)
    assert (attempt["number"], attempt["host_decision"], attempt["host_decided_by"]) == (1, "SKIPPED", scene["lena"].id)
    assert await shares_of(scene, key) == []
    with pytest.raises(NotFound):
        await scene.act("ines", sign_in_to_account, account_id=scene.account, signer=Signer())
    await island.accept(key)
    shares = await shares_of(scene, key)
    assert {(s["account_id"], s["shared_by"]) for s in shares} == {
        (scene.account, scene["lena"].id),
        (till, scene["lena"].id),
    }
    grants = await scene.world.owner.fetch("SELECT * FROM accord.grants WHERE partnership_id = $1", key)
    assert {(g["account_id"], g["user_id"], g["role"]) for g in grants} == {
        (scene.account, scene["ines"].id, "ACCOUNT_MANAGER"),
        (till, scene["ines"].id, "COLLABORATOR"),
    }
    await scene.act("ines", sign_in_to_account, account_id=till, signer=Signer())
    row = await scene.row("partnerships", key)
    assert (row["state"], row["access_mode"], row["granted_level"]) == ("ACTIVE", "LIMITED", "NONE")
    assert row["representative_user_id"] == scene["ines"].id


async def test_the_acts_are_told_and_mailed(scene: Scene, island: Island) -> None:
    key = await island.invite("lena")
    assert await island.told(key, "invitation") == {"ines", "igor", ADDRESS}
    for side in (scene.host, island.organisation):
        assert len(await scene.events(side, "partnership.invited")) == 1
    await island.accept(key)
    assert await island.told(key, "accepted") == {"ines", "igor", "ada", "arne", "lena"}
    assert await island.told(key, "shared") == set()
    for side in (scene.host, island.organisation):
        kinds = [event["type"] for event in await scene.events(side) if event["partnership_id"] == key]
        assert sorted(kinds) == ["partnership.accepted", "partnership.invited", "share.added", "terms.accepted"]
    assert (await scene.world.verify()).faults == ()


async def test_complete_access_grants_management_as_the_hosts_act(scene: Scene, island: Island) -> None:
    key = await island.invite("lena", access_mode=COMPLETE, wallet_entrusted=True)
    before = await scene.row("partnerships", key)
    assert (before["access_mode"], before["wallet_entrusted"], before["granted_level"]) == ("COMPLETE", True, "NONE")
    await island.accept(key)
    row = await scene.row("partnerships", key)
    assert (row["granted_level"], row["level_changed_by"]) == ("MANAGE", scene["lena"].id)
    assert (row["access_mode"], row["wallet_entrusted"]) == ("COMPLETE", True)
    assert await shares_of(scene, key) == []
    for side in (scene.host, island.organisation):
        assert [e["data"] for e in await scene.events(side, "level.granted")] == ['{"to": "MANAGE", "from": "NONE"}']
    assert await island.told(key, "level_changed") == {"ines", "igor"}


@pytest.mark.parametrize("ceiling", [DataAccessLevel.NONE, DataAccessLevel.SUPPORT])
async def test_the_ceiling_bounds_what_complete_access_grants(
    scene: Scene, island: Island, ceiling: DataAccessLevel
) -> None:
    await island.become_partner()
    await scene.world.operate(set_ceiling, partner_id=island.organisation.id, ceiling=ceiling)
    key = await island.invite("lena", access_mode=COMPLETE, wallet_entrusted=False)
    await island.accept(key)
    row = await scene.row("partnerships", key)
    assert (row["access_mode"], row["granted_level"]) == ("COMPLETE", ceiling)


@pytest.mark.parametrize("name", ["arne", "dirk", "mia", "otto", "aud"])
async def test_nobody_else_invites(scene: Scene, island: Island, name: str) -> None:
    for given in ({}, {"access_mode": COMPLETE, "wallet_entrusted": False}):
        wanted: dict[str, Any] = {"guest_handle": island.organisation.handle, "contact_email": ADDRESS}
        wanted |= given or {"access_mode": LIMITED, "items": [InvitedItem(scene.account)]}
        await scene.refused(name, Forbidden, invite_partner, **wanted)


async def test_admins_invite_to_own_accounts_where_a_legal_representative_says_so(scene: Scene, island: Island) -> None:
    await scene.refused("arne", Forbidden, set_policy, admin_may_invite=True)
    await scene.refused("dirk", Forbidden, set_policy, admin_may_invite=True)
    await scene.refused("lena", Forbidden, set_policy, admin_may_invite=True, require_mfa=True)
    await scene.refused("lena", Forbidden, set_policy, require_mfa=True)
    await scene.act("lena", set_policy, admin_may_invite=True)
    invited = {"guest_handle": island.organisation.handle, "contact_email": ADDRESS}
    whole = invited | {"access_mode": COMPLETE, "wallet_entrusted": False}
    await scene.refused("arne", Forbidden, invite_partner, **whole)
    unseen = invited | {"access_mode": LIMITED, "items": [InvitedItem(scene.account)]}
    await scene.refused("arne", NotFound, invite_partner, **unseen)
    ownerless = await scene.world.account(organisation=scene.host)
    await scene.refused("arne", Forbidden, invite_partner, **unseen | {"items": [InvitedItem(ownerless)]})
    own = await scene.world.account(scene["arne"])
    key = await island.invite("arne", items=[InvitedItem(own)])
    await scene.world.owner.execute("DELETE FROM accord.account_ownerships WHERE account_id = $1", own)
    await island.accept(key)
    assert await shares_of(scene, key) == []
    assert (await scene.row("partnerships", key))["granted_level"] == "NONE"


async def test_an_admin_shares_the_own_account_by_inviting(scene: Scene, island: Island) -> None:
    await scene.act("ada", set_policy, admin_may_invite=True)
    own = await scene.world.account(scene["arne"])
    key = await island.invite("arne", items=[InvitedItem(own)])
    await island.accept(key)
    (share,) = await shares_of(scene, key)
    assert (share["account_id"], share["shared_by"]) == (own, scene["arne"].id)


async def test_the_choice_is_forced(scene: Scene, island: Island) -> None:
    listed = [InvitedItem(scene.account)]
    for field, given in (
        ("walletEntrusted", {"access_mode": COMPLETE}),
        ("items", {"access_mode": COMPLETE, "wallet_entrusted": False, "items": listed}),
        ("walletEntrusted", {"access_mode": LIMITED, "wallet_entrusted": False, "items": listed}),
        ("walletEntrusted", {"access_mode": LIMITED, "wallet_entrusted": True, "items": listed}),
        ("items", {"access_mode": LIMITED}),
        ("items", {"access_mode": LIMITED, "items": listed * 2}),
        ("purposes", {"access_mode": LIMITED, "items": listed, "purposes": []}),
        ("contactEmail", {"access_mode": LIMITED, "items": listed, "contact_email": None}),
        ("contactEmail", {"access_mode": LIMITED, "items": listed, "contact_email": "nobody"}),
    ):
        wanted: dict[str, Any] = {"guest_handle": island.organisation.handle, "contact_email": ADDRESS}
        refused = await scene.refused("lena", ValidationError, invite_partner, **wanted | given)
        assert isinstance(refused, ValidationError)
        assert refused.field == field


async def test_what_cannot_be_listed_is_not_there(scene: Scene, island: Island) -> None:
    foreign = await scene.world.account(scene["zoe"])
    wanted: dict[str, Any] = {"guest_handle": island.organisation.handle, "contact_email": ADDRESS}
    for key in (foreign, uuid4(), scene["mia"].id):
        items = [InvitedItem(scene.account), InvitedItem(key)]
        refused = await scene.refused("lena", NotFound, invite_partner, **wanted, access_mode=LIMITED, items=items)
        assert refused.path == ("items", "1", "accountId")
    await scene.act("mia", archive_account, account_id=scene.account)
    items = [InvitedItem(scene.account)]
    await scene.refused("lena", InvalidState, invite_partner, **wanted, access_mode=LIMITED, items=items)


async def test_the_pair_is_free_and_nothing_bars_it(scene: Scene, island: Island) -> None:
    await island.invite("lena")
    wanted: dict[str, Any] = {"contact_email": ADDRESS, "access_mode": COMPLETE, "wallet_entrusted": False}
    await scene.refused("lena", Conflict, invite_partner, guest_handle=island.organisation.handle, **wanted)
    await scene.refused("lena", Conflict, invite_partner, guest_handle=scene.guest.handle, **wanted)
    await scene.refused("lena", NotFound, invite_partner, guest_handle="no-such-place", **wanted)
    await scene.refused("lena", ValidationError, invite_partner, guest_handle=scene.host.handle, **wanted)
    closed = await scene.world.organisation(partners_enabled=False)
    await scene.refused("lena", NotFound, invite_partner, guest_handle=closed.handle, **wanted)
    await scene.act("zoe", set_policy, blocked_partners=[scene.host.id])
    handle = scene["zoe"].organisation.handle
    await scene.refused("lena", NotFound, invite_partner, guest_handle=handle, **wanted)


async def test_an_account_archived_meanwhile_is_left_out(scene: Scene, island: Island) -> None:
    till = await scene.world.account(scene["mia"], label="Till")
    key = await island.invite("lena", items=[InvitedItem(scene.account), InvitedItem(till)])
    await scene.act("mia", archive_account, account_id=scene.account)
    await island.accept(key)
    assert [share["account_id"] for share in await shares_of(scene, key)] == [till]


async def test_what_the_invitation_shared_ends_with_the_partnership(scene: Scene, island: Island) -> None:
    key = await island.invite("lena")
    await island.accept(key)
    removed = await scene.act("ines", remove_partner, partnership_id=key)
    assert removed.receipt.shares_ended == 1
    assert await shares_of(scene, key) == []
    again = await island.invite("ada")
    assert (await scene.row("partnerships", again))["state"] == "AWAITING_GUEST_ACCEPTANCE"


async def test_every_link_that_is_no_use_gets_one_answer(scene: Scene, island: Island) -> None:
    key = await island.invite("lena")
    first = await island.token(key)
    consent = {"terms_version_id": await scene.world.terms(), "consent": True, "expected_version": 1}
    answers = []

    async def tries(name: str, token: str, **given: Any) -> None:
        refused = await scene.refused(name, NotFound, accept_partnership, token=token, **consent | given)
        answers.append((type(refused), refused.message, refused.path))
        refused = await scene.refused(name, NotFound, refuse_partnership, token=token, expected_version=1)
        answers.append((type(refused), refused.message, refused.path))

    for name in ("ivy", "ada", "lena", "greta", "zoe"):
        await tries(name, first)
    await tries("ines", "no such token")
    scene.world.clock.advance(hours=25)
    await scene.act("lena", resend_partnership, partnership_id=key)
    await tries("ines", first)
    second = await island.token(key)
    assert second != first
    scene.world.clock.advance(hours=73)
    await tries("ines", second)
    scene.world.clock.advance(hours=25)
    await scene.act("lena", resend_partnership, partnership_id=key)
    third = await island.token(key)
    version = await scene.world.version("partnerships", key)
    await scene.act("ines", accept_partnership, token=third, **consent | {"expected_version": version})
    await tries("ines", third)
    assert len(set(answers)) == 1


async def test_a_withdrawn_invitation_leaves_no_way_in(scene: Scene, island: Island) -> None:
    key = await island.invite("lena")
    token = await island.token(key)
    await scene.act("arne", withdraw_partnership, partnership_id=key)
    consent = {"terms_version_id": await scene.world.terms(), "consent": True, "expected_version": 2}
    await scene.refused("ines", NotFound, accept_partnership, token=token, **consent)
    await scene.refused("ines", InvalidState, accept_partnership, partnership_id=key, **consent)
    assert await shares_of(scene, key) == []


async def test_it_is_sent_again_a_day_later(scene: Scene, island: Island) -> None:
    key = await island.invite("lena")
    await scene.act("lena", resend_partnership, partnership_id=key)
    await scene.refused("lena", RateLimited, resend_partnership, partnership_id=key)
    scene.world.clock.advance(hours=25)
    await scene.act("lena", resend_partnership, partnership_id=key)
    await island.accept(key)
    assert len(await shares_of(scene, key)) == 1


async def test_after_a_refusal_the_whole_terms_are_proposed_again(scene: Scene, island: Island) -> None:
    key = await island.invite("lena", items=[InvitedItem(scene.account, CLERK)])
    await scene.act("ines", refuse_partnership, partnership_id=key, expected_version=1)
    await scene.act("lena", resend_partnership, partnership_id=key)
    attempts = await scene.world.owner.fetch(
        "SELECT * FROM accord.attempts WHERE partnership_id = $1 ORDER BY number", key
    )
    assert attempts[0]["terms"] == attempts[1]["terms"]
    await island.accept(key)
    assert len(await shares_of(scene, key)) == 1


@pytest.mark.parametrize(
    "given", [{"access_mode": COMPLETE, "wallet_entrusted": True}, {}], ids=["complete", "listed by a representative"]
)
async def test_who_is_no_legal_representative_any_more_covers_no_legal_act(
    scene: Scene, island: Island, given: dict[str, Any]
) -> None:
    key = await island.invite("lena", **given)
    await scene.act("ines", refuse_partnership, partnership_id=key, expected_version=1)
    given = {"membership_id": scene["lena"].membership_id, "roles": [Role.ORG_ADMIN]}
    await scene.act("ada", update_member, **given)
    await scene.refused("arne", Forbidden, resend_partnership, partnership_id=key)
    await scene.act("lena", resend_partnership, partnership_id=key)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["told_guest"]) == ("AWAITING_HOST_APPROVAL", False)
    for name in ("arne", "dirk"):
        refused = {"partnership_id": key, "expected_version": row["version"]}
        await scene.refused(name, Forbidden, approve_partnership, **refused)
    await scene.act("ada", approve_partnership, partnership_id=key, expected_version=row["version"])
    assert (await scene.row("partnerships", key))["state"] == "AWAITING_GUEST_ACCEPTANCE"


async def test_an_approval_narrows_complete_access_and_never_widens(scene: Scene, island: Island) -> None:
    key = await island.invite("lena", access_mode=COMPLETE, wallet_entrusted=True)
    await scene.act("ines", refuse_partnership, partnership_id=key, expected_version=1)
    wider = [Purpose.MANAGEMENT, Purpose.SUPPORT]
    await scene.act("lena", resend_partnership, partnership_id=key, purposes=wider)
    on: dict[str, Any] = {"partnership_id": key, "expected_version": await scene.world.version("partnerships", key)}
    await scene.refused("arne", ValidationError, approve_partnership, access_mode=LIMITED, wallet_entrusted=True, **on)
    await scene.act("arne", approve_partnership, access_mode=LIMITED, **on)
    await island.accept(key)
    row = await scene.row("partnerships", key)
    assert (row["access_mode"], row["wallet_entrusted"], row["granted_level"]) == ("LIMITED", False, "NONE")


async def test_one_person_is_not_both_sides(scene: Scene, island: Island) -> None:
    await scene.world.join(scene["lena"], island.organisation, Role.ORG_ADMIN)
    key = await island.invite("lena")
    given = {"terms_version_id": await scene.world.terms(), "consent": True, "expected_version": 1}
    given |= {"organisation_id": island.organisation.id, "partnership_id": key}
    await scene.refused("lena", Forbidden, accept_partnership, **given)
