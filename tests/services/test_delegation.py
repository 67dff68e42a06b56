"""Roles delegated to the partner of record, their groups, and what ends them (S105 to S120)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from accord.database.engine import Database
from accord.database.queries.read.delegation import GROUPS_BY_GUEST, named
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Conflict, DomainError, Forbidden, InvalidState, NotFound, RateLimited, ValidationError
from accord.domain.organisation import Role
from accord.services.delegation import clear_roles, delegate_roles, set_delegated_roles
from accord.services.expiry import sweep
from accord.services.hold import resume_partnership, suspend_partnership
from accord.services.member import deactivate_member, reactivate_member, remove_member
from accord.services.ownership import set_representative
from accord.services.partnership import remove_partner
from accord.services.policy import set_policy
from accord.services.role_group import add_role_group_members, remove_role_group_members
from tests.services.scene import Scene, set_scene

D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
OFFICE: Final = "office@partner.example"


@pytest.fixture
async def scene(scene: Scene) -> Scene:
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


@pytest.mark.parametrize("by", ["dora", "ada", "arne"])
async def test_the_whole_dialog_is_one_change(scene: Scene, by: str) -> None:
    """S106, S107, S110, S114, S117, S120: one role for the other, in one transaction, with one notice of each kind."""
    await dialog(scene, P, by=by)
    phones = (await groups(scene))[P]
    await put(scene, P, "carla")
    done = await dialog(scene, D, by=by, notify_addresses=f"{OFFICE}, second@partner.example")
    assert (done.receipt.roles_enabled, done.receipt.roles_cleared, done.receipt.group_members_ended) == (1, 1, 1)
    assert (await groups(scene)).keys() == {D}
    assert await inside(scene, phones) == set()
    assert len(await scene.mails("roles_cleared")) == 2
    for organisation in (scene.host, scene.guest):
        kinds = [row["type"] for row in await scene.events(organisation, "delegation.enabled", "delegation.cleared")]
        assert kinds == ["delegation.enabled", "delegation.enabled", "delegation.cleared"]
    await assert_bijection(scene)


async def test_who_is_told_of_a_role(scene: Scene) -> None:
    """S115, S116, S119, Q24: the addresses each, the guest's admins in any case, with a notice in the application."""
    await dialog(scene, D, notify_addresses=f" {OFFICE} ,b@partner.example,{OFFICE}")
    assert await scene.mails("roles_delegated") == [{"greta", "gustav"}, {OFFICE, "b@partner.example"}]
    await scene.act(
        "dora", clear_roles, partnership_id=scene.partnership, roles=[D], notify_addresses="c@partner.example"
    )
    assert await scene.mails("roles_cleared") == [{"greta", "gustav"}, {"c@partner.example"}]
    sql = "SELECT user_id, text FROM accord.notifications WHERE template = 'roles_cleared' AND partnership_id = $1"
    notices = await scene.world.owner.fetch(sql, scene.partnership)
    assert {row["user_id"] for row in notices} == {scene["greta"].id, scene["gustav"].id}
    assert all("no longer has access" in row["text"] for row in notices)


async def test_clearing_needs_no_list(scene: Scene) -> None:
    """Q24: without a list those are told who were told before; without the box the admins alone."""
    await dialog(scene, D, P)
    await dialog(scene, P, notify_addresses=None)
    assert await scene.mails("roles_cleared") == [{"greta", "gustav"}, {OFFICE}]
    await dialog(scene, notify_addresses=None, send_email=False)
    assert (await scene.mails("roles_cleared"))[2:] == [{"greta", "gustav"}]


async def test_an_admin_on_the_list_gets_one_mail(scene: Scene) -> None:
    await dialog(scene, D, notify_addresses=scene["greta"].email.upper())
    assert await scene.mails("roles_delegated") == [{"greta", "gustav"}]


MANY: Final = ", ".join(f"p{number}@partner.example" for number in range(21))


@pytest.mark.parametrize("listed", [f"{OFFICE}, not an address", MANY, "", " , ", None])
async def test_a_list_that_is_none_refuses_the_whole_change(scene: Scene, listed: str | None) -> None:
    await dialog(scene, P)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": listed}
    refusal = await scene.refused("dora", ValidationError, set_delegated_roles, **given)
    assert refusal.path == ("notifyAddresses",)
    assert (await groups(scene)).keys() == {P}


async def test_twenty_addresses_are_not_too_many(scene: Scene) -> None:
    await dialog(scene, D, notify_addresses=MANY.rpartition(",")[0])
    assert len((await scene.mails("roles_delegated"))[1]) == 20


async def test_one_bad_address_refuses_clearing_too(scene: Scene) -> None:
    await dialog(scene, D)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": "nobody"}
    await scene.refused("dora", ValidationError, clear_roles, **given)


async def test_enabling_is_never_silent(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE, "send_email": False}
    assert (await scene.refused("dora", ValidationError, set_delegated_roles, **given)).path == ("sendEmail",)


async def test_the_same_dialog_again_changes_nothing(scene: Scene) -> None:
    await dialog(scene, D)
    async with scene.unchanged():
        done = await dialog(scene, D)
    assert (done.receipt.roles_enabled, done.receipt.roles_cleared) == (0, 0)


async def test_two_dialogs_on_one_reading_conflict(scene: Scene) -> None:
    read = await scene.world.version("partnerships", scene.partnership)
    await dialog(scene, D, expected_version=read)
    given = {"partnership_id": scene.partnership, "roles": [P], "notify_addresses": OFFICE, "expected_version": read}
    await scene.refused("ada", Conflict, set_delegated_roles, **given)


async def test_steps_of_the_dialog_say_what_stands(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership, "notify_addresses": OFFICE}
    await scene.act("dora", delegate_roles, roles=[D], **given)
    await scene.refused("dora", InvalidState, delegate_roles, roles=[D, P], **given)
    await scene.refused("dora", InvalidState, clear_roles, roles=[D, P], **given)
    await scene.refused("dora", ValidationError, delegate_roles, roles=[], **given)
    await scene.act("dora", clear_roles, roles=[D], **given)
    assert await groups(scene) == {}


@pytest.mark.parametrize("by", ["mia", "greta", "carla", "otto", "zoe"])
async def test_nobody_else_delegates(scene: Scene, by: str) -> None:
    """S106, 4.9: not the Partnership Owner, nobody of the guest, and no holder of the role to itself."""
    await dialog(scene, D)
    await put(scene, D, "carla")
    for roles in ([P], []):
        given = {"partnership_id": scene.partnership, "roles": roles, "notify_addresses": OFFICE}
        await scene.refused(by, (Forbidden, NotFound), set_delegated_roles, **given)


async def test_only_the_partner_of_record(scene: Scene) -> None:
    """S105, S109, Q26: whoever is not has no roles unless the host's policy says so; taking back always works."""
    await scene.world.owner.execute(
        "UPDATE accord.partner_links SET status = 'ENDED', ended_at = now() WHERE customer_id = $1", scene.host.id
    )
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    refusal = await scene.refused("ada", Forbidden, set_delegated_roles, **given)
    assert isinstance(refusal, Forbidden)
    assert refusal.condition == "POLICY_DENIED"
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    await dialog(scene, D)
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=True)
    await dialog(scene)
    assert await groups(scene) == {}


async def test_a_link_of_another_kind_is_none_of_record(scene: Scene) -> None:
    await scene.world.owner.execute(
        "UPDATE accord.partner_links SET kind = 'RESELLER' WHERE customer_id = $1", scene.host.id
    )
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    await scene.refused("ada", Forbidden, delegate_roles, **given)


async def test_a_suspended_partnership_loses_roles_and_gets_none(scene: Scene) -> None:
    await dialog(scene, D)
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="A review.")
    given = {"partnership_id": scene.partnership, "notify_addresses": OFFICE}
    await scene.refused("ada", InvalidState, delegate_roles, roles=[P], **given)
    await scene.refused("ada", InvalidState, set_delegated_roles, roles=[D, P], **given)
    assert (await groups(scene)).keys() == {D}
    await scene.act("ada", clear_roles, roles=[D], **given)
    assert await groups(scene) == {}


async def test_enabling_counts_against_the_cap_of_mail_and_clearing_never_does(scene: Scene) -> None:
    for _ in range(5):
        await dialog(scene, D)
        await dialog(scene)
    given = {"partnership_id": scene.partnership, "roles": [D], "notify_addresses": OFFICE}
    await scene.refused("dora", RateLimited, set_delegated_roles, **given)
    await dialog(scene, D, notify_addresses="other@partner.example")
    await dialog(scene)
    assert await groups(scene) == {}


async def test_the_partner_fills_its_groups(scene: Scene) -> None:
    """S112: one result per person; foreign people, auditors and those inside already are refused one by one."""
    await dialog(scene, D)
    done = await put(scene, D, "carla", "zoe", "mia", "eva", "carla", "dan")
    carla, dan = scene["carla"].id, scene["dan"].id
    refused = [type(one) for one in done.results[1:5]]
    assert refused == [NotFound, NotFound, ValidationError, InvalidState]
    assert [done.results[0], done.results[5]] == [carla, dan]
    group = (await groups(scene))[D]
    assert await inside(scene, group) == {"carla", "dan"}
    for organisation in (scene.host, scene.guest):
        assert len(await scene.events(organisation, "rolegroup.member_added")) == 2
    given = {"role_group_id": group, "user_ids": [scene["carla"].id, scene["greta"].id]}
    done = await scene.act("gustav", remove_role_group_members, **given)
    assert done.results[0] == carla
    assert isinstance(done.results[1], NotFound)
    assert await inside(scene, group) == {"dan"}
    assert len(await scene.events(scene.host, "rolegroup.member_removed")) == 1


@pytest.mark.parametrize("foreign", ["zoe", "mia"])
async def test_a_person_of_another_organisation_changes_nothing(scene: Scene, foreign: str) -> None:
    await dialog(scene, D)
    group = (await groups(scene))[D]
    async with scene.unchanged():
        (refusal,) = (await put(scene, D, foreign)).results
    assert isinstance(refusal, NotFound)
    assert await inside(scene, group) == set()


@pytest.mark.parametrize("by", ["ada", "dora", "mia", "carla", "zoe"])
async def test_nobody_else_fills_them(scene: Scene, by: str) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    given = {"role_group_id": (await groups(scene))[D], "user_ids": [scene["dan"].id]}
    await scene.refused(by, (Forbidden, NotFound), add_role_group_members, **given)


async def test_the_representative_fills_them_where_the_guests_policy_says_so(scene: Scene) -> None:
    await scene.act("greta", set_representative, partnership_id=scene.partnership, user_id=scene["dan"].id)
    await dialog(scene, D)
    given = {"role_group_id": (await groups(scene))[D], "user_ids": [scene["carla"].id]}
    await scene.refused("dan", Forbidden, add_role_group_members, **given)
    await scene.act("ada", set_policy, representative_manages_groups=True)
    await scene.refused("dan", Forbidden, add_role_group_members, **given)
    await scene.act("greta", set_policy, representative_manages_groups=True)
    await scene.act("dan", add_role_group_members, **given)
    assert await inside(scene, given["role_group_id"]) == {"carla"}


async def test_nobody_is_put_into_a_deleted_group(scene: Scene) -> None:
    """S118: through the service, and past it."""
    await dialog(scene, D)
    group = (await groups(scene))[D]
    await dialog(scene)
    for service in (add_role_group_members, remove_role_group_members):
        await scene.refused("greta", InvalidState, service, role_group_id=group, user_ids=[scene["carla"].id])
    row = await scene.row("role_groups", group)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "INSERT INTO accord.role_group_members"
            " (group_id, partnership_id, host_id, guest_id, user_id, added_by, added_at)"
            " VALUES ($1, $2, $3, $4, $5, $5, now())",
            *(row[name] for name in ("id", "partnership_id", "host_id", "guest_id")),
            scene["carla"].id,
        )


async def test_members_are_never_restored(scene: Scene) -> None:
    """4.4.3: delegating again makes a new, empty group."""
    await dialog(scene, D)
    before = (await groups(scene))[D]
    await put(scene, D, "carla", "dan")
    await dialog(scene)
    await dialog(scene, D)
    after = (await groups(scene))[D]
    assert after != before
    assert await inside(scene, after) == set()


async def test_two_customers_of_one_name(scene: Scene) -> None:
    """S111, Q25: each carries its handle as long as both stand; renames are followed at once."""
    other = await second_customer(scene)
    await dialog(scene, D, P)
    await dialog(other, D)
    mine, theirs = await groups(scene), await groups(other)
    assert await shown_names(scene) == {
        mine[D]: f"Harbour Decision Maker ({scene.host.handle})",
        mine[P]: "Harbour Phone Manager",
        theirs[D]: f"Harbour Decision Maker ({other.host.handle})",
    }
    await rename(scene, "Haven")
    assert await shown_names(scene) == {
        mine[D]: "Haven Decision Maker",
        mine[P]: "Haven Phone Manager",
        theirs[D]: "Harbour Decision Maker",
    }
    await rename(scene, "HARBOU\N{FULLWIDTH LATIN CAPITAL LETTER R}")
    assert (await shown_names(scene))[theirs[D]] == f"Harbour Decision Maker ({other.host.handle})"
    await dialog(scene, P)
    assert (await shown_names(scene))[theirs[D]] == "Harbour Decision Maker"


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


async def test_the_end_of_a_partnership_ends_its_roles(scene: Scene) -> None:
    """4.10: with counts in the receipt and an event for each."""
    await dialog(scene, D, P)
    await put(scene, D, "carla", "dan")
    await put(scene, P, "carla")
    ended = await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    assert (ended.receipt.roles_cleared, ended.receipt.group_members_ended) == (2, 3)
    assert await groups(scene) == {}
    assert len(await scene.events(scene.guest, "delegation.cleared")) == 2
    assert await scene.mails("partnership_ended") == [{"ada", "arne", "greta", "gustav", "carla", "dan"}]
    await assert_bijection(scene)


async def test_roles_expire_with_their_partnership(scene: Scene) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    world = scene.world
    sql = "UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1"
    await world.owner.execute(sql, scene.partnership, world.clock.now + timedelta(days=1))
    world.clock.advance(days=2)
    given = {"partnership_id": scene.partnership, "roles": [D, P], "notify_addresses": OFFICE}
    await scene.refused("ada", InvalidState, set_delegated_roles, **given)
    worker = Database(world.urls.worker, clock=world.clock)
    await sweep(worker, world.clock.now)
    await worker.close()
    states = "SELECT state FROM accord.role_delegations WHERE partnership_id = $1"
    assert await world.owner.fetchval(states, scene.partnership) == "EXPIRED"
    assert await groups(scene) == {}
    await assert_bijection(scene)


@pytest.mark.parametrize("service", [deactivate_member, remove_member])
async def test_whoever_leaves_the_partner_leaves_its_groups(scene: Scene, service: Any) -> None:
    """4.10, invariant 6: and does not come back into them."""
    await dialog(scene, D, P)
    await put(scene, D, "carla", "dan")
    await put(scene, P, "carla")
    membership = scene["carla"].membership_id
    left = await scene.act("greta", service, membership_id=membership)
    assert left.receipt.group_memberships_ended == 2
    found = await groups(scene)
    assert (await inside(scene, found[D]), await inside(scene, found[P])) == ({"dan"}, set())
    (told,) = await scene.events(scene.host, "member.deactivated", "member.removed")
    assert '"groupMembershipsEnded": 2' in told["data"]
    if service is deactivate_member:
        await scene.act("greta", reactivate_member, membership_id=membership)
        assert await inside(scene, found[D]) == {"dan"}


async def test_nobody_who_left_is_in_a_group_past_the_services(scene: Scene) -> None:
    await dialog(scene, D)
    await put(scene, D, "carla")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1", scene["carla"].membership_id
        )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await scene.world.owner.execute(
            "UPDATE accord.role_delegations SET state = 'REVOKED', ended_at = now() WHERE partnership_id = $1",
            scene.partnership,
        )


@pytest.mark.parametrize("seed", range(6))
async def test_groups_and_delegations_are_in_bijection_whatever_happens(scene: Scene, seed: int) -> None:
    """Invariant 4 after each act of a random sequence, and nobody is in a deleted group."""
    chance = random.Random(seed)
    done = 0
    for _ in range(25):
        try:
            await random_act(scene, chance)
            done += 1
        except DomainError:
            pass
        await assert_bijection(scene)
    assert done > 8


async def random_act(scene: Scene, chance: random.Random) -> None:
    roles = chance.sample([D, P], chance.randint(0, 2))
    address = f"p{chance.random()}@partner.example"
    everybody = sorted({"greta", "gustav", "carla", "dan", "zoe", "mia"})
    people = [scene[name].id for name in chance.sample(everybody, 2)]
    sql = "SELECT id FROM accord.role_groups WHERE partnership_id = $1"
    known = [row["id"] for row in await scene.world.owner.fetch(sql, scene.partnership)]
    given = {"partnership_id": scene.partnership}
    kind = chance.choice(["set", "delegate", "clear", "add", "add", "remove", "leave", "hold"])
    if kind in {"set", "delegate", "clear"}:
        service = {"set": set_delegated_roles, "delegate": delegate_roles, "clear": clear_roles}[kind]
        await scene.act("dora", service, roles=roles, notify_addresses=address, **given)
    elif kind == "leave":
        membership = scene["carla"].membership_id
        await scene.act("gustav", chance.choice([deactivate_member, reactivate_member]), membership_id=membership)
    elif kind == "hold":
        service = chance.choice([suspend_partnership, resume_partnership])
        await scene.act("ada", service, **given | ({"reason": "A quarrel."} if service is suspend_partnership else {}))
    elif known:
        service = add_role_group_members if kind == "add" else remove_role_group_members
        await scene.act("greta", service, role_group_id=chance.choice(known), user_ids=people)
