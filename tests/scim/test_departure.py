"""Who leaves the directory loses all that rests on the membership, in the transaction of the request (S66, 4.10)."""

from __future__ import annotations

from typing import Any

import pytest

from accord.domain.errors import NotFound
from accord.domain.level import DataAccessLevel
from accord.services.grants.acting import switch_organisation
from accord.services.grants.ticket import redeem_ticket, sign_in_to_account
from accord.services.partnerships.level import set_data_access
from accord.services.people.member import deactivate_member, update_member
from tests.scim.bench import Bench, patch, user
from tests.services.scene import Signer
from tests.world import identify

INACTIVE = {"op": "replace", "path": "active", "value": "False"}


async def at_work(bench: Bench, name: str) -> dict[str, Any]:
    """Somebody of the guest with a grant, a ticket, a request for a colleague, a level and a session by it."""
    scene = bench.scene
    share = await scene.share()
    grant = await scene.grant(share, "greta") if name == "greta" else await scene.let_in(share, name)
    pending = None if name == "greta" else await scene.ask("greta", share, name)
    await scene.act("gustav", update_member, membership_id=scene[name].membership_id, delegated_admin=True)
    level = {"partnership_id": scene.partnership, "level": DataAccessLevel.MANAGE, "confirm": True}
    await scene.act("ada", set_data_access, **level)
    ticket = await scene.act(name, sign_in_to_account, account_id=scene.account, signer=Signer())
    session = await scene.world.act_as_oneself(scene[name], switch_organisation, host_id=scene.host.id)
    return {"share": share, "grant": grant, "pending": pending, "ticket": ticket.ticket, "session": session}


async def left(bench: Bench, name: str) -> dict[str, int]:
    """What of it lives."""
    key = bench.scene[name].id
    lives = {
        "grants": "SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE'",
        "items": "SELECT count(*) FROM accord.access_items WHERE $1 IN (member_user_id, requested_by)"
        " AND state = 'PENDING'",
        "tickets": "SELECT count(*) FROM accord.tickets WHERE user_id = $1 AND voided_at IS NULL"
        " AND redeemed_at IS NULL",
        "sessions": "SELECT count(*) FROM accord.acting_sessions WHERE user_id = $1 AND ended_at IS NULL",
        "delegated": "SELECT count(*) FROM accord.memberships WHERE user_id = $1 AND delegated_admin",
    }
    return {what: await bench.scene.world.owner.fetchval(sql, key) for what, sql in lives.items()}


@pytest.mark.parametrize("way", ["patch", "put", "delete"])
async def test_every_access_ends_with_the_membership(bench: Bench, way: str) -> None:
    had = await at_work(bench, "carla")
    assert all(count for what, count in (await left(bench, "carla")).items() if what != "items")
    path, carla = f"/Users/{bench.key('carla')}", bench.scene["carla"]
    if way == "patch":
        await bench.guest.patch(path, INACTIVE)
    elif way == "put":
        whole = user(carla.email, displayName="Carla Lighthouse", active=False)
        assert (await bench.guest.ok("PUT", path, whole))["active"] is False
    else:
        await bench.guest.ok("DELETE", path, status=204)
    assert set((await left(bench, "carla")).values()) == {0}
    with pytest.raises(NotFound):
        await bench.scene.world.database.write(identify("app"), None, lambda tx: redeem_ticket(tx, jti=had["ticket"]))
    kind = "member.removed" if way == "delete" else "member.deactivated"
    (own,) = await bench.scene.events(bench.scene.guest, kind)
    (theirs,) = await bench.scene.events(bench.scene.host, kind)
    assert own["actor_name"] == theirs["actor_name"] == "Okta (directory)"
    assert (own["ip"], theirs["ip"]) == ("192.0.2.99", None)
    assert not (await bench.scene.world.verify()).faults


async def test_who_is_let_in_again_has_none_of_it(bench: Bench) -> None:
    await at_work(bench, "carla")
    path = f"/Users/{bench.key('carla')}"
    await bench.guest.patch(path, INACTIVE)
    back = await bench.guest.patch(path, {"op": "replace", "path": "active", "value": "true"})
    assert back["active"] is True
    assert set((await left(bench, "carla")).values()) == {0}
    row = await bench.membership(bench.key("carla"))
    assert (row["status"], row["roles"], row["delegated_admin"]) == ("ACTIVE", ["MEMBER"], False)


@pytest.mark.parametrize("way", ["patch", "delete"])
async def test_of_the_last_admin_of_a_guest_everything_else_ends(bench: Bench, way: str) -> None:
    await at_work(bench, "greta")
    await bench.scene.act("greta", deactivate_member, membership_id=bench.scene["gustav"].membership_id)
    path = f"/Users/{bench.key('greta')}"
    payload = patch(INACTIVE) if way == "patch" else None
    method = "PATCH" if way == "patch" else "DELETE"
    error = await bench.guest.refused(409, method, path, payload)
    assert "last admin" in error["detail"]
    row = await bench.membership(bench.key("greta"))
    assert (row["status"], row["roles"]) == ("ACTIVE", ["ORG_ADMIN"])
    assert set((await left(bench, "greta")).values()) == {0}
    assert await bench.scene.mails("last_admin_refused") == [{"greta", "ada", "arne"}]
    partnership = await bench.scene.row("partnerships", bench.scene.partnership)
    assert (partnership["state"], partnership["representative_user_id"]) == ("ACTIVE", bench.scene["greta"].id)
    kind = "member.deactivated" if way == "patch" else "member.removed"
    told = (await bench.scene.events(bench.scene.guest, kind))[-1]

    assert '"lastAdmin": true' in told["data"]
    assert told["outcome"] == "DENIED"
    await bench.guest.refused(409, method, path, payload)
    assert len(await bench.scene.mails("last_admin_refused")) == 1, "told once a day"
    bench.scene.world.clock.advance(days=2)
    await bench.guest.refused(409, method, path, payload)
    assert (await bench.scene.mails("last_admin_refused"))[-1] == {"greta"}


async def test_at_the_host_an_owner_is_succeeded_and_partner_access_stays(bench: Bench) -> None:
    share = await bench.scene.share()
    grant = await bench.scene.let_in(share, "carla")
    await bench.host.ok("DELETE", f"/Users/{bench.key('mia')}", status=204)
    partnership = await bench.scene.row("partnerships", bench.scene.partnership)
    assert (partnership["state"], partnership["owner_user_id"]) == ("ACTIVE", bench.scene["ada"].id)
    assert (await bench.scene.row("grants", grant))["state"] == "ACTIVE"
    assert await bench.scene.mails("needs_owner") == [{"ada", "arne"}]


async def test_a_representative_is_followed_by_another_admin(bench: Bench) -> None:
    await bench.guest.ok("DELETE", f"/Users/{bench.key('greta')}", status=204)
    partnership = await bench.scene.row("partnerships", bench.scene.partnership)
    assert partnership["representative_user_id"] == bench.scene["gustav"].id


@pytest.mark.parametrize("way", ["patch", "delete"])
async def test_of_the_last_legal_representative_everything_else_ends(bench: Bench, way: str) -> None:
    """Leaving wins over all that somebody may be without: one of two admins keeps the one role, and no other."""
    path = f"/Users/{bench.key('ada')}"
    payload = patch(INACTIVE) if way == "patch" else None
    await bench.host.refused(409, "PATCH" if way == "patch" else "DELETE", path, payload)
    row = await bench.membership(bench.key("ada"))
    assert (row["status"], row["roles"]) == ("ACTIVE", ["LEGAL_REPRESENTATIVE"])
    assert await bench.scene.mails("last_legal_representative_refused") == [{"arne"}]
    assert await bench.scene.mails("leading_roles_changed") == [{"ada", "arne"}]
