"""Holding, resuming and extending a partnership."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import PartnershipPayload
from accord.schema.transaction import run
from accord.services.partnerships import hold, term


@strawberry.input
class SuspendPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    reason: str = strawberry.field(description="Both sides read it.")


@strawberry.input
class ResumePartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None


@strawberry.input
class ExtendPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    until: datetime = strawberry.field(description="Later than the end that stands, within the host's policy.")


@strawberry.input
class SetAutoExtendInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    by: timedelta | None = strawberry.field(default=None, description="How long each time; none: it ends.")


@strawberry.type
class SuspendPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class ResumePartnershipPayload(PartnershipPayload): ...


@strawberry.type
class ExtendPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class SetAutoExtendPayload(PartnershipPayload): ...


async def suspend_partnership(info: Info, input: SuspendPartnershipInput) -> SuspendPartnershipPayload | None:
    """Holds a partnership for one's own side: what is granted stays, and is denied meanwhile."""
    return await run(info, hold.suspend_partnership, input, SuspendPartnershipPayload)


async def resume_partnership(info: Info, input: ResumePartnershipInput) -> ResumePartnershipPayload | None:
    """Lets go of one's own side's hold; active again when nobody holds it any more."""
    return await run(info, hold.resume_partnership, input, ResumePartnershipPayload)


async def extend_partnership(info: Info, input: ExtendPartnershipInput) -> ExtendPartnershipPayload | None:
    """Moves the end of a partnership."""
    return await run(info, term.extend_partnership, input, ExtendPartnershipPayload)


async def set_auto_extend(info: Info, input: SetAutoExtendInput) -> SetAutoExtendPayload | None:
    """Lets a partnership go on by itself when its end comes, or lets it end."""
    return await run(info, term.set_auto_extend, input, SetAutoExtendPayload)
