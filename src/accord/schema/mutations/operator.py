"""What the vendor's staff changes: organisations, the feature, the terms of service."""

from __future__ import annotations

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import OrganisationPayload, TermsPayload
from accord.schema.transaction import run_as_oneself
from accord.schema.types.enums import MailBudget
from accord.services import operator
from accord.services.people import first_admin


@strawberry.input
class CreateOrganisationInput:
    name: str
    country_code: str = strawberry.field(description="ISO 3166-1 alpha-2, in capitals.")
    admin_email: str
    admin_display_name: str
    partners_enabled: bool = False
    created_for_organisation_id: ID | None = strawberry.field(default=None, description="Who asked for it (S46).")


@strawberry.input
class InviteFirstAdminInput:
    organisation_id: ID = strawberry.field(description="One in which no admin is active.")
    email: str
    display_name: str


@strawberry.input
class NameLegalRepresentativeInput:
    organisation_id: ID = strawberry.field(description="The organisation to help.")
    email: str = strawberry.field(description="The address of an active member of it.")


@strawberry.input
class SetPartnersEnabledInput:
    organisation_id: ID = strawberry.field(description="The organisation to change.")
    enabled: bool
    expected_version: int | None = None


@strawberry.input
class SetMailBudgetInput:
    organisation_id: ID = strawberry.field(description="The organisation to change.")
    budget: MailBudget
    per_day: int | None = strawberry.field(default=None, description="Null: what the deployment gives everybody.")
    expected_version: int | None = None


@strawberry.input
class PublishTermsInput:
    code: str = "partner-terms"
    version: str
    text: str


@strawberry.type
class CreateOrganisationPayload(OrganisationPayload): ...


@strawberry.type
class InviteFirstAdminPayload(OrganisationPayload): ...


@strawberry.type
class NameLegalRepresentativePayload(OrganisationPayload): ...


@strawberry.type
class SetPartnersEnabledPayload(OrganisationPayload): ...


@strawberry.type
class SetMailBudgetPayload(OrganisationPayload): ...


@strawberry.type
class PublishTermsPayload(TermsPayload): ...


async def create_organisation(info: Info, input: CreateOrganisationInput) -> CreateOrganisationPayload | None:
    """Creates an organisation and invites its first admin, who is also its legal representative (S46). Until somebody
    has joined, the same again for the same address sends another link for the same organisation."""
    return await run_as_oneself(info, operator.create_organisation, input, CreateOrganisationPayload)


async def invite_first_admin(info: Info, input: InviteFirstAdminInput) -> InviteFirstAdminPayload | None:
    """Invites a first admin again, of an organisation in which no admin is active; older links are void."""
    return await run_as_oneself(info, first_admin.invite_first_admin, input, InviteFirstAdminPayload)


async def name_legal_representative(
    info: Info, input: NameLegalRepresentativeInput
) -> NameLegalRepresentativePayload | None:
    """Names an active member as a legal representative, where the organisation's last one can not; on record there."""
    return await run_as_oneself(info, first_admin.name_legal_representative, input, NameLegalRepresentativePayload)


async def set_partners_enabled(info: Info, input: SetPartnersEnabledInput) -> SetPartnersEnabledPayload | None:
    """Switches the Partners feature of an organisation; switching it off ends nothing (S45)."""
    return await run_as_oneself(info, operator.set_partners_enabled, input, SetPartnersEnabledPayload)


async def set_mail_budget(info: Info, input: SetMailBudgetInput) -> SetMailBudgetPayload | None:
    """Sets how many mails a day an organisation may send to people who have not asked for them."""
    return await run_as_oneself(info, operator.set_mail_budget, input, SetMailBudgetPayload)


async def publish_terms(info: Info, input: PublishTermsInput) -> PublishTermsPayload | None:
    """Publishes a version of the terms of service; guests accept the newest (S63)."""
    return await run_as_oneself(info, operator.publish_terms, input, PublishTermsPayload)
