"""What the vendor's staff changes about partners: links, programme and status; and an organisation's status."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed, Following, OrganisationPayload, cascades_of, key_of
from accord.schema.transaction import run_as_oneself
from accord.schema.types.enums import DataAccessLevel, LinkKind, OrganisationStatus, PartnerProgram, PartnerStatus
from accord.schema.types.partner import PartnerLink
from accord.services.partnerships import link as links
from accord.services.partnerships import status as statuses


@strawberry.input
class LinkPartnerInput:
    customer_id: ID
    partner_id: ID = strawberry.field(description="It is ACTIVE in a partner programme (S2, S3).")
    kind: LinkKind
    ceiling: DataAccessLevel | None = strawberry.field(default=None, description="Of this link.")
    default_level: DataAccessLevel = strawberry.field(
        default=DataAccessLevel.NONE,
        description="SUPPORT with the sale alone, before the customer's first admin has joined, where the deployment"
        " allows it (S28).",
    )


@strawberry.input
class EndPartnerLinkInput:
    link_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class SetPartnerStatusInput:
    organisation_id: ID = strawberry.field(description="The partner.")
    program: PartnerProgram
    status: PartnerStatus
    parent_partner_id: ID | None = strawberry.field(default=None, description="Null: it has none.")
    expected_version: int | None = None


@strawberry.input
class SetOrganisationStatusInput:
    organisation_id: ID = strawberry.field(description="The organisation to change.")
    status: OrganisationStatus
    expected_version: int | None = None
    reason: str | None = None


@strawberry.type
class LinkPayload(Changed, loader="link_by_id"):
    link: PartnerLink | None = None


@strawberry.type
class LinkPartnerPayload(LinkPayload): ...


@strawberry.type
class EndPartnerLinkPayload(LinkPayload, Following):
    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        link = await info.context.loaders.link_by_id.load(key_of(result))
        return cls(link=link, cascades=await cascades_of(info, result))


@strawberry.type
class StatusPayload(OrganisationPayload, Following):
    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        organisation = await info.context.loaders.seen_organisation_by_id.load(key_of(result))
        return cls(organisation=organisation, cascades=await cascades_of(info, result))


@strawberry.type
class SetPartnerStatusPayload(StatusPayload): ...


@strawberry.type
class SetOrganisationStatusPayload(StatusPayload): ...


async def link_partner(info: Info, input: LinkPartnerInput) -> LinkPartnerPayload | None:
    """Links a customer to its partner; nothing is granted by it (S4, S11)."""
    act = partial(links.link_partner, support_by_default=info.context.support_by_default)
    return await run_as_oneself(info, act, input, LinkPartnerPayload)


async def end_partner_link(info: Info, input: EndPartnerLinkInput) -> EndPartnerLinkPayload | None:
    """Ends a link, and with it the partnership that it began."""
    return await run_as_oneself(info, links.end_partner_link, input, EndPartnerLinkPayload)


async def set_partner_status(info: Info, input: SetPartnerStatusInput) -> SetPartnerStatusPayload | None:
    """Sets a partner's programme, status and parent; SUSPENDED holds all its partnerships."""
    return await run_as_oneself(info, statuses.set_partner_status, input, SetPartnerStatusPayload)


async def set_organisation_status(info: Info, input: SetOrganisationStatusInput) -> SetOrganisationStatusPayload | None:
    """Suspends an organisation, lets it go on, or closes it for good, which ends its partnerships."""
    return await run_as_oneself(info, statuses.set_organisation_status, input, SetOrganisationStatusPayload)
