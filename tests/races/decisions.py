"""Deciding about one partnership at once: two different acts, four callers each, all on the version read before."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from itertools import count as numbers
from typing import Any, Final
from uuid import UUID

from accord.domain.errors import Conflict, InvalidState
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.services.partnerships.partnership import (
    accept_partnership,
    approve_partnership,
    decline_partnership,
    refuse_partnership,
    remove_partner,
    withdraw_partnership,
)
from tests.races.copies import Copy, Original
from tests.randomness import seeded
from tests.scale import count
from tests.world import Person, Service, World

S = PartnershipState
TRIALS: Final = count(test=2, check=100, prove=1_000)
CALLERS: Final = 8
NUMBERS: Final = numbers(1)


@dataclass(frozen=True, slots=True)
class Act:
    """One of the two acts of a race: who does it, what it leaves."""

    service: Service[Any]
    by: str
    events: tuple[str, ...]
    ends_in: PartnershipState


ACTS: Final = {
    "approve": Act(approve_partnership, "admin", ("partnership.approved",), S.AWAITING_GUEST_ACCEPTANCE),
    "decline": Act(decline_partnership, "other_admin", ("partnership.declined",), S.DECLINED_BY_HOST),
    "accept": Act(accept_partnership, "guest_admin", ("partnership.accepted", "terms.accepted"), S.ACTIVE),
    "refuse": Act(refuse_partnership, "other_guest_admin", ("partnership.refused",), S.DECLINED_BY_GUEST),
    "withdraw": Act(withdraw_partnership, "requester", ("partnership.withdrawn",), S.WITHDRAWN),
    "remove": Act(remove_partner, "other_admin", ("partnership.terminated",), S.TERMINATED),
}
LEGAL: Final = {
    S.AWAITING_HOST_APPROVAL: {"approve", "decline", "withdraw"},
    S.AWAITING_GUEST_ACCEPTANCE: {"accept", "refuse", "withdraw"},
    S.DECLINED_BY_GUEST: {"withdraw"},
    S.ACTIVE: {"remove"},
    S.SUSPENDED: {"remove"},
}
"""Model 4.4.1, read by hand."""

WITHOUT_PERMISSION: Final = {S.AWAITING_HOST_APPROVAL: {"accept", "refuse"}}
"""The guest does not know of a request yet: its answer is NOT_FOUND, whatever happens at the same time."""

RACES: Final = [
    (state, first, second)
    for state, legal in LEGAL.items()
    for first, second in combinations(ACTS, 2)
    if {first, second} & legal and not {first, second} & WITHOUT_PERMISSION.get(state, set())
]


@dataclass(frozen=True, slots=True)
class Stage:
    """A partnership in one state and the people who race for it."""

    original: Original
    people: dict[str, Person]
    partnership_id: UUID


async def set_up(world: World, state: PartnershipState) -> Stage:
    host, guest = await world.organisation(), await world.organisation()
    people = {
        "requester": await world.person(host),
        "admin": await world.person(host, Role.ORG_ADMIN),
        "other_admin": await world.person(host, Role.ORG_ADMIN),
        "guest_admin": await world.person(guest, Role.ORG_ADMIN),
        "other_guest_admin": await world.person(guest, Role.ORG_ADMIN),
    }
    key = await world.partnership(people["requester"], people["admin"], people["guest_admin"], state)
    await world.terms()
    return Stage(await Original.read(world, host, guest), people, key)


async def race(world: World, stage: Stage, state: PartnershipState, first: str, second: str) -> None:
    """All trials of one pair of acts; one winner each time, and the others learn what stands."""
    shuffle = seeded().shuffle
    start = next(NUMBERS) * 10_000
    for copy in await stage.original.copy(TRIALS, start):
        names = [first, second] * (CALLERS // 2)
        shuffle(names)
        version = await world.version("partnerships", copy.key(stage.partnership_id))
        outcomes = await asyncio.gather(*(attempt(world, stage, copy, name, version) for name in names))
        winners = [name for name, outcome in zip(names, outcomes, strict=True) if outcome is None]
        assert len(winners) == 1, outcomes
        after = ACTS[winners[0]].ends_in
        for name, outcome in zip(names, outcomes, strict=True):
            if outcome is not None:
                assert_lost(outcome, state, after, version, is_legal=name in LEGAL[state])
        await assert_written_once(world, stage, copy, winners[0], version)


async def attempt(world: World, stage: Stage, copy: Copy, name: str, version: int) -> Exception | None:
    """One call; None if it won."""
    act = ACTS[name]
    given: dict[str, Any] = {"partnership_id": copy.key(stage.partnership_id), "expected_version": version}
    if name == "accept":
        given |= {"terms_version_id": await world.terms(), "consent": True}
    try:
        await world.act(copy.person(stage.people[act.by]), act.service, **given)
    except (Conflict, InvalidState) as lost:
        return lost
    return None


def assert_lost(
    lost: Exception, before: PartnershipState, after: PartnershipState, version: int, *, is_legal: bool
) -> None:
    """A loser is told what stands now; only a step that the state never had can come too early to lose."""
    if isinstance(lost, Conflict):
        assert (lost.version, lost.current) == (version + 1, after)
    else:
        assert isinstance(lost, InvalidState)
        assert not is_legal
        assert lost.current == before


async def assert_written_once(world: World, stage: Stage, copy: Copy, winner: str, version: int) -> None:
    """The state moved once, and each stream that is told has the winner's event once and nothing else."""
    key = copy.key(stage.partnership_id)
    row = await world.owner.fetchrow("SELECT * FROM accord.partnerships WHERE id = $1", key)
    assert row is not None
    assert (row["state"], row["version"]) == (ACTS[winner].ends_in, version + 1)
    events = await world.owner.fetch(
        "SELECT stream_id, type FROM accord.activity_events WHERE partnership_id = $1", key
    )
    streams = [row["host_id"], *([row["guest_id"]] if row["told_guest"] else [])]
    expected = Counter((stream, event) for stream in streams for event in ACTS[winner].events)
    assert Counter((event["stream_id"], event["type"]) for event in events) == expected
