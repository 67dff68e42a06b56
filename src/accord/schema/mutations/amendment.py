"""Amending an active partnership, and answering what was proposed (model 4.4.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Refusable, key_of
from accord.schema.transaction import run
from accord.schema.types.amendment import Amendment
from accord.schema.types.enums import AccessMode, Purpose
from accord.schema.types.partnership import Partnership
from accord.services.partnerships import amendment


@strawberry.input(description="What is left out stays as it stands.")
class AmendPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    purposes: list[Purpose] | None = strawberry.field(default=None, description="All of them from now on.")
    expires_at: datetime | None = strawberry.field(default=None, description="Within the host's policy.")
    without_end: bool = strawberry.field(default=False, description="Takes the end away, where the policy allows it.")
    access_mode: AccessMode | None = strawberry.field(
        default=None,
        description="COMPLETE needs a legal representative of the host, and brings MANAGE as far as the ceiling allows "
        "(`Amendment.after.level`); LIMITED takes the wallet back, too.",
    )
    wallet_entrusted: bool | None = strawberry.field(
        default=None, description="With COMPLETE only; needs a legal representative of the host."
    )


@strawberry.input
class DecideAmendmentInput:
    organisation_id: ID
    amendment_id: ID
    expected_version: int = strawberry.field(description="That of the amendment.")
    accept: bool
    terms_version_id: ID | None = strawberry.field(
        default=None, description="The current terms of service, which were read: with the guest's yes."
    )
    consent: bool = strawberry.field(default=False, description="True: the box is ticked (S63); with the guest's yes.")
    reason: str | None = strawberry.field(default=None, description="Of a no; whoever proposed it reads it.")


@strawberry.input
class WithdrawAmendmentInput:
    organisation_id: ID
    amendment_id: ID
    expected_version: int | None = strawberry.field(default=None, description="That of the amendment.")


@strawberry.type
class AmendmentPayload(Refusable):
    amendment: Amendment | None = None
    partnership: Partnership | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        return cls(
            amendment=await loaders.amendment_by_id.load(key_of(result)),
            partnership=await loaders.partnership_by_id.load(str(result.partnership_id)),
        )


@strawberry.type
class AmendPartnershipPayload(AmendmentPayload): ...


@strawberry.type
class DecideAmendmentPayload(AmendmentPayload): ...


@strawberry.type
class WithdrawAmendmentPayload(AmendmentPayload): ...


async def amend_partnership(info: Info, input: AmendPartnershipInput) -> AmendPartnershipPayload | None:
    """Changes the terms of an active partnership: narrower at once, wider when both sides have agreed."""
    return await run(info, amendment.amend_partnership, input, AmendPartnershipPayload)


async def decide_amendment(info: Info, input: DecideAmendmentInput) -> DecideAmendmentPayload | None:
    """Accepts or declines proposed terms whose turn it is to be answered by the own side."""
    return await run(info, amendment.decide_amendment, input, DecideAmendmentPayload)


async def withdraw_amendment(info: Info, input: WithdrawAmendmentInput) -> WithdrawAmendmentPayload | None:
    """Takes proposed terms back before they are in force."""
    return await run(info, amendment.withdraw_amendment, input, WithdrawAmendmentPayload)
