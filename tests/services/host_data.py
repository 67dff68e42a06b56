"""People at work with a host's own data: at home, and acting in it on any basis."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest

from accord.domain.acting import Basis
from accord.domain.billing import Money
from accord.domain.delegation import DelegatedRole
from accord.domain.errors import Forbidden
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.services.billing import issue_invoice, top_up_wallet
from accord.services.grants.acting import switch_organisation
from accord.services.partnerships.level import set_data_access
from accord.services.people.member import update_member
from accord.services.policy import set_policy
from tests.services.roles import dialog, groups, inside, put
from tests.services.scene import Scene, set_scene
from tests.world import Service, World

EUR: Final = "EUR"
MANAGE: Final = DataAccessLevel.MANAGE
BASES: Final[dict[str, Any]] = {
    "support": DataAccessLevel.SUPPORT,
    "manage": MANAGE,
    "complete": MANAGE,
    "wallet": MANAGE,
    "decision_maker": DelegatedRole.DECISION_MAKER,
    "phone_manager": DelegatedRole.PHONE_MANAGER,
}
"""What an acting session of Greta's rests on, by name; `complete` and `wallet` say what the partnership is besides."""


async def set_house(world: World) -> Scene:
    """The scene with a Decision Maker and a Phone Manager of the host."""
    scene = await set_scene(world)
    scene.people["dora"] = await world.person(scene.host, Role.DECISION_MAKER, name="Dora Harbour")
    scene.people["phil"] = await world.person(scene.host, Role.PHONE_MANAGER, name="Phil Harbour")
    scene.people["leo"] = await world.person(scene.host, Role.LEGAL_REPRESENTATIVE, name="Leo Harbour")
    return scene


async def bill(scene: Scene, amount: int = 1_000, number: str = "2026-1", currency: str = EUR) -> UUID:
    """The vendor bills the host."""
    due = scene.world.clock.now.date()
    given = {"customer_id": scene.host.id, "number": number, "amount": Money(amount, currency), "due_on": due}
    invoice: UUID = await scene.world.operate(issue_invoice, **given)
    return invoice


async def fill(scene: Scene, amount: int, currency: str = EUR) -> None:
    await scene.act("ada", top_up_wallet, amount=Money(amount, currency))


async def open_session(scene: Scene, basis: str) -> UUID:
    """Greta acts in the host on this basis, from now on."""
    given: Any = BASES[basis]
    mode, wallet = ("COMPLETE" if basis in {"complete", "wallet"} else "LIMITED"), basis == "wallet"
    sql = "UPDATE accord.partnerships SET access_mode = $2, wallet_entrusted = $3 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.partnership, mode, wallet)
    if isinstance(given, DataAccessLevel):
        await _grant(scene, given)
        return await _switch(scene, basis=Basis.LEVEL)
    await _delegate(scene, given)
    return await _switch(scene, basis=Basis.ROLE_GROUP, role_key=given)


async def _grant(scene: Scene, level: DataAccessLevel) -> None:
    greta = scene["greta"].membership_id
    await scene.act("gustav", update_member, membership_id=greta, delegated_admin=True)
    await scene.act("ada", set_data_access, partnership_id=scene.partnership, level=level, confirm=True)


async def _delegate(scene: Scene, role: DelegatedRole) -> None:
    await scene.act("ada", set_policy, roles_only_to_partner_of_record=False)
    if role not in await groups(scene):
        await dialog(scene, *{*await groups(scene), role})
    if "greta" not in await inside(scene, (await groups(scene))[role]):
        await put(scene, role, "greta")


async def _switch(scene: Scene, **given: Any) -> UUID:
    session: UUID = await scene.world.act_as_oneself(
        scene["greta"], switch_organisation, host_id=scene.host.id, reason="They asked us to.", **given
    )
    return session


async def act_as(scene: Scene, basis: str, service: Service[Any], **given: Any) -> Any:
    """Greta does something in the host, acting on this basis."""
    session = await open_session(scene, basis)
    return await scene.world.act(scene["greta"], service, organisation_id=scene.host.id, session=session, **given)


async def refused_as(scene: Scene, basis: str, service: Service[Any], **given: Any) -> str:
    """Greta tries this, acting on this basis, and nothing changes; the condition that failed."""
    session = await open_session(scene, basis)
    async with scene.unchanged():
        with pytest.raises(Forbidden) as refusal:
            await scene.world.act(scene["greta"], service, organisation_id=scene.host.id, session=session, **given)
    return refusal.value.condition


async def balance(scene: Scene) -> int | None:
    """What is in the wallet, None before there is one; the entries add up to it."""
    owner = scene.world.owner
    found: int | None = await owner.fetchval("SELECT balance_minor FROM accord.wallets WHERE id = $1", scene.host.id)
    sql = "SELECT sum(amount_minor)::bigint FROM accord.wallet_entries WHERE organisation_id = $1"
    assert await owner.fetchval(sql, scene.host.id) == found
    return found
