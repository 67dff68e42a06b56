"""A partner of record: the dialog, its groups, and what always holds of them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from accord.database.queries.read.delegation import GROUPS_BY_GUEST, named
from accord.domain.delegation import DelegatedRole
from accord.domain.organisation import Role
from accord.services.grants.delegation import set_delegated_roles
from accord.services.grants.role_group import add_role_group_members
from tests.services.scene import Scene, set_scene

D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
OFFICE: Final = "office@partner.example"


async def with_roles(scene: Scene) -> Scene:
    """The guest is the host's partner of record; Dora decides at the host."""
    await of_record(scene)
    scene.people["dora"] = await scene.world.person(scene.host, Role.DECISION_MAKER, name="Dora Harbour")
    return scene


async def of_record(scene: Scene) -> None:
    await scene.world.owner.execute(
        "INSERT INTO accord.partner_links (customer_id, partner_id, kind, created_by)"
        " VALUES ($1, $2, 'PARTNER_OF_RECORD', 'staff')",
        scene.host.id,
        scene.guest.id,
    )


async def dialog(scene: Scene, *roles: DelegatedRole, by: str = "dora", **given: Any) -> Any:
    given = {"notify_addresses": OFFICE} | given
    return await scene.act(by, set_delegated_roles, partnership_id=scene.partnership, roles=roles, **given)


async def groups(scene: Scene) -> dict[DelegatedRole, UUID]:
    """The active groups of the partnership by role."""
    sql = "SELECT id, role FROM accord.role_groups WHERE partnership_id = $1 AND state = 'ACTIVE'"
    return {DelegatedRole(row["role"]): row["id"] for row in await scene.world.owner.fetch(sql, scene.partnership)}


async def put(scene: Scene, role: DelegatedRole, *names: str, by: str = "greta") -> Any:
    group = (await groups(scene))[role]
    given = {"role_group_id": group, "user_ids": [scene[name].id for name in names]}
    return await scene.act(by, add_role_group_members, **given)


async def inside(scene: Scene, group: UUID) -> set[str]:
    """Who is in a group now, by first name."""
    sql = "SELECT user_id FROM accord.role_group_members WHERE group_id = $1 AND ended_at IS NULL"
    keys = {row["user_id"] for row in await scene.world.owner.fetch(sql, group)}
    return {name for name, person in scene.people.items() if person.id in keys}


async def shown_names(scene: Scene) -> dict[UUID, str]:
    """The names of the guest's groups as Greta reads them."""
    snapshot = scene.world.database.snapshot(scene["greta"].identity)
    try:
        rows = await snapshot.fetch(GROUPS_BY_GUEST, keys=[str(scene.guest.id)])
    finally:
        await snapshot.close()
    return {UUID(key): name for key, name in named(rows).items()}


async def assert_bijection(scene: Scene) -> None:
    """Invariant 4: active groups and active delegations are in bijection, and nobody is in any other group."""
    rows = await scene.world.owner.fetch(
        "SELECT d.id AS delegation, g.id AS role_group FROM accord.role_delegations d"
        " FULL JOIN accord.role_groups g ON g.delegation_id = d.id AND g.state = 'ACTIVE'"
        " WHERE d.state = 'ACTIVE' OR g.state = 'ACTIVE'"
    )
    assert all(row["delegation"] and row["role_group"] for row in rows)
    assert len({row["delegation"] for row in rows}) == len({row["role_group"] for row in rows}) == len(rows)
    stray = (
        "SELECT count(*) FROM accord.role_group_members m JOIN accord.role_groups g ON g.id = m.group_id"
        " WHERE m.ended_at IS NULL AND g.state <> 'ACTIVE'"
    )
    assert await scene.world.owner.fetchval(stray) == 0


async def second_customer(scene: Scene) -> Scene:
    """Another host of the same name with the same guest."""
    other = await set_scene(scene.world)
    other.people |= {name: scene[name] for name in ("greta", "gustav", "carla", "dan")}
    other.guest = scene.guest
    other.partnership = await scene.world.partnership(other["mia"], other["ada"], scene["greta"])
    other.people["dora"] = await scene.world.person(other.host, Role.DECISION_MAKER)
    await of_record(other)
    return other


async def rename(scene: Scene, name: str) -> None:
    await scene.world.owner.execute("UPDATE accord.organisations SET name = $2 WHERE id = $1", scene.host.id, name)
