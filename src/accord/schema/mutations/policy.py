"""Changes of an organisation's policy, and the switch that stops all partner access."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Refusable, key_of
from accord.schema.transaction import run
from accord.schema.types.organisation import Organisation
from accord.schema.types.policy import OrganisationPolicy
from accord.services import policy


@strawberry.enum(description="An entry that can be taken back.")
class PolicyDuration(StrEnum):
    MAX_PARTNERSHIP_DURATION = "max_partnership_duration"
    DEFAULT_AUTO_EXTEND = "default_auto_extend"


@strawberry.input
class SetPolicyInput:
    organisation_id: ID
    expected_version: int | None = None
    max_partnership_duration: timedelta | None = None
    default_auto_extend: timedelta | None = None
    require_mfa: bool | None = None
    require_reason: bool | None = None
    allowed_partners: list[ID] | None = None
    blocked_partners: list[ID] | None = None
    auto_approve_partners: list[ID] | None = None
    host_admin_may_unshare: bool | None = None
    roles_only_to_partner_of_record: bool | None = None
    representative_manages_groups: bool | None = None
    explicit_assignment: bool | None = None
    admin_may_invite: bool | None = strawberry.field(
        default=None, description="For a legal representative to say, who need not be an admin (S92)."
    )
    clear: list[PolicyDuration] = strawberry.field(default_factory=list, description="Durations to take back.")


@strawberry.input
class FreezePartnerAccessInput:
    organisation_id: ID
    expected_version: int | None = None


@strawberry.input
class UnfreezePartnerAccessInput:
    organisation_id: ID
    expected_version: int | None = None


@strawberry.type
class PolicyPayload(Refusable):
    organisation: Organisation | None = None
    policy: OrganisationPolicy | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        key, loaders = key_of(result), info.context.loaders
        return cls(
            organisation=await loaders.organisation_by_id.load(key),
            policy=await loaders.policy_by_organisation.load(key),
        )


@strawberry.type
class SetPolicyPayload(PolicyPayload): ...


@strawberry.type
class FreezePartnerAccessPayload(PolicyPayload): ...


@strawberry.type
class UnfreezePartnerAccessPayload(PolicyPayload): ...


async def set_policy(info: Info, input: SetPolicyInput) -> SetPolicyPayload | None:
    """Changes the entries that are given; nothing that runs is ended by it."""
    return await run(info, policy.set_policy, input, SetPolicyPayload)


async def freeze_partner_access(info: Info, input: FreezePartnerAccessInput) -> FreezePartnerAccessPayload | None:
    """Denies every partner everything at once; states stay as they are."""
    return await run(info, policy.freeze_partner_access, input, FreezePartnerAccessPayload)


async def unfreeze_partner_access(info: Info, input: UnfreezePartnerAccessInput) -> UnfreezePartnerAccessPayload | None:
    """Gives partners back what they had and still have."""
    return await run(info, policy.unfreeze_partner_access, input, UnfreezePartnerAccessPayload)
