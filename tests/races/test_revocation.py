"""Access that ends while it is being used: nothing is written under it after the end has been committed (S66, S91)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count as numbers
from typing import Any, Final
from uuid import UUID

import pytest

from accord.database.engine import Busy
from accord.database.queries import partnership as queries
from accord.domain.errors import DomainError
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import AccessDecision, decide_access_requests, request_access
from accord.services.grants.grant import change_member_role, leave_share, remove_member_from_partnership
from accord.services.grants.sharing import ShareItem, share_accounts, suspend_share, unshare_account
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ownership import set_co_owners, set_representative, transfer_partnership
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.member import deactivate_member, remove_member
from tests.races.copies import Copy, Original
from tests.randomness import seeded
from tests.scale import count
from tests.services.scene import Scene, Signer, set_scene
from tests.world import World

TRIALS: Final = count(test=2, check=15, prove=400)
NUMBERS: Final = numbers(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """Mia shares the desk with Greta, who let Carla in and asked for Dan; the copies of all this."""

    original: Original
    scene: Scene
    keys: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Take:
    """One trial on one copy."""

    stage: Stage
    copy: Copy

    def key(self, name: str) -> UUID:
        """The key of a thing of the stage, or of one of its people, in this copy."""
        scene = self.stage.scene
        return self.copy.key(scene[name].id if name in scene.people else self.stage.keys[name])

    async def act(self, name: str, service: Any, **given: Any) -> Any:
        """Let somebody of this copy act; the answer or the expected refusal. Who is told BUSY tries again."""
        for _ in range(BUSY_TRIES):
            try:
                return await self.stage.scene.world.act(self.copy.person(self.stage.scene[name]), service, **given)
            except DomainError as refused:
                return refused
            except Busy:
                continue
        raise Busy

    def membership(self, name: str) -> UUID:
        return self.copy.key(self.stage.scene[name].membership_id)

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        return list(await self.stage.scene.world.owner.fetch(sql, *arguments))


BUSY_TRIES: Final = 20
Write = Callable[[Take], Any]
WRITES: Final[dict[str, Write]] = {
    "share": lambda t: t.act(
        "mia",
        share_accounts,
        partnership_id=t.key("partnership"),
        items=[ShareItem(t.key("other account"), AccountRole.COLLABORATOR)],
    ),
    "ask": lambda t: t.act(
        "greta",
        request_access,
        share_id=t.key("share"),
        member_user_ids=[t.key("gustav")],
        role=AccountRole.COLLABORATOR,
    ),
    "ask for Carla": lambda t: t.act(
        "greta",
        request_access,
        share_id=t.key("other share"),
        member_user_ids=[t.key("carla")],
        role=AccountRole.COLLABORATOR,
    ),
    "decide": lambda t: t.act("mia", decide_access_requests, items=[AccessDecision(t.key("item"), 1, True)]),
    "sign in": lambda t: t.act("carla", sign_in_to_account, account_id=t.key("account"), signer=Signer()),
    "sign in as manager": lambda t: t.act("greta", sign_in_to_account, account_id=t.key("account"), signer=Signer()),
    "change role": lambda t: t.act(
        "mia", change_member_role, grant_id=t.key("grant"), role=AccountRole.ACCOUNT_MANAGER
    ),
    "leave": lambda t: t.act("carla", leave_share, share_id=t.key("share")),
    "suspend": lambda t: t.act("mia", suspend_share, share_id=t.key("other share")),
    "transfer": lambda t: t.act(
        "ada", transfer_partnership, partnership_id=t.key("partnership"), owner_user_id=t.key("otto")
    ),
    "co-own": lambda t: t.act("mia", set_co_owners, partnership_id=t.key("partnership"), user_ids=[t.key("otto")]),
    "represent": lambda t: t.act(
        "gustav", set_representative, partnership_id=t.key("partnership"), user_id=t.key("carla")
    ),
}
ENDS: Final[dict[str, Write]] = {
    "remove partner at the host": lambda t: t.act("ada", remove_partner, partnership_id=t.key("partnership")),
    "remove partner at the guest": lambda t: t.act("gustav", remove_partner, partnership_id=t.key("partnership")),
    "remove Carla": lambda t: t.act("gustav", remove_member, membership_id=t.membership("carla")),
    "deactivate Carla": lambda t: t.act("gustav", deactivate_member, membership_id=t.membership("carla")),
    "deactivate Greta": lambda t: t.act("gustav", deactivate_member, membership_id=t.membership("greta")),
    "end Carla's access": lambda t: t.act(
        "gustav", remove_member_from_partnership, partnership_id=t.key("partnership"), user_id=t.key("carla")
    ),
    "unshare": lambda t: t.act("mia", unshare_account, share_id=t.key("share")),
}


@pytest.fixture(scope="module")
async def stage(world: World) -> Stage:
    scene = await set_scene(world)
    share = await scene.share()
    other = await world.account(scene["mia"])
    third = await world.account(scene["mia"])
    grant = await scene.let_in(share, "carla")
    (item,) = await scene.ask("greta", share, "dan")
    keys = {
        "partnership": scene.partnership,
        "account": scene.account,
        "other account": other,
        "share": share,
        "other share": await scene.share(account=third),
        "grant": grant,
        "item": item,
    }
    return Stage(await Original.read(world, scene.host, scene.guest), scene, keys)


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_is_written_after_the_end(stage: Stage, end: str) -> None:
    chance = seeded()
    for copy in await stage.original.copy(TRIALS, next(NUMBERS) * 10_000):
        take = Take(stage, copy)
        writes = WRITES.keys() - ({"transfer"} if end == "unshare" else set())
        await contend(take, end, chance.sample(sorted(writes), 7))
        await assert_ended(take, end)


async def contend(take: Take, end: str, writes: list[str]) -> None:
    """The end and the writes at once; the end itself is never refused, unless what it ends has just been left.

    Whoever takes a share back owns the partnership until then: no transfer at the same time.
    """
    ended, *_ = await asyncio.gather(ENDS[end](take), *(WRITES[name](take) for name in writes))
    assert not isinstance(ended, DomainError) or (end == "end Carla's access" and "leave" in writes), ended


async def assert_ended(take: Take, end: str) -> None:
    """What no state and no event may show after this end."""
    if end.startswith("remove partner"):
        await assert_partnership_over(take)
    elif end == "unshare":
        await assert_share_over(take, take.key("share"))
    else:
        name = "greta" if "Greta" in end else "carla"
        await assert_person_gone(take, name, leaves=end != "end Carla's access")


async def assert_partnership_over(take: Take) -> None:
    partnership = take.key("partnership")
    for share in await take.rows("SELECT id FROM accord.shares WHERE partnership_id = $1", partnership):
        await assert_share_over(take, share["id"])
    events = await take.rows(
        "SELECT stream_id, type FROM accord.activity_events WHERE partnership_id = $1 ORDER BY stream_id, sequence",
        partnership,
    )
    for stream in {event["stream_id"] for event in events}:
        types = [event["type"] for event in events if event["stream_id"] == stream]
        after = types[types.index("partnership.terminated") + 1 :]
        assert set(after) <= {"share.removed"}, types


async def assert_share_over(take: Take, share: UUID) -> None:
    sql = (
        "SELECT (SELECT state FROM accord.shares WHERE id = $1) AS share,"
        " (SELECT count(*) FROM accord.grants WHERE share_id = $1 AND state = 'ACTIVE') AS grants,"
        " (SELECT count(*) FROM accord.access_items WHERE share_id = $1 AND state = 'PENDING') AS items,"
        " (SELECT count(*) FROM accord.tickets t JOIN accord.grants g ON g.id = t.grant_id"
        "  WHERE g.share_id = $1 AND t.voided_at IS NULL) AS tickets"
    )
    (left,) = await take.rows(sql, share)
    assert tuple(left) == ("REMOVED", 0, 0, 0)


async def assert_person_gone(take: Take, name: str, *, leaves: bool) -> None:
    """Access that a person had as somebody of the guest; `leaves`: the membership ended with it."""
    person = take.key(name)
    sql = (
        "SELECT (SELECT count(*) FROM accord.grants WHERE user_id = $1 AND state = 'ACTIVE') AS grants,"
        " (SELECT count(*) FROM accord.access_items WHERE state = 'PENDING' AND $1 IN (member_user_id, requested_by)),"
        " (SELECT count(*) FROM accord.tickets WHERE user_id = $1 AND voided_at IS NULL) AS tickets,"
        " (SELECT count(*) FROM accord.partnerships WHERE representative_user_id = $1) AS represents"
    )
    ((grants, items, tickets, represents),) = await take.rows(sql, person)
    if not leaves:
        assert tickets == 0
        return
    assert (grants, items, tickets, represents) == (0, 0, 0, 0)
    own = await take.rows(
        "SELECT type, actor_user_id FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence",
        take.copy.key(take.stage.scene.guest.id),
    )
    gone = next(place for place, event in enumerate(own) if event["type"] in {"member.removed", "member.deactivated"})
    assert person not in {event["actor_user_id"] for event in own[gone:]}


@pytest.mark.parametrize("end", ["remove partner at the host", "remove partner at the guest"])
async def test_after_the_end_every_write_is_refused(stage: Stage, end: str) -> None:
    (copy,) = await stage.original.copy(1, next(NUMBERS) * 10_000)
    take = Take(stage, copy)
    assert not isinstance(await ENDS[end](take), DomainError)
    async with stage.scene.unchanged():
        for name, write in WRITES.items():
            answer = await write(take)
            assert isinstance(answer, DomainError) or (
                isinstance(answer, list) and isinstance(answer[0], DomainError)
            ), name


async def test_the_chains_of_all_these_races_hold(world: World) -> None:
    verdict = await world.verify()
    assert verdict.events > len(ENDS) * TRIALS
    assert not verdict.faults


async def test_without_the_lock_something_is_written_after_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The races can fail: with the lock on the partnership switched off, they do."""

    async def nothing(*_: Any) -> None:
        return None

    async def run() -> None:
        for copy in await stage.original.copy(40, next(NUMBERS) * 10_000):
            take = Take(stage, copy)
            await contend(take, end, ["share", "ask", "decide", "sign in", "change role", "suspend"])
            await assert_ended(take, end)

    end = "remove partner at the host"
    monkeypatch.setattr(queries, "_hold", nothing)
    with pytest.raises(AssertionError):
        await run()
