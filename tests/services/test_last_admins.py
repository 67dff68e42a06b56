"""Two last admins who remove, deactivate or demote each other at once: one stays (model 4.2, invariant 11)."""

import asyncio
from typing import Any

import pytest

from accord.domain.errors import DomainError, LastAdmin
from accord.domain.organisation import Role
from accord.services.people.member import deactivate_member, remove_member, update_member
from tests.scale import count
from tests.world import World

TRIALS = count(test=3, check=50, prove=200)
ACTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "deactivate": (deactivate_member, {}),
    "remove": (remove_member, {}),
    "demote": (update_member, {"roles": [Role.MEMBER]}),
}


@pytest.mark.parametrize("first", ACTS)
@pytest.mark.parametrize("second", ACTS)
async def test_one_of_two_last_admins_stays(world: World, first: str, second: str) -> None:
    for _ in range(TRIALS):
        organisation = await world.organisation()
        ada, arne = [await world.person(organisation, Role.ORG_ADMIN) for _ in range(2)]
        answers = await asyncio.gather(
            world.act(ada, ACTS[first][0], membership_id=arne.membership_id, **ACTS[first][1]),
            world.act(arne, ACTS[second][0], membership_id=ada.membership_id, **ACTS[second][1]),
            return_exceptions=True,
        )
        refused = [one for one in answers if isinstance(one, BaseException)]
        assert len(refused) == 1, answers
        assert isinstance(refused[0], DomainError), refused
        sql = (
            "SELECT count(*) FROM accord.memberships"
            " WHERE organisation_id = $1 AND status = 'ACTIVE' AND 'ORG_ADMIN' = ANY (roles)"
        )
        assert await world.owner.fetchval(sql, organisation.id) == 1
        events = "SELECT count(*) FROM accord.activity_events WHERE stream_id = $1 AND sequence > 1"
        assert await world.owner.fetchval(events, organisation.id) == 1


async def test_both_leave_at_once_and_one_may(world: World) -> None:
    """Each deactivates oneself: one goes, the other is the last."""
    for _ in range(TRIALS):
        organisation = await world.organisation()
        admins = [await world.person(organisation, Role.ORG_ADMIN) for _ in range(2)]
        answers = await asyncio.gather(
            *(world.act(admin, deactivate_member, membership_id=admin.membership_id) for admin in admins),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in answers) == ["Departed", LastAdmin.__name__]
