"""Changes of partnerships (model 4.4.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Following, PartnershipPayload, cascades_of, key_of
from accord.schema.transaction import run
from accord.schema.types.enums import AccessMode, Purpose
from accord.services.partnerships import ownership, partnership, proposal


@strawberry.input
class RequestPartnershipInput:
    organisation_id: ID
    guest_handle: str = strawberry.field(description="The partner's workspace ID, known from the partner (S48).")
    contact_email: str = strawberry.field(description="One address at the partner; the invitation goes there too.")
    reason: str | None = strawberry.field(default=None, description="Needed unless an admin asks (S52).")
    purposes: list[Purpose] = strawberry.field(default_factory=lambda: [Purpose.MANAGEMENT])
    expires_at: datetime | None = None


@strawberry.input
class RemindPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None


@strawberry.input
class ApprovePartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int
    purposes: list[Purpose] | None = strawberry.field(default=None, description="Fewer than asked for, or all of them.")
    expires_at: datetime | None = strawberry.field(default=None, description="Not later than asked for.")
    access_mode: AccessMode | None = strawberry.field(
        default=None, description="LIMITED in place of COMPLETE; COMPLETE as asked for only by a legal representative."
    )
    wallet_entrusted: bool | None = strawberry.field(default=None, description="False takes the wallet out of it.")


@strawberry.input
class DeclinePartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int
    reason: str | None = None


@strawberry.input
class AcceptPartnershipInput:
    organisation_id: ID
    partnership_id: ID | None = strawberry.field(default=None, description="Exactly one of this and `token`.")
    token: str | None = strawberry.field(default=None, description="That of the mailed link.")
    expected_version: int
    terms_version_id: ID = strawberry.field(description="The current terms of service, which were read.")
    consent: bool = strawberry.field(description="True: the box is ticked (S63).")


@strawberry.input
class RefusePartnershipInput:
    organisation_id: ID
    partnership_id: ID | None = strawberry.field(default=None, description="Exactly one of this and `token`.")
    token: str | None = strawberry.field(default=None, description="That of the mailed link.")
    expected_version: int
    reason: str | None = None


@strawberry.input
class ResendPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    purposes: list[Purpose] | None = None
    contact_email: str | None = None
    expires_at: datetime | None = None
    reason: str | None = None


@strawberry.input
class WithdrawPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class RemovePartnerInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class TransferPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    owner_user_id: ID


@strawberry.input
class SetCoOwnersInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    user_ids: list[ID]


@strawberry.input
class SetRepresentativeInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    user_id: ID


@strawberry.type
class RequestPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class RemindPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class ApprovePartnershipPayload(PartnershipPayload): ...


@strawberry.type
class DeclinePartnershipPayload(PartnershipPayload): ...


@strawberry.type
class AcceptPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class RefusePartnershipPayload(PartnershipPayload): ...


@strawberry.type
class ResendPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class WithdrawPartnershipPayload(PartnershipPayload): ...


@strawberry.type(description="What ended with the partnership (S91).")
class RemovalReceipt:
    shares_ended: int
    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int
    invitations_voided: int
    roles_cleared: int
    group_members_ended: int
    contacts_ended: int
    assignments_ended: int
    level_holders_ended: int = strawberry.field(
        description="How many of the guest's people could use the level until now, whether or not anybody did."
    )
    sessions_revoked: int
    members_invited: list[str] = strawberry.field(
        description="For the host: members whom people acting under the partnership had invited, the first hundred; "
        "they stay."
    )
    amendments_withdrawn: int
    activity_hash: str = strawberry.field(description="The head of the own stream, which proves it.")


@strawberry.type
class RemovePartnerPayload(PartnershipPayload, Following):
    receipt: RemovalReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        partnership = await info.context.loaders.partnership_by_id.load(key_of(result))
        return cls(partnership=partnership, receipt=result.receipt, cascades=await cascades_of(info, result))


@strawberry.type
class TransferPartnershipPayload(PartnershipPayload): ...


@strawberry.type
class SetCoOwnersPayload(PartnershipPayload): ...


@strawberry.type
class SetRepresentativePayload(PartnershipPayload): ...


async def request_partnership(info: Info, input: RequestPartnershipInput) -> RequestPartnershipPayload | None:
    """Asks to become partners with the organisation of a handle: a governed way to share accounts with people outside
    the own organisation. An admin of the own organisation approves (S49), then one of the partner's accepts."""
    return await run(info, proposal.request_partnership, input, RequestPartnershipPayload)


async def remind_partnership(info: Info, input: RemindPartnershipInput) -> RemindPartnershipPayload | None:
    """Reminds the admins of a request that waits for them (S55)."""
    return await run(info, proposal.remind_partnership, input, RemindPartnershipPayload)


async def approve_partnership(info: Info, input: ApprovePartnershipInput) -> ApprovePartnershipPayload | None:
    """An admin's yes to a colleague's request, of which the partner is told now (S60), or to a partner's own, which
    starts the partnership where its terms stay as they are."""
    return await run(info, partnership.approve_partnership, input, ApprovePartnershipPayload)


async def decline_partnership(info: Info, input: DeclinePartnershipInput) -> DeclinePartnershipPayload | None:
    """An admin's no to a colleague's request (Q6)."""
    return await run(info, partnership.decline_partnership, input, DeclinePartnershipPayload)


async def accept_partnership(info: Info, input: AcceptPartnershipInput) -> AcceptPartnershipPayload | None:
    """The guest's yes, with consent to the terms of service (S62, S63)."""
    return await run(info, partnership.accept_partnership, input, AcceptPartnershipPayload)


async def refuse_partnership(info: Info, input: RefusePartnershipInput) -> RefusePartnershipPayload | None:
    """The guest's no."""
    return await run(info, partnership.refuse_partnership, input, RefusePartnershipPayload)


async def resend_partnership(info: Info, input: ResendPartnershipInput) -> ResendPartnershipPayload | None:
    """A fresh mail while the guest has not answered, a new attempt after its no (S56)."""
    return await run(info, proposal.resend_partnership, input, ResendPartnershipPayload)


async def withdraw_partnership(info: Info, input: WithdrawPartnershipInput) -> WithdrawPartnershipPayload | None:
    """Takes back a request that waits or was refused."""
    return await run(info, partnership.withdraw_partnership, input, WithdrawPartnershipPayload)


async def remove_partner(info: Info, input: RemovePartnerInput) -> RemovePartnerPayload | None:
    """Ends a partnership, and with it every access to the accounts shared in it (S90, S91)."""
    return await run(info, partnership.remove_partner, input, RemovePartnerPayload)


async def transfer_partnership(info: Info, input: TransferPartnershipInput) -> TransferPartnershipPayload | None:
    """Makes another member of the host the Partnership Owner."""
    return await run(info, ownership.transfer_partnership, input, TransferPartnershipPayload)


async def set_co_owners(info: Info, input: SetCoOwnersInput) -> SetCoOwnersPayload | None:
    """Names the co-owners, who count as Partnership Owner (Q12)."""
    return await run(info, ownership.set_co_owners, input, SetCoOwnersPayload)


async def set_representative(info: Info, input: SetRepresentativeInput) -> SetRepresentativePayload | None:
    """Names the guest's representative (Q8)."""
    return await run(info, ownership.set_representative, input, SetRepresentativePayload)
