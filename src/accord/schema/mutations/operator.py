"""What the vendor's staff changes: organisations, the feature, the terms of service; and people who are erased."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import OrganisationPayload, Refusable, TermsPayload
from accord.schema.transaction import run_as_oneself
from accord.schema.types.enums import MailBudget
from accord.services import operator
from accord.services.people import erasure, first_admin


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


@strawberry.input(description="Exactly one of the three IDs names the person.")
class ErasePersonInput:
    user_id: ID | None = strawberry.field(default=None, description="Somebody who was a member.")
    membership_id: ID | None = strawberry.field(default=None, description="Somebody who was invited and never joined.")
    contact_id: ID | None = strawberry.field(default=None, description="An external contact who never accepted.")
    reason: str = strawberry.field(description="Stays on record: do not name the person in it.")


@strawberry.type(description="What an erasure took away.")
class ErasureReceipt:
    facts: int = strawberry.field(description="Personal facts that were taken out of events.")
    events: int = strawberry.field(description="Events that lost some of their facts.")
    mails: int = strawberry.field(description="Mails to the person that were deleted.")
    notifications: int = strawberry.field(description="Notices to the person that were deleted.")
    activity_head: str = strawberry.field(
        description="The head of the platform's activity after the act. Keep it: an anchor for `accord audit verify`."
    )


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


@strawberry.type
class ErasePersonPayload(Refusable):
    receipt: ErasureReceipt | None = None

    @classmethod
    async def of(cls, _info: Info, result: erasure.ErasureReceipt) -> Self:
        return cls(receipt=ErasureReceipt(**asdict(result)))


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


async def erase_person(info: Info, input: ErasePersonInput) -> ErasePersonPayload | None:
    """Takes the personal facts of somebody who has left everywhere out of every table; it can't be undone.

    The events of the person stay without them and show that they were erased, and the chains still verify. Refused
    with INVALID_STATE while the person is a member, invited, or a contact anywhere.
    """
    return await run_as_oneself(info, erasure.erase_person, input, ErasePersonPayload)
