"""After the guest has answered: approve, decline, accept, refuse, withdraw and remove in pairs."""

from typing import Any

import pytest

from accord.database import caller
from accord.database.queries import partnership as queries
from accord.domain.partnership import AWAITING, PartnershipState
from tests.races.decisions import LEGAL, RACES, TRIALS, Stage, race, set_up
from tests.world import World

HERE = [(state, first, second) for state, first, second in RACES if state not in AWAITING]


@pytest.fixture(scope="module")
async def stages(world: World) -> dict[PartnershipState, Stage]:
    return {state: await set_up(world, state) for state in LEGAL}


@pytest.mark.parametrize(("state", "first", "second"), HERE, ids=["-".join(given) for given in HERE])
async def test_one_wins_and_the_others_learn_what_stands(
    world: World, stages: dict[PartnershipState, Stage], state: PartnershipState, first: str, second: str
) -> None:
    await race(world, stages[state], state, first, second)


async def test_the_chains_of_all_these_races_hold(world: World) -> None:
    verdict = await world.verify()
    assert verdict.events >= len(HERE) * TRIALS
    assert not verdict.faults


async def test_without_the_lock_there_are_two_winners(
    world: World, stages: dict[PartnershipState, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The races can fail: with the row lock and the turns of one person switched off, they do."""

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(queries, "_hold", nothing)
    monkeypatch.setattr(caller, "HOLD_RIGHTS", caller.HOLD_RIGHTS.replace("_xact_lock(", "_xact_lock_shared("))
    with pytest.raises(AssertionError):
        await race(world, stages[PartnershipState.ACTIVE], PartnershipState.ACTIVE, "remove", "remove")
