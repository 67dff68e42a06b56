"""Signing in to an account, and the ticket for it (S74, model 4.16)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accord.access.principal import Client, Identity
from accord.domain.errors import Forbidden, NotFound
from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel
from accord.domain.sharing import AccountRole
from accord.services.grants.account import archive_account, update_account
from accord.services.grants.acting import switch_organisation
from accord.services.grants.grant import change_member_role, remove_member_from_share
from accord.services.grants.sharing import suspend_share, unshare_account
from accord.services.grants.ticket import Redeemed, redeem_ticket, sign_in_to_account
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, update_member
from tests.services.scene import Scene, Signer

APP = Identity("", "", None, False, None, False, "", datetime(2100, 1, 1, tzinfo=UTC), Client())
"""An app that redeems is no signed-in person."""


class Notary(Signer):
    """Keeps what it was asked to sign."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}

    def sign(self, **claims: Any) -> str:
        self.claims = claims
        return super().sign(**claims)


async def enter(scene: Scene, name: str, notary: Notary | None = None) -> UUID:
    """Sign in; the key of the ticket."""
    opened = await scene.act(name, sign_in_to_account, account_id=scene.account, signer=notary or Notary())
    return UUID(opened.ticket)


async def redeem(scene: Scene, jti: UUID) -> Redeemed:
    return await scene.world.database.write(APP, None, lambda tx: redeem_ticket(tx, jti=jti))


async def assert_dead(scene: Scene, jti: UUID) -> None:
    async with scene.unchanged():
        with pytest.raises(NotFound) as refusal:
            await redeem(scene, jti)
    assert refusal.value.path == ("ticket",)


async def test_a_guest_signs_in_and_the_app_learns_who(scene: Scene) -> None:
    share = await scene.share()
    notary = Notary()
    opened = await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=notary)
    assert opened.launch_url == "https://ledger.example/sign-in"
    assert opened.expires_at == scene.world.clock.now + timedelta(seconds=60)
    assert notary.claims == {
        "account_id": global_id("account", scene.account),
        "person_id": global_id("user", scene["greta"].id),
        "home_organisation_id": global_id("organisation", scene.guest.id),
        "audience": "https://ledger.example",
        "jti": opened.ticket,
        "expires_at": opened.expires_at,
    }
    grant = await scene.grant(share, "greta")
    assert grant["last_used_at"] == scene.world.clock.now
    assert grant["version"] == 1, "using an access changes no right"
    for side in (scene.host, scene.guest):
        (event,) = await scene.events(side, "signin.account")
        assert (event["actor_name"], event["ip"], event["account_label"]) == (
            "Greta Lighthouse", "192.0.2.7", "Campaign desk",
        )  # fmt: skip
    assert await redeem(scene, UUID(opened.ticket)) == Redeemed(
        account=global_id("account", scene.account),
        sub=global_id("user", scene["greta"].id),
        email=scene["greta"].email,
        name="Greta Lighthouse",
        role="ACCOUNT_MANAGER",
    )
    await assert_dead(scene, UUID(opened.ticket))


async def test_an_owner_signs_in_unseen_by_the_partners(scene: Scene) -> None:
    """Q32."""
    await scene.share()
    ticket = await enter(scene, "mia")
    assert len(await scene.events(scene.host, "signin.account")) == 1
    assert await scene.events(scene.guest, "signin.account") == []
    assert (await redeem(scene, ticket)).role == "ACCOUNT_OWNER"


@pytest.mark.parametrize("name", ["ada", "otto", "gustav", "carla", "zoe"])
async def test_whoever_has_no_grant_does_not_sign_in(scene: Scene, name: str) -> None:
    await scene.share()
    given = {"account_id": scene.account, "signer": Signer()}
    await scene.refused(name, (Forbidden, NotFound), sign_in_to_account, **given)


async def test_an_access_that_has_expired_opens_nothing(scene: Scene) -> None:
    """Invariant 12, for the grant and for the partnership."""
    share = await scene.share()
    given = {"account_id": scene.account, "signer": Signer()}
    for table, key in (("partnerships", scene.partnership), ("grants", (await scene.grant(share, "greta"))["id"])):
        ticket = await enter(scene, "greta")
        sql = f"UPDATE accord.{table} SET expires_at = $2 WHERE id = $1"
        await scene.world.owner.execute(sql, key, scene.world.clock.now)
        await scene.refused("greta", (Forbidden, NotFound), sign_in_to_account, **given)
        await assert_dead(scene, ticket)
        await scene.world.owner.execute(sql, key, None)


async def test_a_ticket_lives_a_minute(scene: Scene) -> None:
    await scene.share()
    ticket = await enter(scene, "greta")
    scene.world.clock.advance(seconds=59)
    other = await enter(scene, "greta")
    scene.world.clock.advance(seconds=1)
    await assert_dead(scene, ticket)
    assert (await redeem(scene, other)).name == "Greta Lighthouse"


async def test_unknown_tickets(scene: Scene) -> None:
    await assert_dead(scene, uuid4())


async def lose_grant(scene: Scene, share: UUID) -> None:
    await scene.act("mia", remove_member_from_share, share_id=share, user_id=scene["carla"].id)


async def lose_share(scene: Scene, share: UUID) -> None:
    await scene.act("mia", unshare_account, share_id=share)


async def pause_share(scene: Scene, share: UUID) -> None:
    await scene.act("mia", suspend_share, share_id=share)


async def lose_partner(scene: Scene, _share: UUID) -> None:
    await scene.act("gustav", remove_partner, partnership_id=scene.partnership)


async def lose_membership(scene: Scene, _share: UUID) -> None:
    await scene.act("gustav", deactivate_member, membership_id=scene["carla"].membership_id)


async def lose_account(scene: Scene, _share: UUID) -> None:
    await scene.act("mia", archive_account, account_id=scene.account)


async def move_account(scene: Scene, _share: UUID) -> None:
    await scene.act("mia", update_account, account_id=scene.account, launch_url="https://elsewhere.example/")


@pytest.mark.parametrize(
    "end", [lose_grant, lose_share, pause_share, lose_partner, lose_membership, lose_account, move_account]
)
async def test_an_unredeemed_ticket_dies_with_what_it_rests_on(scene: Scene, end: Any) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    ticket = await enter(scene, "carla")
    await end(scene, share)
    await assert_dead(scene, ticket)


async def test_an_owners_ticket_dies_with_the_membership(scene: Scene) -> None:
    ticket = await enter(scene, "mia")
    await scene.act("ada", deactivate_member, membership_id=scene["mia"].membership_id)
    await assert_dead(scene, ticket)


async def test_a_new_grant_does_not_revive_an_old_ticket(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    ticket = await enter(scene, "carla")
    await lose_grant(scene, share)
    await scene.world.owner.execute("UPDATE accord.tickets SET voided_at = NULL WHERE id = $1", ticket)
    await scene.let_in(share, "carla")
    await assert_dead(scene, ticket)


async def test_the_role_is_the_one_of_now(scene: Scene) -> None:
    share = await scene.share()
    grant = await scene.let_in(share, "carla")
    ticket = await enter(scene, "carla")
    await scene.act("mia", change_member_role, grant_id=grant, role=AccountRole.ACCOUNT_MANAGER)
    assert (await redeem(scene, ticket)).role == "ACCOUNT_MANAGER"


async def test_a_ticket_is_redeemed_once_however_many_try(scene: Scene) -> None:
    await scene.share()
    for _ in range(5):
        ticket = await enter(scene, "greta")
        answers = await asyncio.gather(*(redeem(scene, ticket) for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(one, Redeemed) for one in answers) == 1
        assert sum(isinstance(one, NotFound) for one in answers) == 5


async def require_second_factor(scene: Scene) -> None:
    await scene.world.owner.execute(
        "INSERT INTO accord.organisation_policies (id, require_mfa) VALUES ($1, true)"
        " ON CONFLICT (id) DO UPDATE SET require_mfa = true",
        scene.host.id,
    )


async def test_the_second_factor_is_that_of_the_sign_in_not_of_the_app(scene: Scene) -> None:
    await scene.share()
    await require_second_factor(scene)
    ticket = await enter(scene, "greta")
    assert not APP.mfa
    assert (await redeem(scene, ticket)).sub == global_id("user", scene["greta"].id)


async def test_a_ticket_without_a_second_factor_is_no_use_once_one_is_required(scene: Scene) -> None:
    await scene.share()
    assert not APP.mfa
    weak = replace(scene["greta"].identity, mfa=False)
    opened = await scene.world.database.write(
        weak,
        scene.guest.id,
        lambda tx: sign_in_to_account(tx, organisation_id=scene.guest.id, account_id=scene.account, signer=Notary()),
    )
    await require_second_factor(scene)
    await assert_dead(scene, UUID(opened.ticket))


async def test_an_acting_sessions_ticket_keeps_the_second_factor_too(scene: Scene) -> None:
    await scene.act(
        "ada", set_data_access, partnership_id=scene.partnership, level=DataAccessLevel.MANAGE, confirm=True
    )
    await scene.share()
    await scene.act("gustav", update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    await require_second_factor(scene)
    greta = scene["greta"]
    session = await scene.world.act_as_oneself(greta, switch_organisation, host_id=scene.host.id)
    opened = await scene.world.database.write(
        greta.identity,
        scene.host.id,
        lambda tx: sign_in_to_account(tx, organisation_id=scene.host.id, account_id=scene.account, signer=Notary()),
        session=session,
    )
    assert (await redeem(scene, UUID(opened.ticket))).role == "MANAGE"
