"""Links, levels and ceilings: two keys, and no way up but an act of the host (model 4.4.2, invariants 3 and 17)."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from accord.access.decision import level_of
from accord.database.queries.partnership import REACHABLE, partnership_facts
from accord.domain.errors import (
    CeilingExceeded,
    Conflict,
    DomainError,
    Forbidden,
    InvalidState,
    NotFound,
    PrerequisiteMissing,
    ValidationError,
)
from accord.domain.level import ORDER, DataAccessLevel, least
from accord.domain.organisation import OrganisationStatus, Role
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.domain.partnership import PartnershipState
from accord.services.grants.ticket import sign_in_to_account
from accord.services.partnerships.ceiling import set_ceiling
from accord.services.partnerships.hold import resume_partnership, suspend_partnership
from accord.services.partnerships.level import set_data_access, share_data_with_partner
from accord.services.partnerships.link import end_partner_link, link_partner
from accord.services.partnerships.partnership import accept_partnership, remove_partner
from accord.services.partnerships.status import set_organisation_status, set_partner_status
from accord.services.policy import freeze_partner_access, set_policy, unfreeze_partner_access
from tests.services.scene import Scene, Signer
from tests.world import STAFF, Organisation, Person, World

NONE, SUPPORT, MANAGE = ORDER
MSP, ACTIVE, HELD = PartnerProgram.MSP, PartnerStatus.ACTIVE, PartnerStatus.SUSPENDED
OF_RECORD, RESELLER = LinkKind.PARTNER_OF_RECORD, LinkKind.RESELLER


async def become_partner(world: World, partner: Organisation, **given: Any) -> None:
    await world.operate(set_partner_status, **{"organisation_id": partner.id, "program": MSP, "status": ACTIVE} | given)


async def linked(scene: Scene, **given: Any) -> UUID:
    """The scene's guest as a partner, linked to its host."""
    await become_partner(scene.world, scene.guest)
    ends = {"customer_id": scene.host.id, "partner_id": scene.guest.id, "kind": OF_RECORD}
    return await scene.world.operate(link_partner, **ends | given)


async def fresh_link(scene: Scene, **given: Any) -> tuple[UUID, UUID]:
    """The same where the pair had no partnership before: the link and the partnership that it began."""
    await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    link = await linked(scene, **given)
    sql = "SELECT id FROM accord.partnerships WHERE link_id = $1"
    scene.partnership = await scene.world.owner.fetchval(sql, link)
    return link, scene.partnership


async def grant(scene: Scene, level: DataAccessLevel, name: str = "ada", **given: Any) -> None:
    await scene.act(
        name, set_data_access, **{"partnership_id": scene.partnership, "level": level, "confirm": True} | given
    )


async def levels(scene: Scene, key: UUID | None = None) -> tuple[str, str, str]:
    """Ceiling, granted and effective level as decisions see them."""
    async with scene.world.database.transaction(STAFF) as tx:
        await tx.enter(scene.host.id, scene.guest.id)
        (row,) = await tx.fetch(REACHABLE, wanted=key or scene.partnership)
        facts = partnership_facts(row)
        return facts.ceiling, facts.granted, level_of(facts, tx.now)


async def test_a_link_is_an_active_partnership_that_grants_nothing(scene: Scene) -> None:
    _, key = await fresh_link(scene)
    row = await scene.row("partnerships", key)
    assert (row["state"], row["path"], row["access_mode"]) == ("ACTIVE", "VENDOR_LINK", "LIMITED")
    assert row["owner_user_id"] == scene["ada"].id
    assert row["representative_user_id"] == scene["greta"].id
    assert await levels(scene) == (MANAGE, NONE, NONE)
    assert {"ada", "greta"} <= (await scene.mails("partner_linked"))[0]
    for side in (scene.host, scene.guest):
        assert len(await scene.events(side, "link.created")) == 1
    with pytest.raises(Conflict):
        await linked(scene)


async def test_only_an_active_partner_is_linked_and_one_is_of_record(scene: Scene) -> None:
    ends = {"customer_id": scene.host.id, "partner_id": scene.guest.id, "kind": OF_RECORD}
    with pytest.raises(PrerequisiteMissing):
        await scene.world.operate(link_partner, **ends)
    await linked(scene)
    other = await scene.world.organisation()
    await become_partner(scene.world, other)
    with pytest.raises(Conflict):
        await scene.world.operate(link_partner, **ends | {"partner_id": other.id})
    await scene.world.operate(link_partner, **ends | {"partner_id": other.id, "kind": RESELLER})
    with pytest.raises(NotFound):
        await scene.world.operate(link_partner, **ends | {"partner_id": scene["ada"].id})
    with pytest.raises(ValidationError):
        await scene.world.operate(link_partner, **ends | {"partner_id": scene.host.id})


async def test_a_partnership_that_waits_takes_no_link(scene: Scene) -> None:
    await scene.act("ada", remove_partner, partnership_id=scene.partnership)
    await scene.world.partnership(
        scene["mia"], scene["ada"], scene["greta"], PartnershipState.AWAITING_GUEST_ACCEPTANCE
    )
    with pytest.raises(InvalidState):
        await linked(scene)


async def test_a_live_partnership_takes_the_link_and_outlives_it(scene: Scene) -> None:
    await scene.share()
    await grant(scene, MANAGE)
    link = await linked(scene, ceiling=SUPPORT)
    row = await scene.row("partnerships", scene.partnership)
    assert (row["link_id"], row["path"], row["state"]) == (link, "HOST_REQUEST", "ACTIVE")
    assert await levels(scene) == (SUPPORT, SUPPORT, SUPPORT)
    await scene.world.operate(end_partner_link, link_id=link)
    row = await scene.row("partnerships", scene.partnership)
    assert (row["link_id"], row["state"]) == (None, "ACTIVE")
    assert await levels(scene) == (MANAGE, SUPPORT, SUPPORT)
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    with pytest.raises(InvalidState):
        await scene.world.operate(end_partner_link, link_id=link)


async def test_the_end_of_a_link_ends_the_partnership_that_it_began(scene: Scene) -> None:
    link, key = await fresh_link(scene)
    await grant(scene, MANAGE)
    await scene.world.operate(end_partner_link, link_id=link, reason="Contract over.")
    row = await scene.row("partnerships", key)
    assert (row["state"], row["granted_level"]) == ("TERMINATED", "NONE")
    assert {"ada", "greta"} <= (await scene.mails("partner_link_ended"))[0]
    assert [e["type"] for e in await scene.events(scene.guest, "link.ended", "partnership.terminated")][-2:] == [
        "link.ended",
        "partnership.terminated",
    ]
    assert (await scene.world.verify()).faults == ()


async def test_management_needs_two_keys(scene: Scene) -> None:
    await linked(scene, ceiling=SUPPORT)
    with pytest.raises(CeilingExceeded) as refused:
        await grant(scene, MANAGE)
    assert refused.value.ceiling == SUPPORT
    link = (await scene.row("partnerships", scene.partnership))["link_id"]
    await scene.world.operate(set_ceiling, link_id=link, ceiling=MANAGE)
    assert await levels(scene) == (MANAGE, NONE, NONE)
    with pytest.raises(ValidationError) as unconfirmed:
        await grant(scene, MANAGE, confirm=False)
    assert unconfirmed.value.field == "confirm"
    await grant(scene, MANAGE)
    assert await levels(scene) == (MANAGE, MANAGE, MANAGE)
    assert (await scene.mails("level_changed"))[-1] == {"greta", "gustav"}


async def test_leaders_raise_owners_lower_and_the_guest_does_neither(scene: Scene) -> None:
    for name in ("mia", "greta", "otto"):
        with pytest.raises((Forbidden, NotFound)):
            await grant(scene, SUPPORT, name)
    await grant(scene, MANAGE)
    await grant(scene, SUPPORT, "mia", confirm=False)
    with pytest.raises(Forbidden):
        await grant(scene, MANAGE, "mia")
    with pytest.raises(Forbidden):
        await grant(scene, NONE, "greta")
    await grant(scene, NONE, "mia", confirm=False)
    assert await levels(scene) == (MANAGE, NONE, NONE)
    types = [e["type"] for e in await scene.events(scene.guest, "level.granted", "level.reduced", "level.revoked")]
    assert types == ["level.granted", "level.reduced", "level.revoked"]
    assert await scene.mails("level_disabled") == [{"greta", "gustav"}]


async def test_the_switch_is_on_or_off(scene: Scene) -> None:
    given = {"partnership_id": scene.partnership}
    with pytest.raises(ValidationError):
        await scene.act("ada", share_data_with_partner, share=True, **given)
    await scene.act("ada", share_data_with_partner, share=True, confirm=True, **given)
    assert await levels(scene) == (MANAGE, MANAGE, MANAGE)
    await scene.act("mia", share_data_with_partner, share=False, **given)
    assert await levels(scene) == (MANAGE, NONE, NONE)


async def test_what_is_set_already_tells_nobody_again(scene: Scene) -> None:
    await grant(scene, SUPPORT)
    before = await scene.state_of_things()
    await grant(scene, SUPPORT)
    assert await scene.state_of_things() == before


async def test_while_suspended_a_level_is_kept_denied_and_can_be_lowered(scene: Scene) -> None:
    await grant(scene, MANAGE)
    await scene.act("greta", suspend_partnership, partnership_id=scene.partnership, reason="A break.")
    assert await levels(scene) == (MANAGE, MANAGE, NONE)
    await grant(scene, SUPPORT, "mia")
    with pytest.raises(InvalidState):
        await grant(scene, MANAGE)
    await scene.act("greta", resume_partnership, partnership_id=scene.partnership)
    assert await levels(scene) == (MANAGE, SUPPORT, SUPPORT)


async def test_policy_denies_a_level_as_it_denies_accounts(scene: Scene) -> None:
    await grant(scene, MANAGE)
    await scene.act("ada", freeze_partner_access)
    assert await levels(scene) == (MANAGE, MANAGE, NONE)
    await scene.act("ada", unfreeze_partner_access)
    await scene.act("greta", set_policy, blocked_partners=[scene.host.id])
    assert await levels(scene) == (MANAGE, MANAGE, NONE)


async def test_a_ceiling_lowers_at_once_and_raises_nothing(scene: Scene) -> None:
    await linked(scene)
    await grant(scene, MANAGE)
    for ceiling in (SUPPORT, MANAGE, None, NONE, None):
        await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=ceiling)
    assert await levels(scene) == (MANAGE, NONE, NONE)
    assert [e["type"] for e in await scene.events(scene.host, "level.reduced", "level.revoked")] == [
        "level.reduced",
        "level.revoked",
    ]
    assert (await scene.world.verify()).faults == ()


async def test_the_least_ceiling_counts(scene: Scene) -> None:
    link = await linked(scene, ceiling=SUPPORT)
    await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=NONE)
    assert (await levels(scene))[0] == NONE
    await scene.world.operate(set_ceiling, link_id=link, ceiling=NONE)
    await scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=None)
    assert (await levels(scene))[0] == NONE


@pytest.fixture
async def parent(scene: Scene) -> tuple[Organisation, Person]:
    """A partner above the scene's guest, and its admin."""
    above = await scene.world.organisation("Tower")
    admin = await scene.world.person(above, Role.ORG_ADMIN, name="Tora Tower")
    await become_partner(scene.world, above)
    await become_partner(scene.world, scene.guest, parent_partner_id=above.id)
    return above, admin


async def test_a_parent_bounds_its_sub_partner_up_to_its_own(scene: Scene, parent: tuple[Organisation, Person]) -> None:
    above, tora = parent
    given = {"partner_id": scene.guest.id}
    await grant(scene, MANAGE)
    await scene.world.act(tora, set_ceiling, ceiling=SUPPORT, **given)
    assert await levels(scene) == (SUPPORT, SUPPORT, SUPPORT)
    told = (await scene.events(scene.host, "level.reduced"))[0]
    assert (told["actor_name"], told["actor_user_id"]) == (scene.guest.name, None)
    await scene.world.operate(set_ceiling, partner_id=above.id, ceiling=SUPPORT)
    for act in (scene.world.act(tora, set_ceiling, ceiling=MANAGE, **given), operated(scene, MANAGE)):
        with pytest.raises(CeilingExceeded):
            await act
    await scene.world.operate(set_ceiling, partner_id=above.id, ceiling=NONE)
    assert await levels(scene) == (NONE, NONE, NONE)
    assert (await scene.world.verify()).faults == ()


def operated(scene: Scene, ceiling: DataAccessLevel) -> Any:
    return scene.world.operate(set_ceiling, partner_id=scene.guest.id, ceiling=ceiling)


async def test_nobody_else_sets_a_ceiling(scene: Scene, parent: tuple[Organisation, Person]) -> None:
    above, tora = parent
    link = await linked(scene)
    await become_partner(scene.world, scene.guest, parent_partner_id=above.id)
    for name in ("ada", "greta"):
        for given in ({"partner_id": scene.guest.id}, {"link_id": link}):
            with pytest.raises(NotFound):
                await scene.act(name, set_ceiling, ceiling=NONE, **given)
    with pytest.raises(NotFound):
        await scene.world.act(tora, set_ceiling, link_id=link, ceiling=NONE)
    with pytest.raises(NotFound):
        await scene.world.act(tora, set_ceiling, partner_id=above.id, ceiling=MANAGE)
    with pytest.raises(ValidationError):
        await scene.world.operate(set_ceiling, ceiling=NONE)
    with pytest.raises(Forbidden):
        await scene.world.database.write(
            tora.identity, None, lambda tx: set_ceiling(tx, partner_id=scene.guest.id, ceiling=NONE)
        )


async def test_the_tree_has_no_circle_and_gives_no_way_in(scene: Scene, parent: tuple[Organisation, Person]) -> None:
    above, tora = parent
    with pytest.raises(ValidationError):
        await become_partner(scene.world, above, parent_partner_id=scene.guest.id)
    with pytest.raises(ValidationError):
        await become_partner(scene.world, above, parent_partner_id=above.id)
    with pytest.raises(NotFound):
        await become_partner(scene.world, above, parent_partner_id=scene.host.id)
    await scene.share()
    for given in ({"organisation_id": above.id}, {}):
        with pytest.raises(DomainError):
            await scene.world.act(
                tora, set_data_access, partnership_id=scene.partnership, level=SUPPORT, confirm=True, **given
            )
    with pytest.raises((Forbidden, NotFound)):
        await scene.world.act(tora, sign_in_to_account, account_id=scene.account, signer=Signer())


async def test_a_suspended_partner_holds_what_runs_and_accepts_nothing(scene: Scene) -> None:
    await become_partner(scene.world, scene.guest)
    await grant(scene, MANAGE)
    reverse = await scene.world.organisation("Shop")
    asker = await scene.world.person(reverse, Role.ORG_ADMIN)
    asked = await scene.world.request(asker, scene.guest)
    await become_partner(scene.world, scene.guest, status=HELD)
    row = await scene.row("partnerships", scene.partnership)
    assert (row["state"], row["suspended_by"]) == ("SUSPENDED", ["OPERATOR"])
    assert (await scene.row("partnerships", asked))["state"] == "AWAITING_GUEST_ACCEPTANCE"
    with pytest.raises(Forbidden) as refused:
        await scene.act(
            "greta",
            accept_partnership,
            partnership_id=asked,
            expected_version=await scene.world.version("partnerships", asked),
            terms_version_id=await scene.world.terms(),
            consent=True,
        )
    assert refused.value.condition == "ORGANISATION_INACTIVE"
    await scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="We too.")
    await become_partner(scene.world, scene.guest)
    assert (await scene.row("partnerships", scene.partnership))["suspended_by"] == ["HOST"]
    await scene.act("ada", resume_partnership, partnership_id=scene.partnership)
    assert await levels(scene) == (MANAGE, MANAGE, MANAGE)


async def test_a_partner_with_links_or_sub_partners_stays_one(
    scene: Scene, parent: tuple[Organisation, Person]
) -> None:
    above, _ = parent
    off = {"program": PartnerProgram.NONE, "status": PartnerStatus.NONE}
    with pytest.raises(ValidationError):
        await become_partner(scene.world, above, **off)
    link = await linked(scene)
    await become_partner(scene.world, above, **off)
    with pytest.raises(ValidationError):
        await become_partner(scene.world, scene.guest, **off)
    with pytest.raises(ValidationError):
        await become_partner(scene.world, scene.guest, status=PartnerStatus.NONE)
    await scene.world.operate(end_partner_link, link_id=link)
    await become_partner(scene.world, scene.guest, **off)


async def test_a_suspended_organisation_is_denied_and_a_closed_one_has_no_partners(scene: Scene) -> None:
    await scene.share()
    link = await linked(scene)
    await grant(scene, MANAGE)
    untold = await scene.world.partnership(
        scene["mia"], scene["ada"], (await stranger(scene)), PartnershipState.AWAITING_HOST_APPROVAL
    )
    given = {"organisation_id": scene.host.id}
    await scene.world.operate(set_organisation_status, status=OrganisationStatus.SUSPENDED, **given)
    assert await levels(scene) == (MANAGE, MANAGE, NONE)
    with pytest.raises((Forbidden, NotFound)):
        await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    await scene.world.operate(set_organisation_status, status=OrganisationStatus.ACTIVE, **given)
    await scene.act("greta", sign_in_to_account, account_id=scene.account, signer=Signer())
    await scene.world.operate(set_organisation_status, status=OrganisationStatus.CLOSED, **given)
    assert (await scene.row("partnerships", scene.partnership))["state"] == "TERMINATED"
    assert (await scene.row("partnerships", untold))["state"] == "WITHDRAWN"
    assert (await scene.row("partner_links", link))["status"] == "ENDED"
    with pytest.raises(InvalidState):
        await scene.world.operate(set_organisation_status, status=OrganisationStatus.ACTIVE, **given)
    assert (await scene.world.verify()).faults == ()


async def stranger(scene: Scene) -> Person:
    return await scene.world.person(await scene.world.organisation(), Role.ORG_ADMIN)


async def test_closing_a_guest_withdraws_what_it_does_not_know_of(scene: Scene) -> None:
    admin = await stranger(scene)
    untold = await scene.world.request(scene["mia"], admin.organisation)
    await scene.world.operate(
        set_organisation_status, organisation_id=admin.organisation.id, status=OrganisationStatus.CLOSED
    )
    assert (await scene.row("partnerships", untold))["state"] == "WITHDRAWN"
    assert await scene.events(admin.organisation, "partnership.withdrawn") == []
    assert len(await scene.events(scene.host, "partnership.withdrawn")) == 1


async def test_staff_does_not_act_on_its_own_organisation(scene: Scene) -> None:
    await scene.world.owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
        STAFF.issuer,
        STAFF.subject,
        scene["ada"].id,
    )
    link = {"customer_id": scene.host.id, "partner_id": scene.guest.id, "kind": OF_RECORD}
    status = {"organisation_id": scene.host.id}
    await become_partner(scene.world, scene.guest)
    for act in (
        scene.world.operate(link_partner, **link),
        scene.world.operate(set_organisation_status, status=OrganisationStatus.SUSPENDED, **status),
        become_partner(scene.world, scene.host),
    ):
        with pytest.raises(Forbidden):
            await act


@pytest.mark.parametrize("seed", range(3))
async def test_no_sequence_makes_more_than_the_host_granted_last(scene: Scene, seed: int) -> None:
    """effective = min(ceiling, granted), granted never above the ceiling, and only the host's own act raises it."""
    chance = random.Random(seed)
    link = await linked(scene)
    last = NONE
    for _ in range(25):
        level = chance.choice(ORDER)
        step = chance.choice(("grant", "contract", "link", "hold", "resume", "freeze", "unfreeze"))
        acts: dict[str, Any] = {
            "grant": lambda level=level: grant(scene, level),
            "contract": lambda level=level: operated(scene, level),
            "link": lambda level=level: scene.world.operate(set_ceiling, link_id=link, ceiling=level),
            "hold": lambda: scene.act("ada", suspend_partnership, partnership_id=scene.partnership, reason="Why not."),
            "resume": lambda: scene.act("ada", resume_partnership, partnership_id=scene.partnership),
            "freeze": lambda: scene.act("ada", freeze_partner_access),
            "unfreeze": lambda: scene.act("ada", unfreeze_partner_access),
        }
        try:
            await acts[step]()
            last = level if step == "grant" else last
        except (InvalidState, CeilingExceeded):
            pass
        ceiling, granted, effective = await levels(scene)
        last = least(last, DataAccessLevel(ceiling))
        assert granted == last
        assert effective in {NONE, least(DataAccessLevel(ceiling), DataAccessLevel(granted))}
