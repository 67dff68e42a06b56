"""Changes of shares, grants and access requests (model 4.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Self
from uuid import UUID

import strawberry
from strawberry import ID

from accord.domain.errors import DomainError
from accord.schema.context import Info
from accord.schema.loaders import Loader
from accord.schema.mutations.payloads import (
    GrantPayload,
    ItemPayload,
    PartnershipPayload,
    Refusable,
    SharePayload,
    key_of,
)
from accord.schema.transaction import run
from accord.schema.types.enums import AccountRole
from accord.schema.types.partnership import Partnership
from accord.schema.types.refusals import MutationError, refusal
from accord.schema.types.sharing import AccessRequestItem, Account, AccountGrant, AccountShare
from accord.services.grants import access_request, grant, sharing, ticket


@strawberry.input
class ShareAccountItem:
    row: ClassVar = sharing.ShareItem

    account_id: ID
    role: AccountRole
    recipient_user_ids: list[ID] | None = strawberry.field(
        default=None, description="Only with COLLABORATOR; without any it goes to the representative (S72, Q10)."
    )


@strawberry.input
class ShareAccountsInput:
    organisation_id: ID
    partnership_id: ID
    expected_version: int | None = None
    items: list[ShareAccountItem] = strawberry.field(description="1 to 500.")


@strawberry.input
class UnshareAccountInput:
    organisation_id: ID
    share_id: ID
    expected_version: int | None = None


@strawberry.input
class SuspendShareInput:
    organisation_id: ID
    share_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class ResumeShareInput:
    organisation_id: ID
    share_id: ID
    expected_version: int | None = None


@strawberry.input
class ChangeMemberRoleInput:
    organisation_id: ID
    grant_id: ID
    role: AccountRole
    expected_version: int | None = None


@strawberry.input
class RemoveMemberFromShareInput:
    organisation_id: ID
    share_id: ID
    user_id: ID
    expected_version: int | None = strawberry.field(default=None, description="That of the share.")


@strawberry.input
class RemoveMemberFromPartnershipInput:
    organisation_id: ID
    partnership_id: ID
    user_id: ID


@strawberry.input
class LeaveShareInput:
    organisation_id: ID
    share_id: ID


@strawberry.input
class RequestAccessInput:
    organisation_id: ID
    share_id: ID
    member_user_ids: list[ID] = strawberry.field(description="1 to 500.")
    role: AccountRole
    note: str | None = None


@strawberry.input
class AccessDecisionItem:
    row: ClassVar = access_request.AccessDecision

    item_id: ID
    expected_version: int
    accept: bool
    role: AccountRole | None = strawberry.field(default=None, description="May be lower than asked for, not higher.")
    expires_at: datetime | None = None
    note: str | None = None


@strawberry.input
class DecideAccessRequestsInput:
    organisation_id: ID
    items: list[AccessDecisionItem] = strawberry.field(description="1 to 500.")


@strawberry.input
class WithdrawAccessRequestInput:
    organisation_id: ID
    item_id: ID
    expected_version: int | None = None


@strawberry.input
class SignInToAccountInput:
    organisation_id: ID
    account_id: ID


@strawberry.type(description="What ended with it.")
class ShareReceipt:
    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int


@strawberry.type(description="One item's answer: the share, or why there is none.")
class ShareAccountResult:
    share: AccountShare | None = None
    error: MutationError | None = None


@strawberry.type(description="One item's answer: the request, or why there is none.")
class RequestAccessResult:
    item: AccessRequestItem | None = None
    error: MutationError | None = None


@strawberry.type(description="One item's answer: the decided request with the grant it gave, or why it stands.")
class DecideAccessRequestResult:
    item: AccessRequestItem | None = None
    grant: AccountGrant | None = None
    error: MutationError | None = None


def errors_of(info: Info, results: Sequence[Any], field: str = "items") -> list[MutationError | None]:
    """The refusal of each item, None for those that went through."""
    support = info.context.support
    return [
        refusal(one, support, () if one.path[:1] == (field,) else (field, str(place)))
        if isinstance(one, DomainError)
        else None
        for place, one in enumerate(results)
    ]


async def rows_of(loader: Loader[str, Any], keys: Sequence[UUID | None]) -> list[Any]:
    """The row of each key, None where there is no key."""
    found = iter(await loader.load_many([str(key) for key in keys if key is not None]))
    return [None if key is None else next(found) for key in keys]


def keys_of(results: Sequence[Any]) -> list[UUID | None]:
    """What each item changed, None where it was refused."""
    return [None if isinstance(one, DomainError) else UUID(key_of(one)) for one in results]


@strawberry.type
class ShareAccountsPayload(Refusable):
    partnership: Partnership | None = None
    results: list[ShareAccountResult] = strawberry.field(default_factory=list, description="One per item, in order.")

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        shares = await rows_of(loaders.share_by_id, keys_of(result))
        refused = errors_of(info, result)
        shared = next((share for share in shares if share is not None), None)
        return cls(
            partnership=shared and await loaders.partnership_by_id.load(shared.partnership_id),
            results=[ShareAccountResult(share=s, error=e) for s, e in zip(shares, refused, strict=True)],
        )


@strawberry.type
class UnshareAccountPayload(SharePayload):
    receipt: ShareReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(share=await info.context.loaders.share_by_id.load(key_of(result)), receipt=result.receipt)


@strawberry.type
class SuspendSharePayload(SharePayload): ...


@strawberry.type
class ResumeSharePayload(SharePayload): ...


@strawberry.type
class ChangeMemberRolePayload(GrantPayload): ...


@strawberry.type
class RemoveMemberFromSharePayload(SharePayload):
    receipt: ShareReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(share=await info.context.loaders.share_by_id.load(key_of(result)), receipt=result.receipt)


@strawberry.type
class RemoveMemberFromPartnershipPayload(PartnershipPayload):
    receipt: ShareReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        partnership = await info.context.loaders.partnership_by_id.load(key_of(result))
        return cls(partnership=partnership, receipt=result.receipt)


@strawberry.type
class LeaveSharePayload(SharePayload): ...


@strawberry.type
class RequestAccessPayload(Refusable):
    results: list[RequestAccessResult] = strawberry.field(default_factory=list, description="One per member, in order.")

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        items = await rows_of(info.context.loaders.access_item_by_id, keys_of(result))
        refused = errors_of(info, result, "memberUserIds")
        return cls(results=[RequestAccessResult(item=i, error=e) for i, e in zip(items, refused, strict=True)])


@strawberry.type
class DecideAccessRequestsPayload(Refusable):
    results: list[DecideAccessRequestResult] = strawberry.field(
        default_factory=list, description="One per item, in order."
    )

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        items = await rows_of(loaders.access_item_by_id, keys_of(result))
        grants = await rows_of(loaders.grant_by_id, [getattr(one, "grant_id", None) for one in result])
        return cls(
            results=[
                DecideAccessRequestResult(item=item, grant=grant, error=error)
                for item, grant, error in zip(items, grants, errors_of(info, result), strict=True)
            ]
        )


@strawberry.type
class WithdrawAccessRequestPayload(ItemPayload): ...


@strawberry.type
class SignInToAccountPayload(Refusable):
    account: Account | None = None
    launch_url: str | None = strawberry.field(default=None, description="Where to take the ticket.")
    ticket: str | None = strawberry.field(
        default=None, description="A signed, single-use ticket; it travels in a fragment or a form, never in a query."
    )
    expires_at: datetime | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        account = await info.context.loaders.account_by_id.load(key_of(result))
        if account is None:
            return cls()
        return cls(account=account, launch_url=result.launch_url, ticket=result.ticket, expires_at=result.expires_at)


async def share_accounts(info: Info, input: ShareAccountsInput) -> ShareAccountsPayload | None:
    """Shares accounts that the Partnership Owner also owns, each in a role (S67 to S69)."""
    return await run(info, sharing.share_accounts, input, ShareAccountsPayload)


async def unshare_account(info: Info, input: UnshareAccountInput) -> UnshareAccountPayload | None:
    """Takes an account back, with every access to it (S73)."""
    return await run(info, sharing.unshare_account, input, UnshareAccountPayload)


async def suspend_share(info: Info, input: SuspendShareInput) -> SuspendSharePayload | None:
    """Denies every access by a share until it is resumed."""
    return await run(info, sharing.suspend_share, input, SuspendSharePayload)


async def resume_share(info: Info, input: ResumeShareInput) -> ResumeSharePayload | None:
    """Lets a suspended share work again."""
    return await run(info, sharing.resume_share, input, ResumeSharePayload)


async def change_member_role(info: Info, input: ChangeMemberRoleInput) -> ChangeMemberRolePayload | None:
    """Gives a guest member another role on a shared account (S80)."""
    return await run(info, grant.change_member_role, input, ChangeMemberRolePayload)


async def remove_member_from_share(
    info: Info, input: RemoveMemberFromShareInput
) -> RemoveMemberFromSharePayload | None:
    """Takes one person's access to one shared account away (S86)."""
    return await run(info, grant.remove_member_from_share, input, RemoveMemberFromSharePayload)


async def remove_member_from_partnership(
    info: Info, input: RemoveMemberFromPartnershipInput
) -> RemoveMemberFromPartnershipPayload | None:
    """Takes one person's access to every account of a partnership away (S86, Q14)."""
    return await run(info, grant.remove_member_from_partnership, input, RemoveMemberFromPartnershipPayload)


async def leave_share(info: Info, input: LeaveShareInput) -> LeaveSharePayload | None:
    """Gives up one's own access to a shared account."""
    return await run(info, grant.leave_share, input, LeaveSharePayload)


async def request_access(info: Info, input: RequestAccessInput) -> RequestAccessPayload | None:
    """An Account Manager asks for access for colleagues (S81, S82)."""
    return await run(info, access_request.request_access, input, RequestAccessPayload)


async def decide_access_requests(info: Info, input: DecideAccessRequestsInput) -> DecideAccessRequestsPayload | None:
    """An Account Owner's yes or no, member by member (S85)."""
    return await run(info, access_request.decide_access_requests, input, DecideAccessRequestsPayload)


async def withdraw_access_request(info: Info, input: WithdrawAccessRequestInput) -> WithdrawAccessRequestPayload | None:
    """Takes back a request that waits."""
    return await run(info, access_request.withdraw_access_request, input, WithdrawAccessRequestPayload)


async def sign_in_to_account(info: Info, input: SignInToAccountInput) -> SignInToAccountPayload | None:
    """Signs in to an account that is one's own or shared: where to go, and a ticket to show there (S74)."""
    act = partial(ticket.sign_in_to_account, signer=info.context.tickets)
    return await run(info, act, input, SignInToAccountPayload)
