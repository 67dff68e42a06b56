"""Inviting a partner, and a partner's request to a customer (source 003, model 4.4.1)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import PartnershipPayload
from accord.schema.transaction import run
from accord.schema.types.enums import AccessMode, AccountRole, Purpose
from accord.services.partnerships import customer, invite


@strawberry.input
class InvitedAccountItem:
    row: ClassVar = invite.InvitedItem

    account_id: ID
    role: AccountRole = strawberry.field(default=AccountRole.ACCOUNT_MANAGER, description="Of who accepts (Q34).")


@strawberry.input
class InvitePartnerInput:
    organisation_id: ID
    guest_handle: str = strawberry.field(description="Known from the partner, or from the directory (S93).")
    contact_email: str | None = strawberry.field(
        default=None, description="Where the mail goes besides the partner's admins; else the address it has published."
    )
    purposes: list[Purpose] = strawberry.field(default_factory=lambda: [Purpose.MANAGEMENT])
    access_mode: AccessMode = strawberry.field(description="The forced choice (S94).")
    wallet_entrusted: bool | None = strawberry.field(
        default=None, description="The answer that COMPLETE needs and LIMITED does not take (S97)."
    )
    items: list[InvitedAccountItem] = strawberry.field(
        default_factory=list, description="What LIMITED shares, at least one; COMPLETE takes none (S95)."
    )
    expires_at: datetime | None = None


@strawberry.input
class RequestCustomerInput:
    organisation_id: ID
    host_handle: str | None = strawberry.field(
        default=None, description="Where the customer has no request code; exactly one of this and `requestCode`."
    )
    request_code: str | None = None
    purposes: list[Purpose] = strawberry.field(default_factory=lambda: [Purpose.MANAGEMENT])
    access_mode: AccessMode = AccessMode.LIMITED
    expires_at: datetime | None = None
    terms_version_id: ID = strawberry.field(description="The current terms of service, which were read.")
    consent: bool = strawberry.field(description="True: the box is ticked (S63).")


@strawberry.type
class InvitePartnerPayload(PartnershipPayload): ...


@strawberry.type
class RequestCustomerPayload(PartnershipPayload): ...


async def invite_partner(info: Info, input: InvitePartnerInput) -> InvitePartnerPayload | None:
    """Invites a partner to accounts that are listed or to everything; by a legal representative (S92 to S98). The mail
    has a link to accept or refuse, and nothing is granted before the partner accepts (S99)."""
    return await run(info, invite.invite_partner, input, InvitePartnerPayload)


async def request_customer(info: Info, input: RequestCustomerInput) -> RequestCustomerPayload | None:
    """Asks an organisation to become a customer; by an admin of a partner with an active status. An admin of the
    customer decides."""
    return await run(info, customer.request_customer, input, RequestCustomerPayload)
