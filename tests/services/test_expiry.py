"""The sweep: what time alone brings about, with the events and mails that follow, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from accord.database.engine import Database
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.expiry import sweep
from accord.services.grants.access_request import AccessDecision, decide_access_requests, request_access
from accord.services.grants.sharing import ShareItem, share_accounts
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world

S = PartnershipState


class Scene:
    """A host, a guest, and the worker that sweeps."""

    def __init__(self, world: World, worker: Database, people: dict[str, Person]) -> None:
        self.world = world
        self.worker = worker
        self.people = people

    async def partnership(self, state: PartnershipState) -> Any:
        return await self.world.partnership(self.people["mia"], self.people["ada"], self.people["greta"], state)

    async def sweep(self, **later: float) -> None:
        """Let time pass, then sweep twice: the second time finds nothing."""
        self.world.clock.advance(**later)
        await sweep(self.worker, self.world.clock.now)
        before = await self.count("activity_events"), await self.count("mails")
        await sweep(self.worker, self.world.clock.now)
        assert (await self.count("activity_events"), await self.count("mails")) == before

    async def count(self, table: str) -> int:
        found: int = await self.world.owner.fetchval(f"SELECT count(*) FROM accord.{table}")
        return found

    async def state(self, key: Any, table: str = "partnerships") -> str:
        found: str = await self.world.owner.fetchval(f"SELECT state FROM accord.{table} WHERE id = $1", key)
        return found

    async def told(self, template: str) -> set[str]:
        """Who got a mail of this kind, by name."""
        rows = await self.world.owner.fetch("SELECT address FROM accord.mails WHERE template = $1", template)
        names = {person.email: name for name, person in self.people.items()}
        return {names.get(row["address"], row["address"]) for row in rows}

    async def events(self, kind: str) -> int:
        found: int = await self.world.owner.fetchval(
            "SELECT count(*) FROM accord.activity_events WHERE type = $1", kind
        )
        return found


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        host, guest = await world.organisation("Harbour"), await world.organisation("Lighthouse")
        people = {
            "ada": await world.person(host, Role.ORG_ADMIN),
            "mia": await world.person(host),
            "greta": await world.person(guest, Role.ORG_ADMIN),
            "dan": await world.person(guest),
        }
        worker = Database(database_urls.worker, clock=world.clock)
        yield Scene(world, worker, people)
        await worker.close()


async def test_a_request_that_the_host_leaves_lapses_after_thirty_days(scene: Scene) -> None:
    key = await scene.partnership(S.AWAITING_HOST_APPROVAL)
    await scene.sweep(days=26)
    assert await scene.told("lapse_notice") == set()
    await scene.sweep(days=1, minutes=1)
    assert await scene.told("lapse_notice") == {"ada", "mia"}
    assert await scene.state(key) == "AWAITING_HOST_APPROVAL"
    await scene.sweep(days=3)
    assert await scene.state(key) == "LAPSED"
    assert await scene.told("lapsed") == {"ada", "mia"}
    assert await scene.events("partnership.lapsed") == 1


async def test_an_invitation_that_the_guest_leaves_lapses_after_fourteen_days(scene: Scene) -> None:
    key = await scene.partnership(S.AWAITING_GUEST_ACCEPTANCE)
    await scene.sweep(days=14)
    assert await scene.state(key) == "LAPSED"
    assert await scene.told("lapsed") == {"ada", "mia", "greta"}
    assert await scene.events("partnership.lapsed") == 2


async def test_a_refused_partnership_that_nobody_sends_again_is_withdrawn(scene: Scene) -> None:
    key = await scene.partnership(S.DECLINED_BY_GUEST)
    await scene.sweep(days=30)
    assert await scene.state(key) == "WITHDRAWN"


async def test_a_partnership_expires_with_everything_under_it(scene: Scene) -> None:
    key = await scene.partnership(S.ACTIVE)
    desk = await scene.world.account(scene.people["mia"])
    item = ShareItem(desk, AccountRole.ACCOUNT_MANAGER)
    await scene.world.act(scene.people["mia"], share_accounts, partnership_id=key, items=[item])
    ends = scene.world.clock.now + timedelta(days=40)
    await scene.world.owner.execute("UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1", key, ends)
    await scene.sweep(days=11)
    await scene.sweep(days=22)
    await scene.sweep(days=6)
    assert await scene.world.owner.fetchval("SELECT count(*) FROM accord.mails WHERE template = 'expiring'") == 9
    await scene.sweep(days=1)
    assert await scene.state(key) == "EXPIRED"
    assert await scene.told("partnership_ended") == {"ada", "greta", "mia"}
    assert await scene.events("partnership.expired") == 2
    assert await scene.events("share.removed") == 2
    assert await scene.world.owner.fetchval("SELECT count(*) FROM accord.grants WHERE state = 'ACTIVE'") == 0


async def test_access_requests_lapse_and_grants_expire(scene: Scene) -> None:
    key = await scene.partnership(S.ACTIVE)
    mia, greta, dan = (scene.people[name] for name in ("mia", "greta", "dan"))
    desk = await scene.world.account(mia)
    item = ShareItem(desk, AccountRole.ACCOUNT_MANAGER)
    (share,) = await scene.world.act(mia, share_accounts, partnership_id=key, items=[item])
    given = {"share_id": share, "member_user_ids": [dan.id], "role": AccountRole.COLLABORATOR}
    (asked,) = await scene.world.act(greta, request_access, **given)
    await scene.sweep(days=14)
    assert await scene.state(asked, "access_items") == "LAPSED"
    (again,) = await scene.world.act(greta, request_access, **given)
    assert not isinstance(again, Exception)
    until = scene.world.clock.now + timedelta(days=5)
    answer = AccessDecision(again, 1, accept=True, expires_at=until)
    await scene.world.act(mia, decide_access_requests, items=[answer])
    await scene.sweep(minutes=1)
    assert await scene.told("access_expiring") == {"dan"}
    await scene.sweep(days=5)
    held = await scene.world.owner.fetchval("SELECT state FROM accord.grants WHERE user_id = $1", dan.id)
    assert held == "EXPIRED"
    assert await scene.events("grant.expired") == 2


@pytest.mark.parametrize("side", ["host_id", "guest_id"])
@pytest.mark.parametrize(("status", "extended"), [("ACTIVE", True), ("SUSPENDED", False), ("CLOSED", False)])
async def test_only_between_active_organisations_is_a_partnership_extended(
    scene: Scene, side: str, status: str, extended: bool
) -> None:
    owner = scene.world.owner
    await scene.partnership(S.ACTIVE)
    now = scene.world.clock.now
    renewing = "UPDATE accord.partnerships SET expires_at = $1, auto_extend = interval '30 days'"
    await owner.execute(renewing, now + timedelta(minutes=30))
    await owner.execute(
        f"UPDATE accord.organisations SET status = $1 WHERE id = (SELECT {side} FROM accord.partnerships)", status
    )
    await scene.sweep(minutes=1)
    told = await owner.fetchval("SELECT count(*) FROM accord.mails WHERE template = 'partnership_extended'")
    end = await owner.fetchval("SELECT expires_at FROM accord.partnerships")
    assert (end > now + timedelta(days=1), told > 0) == (extended, extended)
