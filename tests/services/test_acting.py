"""Acting in a customer's organisation: one basis, nothing but what it gives, and over with it (S13 to S17, 4.8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import pytest

from accord.access.permissions import Action
from accord.database.engine import AccessRevoked, Database, SessionOver
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden, InvalidState, NotFound, OrganisationContextMismatch, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import OrganisationStatus, Role
from accord.services.expiry import sweep
from accord.services.grants.account import create_account
from accord.services.grants.acting import leave_organisation, switch_organisation
from accord.services.grants.delegation import clear_roles, delegate_roles
from accord.services.grants.role_group import add_role_group_members, remove_role_group_members
from accord.services.grants.sharing import suspend_share
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.partnerships.status import set_organisation_status
from accord.services.people.joining import invite_member
from accord.services.people.member import deactivate_member, remove_member, update_member
from accord.services.people.profile import update_profile
from accord.services.policy import freeze_partner_access, set_policy, unfreeze_partner_access
from tests.services.scene import Scene, Signer
from tests.services.test_ticket import redeem

LEVELS: Final = (DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE)


@pytest.fixture
async def office(scene: Scene) -> Scene:
    """Greta is a delegated admin, and nothing is granted yet."""
    await scene.act("gustav", update_member, membership_id=scene["greta"].membership_id, delegated_admin=True)
    return scene


async def grant(scene: Scene, level: DataAccessLevel) -> None:
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=level, confirm=True)


async def switch(scene: Scene, name: str = "greta", **given: Any) -> UUID:
    return await scene.world.act_as_oneself(scene[name], switch_organisation, host_id=scene.host.id, **given)


async def enter(scene: Scene, session: UUID, name: str = "greta") -> Any:
    """What a request of the session finds: the caller as the session makes them."""
    snapshot = scene.world.database.snapshot(scene[name].identity, session)
    try:
        return await snapshot.principal()
    finally:
        await snapshot.close()


async def delegate(scene: Scene, role: DelegatedRole = DelegatedRole.PHONE_MANAGER, *names: str) -> UUID:
    """A role for these people of the guest; its group."""
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    given = {"roles": [role], "notify_addresses": "desk@people.example"}
    await scene.act("ada", delegate_roles, partnership_id=scene.partnership, **given)
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1 AND role = $2 AND state = 'ACTIVE'"
    group: UUID = await scene.world.owner.fetchval(sql, scene.partnership, role.value)
    people = [scene[name].id for name in names]
    await scene.act("gustav", add_role_group_members, role_group_id=group, user_ids=people)
    return group


async def test_without_a_basis_nobody_switches(office: Scene) -> None:
    async with office.unchanged():
        for name in ("greta", "carla"):
            with pytest.raises(Forbidden if name == "greta" else NotFound):
                await switch(office, name)
    await grant(office, DataAccessLevel.SUPPORT)
    async with office.unchanged():
        with pytest.raises(NotFound):
            await switch(office, "carla")
        with pytest.raises(Forbidden):
            await switch(office, "gustav")
        with pytest.raises(ValidationError):
            await switch(office, "ada")


@pytest.mark.parametrize("level", LEVELS)
async def test_a_session_is_its_users_alone_and_has_no_standing(office: Scene, level: DataAccessLevel) -> None:
    await grant(office, level)
    session = await switch(office, reason="A ticket of theirs.")
    principal = await enter(office, session)
    assert principal.standings == ()
    assert (principal.acting.basis, principal.acting.level) == (Basis.LEVEL, level)
    assert principal.person_id == office["greta"].id
    with pytest.raises(SessionOver):
        await enter(office, session, "gustav")
    with pytest.raises(SessionOver):
        await enter(office, office.partnership)
    for organisation in (office.host, office.guest):
        (event,) = await office.events(organisation, "session.started")
        assert (event["acting_session_id"], event["reason"]) == (session, "A ticket of theirs.")
    assert (await office.world.verify()).faults == ()


Ending = Callable[[Scene, UUID], Awaitable[Any]]


def by(name: str, service: Any, **given: Any) -> Ending:
    return lambda scene, _: scene.act(name, service, **given)


def on_partnership(name: str, service: Any, **given: Any) -> Ending:
    return lambda scene, _: scene.act(name, service, partnership_id=scene.partnership, **given)


def on_greta(service: Any, **given: Any) -> Ending:
    return lambda scene, _: scene.act("gustav", service, membership_id=scene["greta"].membership_id, **given)


ENDINGS: Final[dict[str, Ending]] = {
    "level lowered": on_partnership("ada", set_data_access, level=DataAccessLevel.SUPPORT),
    "level revoked": on_partnership("mia", set_data_access, level=DataAccessLevel.NONE),
    "host suspends": on_partnership("ada", suspend_partnership, reason="A doubt."),
    "guest suspends": on_partnership("gustav", suspend_partnership, reason="A doubt."),
    "frozen": by("ada", freeze_partner_access),
    "removed by the host": on_partnership("ada", remove_partner),
    "removed by the guest": on_partnership("gustav", remove_partner),
    "deactivated": on_greta(deactivate_member),
    "removed at home": on_greta(remove_member),
    "no delegated admin any more": on_greta(update_member, delegated_admin=False),
    "host suspended by the vendor": lambda scene, _: scene.world.operate(
        set_organisation_status, organisation_id=scene.host.id, status=OrganisationStatus.SUSPENDED
    ),
    "guest closed by the vendor": lambda scene, _: scene.world.operate(
        set_organisation_status, organisation_id=scene.guest.id, status=OrganisationStatus.CLOSED
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_session_ends_with_its_basis(office: Scene, ending: str) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    session = await switch(office)
    await enter(office, session)
    await ENDINGS[ending](office, session)
    with pytest.raises(AccessRevoked):
        await enter(office, session)
    with pytest.raises(AccessRevoked):
        await office.act("greta", invite_member, organisation_id=office.host.id, session=session, **NEWCOMER)
    assert (await office.row("acting_sessions", session))["state"] == "REVOKED"
    for organisation in (office.host, office.guest):
        assert len(await office.events(organisation, "session.revoked")) == 1
    assert (await office.world.verify()).faults == ()


async def test_what_a_basis_loses_by_policy_is_denied_at_once(office: Scene) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    session = await switch(office)
    await office.act("ada", set_policy, blocked_partners=[office.guest.id])
    with pytest.raises(AccessRevoked):
        await enter(office, session)


async def test_resuming_and_unfreezing_revive_no_session(office: Scene) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    first = await switch(office)
    await office.act("ada", suspend_partnership, partnership_id=office.partnership, reason="A doubt.")
    await office.act("ada", resume_partnership, partnership_id=office.partnership)
    second = await switch(office)
    await office.act("ada", freeze_partner_access)
    await office.act("ada", unfreeze_partner_access)
    for session in (first, second):
        with pytest.raises(AccessRevoked):
            await enter(office, session)


async def test_a_lower_session_outlives_a_lower_level(office: Scene) -> None:
    await grant(office, DataAccessLevel.SUPPORT)
    session = await switch(office)
    await grant(office, DataAccessLevel.MANAGE)
    assert (await enter(office, session)).acting.level is DataAccessLevel.SUPPORT
    await grant(office, DataAccessLevel.SUPPORT)
    assert (await enter(office, session)).acting.level is DataAccessLevel.SUPPORT


async def test_a_ceiling_ends_the_sessions_above_it(office: Scene) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    await office.world.owner.execute(
        "UPDATE accord.organisations SET partner_program = 'MSP', partner_status = 'ACTIVE' WHERE id = $1",
        office.guest.id,
    )
    session = await switch(office)
    ceiling = {"partner_id": office.guest.id, "ceiling": DataAccessLevel.SUPPORT}
    await office.world.operate(set_ceiling, organisation_id=None, **ceiling)
    with pytest.raises(AccessRevoked):
        await enter(office, session)


async def test_an_hour_and_a_quarter_of_an_hour(office: Scene) -> None:
    await grant(office, DataAccessLevel.SUPPORT)
    idle, busy = await switch(office), await switch(office)
    clock = office.world.clock
    for _ in range(6):
        clock.advance(minutes=9, seconds=50)
        await enter(office, busy)
        await office.world.database.note_use(office["greta"].identity, busy)
    with pytest.raises(SessionOver):
        await enter(office, idle)
    clock.advance(minutes=1)
    with pytest.raises(SessionOver):
        await enter(office, busy)
    worker = Database(office.world.urls.worker, clock=clock)
    try:
        await sweep(worker, clock.now)
    finally:
        await worker.close()
    for session in (idle, busy):
        assert (await office.row("acting_sessions", session))["state"] == "EXPIRED"


async def test_leaving(office: Scene) -> None:
    await grant(office, DataAccessLevel.SUPPORT)
    session = await switch(office)
    async with office.unchanged():
        with pytest.raises(NotFound):
            await office.world.act_as_oneself(office["gustav"], leave_organisation, session_id=session)
    await office.world.act_as_oneself(office["greta"], leave_organisation, session_id=session)
    with pytest.raises(SessionOver):
        await enter(office, session)
    with pytest.raises(InvalidState):
        await office.world.act_as_oneself(office["greta"], leave_organisation, session_id=session)


async def test_a_role_is_its_groups(office: Scene) -> None:
    group = await delegate(office, DelegatedRole.PHONE_MANAGER, "carla", "greta")
    await grant(office, DataAccessLevel.SUPPORT)
    with pytest.raises(ValidationError):
        await switch(office)
    sessions = [await switch(office, name, basis=Basis.ROLE_GROUP) for name in ("carla", "greta")]
    assert (await enter(office, sessions[0], "carla")).acting.role_key is DelegatedRole.PHONE_MANAGER
    await office.act("gustav", remove_role_group_members, role_group_id=group, user_ids=[office["carla"].id])
    with pytest.raises(AccessRevoked):
        await enter(office, sessions[0], "carla")
    await enter(office, sessions[1])
    cleared = {"roles": [DelegatedRole.PHONE_MANAGER]}
    await office.act("ada", clear_roles, partnership_id=office.partnership, **cleared)
    with pytest.raises(AccessRevoked):
        await enter(office, sessions[1])


async def test_a_reason_where_the_host_wants_one(office: Scene) -> None:
    await grant(office, DataAccessLevel.SUPPORT)
    await office.act("ada", set_policy, require_reason=True)
    with pytest.raises(ValidationError):
        await switch(office)
    await switch(office, reason="A ticket of theirs.")


NEWCOMER: Final = {"email": "newcomer@elsewhere.example", "display_name": "Newcomer"}


async def test_every_write_names_the_organisation_acted_in(office: Scene) -> None:
    """S17: in a session the own organisation is as wrong as anybody else's, and at home the customer's is."""
    await grant(office, DataAccessLevel.MANAGE)
    session = await switch(office)
    async with office.unchanged():
        with pytest.raises(OrganisationContextMismatch):
            await office.act("greta", invite_member, session=session, **NEWCOMER)
        with pytest.raises(OrganisationContextMismatch):
            await office.act("greta", invite_member, organisation_id=office.host.id, **NEWCOMER)
    await office.act("greta", invite_member, organisation_id=office.host.id, session=session, **NEWCOMER)
    for organisation in (office.host, office.guest):
        (event,) = await office.events(organisation, "member.invited")
        assert event["acting_session_id"] == session
        assert event["actor_user_id"] == office["greta"].id
        assert event["actor_home_organisation_id"] == office.guest.id


PRIVILEGED: Final = ("ada", "arne", "aud", "mia")


@pytest.mark.parametrize("as_", ["MANAGE", "DECISION_MAKER"])
async def test_people_acting_touch_nobody_who_leads(office: Scene, as_: str) -> None:
    if as_ == "MANAGE":
        await grant(office, DataAccessLevel.MANAGE)
    else:
        await delegate(office, DelegatedRole.DECISION_MAKER, "greta")
    session = await switch(office)
    there = {"organisation_id": office.host.id, "session": session}
    plain = office["otto"].membership_id
    async with office.unchanged():
        for name in PRIVILEGED:
            person = {"membership_id": office[name].membership_id}
            for service, given in ((update_member, {"display_name": "X Y"}), (deactivate_member, {})):
                with pytest.raises(Forbidden, match="member:manage") as refused:
                    await office.act("greta", service, **there, **person, **given)
                assert refused.value.condition == "PROTECTED_ACTION"
        for change in ({"roles": [Role.ORG_ADMIN]}, {"roles": [Role.MEMBER]}, {"delegated_admin": True}):
            with pytest.raises(Forbidden):
                await office.act("greta", update_member, **there, membership_id=plain, **change)
        with pytest.raises(Forbidden):
            await office.act("greta", remove_member, **there, membership_id=plain)
        for invited in (
            {"email": office["carla"].email},
            {"email": office["greta"].email.upper()},
            {"email": "new@people.example", "roles": [Role.ORG_ADMIN]},
            {"email": "new@people.example", "delegated_admin": True},
        ):
            with pytest.raises(Forbidden):
                await office.act("greta", invite_member, **there, display_name="X", **invited)
    await office.act("greta", update_member, **there, membership_id=plain, display_name="Otto the Second")
    await office.act("greta", deactivate_member, **there, membership_id=plain)


async def test_support_and_phone_managers_manage_nobody(office: Scene) -> None:
    await grant(office, DataAccessLevel.SUPPORT)
    await delegate(office, DelegatedRole.PHONE_MANAGER, "carla")
    sessions = {"greta": await switch(office), "carla": await switch(office, "carla")}
    async with office.unchanged():
        for name, session in sessions.items():
            there = {"organisation_id": office.host.id, "session": session}
            with pytest.raises((Forbidden, NotFound)):
                await office.act(name, invite_member, **there, **NEWCOMER)


async def test_a_session_opens_no_other_and_leaves_the_profile_alone(office: Scene) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    session = await switch(office)
    async with office.unchanged():
        with pytest.raises(Forbidden) as refused:
            await switch(office, session=session)
        assert refused.value.action == Action.SESSION_OPEN
        with pytest.raises(Forbidden):
            await office.world.act_as_oneself(office["greta"], update_profile, display_name="X", session=session)


async def test_manage_reaches_shared_accounts_and_complete_all(office: Scene) -> None:
    """Q20, S101: under LIMITED an account without a share stays closed."""
    await grant(office, DataAccessLevel.MANAGE)
    share = await office.share()
    other = await office.world.account(office["mia"])
    session = await switch(office)

    async def sign_in(account: UUID) -> Any:
        there = {"organisation_id": office.host.id, "session": session}
        return await office.act("greta", sign_in_to_account, **there, account_id=account, signer=Signer())

    ticket = UUID((await sign_in(office.account)).ticket)
    with pytest.raises(NotFound):
        await sign_in(other)
    await office.act("mia", suspend_share, share_id=share)
    for account in (office.account, other):
        with pytest.raises((Forbidden, NotFound)):
            await sign_in(account)
    with pytest.raises(NotFound):
        await redeem(office, ticket)
    complete = "UPDATE accord.partnerships SET access_mode = 'COMPLETE' WHERE id = $1"
    await office.world.owner.execute(complete, office.partnership)
    ticket = UUID((await sign_in(other)).ticket)
    redeemed = await redeem(office, ticket)
    assert (redeemed.role, redeemed.email) == ("MANAGE", office["greta"].email)
    ticket = UUID((await sign_in(other)).ticket)
    await grant(office, DataAccessLevel.SUPPORT)
    with pytest.raises(NotFound):
        await redeem(office, ticket)


async def test_nobody_makes_accounts_for_a_customer(office: Scene) -> None:
    await grant(office, DataAccessLevel.MANAGE)
    session = await switch(office)
    there = {"organisation_id": office.host.id, "session": session}
    async with office.unchanged():
        with pytest.raises(Forbidden) as refused:
            await office.act("greta", create_account, **there, label="X", app="X", launch_url="https://x.example")
        assert refused.value.condition == "PROTECTED_ACTION"
