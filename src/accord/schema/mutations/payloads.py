"""Payloads that several mutations share: each names its object, reads it after the commit, and carries the errors."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

import strawberry

from accord.schema.context import Info
from accord.schema.types.organisation import Membership, Organisation, User
from accord.schema.types.partnership import Partnership, TermsVersion
from accord.schema.types.refusals import MutationError
from accord.schema.types.sharing import AccessRequestItem, Account, AccountGrant, AccountShare

ERRORS = "Empty: it is done. Otherwise nothing has changed."


def key_of(result: Any) -> str:
    """The key of what a service changed: it returns the UUID, or something with an `id`."""
    return str(result if isinstance(result, UUID) else result.id)


@strawberry.type
class Refusable:
    errors: list[MutationError] = strawberry.field(default_factory=list, description=ERRORS)


@strawberry.type
class PartnershipPayload(Refusable):
    partnership: Partnership | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(partnership=await info.context.loaders.partnership_by_id.load(key_of(result)))


@strawberry.type
class SharePayload(Refusable):
    share: AccountShare | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(share=await info.context.loaders.share_by_id.load(key_of(result)))


@strawberry.type
class GrantPayload(Refusable):
    grant: AccountGrant | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(grant=await info.context.loaders.grant_by_id.load(key_of(result)))


@strawberry.type
class ItemPayload(Refusable):
    item: AccessRequestItem | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(item=await info.context.loaders.access_item_by_id.load(key_of(result)))


@strawberry.type
class AccountPayload(Refusable):
    account: Account | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(account=await info.context.loaders.account_by_id.load(key_of(result)))


@strawberry.type
class MembershipPayload(Refusable):
    membership: Membership | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(membership=await info.context.loaders.membership_by_id.load(key_of(result)))


@strawberry.type
class UserPayload(Refusable):
    user: User | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(user=await info.context.loaders.user_by_id.load(key_of(result)))


@strawberry.type
class OrganisationPayload(Refusable):
    organisation: Organisation | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(organisation=await info.context.loaders.seen_organisation_by_id.load(key_of(result)))


@strawberry.type
class TermsPayload(Refusable):
    terms: TermsVersion | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(terms=await info.context.loaders.terms_by_id.load(key_of(result)))
