"""The exact instant of each deadline, defaults that bound nothing, and what a policy refuses to a partner it bars."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.permissions import Action
from accord.domain.acting import LONGEST
from accord.domain.errors import Forbidden, InvalidState, RateLimited, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.partnership import CO_OWNERS, PartnershipState
from accord.services.grants.acting import switch_organisation
from accord.services.grants.delegation import delegate_roles, set_delegated_roles
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.ownership import set_co_owners
from accord.services.partnerships.partnership import approve_partnership, decline_partnership, refuse_partnership
from accord.services.partnerships.proposal import resend_partnership
from accord.services.people.joining import invite_member
from accord.services.people.member import update_member
from accord.services.policy import freeze_partner_access, set_policy
from tests.services.host_data import open_session
from tests.services.roles import OFFICE, D, P, dialog, put, with_roles
from tests.services.scene import Scene
from tests.services.test_level import become_partner, grant, levels

S = PartnershipState
NONE, SUPPORT, MANAGE = DataAccessLevel
INSTANT: Final = timedelta(microseconds=1)
WAITING: Final[dict[PartnershipState, tuple[str, Any, timedelta]]] = {
    # who answers, by what, and within which time
    S.AWAITING_HOST_APPROVAL: ("ada", approve_partnership, timedelta(days=30)),
    S.AWAITING_GUEST_ACCEPTANCE: ("greta", refuse_partnership, timedelta(days=14)),
    S.DECLINED_BY_GUEST: ("ada", resend_partnership, timedelta(days=30)),
}


async def waiting(scene: Scene, state: PartnershipState) -> UUID:
    await scene.world.owner.execute("DELETE FROM accord.mails")
    await scene.world.owner.execute(
        "UPDATE accord.partnerships SET state = 'TERMINATED', ended_at = now(), granted_level = 'NONE' WHERE id = $1",
        scene.partnership,
    )
    return await scene.world.partnership(scene["mia"], scene["ada"], scene["greta"], state)


@pytest.mark.parametrize("state", WAITING)
async def test_an_answer_comes_in_time_until_the_very_end(scene: Scene, state: PartnershipState) -> None:
    """Invariant 12: what lapses at an instant is over at that instant, and not before."""
    who, act, within = WAITING[state]
    key = await waiting(scene, state)
    ends = (await scene.row("partnerships", key))["lapses_at"]
    assert ends == scene.world.clock.now + within
    given = {"partnership_id": key, "expected_version": await scene.world.version("partnerships", key)}
    scene.world.clock.now = ends
    refusal = await scene.refused(who, InvalidState, act, **given)
    assert refusal.current == ("WITHDRAWN" if state is S.DECLINED_BY_GUEST else "LAPSED")
    scene.world.clock.now = ends - INSTANT
    await scene.act(who, act, **given)


async def test_a_decision_that_comes_at_the_end_declines_nothing(scene: Scene) -> None:
    key = await waiting(scene, S.AWAITING_HOST_APPROVAL)
    scene.world.clock.now = (await scene.row("partnerships", key))["lapses_at"]
    version = await scene.world.version("partnerships", key)
    await scene.refused("ada", InvalidState, decline_partnership, partnership_id=key, expected_version=version)


ENDS: Final = {"partnership": 7, "role": 8, "place": 9}
"""What ends first in each case, in minutes from now, the others an hour and more later."""


@pytest.mark.parametrize("first", [*ENDS, None])
async def test_a_session_ends_with_what_ends_first(scene: Scene, first: str | None) -> None:
    """4.4.5: after an hour, or with the partnership, the role or the place in the group, whichever comes first."""
    await with_roles(scene)
    now = scene.world.clock.now
    ends = {name: now + timedelta(minutes=ENDS[name] if name == first else 100 + ENDS[name]) for name in ENDS}
    await dialog(scene, P, expires_at=ends["role"])
    await put(scene, P, "carla")
    await scene.world.owner.execute(
        "UPDATE accord.role_group_members SET expires_at = $2 WHERE partnership_id = $1",
        scene.partnership,
        ends["place"],
    )
    await scene.world.owner.execute(
        "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1", scene.partnership, ends["partnership"]
    )
    session = await scene.world.act_as_oneself(scene["carla"], switch_organisation, host_id=scene.host.id)
    expected = now + LONGEST if first is None else ends[first]
    assert (await scene.row("acting_sessions", session))["ends_at"] == expected


@pytest.mark.parametrize("ends_in", [None, 30])
async def test_a_session_on_a_level_ends_with_its_partnership(scene: Scene, ends_in: int | None) -> None:
    await scene.act("gustav", update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    await grant(scene, SUPPORT)
    now = scene.world.clock.now
    ends = None if ends_in is None else now + timedelta(minutes=ends_in)
    await scene.world.owner.execute(
        "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1", scene.partnership, ends
    )
    session = await scene.world.act_as_oneself(scene["greta"], switch_organisation, host_id=scene.host.id)
    assert (await scene.row("acting_sessions", session))["ends_at"] == (ends or now + LONGEST)


TERM: Final = timedelta(minutes=30)
RENEWED: Final = {
    # when a session is opened, from the end that is stored, and when it ends
    -INSTANT: timedelta(),
    timedelta(): TERM,
    INSTANT: TERM,
    TERM - INSTANT: TERM,
    TERM: 2 * TERM,
}


@pytest.mark.parametrize("opened", RENEWED)
async def test_a_session_under_a_partnership_that_renews_itself(scene: Scene, opened: timedelta) -> None:
    """It goes on past the end, whether or not the worker has written the next one."""
    await scene.act("gustav", update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    await grant(scene, SUPPORT)
    end = scene.world.clock.now + timedelta(days=1)
    change = "UPDATE accord.partnerships SET expires_at = $2, auto_extend = $3 WHERE id = $1"
    await scene.world.owner.execute(change, scene.partnership, end, TERM)
    scene.world.clock.now = end + opened
    session = await scene.world.act_as_oneself(scene["greta"], switch_organisation, host_id=scene.host.id)
    assert (await scene.row("acting_sessions", session))["ends_at"] == end + RENEWED[opened]


@pytest.mark.parametrize("own", [None, MANAGE, SUPPORT, NONE])
@pytest.mark.parametrize("above", [None, SUPPORT, NONE])
async def test_a_ceiling_comes_down_to_every_contract_beneath(
    scene: Scene, above: DataAccessLevel | None, own: DataAccessLevel | None
) -> None:
    """Q5: a contract without a ceiling of its own stands as high as it gets, and comes down like one that has."""
    parent = await scene.world.organisation("Tower")
    await become_partner(scene.world, parent)
    await become_partner(scene.world, scene.guest, parent_partner_id=parent.id)
    await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=own)
    await grant(scene, NONE if own is NONE else SUPPORT)
    await scene.world.operate(set_ceiling, partner_id=parent.id, ceiling=above)
    order = {NONE: 0, SUPPORT: 1, MANAGE: 2, None: 2}
    kept = own if order[own] <= order[above] else above
    assert (await scene.row("organisations", scene.guest.id))["ceiling"] == kept
    assert (await levels(scene))[0] == (kept or MANAGE)
    assert order[DataAccessLevel((await levels(scene))[2])] <= order[kept]


BARS: Final = {
    "the host blocks the guest": ("ada", "blocked_partners", "guest"),
    "the guest blocks the host": ("greta", "blocked_partners", "host"),
    "the host allows others alone": ("ada", "allowed_partners", "elsewhere"),
}


@pytest.mark.parametrize("bar", BARS)
async def test_a_barred_partner_gets_no_role(scene: Scene, bar: str) -> None:
    """4.2: a policy that bars a partner refuses every act that would widen what it has; taking back goes on."""
    await with_roles(scene)
    await dialog(scene, D)
    who, entry, whom = BARS[bar]
    key = {"guest": scene.guest.id, "host": scene.host.id, "elsewhere": scene["zoe"].organisation.id}[whom]
    await scene.act(who, set_policy, **{entry: [key]})
    given = {"partnership_id": scene.partnership, "notify_addresses": OFFICE}
    for act, roles in ((delegate_roles, [P]), (set_delegated_roles, [D, P])):
        refusal = await scene.refused("ada", Forbidden, act, roles=roles, **given)
        assert (refusal.action, refusal.condition) == (Action.ROLES_DELEGATE, "POLICY_DENIED")
    await dialog(scene)
    await scene.act(who, set_policy, **{entry: []})
    await scene.act("ada", delegate_roles, roles=[P], **given)


async def test_frozen_access_is_no_bar_to_acts_that_give_none(scene: Scene) -> None:
    await with_roles(scene)
    await scene.act("ada", freeze_partner_access)
    await dialog(scene, D)


@pytest.mark.parametrize("used_up", ["acting", "member"])
async def test_people_who_act_have_a_mail_budget_of_their_own(scene: Scene, used_up: str) -> None:
    """4.11: a partner who acts uses up nothing of the budget of the organisation's own people, nor they of its."""
    session = await open_session(scene, "manage")
    names = count(1)

    async def invite(who: str) -> None:
        given = {"email": f"colleague{next(names)}@kestrel.example", "display_name": "Colleague"}
        acting = {"organisation_id": scene.host.id, "session": session} if who == "greta" else {}
        await scene.act(who, invite_member, **acting, **given)

    await scene.world.owner.execute(
        f"UPDATE accord.organisations SET {used_up}_mails_per_day = 1 WHERE id = $1", scene.host.id
    )
    limited, free = ("greta", "ada") if used_up == "acting" else ("ada", "greta")
    await invite(limited)
    with pytest.raises(RateLimited):
        await invite(limited)
    await invite(free)
    await invite(free)


async def test_a_partnership_has_at_most_twenty_co_owners(scene: Scene) -> None:
    """Lists of partnerships show all of them (record 101)."""
    people = [(await scene.world.person(scene["mia"].organisation)).id for _ in range(CO_OWNERS + 1)]
    given = {"partnership_id": scene.partnership}
    await scene.refused("mia", ValidationError, set_co_owners, user_ids=people, **given)
    await scene.act("mia", set_co_owners, user_ids=people[1:], **given)
    sql = "SELECT co_owner_ids FROM accord.partnerships WHERE id = $1"
    assert await scene.world.owner.fetchval(sql, scene.partnership) == sorted(people[1:])
