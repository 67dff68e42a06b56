"""Payloads that several mutations share: each names its object, reads it after the commit, and carries the errors."""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, Self
from uuid import UUID

import strawberry

from accord.schema.context import Info
from accord.schema.types.cascade import Cascade
from accord.schema.types.organisation import Membership, Organisation, User
from accord.schema.types.partnership import Partnership, TermsVersion
from accord.schema.types.refusals import MutationError
from accord.schema.types.sharing import AccessRequestItem, Account, AccountGrant, AccountShare

ERRORS = "Empty: it is done. Otherwise nothing has changed."
WAITS = (
    "True: the link was mailed to another address than the one that this sign-in is vouched for. Nothing is given yet; "
    "the organisation's admins are asked to confirm, and the link is followed once more after that."
)


def key_of(result: Any) -> str:
    """The key of what a service changed: it returns the UUID, or something with an `id`."""
    return str(result if isinstance(result, UUID) else result.id)


@strawberry.type
class Refusable:
    errors: list[MutationError] = strawberry.field(default_factory=list, description=ERRORS)


class Changed(Refusable):
    """The payload of a mutation that changes one object: `loader` reads it into the field that the subclass has."""

    shown: ClassVar[str]
    loader: ClassVar[str]

    def __init_subclass__(cls, *, loader: str | None = None, **further: Any) -> None:
        super().__init_subclass__(**further)
        if loader is not None:
            (cls.shown,) = get_annotations(cls)
            cls.loader = loader

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        changed = await getattr(info.context.loaders, cls.loader).load(key_of(result))
        return cls(**{cls.shown: changed})


@strawberry.type
class Following:
    """The payload of a mutation that may leave work to the worker."""

    cascades: list[Cascade] = strawberry.field(
        default_factory=list,
        description="What is still being carried out: empty where all of it is done. Ask again by `node`.",
    )


async def cascades_of(info: Info, result: Any) -> list[Any]:
    """What an act has left to the worker, as it stands now."""
    found = [await info.context.loaders.cascade_by_id.load(str(key)) for key in result.cascade_ids]
    return [row for row in found if row is not None]


@strawberry.type
class PartnershipPayload(Changed, loader="partnership_by_id"):
    partnership: Partnership | None = None


@strawberry.type
class SharePayload(Changed, loader="share_by_id"):
    share: AccountShare | None = None


@strawberry.type
class GrantPayload(Changed, loader="grant_by_id"):
    grant: AccountGrant | None = None


@strawberry.type
class ItemPayload(Changed, loader="access_item_by_id"):
    item: AccessRequestItem | None = None


@strawberry.type
class AccountPayload(Changed, loader="account_by_id"):
    account: Account | None = None


@strawberry.type
class MembershipPayload(Changed, loader="membership_by_id"):
    membership: Membership | None = None


@strawberry.type
class UserPayload(Changed, loader="user_by_id"):
    user: User | None = None


@strawberry.type
class OrganisationPayload(Changed, loader="seen_organisation_by_id"):
    organisation: Organisation | None = None


@strawberry.type
class TermsPayload(Changed, loader="terms_by_id"):
    terms: TermsVersion | None = None
