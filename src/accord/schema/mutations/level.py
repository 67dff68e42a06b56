"""Levels of access to a host's data, and the ceilings that bound them."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Following, PartnershipPayload, Refusable, cascades_of
from accord.schema.transaction import run, run_as_oneself
from accord.schema.types.enums import DataAccessLevel
from accord.schema.types.partner import PartnerContract, PartnerLink
from accord.services.partnerships import ceiling, level


@strawberry.input
class SetDataAccessInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    level: DataAccessLevel
    confirm: bool = strawberry.field(default=False, description="Full management needs it (S32).")


@strawberry.input
class ShareDataWithPartnerInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    share: bool = strawberry.field(description="The switch: on is full management, off is nothing.")
    confirm: bool = strawberry.field(default=False, description="Switching on needs it.")


@strawberry.input
class SetCeilingInput:
    organisation_id: ID | None = strawberry.field(
        default=None, description="The parent partner in whose name an admin acts; the vendor's staff acts in nobody's."
    )
    partner_id: ID | None = strawberry.field(default=None, description="Whose contract; exactly one of this and link.")
    link_id: ID | None = None
    ceiling: DataAccessLevel | None = strawberry.field(description="Null takes the ceiling away.")
    expected_version: int | None = None


@strawberry.type
class SetDataAccessPayload(PartnershipPayload): ...


@strawberry.type
class ShareDataWithPartnerPayload(PartnershipPayload): ...


@strawberry.type
class SetCeilingPayload(Refusable, Following):
    contract: PartnerContract | None = None
    link: PartnerLink | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        if result.link_id is not None:
            return cls(link=await loaders.link_by_id.load(str(result.link_id)))
        contract = await loaders.contract_by_id.load(str(result.partner_id))
        return cls(contract=contract, cascades=await cascades_of(info, result))


async def set_data_access(info: Info, input: SetDataAccessInput) -> SetDataAccessPayload | None:
    """Grants, reduces or revokes a partner's level of access to the own data, up to the ceiling (S24 to S34)."""
    return await run(info, level.set_data_access, input, SetDataAccessPayload)


async def share_data_with_partner(info: Info, input: ShareDataWithPartnerInput) -> ShareDataWithPartnerPayload | None:
    """Shares the own data with a partner, or no longer, by one switch (S8, S19)."""
    return await run(info, level.share_data_with_partner, input, ShareDataWithPartnerPayload)


async def set_ceiling(info: Info, input: SetCeilingInput) -> SetCeilingPayload | None:
    """Bounds what a partner can be granted, by its contract or by one link; lowering lowers what is granted (Q5)."""
    runner = run_as_oneself if input.organisation_id is None else run
    return await runner(info, ceiling.set_ceiling, input, SetCeilingPayload)
