"""SUPPORT by default: with the sale alone, where the deployment allows it, told at once, taken back in one act (Q4)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest

from accord.domain.errors import CeilingExceeded, ValidationError
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import token_hash
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.services.operator import create_organisation
from accord.services.partnerships.level import set_data_access
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people.joining import accept_membership
from tests.services.scene import Scene
from tests.world import identify

TOKEN: Final = "the link of the first admin"
NEWCOMER: Final = "first@people.example"


@pytest.fixture
async def customer(scene: Scene) -> UUID:
    """A new organisation that nobody has joined; the scene's guest is a partner in the vendor's programme."""
    active = {"program": PartnerProgram.MSP, "status": PartnerStatus.ACTIVE}
    await scene.world.operate(set_partner_status, organisation_id=scene.guest.id, **active)
    first = {"admin_email": NEWCOMER, "admin_display_name": "First"}
    return await scene.world.operate(create_organisation, name="New", country_code="NO", **first)


async def link(scene: Scene, customer_id: UUID, **given: Any) -> UUID:
    pair = {"customer_id": customer_id, "partner_id": scene.guest.id, "kind": LinkKind.MSP}
    default = {"default_level": DataAccessLevel.SUPPORT, "support_by_default": True}
    return await scene.world.operate(link_partner, **pair, **default | given)


async def join(scene: Scene, customer_id: UUID) -> None:
    sql = "UPDATE accord.memberships SET token_hash = $2 WHERE organisation_id = $1 AND status = 'INVITED'"
    await scene.world.owner.execute(sql, customer_id, token_hash(TOKEN))
    newcomer = await scene.world.vouched(identify(NEWCOMER), TOKEN)
    await scene.world.database.write(newcomer, None, lambda tx: accept_membership(tx, token=TOKEN))


async def level(scene: Scene, customer_id: UUID) -> list[tuple[str, str]]:
    sql = "SELECT state, granted_level FROM accord.partnerships WHERE host_id = $1"
    return [tuple(row) for row in await scene.world.owner.fetch(sql, customer_id)]


async def test_it_begins_with_the_first_admin_who_is_told(scene: Scene, customer: UUID) -> None:
    """S28."""
    await link(scene, customer)
    assert await level(scene, customer) == []
    await join(scene, customer)
    assert await level(scene, customer) == [("ACTIVE", "SUPPORT")]
    sql = "SELECT address FROM accord.mails WHERE template = 'level_changed'"
    told = {row["address"] for row in await scene.world.owner.fetch(sql)}
    assert told == {NEWCOMER, scene["greta"].email, scene["gustav"].email}
    granted = "SELECT actor_name, actor_user_id FROM accord.activity_events WHERE type = 'level.granted'"
    assert {tuple(row) for row in await scene.world.owner.fetch(granted)} == {("The vendor", None)}
    assert (await scene.world.verify()).faults == ()


async def test_the_admin_takes_it_back_in_one_act(scene: Scene, customer: UUID) -> None:
    """S29."""
    await link(scene, customer)
    await join(scene, customer)
    key = await scene.world.owner.fetchval("SELECT id FROM accord.partnerships WHERE host_id = $1", customer)
    none = {"partnership_id": key, "level": DataAccessLevel.NONE}
    admin = identify(NEWCOMER)
    await scene.world.database.write(admin, customer, lambda tx: set_data_access(tx, organisation_id=customer, **none))
    assert await level(scene, customer) == [("ACTIVE", "NONE")]


async def test_never_for_a_later_link_nor_without_the_setting_nor_above_the_ceiling(
    scene: Scene, customer: UUID
) -> None:
    async with scene.unchanged():
        with pytest.raises(ValidationError):
            await link(scene, customer, support_by_default=False)
        with pytest.raises(CeilingExceeded):
            await link(scene, customer, ceiling=DataAccessLevel.NONE)
    await join(scene, customer)
    async with scene.unchanged():
        with pytest.raises(ValidationError):
            await link(scene, customer)
    await link(scene, customer, default_level=DataAccessLevel.NONE)
    assert await level(scene, customer) == [("ACTIVE", "NONE")]


async def test_a_second_admin_begins_nothing_again(scene: Scene, customer: UUID) -> None:
    made = await link(scene, customer)
    await join(scene, customer)
    assert len(await level(scene, customer)) == 1
    assert made == await scene.world.owner.fetchval(
        "SELECT link_id FROM accord.partnerships WHERE host_id = $1", customer
    )
