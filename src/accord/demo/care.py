"""Partners who look after their customers: the vendor's links, levels, delegated roles, and people acting by them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accord.demo.stage import Stage
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.partner import LinkKind, PartnerProgram, PartnerStatus
from accord.services.grants.acting import leave_organisation, switch_organisation
from accord.services.grants.delegation import set_delegated_roles
from accord.services.grants.role_group import add_role_group_members
from accord.services.partnerships.hold import suspend_partnership
from accord.services.partnerships.level import set_data_access, share_data_with_partner
from accord.services.partnerships.link import link_partner
from accord.services.partnerships.status import set_partner_status
from accord.services.people.member import update_member
from accord.services.setting import set_feature, update_settings


async def partners_look_after_them(stage: Stage) -> None:
    """Tidewater Web manages one customer and may look at another; Studio Kelp keeps the telephones of a third."""
    await stage.at(7, "13:00")
    for partner, program in (("tidewater", PartnerProgram.MSP), ("kelp", PartnerProgram.REFERRAL)):
        given = {"program": program, "status": PartnerStatus.ACTIVE}
        await stage.operates(set_partner_status, organisation_id=stage.organisations[partner], **given)
    await links(stage, "foxglove", "tidewater", LinkKind.MSP)
    await links(stage, "summit", "tidewater", LinkKind.RESELLER, DataAccessLevel.SUPPORT)
    await links(stage, "cobalt", "tidewater", LinkKind.RESELLER)
    await links(stage, "alder", "kelp", LinkKind.PARTNER_OF_RECORD)
    wanda = await stage.membership_of("wanda")
    await stage.does("wanda", update_member, membership_id=wanda, delegated_admin=True)
    await stage.at(6, "09:00")
    switch = {"share": True, "confirm": True}
    await stage.answers("ines", share_data_with_partner, "foxglove-tidewater", **switch)
    await stage.answers("uma", set_data_access, "summit-tidewater", level=DataAccessLevel.SUPPORT)
    await stage.answers("karl", suspend_partnership, "cobalt-tidewater", reason="Until the new contract is signed.")
    told = {"notify_addresses": "sofia@studiokelp.example, office@studiokelp.example"}
    await stage.answers("jonas", set_delegated_roles, "alder-kelp", roles=[DelegatedRole.PHONE_MANAGER], **told)
    await stage.at(6, "11:00")
    group = await stage.group_of("alder-kelp")
    await stage.does("sofia", add_role_group_members, role_group_id=group, user_ids=[stage.people["milan"]])
    await stage.at(6, "14:00")
    session = await comes(stage, "wanda", "foxglove", "Their domain moves to the new house.")
    await stage.does_there("wanda", session, update_settings, "foxglove", time_zone="Europe/Lisbon")
    await stage.acts("wanda", leave_organisation, session_id=session)
    session = await comes(stage, "milan", "alder", "Calls go unanswered.")
    await stage.does_there("milan", session, set_feature, "alder", key="call_forwarding", enabled=True)
    await stage.does_there("milan", session, set_feature, "alder", key="voicemail", enabled=False)
    await stage.acts("milan", leave_organisation, session_id=session)
    await stage.time_passes()


async def links(
    stage: Stage, customer: str, partner: str, kind: LinkKind, ceiling: DataAccessLevel | None = None
) -> None:
    """The vendor's staff says who is whose partner."""
    pair = {"customer_id": stage.organisations[customer], "partner_id": stage.organisations[partner]}
    await stage.operates(link_partner, **pair, kind=kind, ceiling=ceiling)
    stage.partnerships[f"{customer}-{partner}"] = await stage.partnership_of(customer, partner)


async def comes(stage: Stage, person: str, customer: str, reason: str) -> UUID:
    """Somebody switches to a customer."""
    given: dict[str, Any] = {"host_id": stage.organisations[customer], "reason": reason}
    session: UUID = await stage.acts(person, switch_organisation, **given)
    return session
