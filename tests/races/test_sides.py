"""Two organisations that host each other, acting at once: their chains are locked in one order, nobody deadlocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select

from accord.database.engine import Transaction
from accord.database.tables.activity import chain_heads
from accord.domain.organisation import Role
from accord.domain.sharing import AccountRole
from accord.services import activity
from accord.services.grants.sharing import ShareItem, resume_share, share_accounts, suspend_share
from tests.scale import count
from tests.world import Person, World

ROUNDS: Final = count(test=5, check=100, prove=1_000)


class Side:
    """One organisation as a host: its admin and its owner, with shares in the partnership with the other."""

    def __init__(self, admin: Person, owner: Person) -> None:
        self.admin, self.owner = admin, owner
        self.shares: list[UUID] = []


async def set_up(world: World) -> tuple[Side, Side]:
    homes = [await world.organisation() for _ in range(2)]
    one, other = [Side(await world.person(home, Role.ORG_ADMIN), await world.person(home)) for home in homes]
    for host, guest in ((one, other), (other, one)):
        partnership = await world.partnership(host.owner, host.admin, guest.admin)
        items = [ShareItem(await world.account(host.owner), AccountRole.ACCOUNT_MANAGER) for _ in range(4)]
        made = await world.act(host.owner, share_accounts, partnership_id=partnership, items=items)
        host.shares = [key for key in made if isinstance(key, UUID)]
        assert len(host.shares) == 4
    return one, other


async def switch(world: World, sides: tuple[Side, Side], rounds: int) -> None:
    """Eight callers, four a side, each with a share of its own, all writing to the same two chains."""

    async def caller(side: Side, share: UUID) -> None:
        for _ in range(rounds):
            await world.act(side.owner, suspend_share, share_id=share)
            await world.act(side.owner, resume_share, share_id=share)

    await asyncio.gather(*(caller(side, share) for side in sides for share in side.shares))


class Begun:
    """Counts the transactions that were begun: an act that PostgreSQL stops for a deadlock begins again."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        begin = world.database._begin

        async def counted(*given: Any) -> Transaction:
            self.count += 1
            return await begin(*given)

        monkeypatch.setattr(world.database, "_begin", counted)


async def test_both_sides_at_once_never_deadlock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = await set_up(world)
    rounds = max(1, ROUNDS // 4)
    begun = Begun(world, monkeypatch)
    await switch(world, sides, rounds)
    assert begun.count == 8 * 2 * rounds
    verdict = await world.verify()
    assert not verdict.faults


async def test_out_of_order_they_would(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the locks is what keeps them apart: with the own side first PostgreSQL has to step in.

    Nobody is shown that: every act is run again until it is done.
    """

    async def own_first(tx: Transaction, streams: Sequence[UUID]) -> list[Any]:
        heads: list[Any] = []
        for stream in sorted(streams, key=lambda key: key != tx.acting_for):
            heads += await tx.all(select(chain_heads).where(chain_heads.c.stream_id == stream).with_for_update())
            await asyncio.sleep(0.01)
        return heads

    sides = await set_up(world)
    begun = Begun(world, monkeypatch)
    monkeypatch.setattr(activity, "lock_heads", own_first)
    await switch(world, sides, 2)
    assert begun.count > 8 * 2 * 2
    verdict = await world.verify()
    assert not verdict.faults
