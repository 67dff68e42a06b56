"""What the organisation says to somebody who used an invitation that was mailed to another address."""

from __future__ import annotations

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed
from accord.schema.transaction import run, run_as_oneself
from accord.schema.types.contact import InvitationClaim
from accord.services.people import confirmation

IN_WHOSE_NAME = (
    "Left out: the operator's act, on an invitation that the operator made to an organisation without an active admin."
)


@strawberry.input
class ConfirmInvitationClaimInput:
    organisation_id: ID | None = strawberry.field(default=None, description=IN_WHOSE_NAME)
    claim_id: ID
    expected_version: int


@strawberry.input
class RefuseInvitationClaimInput:
    organisation_id: ID | None = strawberry.field(default=None, description=IN_WHOSE_NAME)
    claim_id: ID
    expected_version: int


@strawberry.type
class InvitationClaimPayload(Changed, loader="invitation_claim_by_id"):
    claim: InvitationClaim | None = None


@strawberry.type
class ConfirmInvitationClaimPayload(InvitationClaimPayload): ...


@strawberry.type
class RefuseInvitationClaimPayload(InvitationClaimPayload): ...


async def confirm_invitation_claim(
    info: Info, input: ConfirmInvitationClaimInput
) -> ConfirmInvitationClaimPayload | None:
    """Confirms that an invitation is meant for the person who used it with another address, and who then follows the
    link once more, within three days; by somebody who may give the roles that it gives."""
    runner = run_as_oneself if input.organisation_id is None else run
    return await runner(info, confirmation.confirm_invitation_claim, input, ConfirmInvitationClaimPayload)


async def refuse_invitation_claim(info: Info, input: RefuseInvitationClaimInput) -> RefuseInvitationClaimPayload | None:
    """Refuses the person who used an invitation with another address; the link stays good at its own."""
    runner = run_as_oneself if input.organisation_id is None else run
    return await runner(info, confirmation.refuse_invitation_claim, input, RefuseInvitationClaimPayload)
