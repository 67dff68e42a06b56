"""A host in which people act on every basis there is, with other partners, and a host of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState, Purpose
from accord.services.grants.acting import switch_organisation
from accord.services.grants.delegation import delegate_roles
from accord.services.grants.role_group import add_role_group_members
from accord.services.grants.sharing import suspend_share
from accord.services.partnerships.amendment import amend_partnership
from accord.services.partnerships.level import set_data_access
from accord.services.people.member import update_member
from accord.services.policy import set_policy
from tests.services.clients import make_client
from tests.services.contacts import make_contact
from tests.services.scene import Scene, set_scene
from tests.world import World

KINDS: Final = (
    "SUPPORT",
    "MANAGE",
    "MANAGE with everything and the wallet",
    "DECISION_MAKER",
    "PHONE_MANAGER",
    "CONTACT as DECISION_MAKER",
    "CONTACT as PHONE_MANAGER",
)
D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
WHOLE: Final = "UPDATE accord.partnerships SET access_mode = $2, wallet_entrusted = $3 WHERE id = $1"


@dataclass
class Office:
    """The scene, the keys of what lies in it by name, and a session of each kind with its user."""

    scene: Scene
    keys: dict[str, UUID]
    sessions: dict[str, tuple[str, UUID]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> UUID:
        return self.keys[name] if name in self.keys else self.scene[name].id

    def membership(self, name: str) -> UUID:
        return self.scene[name].membership_id

    async def act(self, kind: str, service: Any, **given: Any) -> Any:
        """Somebody acting does something in the host's name."""
        name, session = self.sessions[kind]
        return await self.scene.act(name, service, organisation_id=self.scene.host.id, session=session, **given)

    async def act_as_oneself(self, kind: str, service: Any, **given: Any) -> Any:
        name, session = self.sessions[kind]
        return await self.scene.world.act_as_oneself(self.scene[name], service, session=session, **given)

    @asynccontextmanager
    async def whole(self, kind: str) -> AsyncIterator[None]:
        """The partnership COMPLETE with the wallet, where the kind says so."""
        owner = self.scene.world.owner
        if "everything" in kind:
            await owner.execute(WHOLE, self.scene.partnership, "COMPLETE", True)
        try:
            yield
        finally:
            await owner.execute(WHOLE, self.scene.partnership, "LIMITED", False)

    async def switch(self, name: str, basis: Basis, role: DelegatedRole | None = None) -> tuple[str, UUID]:
        given = {"host_id": self.scene.host.id, "basis": basis, "role_key": role}
        return name, await self.scene.world.act_as_oneself(self.scene[name], switch_organisation, **given)


async def set_level(scene: Scene, level: DataAccessLevel, key: UUID | None = None, by: str = "ada") -> None:
    given = {"partnership_id": key or scene.partnership, "level": level, "confirm": True}
    await scene.act(by, set_data_access, **given)


async def group_of(scene: Scene, partnership: UUID, role: DelegatedRole) -> UUID:
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1 AND role = $2 AND state = 'ACTIVE'"
    key: UUID = await scene.world.owner.fetchval(sql, partnership, role.value)
    return key


async def open_office(world: World) -> Office:
    """Everything at once: each kind of session, and something for each protected action to be tried on."""
    scene = await set_scene(world)
    office = Office(scene, {})
    await _people(scene)
    await _things(office)
    await _host_above(office)
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    given: dict[str, Any] = {"roles": [D, P], "notify_addresses": "desk@people.example"}
    await scene.act("ada", delegate_roles, partnership_id=scene.partnership, **given)
    for role, name in ((D, "carla"), (P, "dan")):
        office.keys[f"{role} group"] = await group_of(scene, scene.partnership, role)
        inside = {"role_group_id": office[f"{role} group"], "user_ids": [scene[name].id]}
        await scene.act("gustav", add_role_group_members, **inside)
    office.keys["contact"] = await make_contact(scene, "pat", D, P)
    office.keys["client"] = (await make_client(scene, "ada")).id
    await _sessions(office)
    return office


async def _people(scene: Scene) -> None:
    world = scene.world
    consultancy = await world.organisation("Consultancy")
    for name in ("pat", "paula"):
        scene.people[name] = await world.person(consultancy, name=f"{name.title()} Consultancy")
    scene.people["dirk"] = await world.person(scene.host, Role.DECISION_MAKER, name="Dirk Harbour")
    scene.people["lena"] = await world.person(scene.host, Role.LEGAL_REPRESENTATIVE, name="Lena Harbour")
    scene.people["zack"] = await world.person(scene["zoe"].organisation, name="Zack Elsewhere")
    for name in ("sven", "tove", "nils"):
        scene.people[name] = await world.person(await world.organisation(), Role.ORG_ADMIN)
    for name, by in (("greta", "gustav"), ("arne", "ada")):
        await scene.act(by, update_member, membership_id=scene[name].membership_id, delegated_admin=True)


async def _things(office: Office) -> None:
    scene, keys = office.scene, office.keys
    keys["share"] = await scene.share()
    keys["grant"] = await scene.let_in(keys["share"], "carla")
    (keys["item"],) = await scene.ask("greta", keys["share"], "dan")
    keys["other"] = await scene.world.account(scene["mia"], label="Another desk")
    keys["third"] = await scene.world.account(scene["mia"], label="A third desk")
    keys["held"] = await scene.share(account=keys["third"])
    await scene.act("mia", suspend_share, share_id=keys["held"])
    keys["asked"] = await scene.world.request(scene["mia"], scene["sven"].organisation)
    keys["tove's"] = await scene.world.partnership(scene["mia"], scene["ada"], scene["tove"])
    wider = {"partnership_id": scene.partnership, "purposes": [Purpose.MANAGEMENT, Purpose.SUPPORT]}
    keys["offer"] = (await scene.act("ada", amend_partnership, **wider)).id


async def _host_above(office: Office) -> None:
    """The host is somebody's guest itself: with a level, a role, an account, and one more invitation."""
    scene, world = office.scene, office.scene.world
    above = await world.partnership(scene["zack"], scene["zoe"], scene["ada"])
    office.keys |= {"above": above, "their account": await world.account(scene["zack"], label="Their desk")}
    upward = Scene(world, scene["zoe"].organisation, scene.host, scene.people, above, office["their account"])
    office.keys["their share"] = await upward.share("zack", recipients=())
    await set_level(scene, DataAccessLevel.MANAGE, above, by="zoe")
    await scene.act("zoe", set_policy, roles_only_to_partner_of_record=False)
    given: dict[str, Any] = {"roles": [P], "notify_addresses": "desk@people.example"}
    await scene.act("zoe", delegate_roles, partnership_id=above, **given)
    office.keys["their group"] = await group_of(scene, above, P)
    invited = await world.partnership(
        scene["nils"], scene["nils"], scene["ada"], PartnershipState.AWAITING_HOST_APPROVAL
    )
    office.keys["invited"] = invited


async def _sessions(office: Office) -> None:
    scene = office.scene
    await set_level(scene, DataAccessLevel.SUPPORT)
    office.sessions["SUPPORT"] = await office.switch("greta", Basis.LEVEL)
    await set_level(scene, DataAccessLevel.MANAGE)
    office.sessions["MANAGE"] = await office.switch("greta", Basis.LEVEL)
    office.sessions["MANAGE with everything and the wallet"] = office.sessions["MANAGE"]
    office.sessions["DECISION_MAKER"] = await office.switch("carla", Basis.ROLE_GROUP, D)
    office.sessions["PHONE_MANAGER"] = await office.switch("dan", Basis.ROLE_GROUP, P)
    for role in (D, P):
        office.sessions[f"CONTACT as {role}"] = await office.switch("pat", Basis.CONTACT, role)
