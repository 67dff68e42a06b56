"""Changes of an organisation's accounts and people, and of oneself (model 4.4.5)."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import (
    WAITS,
    AccountPayload,
    Following,
    MembershipPayload,
    Refusable,
    UserPayload,
    cascades_of,
    key_of,
)
from accord.schema.transaction import run, run_as_oneself
from accord.schema.types.activity import Notification
from accord.schema.types.enums import AccountKind, MemberPreset, Role
from accord.services.grants import account
from accord.services.people import joining, member, profile

PRESET = "Adds what it stands for to the roles that are given, or to those that stand; each can be taken back alone."


@strawberry.input
class CreateAccountInput:
    organisation_id: ID
    kind: AccountKind = AccountKind.ACCOUNT
    category: str | None = strawberry.field(default=None, description="Needed by a product.")
    app: str
    label: str
    launch_url: str = strawberry.field(description="Begins with https:// and holds no credentials.")


@strawberry.input
class UpdateAccountInput:
    organisation_id: ID
    account_id: ID
    expected_version: int | None = None
    label: str | None = None
    category: str | None = None
    app: str | None = strawberry.field(default=None, description="A security setting (S42).")
    launch_url: str | None = strawberry.field(default=None, description="A security setting (S42).")


@strawberry.input
class ArchiveAccountInput:
    organisation_id: ID
    account_id: ID
    expected_version: int | None = None


@strawberry.input
class SetAccountOwnersInput:
    organisation_id: ID
    account_id: ID
    expected_version: int | None = None
    user_ids: list[ID] = strawberry.field(description="All owners, at least one.")


@strawberry.input
class InviteMemberInput:
    organisation_id: ID
    email: str
    display_name: str
    roles: list[Role] = strawberry.field(default_factory=lambda: [Role.MEMBER])
    delegated_admin: bool = False
    preset: MemberPreset | None = strawberry.field(default=None, description=PRESET)


@strawberry.input
class AcceptMembershipInput:
    token: str = strawberry.field(description="That of the mailed link.")


@strawberry.input
class UpdateMemberInput:
    organisation_id: ID
    membership_id: ID
    expected_version: int | None = None
    display_name: str | None = None
    roles: list[Role] | None = None
    delegated_admin: bool | None = strawberry.field(
        default=None, description="Uses levels at customers, as far as they are assigned (S7); no role comes with it."
    )
    preset: MemberPreset | None = strawberry.field(default=None, description=PRESET)


@strawberry.input
class DeactivateMemberInput:
    organisation_id: ID
    membership_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class ReactivateMemberInput:
    organisation_id: ID
    membership_id: ID
    expected_version: int | None = None


@strawberry.input
class RemoveMemberInput:
    organisation_id: ID
    membership_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class UpdateProfileInput:
    display_name: str
    expected_version: int | None = None


@strawberry.input
class MarkNotificationsReadInput:
    notification_ids: list[ID]


@strawberry.type
class CreateAccountPayload(AccountPayload): ...


@strawberry.type
class UpdateAccountPayload(AccountPayload): ...


@strawberry.type(description="What ended with the account.")
class ArchiveReceipt:
    shares_ended: int
    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int


@strawberry.type
class ArchiveAccountPayload(AccountPayload, Following):
    receipt: ArchiveReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        account = await info.context.loaders.account_by_id.load(key_of(result))
        return cls(account=account, receipt=result.receipt, cascades=await cascades_of(info, result))


@strawberry.type
class SetAccountOwnersPayload(AccountPayload): ...


@strawberry.type
class InviteMemberPayload(MembershipPayload): ...


@strawberry.type
class AcceptMembershipPayload(MembershipPayload):
    waits_for_confirmation: bool = strawberry.field(default=False, description=WAITS)

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(waits_for_confirmation=True) if result is None else await super().of(info, result)


@strawberry.type
class UpdateMemberPayload(MembershipPayload): ...


@strawberry.type(description="What ended, and what passed to others, with the membership (model 4.10).")
class MemberReceipt:
    grants_ended: int
    access_requests_ended: int
    partnerships_succeeded: int
    representatives_replaced: int
    group_memberships_ended: int
    contacts_ended: int
    assignments_ended: int
    tickets_voided: int
    sessions_revoked: int
    api_clients_revoked: int
    accounts_needing_owner: int


@strawberry.type
class LeavingPayload(MembershipPayload, Following):
    receipt: MemberReceipt | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        membership = await info.context.loaders.membership_by_id.load(key_of(result))
        return cls(membership=membership, receipt=result.receipt, cascades=await cascades_of(info, result))


@strawberry.type
class DeactivateMemberPayload(LeavingPayload): ...


@strawberry.type
class ReactivateMemberPayload(MembershipPayload): ...


@strawberry.type
class RemoveMemberPayload(LeavingPayload): ...


@strawberry.type
class UpdateProfilePayload(UserPayload): ...


@strawberry.type
class MarkNotificationsReadPayload(Refusable):
    notifications: list[Notification] = strawberry.field(default_factory=list)

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        rows = await info.context.loaders.notification_by_id.load_many([str(key) for key in result])
        return cls(notifications=[row for row in rows if row is not None])


async def create_account(info: Info, input: CreateAccountInput) -> CreateAccountPayload | None:
    """Creates an account; whoever creates it owns it."""
    return await run(info, account.create_account, input, CreateAccountPayload)


async def update_account(info: Info, input: UpdateAccountInput) -> UpdateAccountPayload | None:
    """Changes what an account is called and where it leads; fields that are left out stay."""
    return await run(info, account.update_account, input, UpdateAccountPayload)


async def archive_account(info: Info, input: ArchiveAccountInput) -> ArchiveAccountPayload | None:
    """Puts an account away; every share of it ends."""
    return await run(info, account.archive_account, input, ArchiveAccountPayload)


async def set_account_owners(info: Info, input: SetAccountOwnersInput) -> SetAccountOwnersPayload | None:
    """Names the Account Owners, all of them."""
    return await run(info, account.set_account_owners, input, SetAccountOwnersPayload)


async def invite_member(info: Info, input: InviteMemberInput) -> InviteMemberPayload | None:
    """Mails somebody a link into the organisation; no right until it is followed, signed in."""
    return await run(info, joining.invite_member, input, InviteMemberPayload)


async def accept_membership(info: Info, input: AcceptMembershipInput) -> AcceptMembershipPayload | None:
    """Follows an invitation, signed in; with another address than the invited one it waits for a confirmation."""
    return await run_as_oneself(info, joining.accept_membership, input, AcceptMembershipPayload)


async def update_member(info: Info, input: UpdateMemberInput) -> UpdateMemberPayload | None:
    """Changes a member's name and roles; fields that are left out stay."""
    return await run(info, member.update_member, input, UpdateMemberPayload)


async def deactivate_member(info: Info, input: DeactivateMemberInput) -> DeactivateMemberPayload | None:
    """Ends a member's rights, and every access that hangs on them; the place stays."""
    return await run(info, member.deactivate_member, input, DeactivateMemberPayload)


async def reactivate_member(info: Info, input: ReactivateMemberInput) -> ReactivateMemberPayload | None:
    """Gives a deactivated member the place back: no roles, no access."""
    return await run(info, member.reactivate_member, input, ReactivateMemberPayload)


async def remove_member(info: Info, input: RemoveMemberInput) -> RemoveMemberPayload | None:
    """Ends a membership, and every access that hangs on it."""
    return await run(info, member.remove_member, input, RemoveMemberPayload)


async def update_profile(info: Info, input: UpdateProfileInput) -> UpdateProfilePayload | None:
    """Changes one's own name."""
    return await run_as_oneself(info, profile.update_profile, input, UpdateProfilePayload)


async def mark_notifications_read(info: Info, input: MarkNotificationsReadInput) -> MarkNotificationsReadPayload | None:
    """Marks one's own notices as read."""
    return await run_as_oneself(info, profile.mark_notifications_read, input, MarkNotificationsReadPayload)
