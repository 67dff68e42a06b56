"""Acting as a contact, on an assigned customer, by a role with an end: sessions follow their basis (4.5 b, c, f)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from accord.access.permissions import Action
from accord.database.engine import AccessRevoked, SessionOver
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role, token_hash
from accord.services.grants.acting import switch_organisation
from accord.services.grants.assignment import assign_customers
from accord.services.grants.contact import add_external_contact, remove_external_contact
from accord.services.grants.delegation import delegate_roles
from accord.services.grants.role_group import add_role_group_members
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.partnership import remove_partner
from accord.services.people.joining import accept_membership, invite_member
from accord.services.people.member import deactivate_member, update_member
from accord.services.policy import freeze_partner_access, set_policy
from tests.services.contacts import D, P, make_contact
from tests.services.scene import Scene
from tests.world import identify


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """Pat is of a consultancy without any partnership, Petra its admin."""
    consultancy = await scene.world.organisation("Consultancy")
    scene.people["petra"] = await scene.world.person(consultancy, Role.ORG_ADMIN, name="Petra Consultancy")
    scene.people["pat"] = await scene.world.person(consultancy, name="Pat Consultancy")
    return scene


async def switch(scene: Scene, name: str = "pat", **given: Any) -> UUID:
    session: UUID = await scene.world.act_as_oneself(scene[name], switch_organisation, host_id=scene.host.id, **given)
    return session


async def enter(scene: Scene, session: UUID, name: str = "pat") -> Any:
    snapshot = scene.world.database.snapshot(scene[name].identity, session)
    try:
        return await snapshot.principal()
    finally:
        await snapshot.close()


async def connect(scene: Scene) -> UUID:
    return await scene.world.partnership(scene["mia"], scene["ada"], scene["petra"])


@pytest.mark.parametrize("role", [D, P])
async def test_a_contact_acts_in_its_role_and_no_other(scene: Scene, role: DelegatedRole) -> None:
    """S109, 4.6: an external contact acts as its role does; both sides have the session in their stream."""
    await make_contact(scene, "pat", role)
    session = await switch(scene)
    acting = (await enter(scene, session)).acting
    assert (acting.basis, acting.role_key, acting.level, acting.partnership_id) == (Basis.CONTACT, role, None, None)
    assert (acting.complete, acting.wallet, acting.host_id) == (False, False, scene.host.id)
    for side in (scene.host, scene["pat"].organisation):
        assert len(await scene.events(side, "session.started")) == 1


async def test_two_roles_are_two_bases(scene: Scene) -> None:
    await make_contact(scene, "pat", D, P)
    with pytest.raises(ValidationError):
        await switch(scene)
    session = await switch(scene, basis=Basis.CONTACT, role_key=P)
    assert (await enter(scene, session)).acting.role_key is P


async def test_a_contact_that_acts_makes_nobody_a_contact(scene: Scene) -> None:
    """4.9: not even as Decision Maker."""
    key = await make_contact(scene, "pat", D)
    session = await switch(scene)
    given = {"organisation_id": scene.host.id, "session": session}
    async with scene.unchanged():
        with pytest.raises(Forbidden) as refused:
            await scene.world.act(
                scene["pat"], add_external_contact, email="friend@contacts.example", roles=[D], **given
            )
        with pytest.raises((Forbidden, NotFound)):
            await scene.world.act(scene["pat"], remove_external_contact, contact_id=key, **given)
    assert refused.value.action == Action.CONTACT_MANAGE


async def test_who_is_only_invited_acts_nowhere(scene: Scene) -> None:
    await scene.act("ada", add_external_contact, email=scene["pat"].email, roles=[D])
    with pytest.raises(NotFound):
        await switch(scene)


@pytest.mark.parametrize("ending", ["removed", "left home", "partnership ended", "suspended", "frozen"])
async def test_a_contacts_session_ends_with_the_contact(scene: Scene, ending: str) -> None:
    key = await make_contact(scene, "pat", D)
    before = await switch(scene)
    partnership = await connect(scene)
    after = await switch(scene)
    assert (await enter(scene, before)).acting is not None, "the conversion ends no session"
    if ending == "removed":
        await scene.act("ada", remove_external_contact, contact_id=key)
    elif ending == "left home":
        await scene.world.act(scene["petra"], deactivate_member, membership_id=scene["pat"].membership_id)
    elif ending == "partnership ended":
        done = await scene.act("ada", remove_partner, partnership_id=partnership)
        assert done.receipt.sessions_revoked == 2
    elif ending == "suspended":
        await scene.act("ada", suspend_partnership, partnership_id=partnership, reason="A review.")
    else:
        await scene.act("ada", freeze_partner_access)
    for session in (before, after):
        with pytest.raises(AccessRevoked):
            await enter(scene, session)
    if ending == "suspended":
        await scene.act("ada", resume_partnership, partnership_id=partnership)
        with pytest.raises(AccessRevoked):
            await enter(scene, after)
    elif ending == "frozen":
        with pytest.raises(Forbidden):
            await switch(scene)
    else:
        for side in (scene.host, scene["pat"].organisation):
            assert len(await scene.events(side, "session.revoked")) == 2


@pytest.mark.parametrize("stands", [True, False])
async def test_whom_a_contact_invites_comes_in_while_the_contact_stands(scene: Scene, stands: bool) -> None:
    """Model 4.9: what people acting began falls with what they acted on."""
    key = await make_contact(scene, "pat", D)
    there = {"organisation_id": scene.host.id, "session": await switch(scene)}
    invited = {"email": "newcomer@elsewhere.example", "display_name": "Newcomer"}
    membership = await scene.act("pat", invite_member, **there, **invited)
    sql = "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, membership, token_hash("the link"))
    if not stands:
        await scene.act("ada", remove_external_contact, contact_id=key)
    newcomer = identify("newcomer@elsewhere.example")
    joining = scene.world.database.write(newcomer, None, lambda tx: accept_membership(tx, token="the link"))
    if stands:
        assert await joining == membership
        return
    with pytest.raises(NotFound):
        await joining


async def test_a_converted_contact_acts_under_its_partnership(scene: Scene) -> None:
    await make_contact(scene, "pat", D)
    partnership = await connect(scene)
    acting = (await enter(scene, await switch(scene))).acting
    assert (acting.basis, acting.partnership_id) == (Basis.CONTACT, partnership)


async def with_level(scene: Scene) -> None:
    """Carla and Dan are delegated admins, and the host has granted SUPPORT."""
    for name in ("carla", "dan"):
        given = {"membership_id": scene[name].membership_id, "delegated_admin": True}
        await scene.act("greta", update_member, **given)
    level = {"level": DataAccessLevel.SUPPORT, "confirm": True}
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, **level)


async def test_who_is_not_assigned_has_no_basis_and_loses_the_session(scene: Scene) -> None:
    await with_level(scene)
    carla, dan = await switch(scene, "carla"), await switch(scene, "dan")
    await scene.act("greta", assign_customers, user_id=scene["carla"].id, customer_ids=[scene.host.id])
    assert (await enter(scene, carla, "carla")).acting is not None
    with pytest.raises(AccessRevoked):
        await enter(scene, dan, "dan")
    for side in (scene.host, scene.guest):
        assert len(await scene.events(side, "session.revoked")) == 1
    with pytest.raises((Forbidden, NotFound)):
        await switch(scene, "dan")
    unassign = {"user_id": scene["carla"].id, "customer_ids": [scene.host.id], "assigned": False}
    await scene.act("greta", set_policy, explicit_assignment=True)
    await scene.act("greta", assign_customers, **unassign)
    with pytest.raises(AccessRevoked):
        await enter(scene, carla, "carla")


async def test_explicit_assignment_denies_those_who_are_not(scene: Scene) -> None:
    await with_level(scene)
    session = await switch(scene, "dan")
    await scene.act("greta", set_policy, explicit_assignment=True)
    with pytest.raises(AccessRevoked):
        await enter(scene, session, "dan")
    assert (await scene.row("acting_sessions", session))["state"] == "REVOKED"


@pytest.mark.parametrize("of", ["role", "place"])
async def test_a_session_ends_with_the_end_of_its_role(scene: Scene, of: str) -> None:
    """4.4.3, invariant 12: no session outlives the delegation, or the place in the group."""
    until = {"expires_at": scene.world.clock.now + timedelta(minutes=10)}
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    given = {"partnership_id": scene.partnership, "roles": [P], "notify_addresses": "desk@people.example"}
    await scene.act("ada", delegate_roles, **given, **(until if of == "role" else {}))
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1 AND state = 'ACTIVE'"
    group = await scene.world.owner.fetchval(sql, scene.partnership)
    inside = {"role_group_id": group, "user_ids": [scene["carla"].id]}
    await scene.act("greta", add_role_group_members, **inside, **(until if of == "place" else {}))
    session = await switch(scene, "carla")
    assert (await enter(scene, session, "carla")).acting.role_key is P
    scene.world.clock.advance(minutes=10)
    with pytest.raises((AccessRevoked, SessionOver)):
        await enter(scene, session, "carla")
    with pytest.raises((Forbidden, NotFound)):
        await switch(scene, "carla")
