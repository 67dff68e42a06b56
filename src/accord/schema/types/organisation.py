"""Organisations, people and memberships."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry
from strawberry import ID, Parent

from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.queries.read import organisation as read
from accord.database.queries.read.activity import EVENTS
from accord.database.queries.read.api_client import CLIENTS
from accord.database.queries.read.billing import INVOICES
from accord.database.queries.read.contact import ASSIGNMENTS_OF_GUEST, CONTACTS_OF_HOST
from accord.database.queries.read.delegation import ROLE_GROUPS
from accord.database.queries.read.invitation_claim import CLAIMS_OF_ORGANISATION
from accord.database.queries.read.organisation import MembershipRow, OrganisationRow, UserRow
from accord.database.queries.read.partner import LINKS
from accord.database.queries.read.partnership import PARTNERSHIPS
from accord.database.queries.read.sharing import ACCOUNTS, INVITABLE_ACCOUNTS
from accord.schema.connections import key_of, listing, names, search_text
from accord.schema.context import Info
from accord.schema.decisions import demand_in_organisation, demand_membership, may
from accord.schema.errors import ForbiddenField
from accord.schema.levels import Each, whole
from accord.schema.links import link
from accord.schema.pagination import Connection, span
from accord.schema.permissions import field, guarded, requires
from accord.schema.types.billing import Invoice, Wallet
from accord.schema.types.enums import (
    ClaimState,
    ContactStatus,
    InvoiceState,
    MembershipStatus,
    OrganisationStatus,
    PartnerProgram,
    PartnershipSide,
    PartnershipState,
    PartnerStatus,
    ReportGrouping,
    ReportName,
    Role,
    RoleGroupState,
)
from accord.schema.types.filters import ActivityFilter, event_filter
from accord.schema.types.mail_budget import MailsPerDay, mail_budgets_of
from accord.schema.types.node import Node
from accord.schema.types.policy import OrganisationPolicy
from accord.schema.types.report import Dashboard, Report, ReportPeriodInput, dashboard_of, report_of
from accord.schema.types.scim import ScimDirectory, scim_of
from accord.schema.types.setting import Feature, Settings, features_of, settings_of

if TYPE_CHECKING:
    from accord.schema.types.acting import ApiClient
    from accord.schema.types.activity import ActivityEvent
    from accord.schema.types.contact import CustomerAssignment, ExternalContact, InvitationClaim
    from accord.schema.types.delegation import RoleGroup
    from accord.schema.types.partner import PartnerContract, PartnerLink, PartnerTree
    from accord.schema.types.partnership import Partnership
    from accord.schema.types.sharing import Account, InvitableAccount

LazyPartnership = Annotated["Partnership", strawberry.lazy("accord.schema.types.partnership")]
LazyPartnerLink = Annotated["PartnerLink", strawberry.lazy("accord.schema.types.partner")]
LazyPartnerTree = Annotated["PartnerTree", strawberry.lazy("accord.schema.types.partner")]
LazyPartnerContract = Annotated["PartnerContract", strawberry.lazy("accord.schema.types.partner")]
LazyAccount = Annotated["Account", strawberry.lazy("accord.schema.types.sharing")]
LazyInvitable = Annotated["InvitableAccount", strawberry.lazy("accord.schema.types.sharing")]
LazyClaim = Annotated["InvitationClaim", strawberry.lazy("accord.schema.types.contact")]
LazyRoleGroup = Annotated["RoleGroup", strawberry.lazy("accord.schema.types.delegation")]
LazyContact = Annotated["ExternalContact", strawberry.lazy("accord.schema.types.contact")]
LazyAssignment = Annotated["CustomerAssignment", strawberry.lazy("accord.schema.types.contact")]
LazyApiClient = Annotated["ApiClient", strawberry.lazy("accord.schema.types.acting")]
LazyEvent = Annotated["ActivityEvent", strawberry.lazy("accord.schema.types.activity")]


@guarded(Action.USER_READ)
@strawberry.type(description="A person. Everybody with an account of their own, in one home organisation.")
class User(Node):
    id: ID
    version: int
    display_name: str
    home_organisation: Organisation | None = link("seen_organisation_by_id", "home_organisation_id")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, UserRow)

    @whole(description="One's own, those of one's own organisation's people, and of guest people with access.")
    async def email(self, rows: Parent[list[UserRow]], info: Info) -> Each[str | None]:
        known = await info.context.loaders.email_by_user.level([row.key for row in rows])
        unseen = ForbiddenField("user:read_email")
        return [seen if isinstance(seen, Exception) else unseen if seen is None else seen.email for seen in known]


def of_member(column: str) -> Any:
    """A column of a membership for the person and whoever reads all members: a search shows name and e-mail (Q15)."""

    def resolve(root: Parent[Any], info: Info) -> Any:
        principal = info.context.principal
        own = principal.person_id is not None and root.user_id == str(principal.person_id)
        if not own and not may(info, Action.MEMBER_READ, Target(organisation_id=UUID(root.organisation_id))):
            raise ForbiddenField(Action.MEMBER_READ)
        return getattr(root, column)

    return strawberry.field(resolver=resolve, extensions=[requires(Action.USER_READ)])


@guarded(Action.USER_READ)
@strawberry.type(description="A person's place in an organisation.")
class Membership(Node):
    id: ID
    version: int
    user: User | None = link("user_by_id", "user_id", description="Unknown until the invitation is accepted.")
    display_name: str
    email: str
    organisation: Organisation = link("organisation_by_id", "organisation_id")
    roles: list[Role] | None = of_member("roles")
    delegated_admin: bool | None = of_member("delegated_admin")
    status: MembershipStatus | None = of_member("status")
    created_at: datetime | None = of_member("created_at")

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, MembershipRow)


@guarded(Action.ORGANISATION_READ)
@strawberry.type(description="A tenant: host, guest, or both.")
class Organisation(Node):
    id: ID
    version: int
    handle: str = strawberry.field(description="The shareable workspace ID (S48): not to be guessed, never changed.")
    name: str
    status: OrganisationStatus
    country_code: str | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, OrganisationRow)

    @field(description="Has the vendor switched the feature on? (S45) For members and the operator.")
    def partners_enabled(self, root: Parent[OrganisationRow], info: Info) -> bool | None:
        demand_membership(info, root.key)
        return bool(root.partners_enabled)

    @field(
        Action.MEMBER_SEARCH,
        description="Admins see all; Account Managers, Partnership Owners and Account Owners find by name or e-mail.",
    )
    async def members(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        search: str | None = None,
        status: MembershipStatus | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Membership] | None:
        text = search_text(search)
        if not may(info, Action.MEMBER_READ, Target(organisation_id=UUID(root.key))):
            if text is None:
                raise ForbiddenField(Action.MEMBER_READ)
            if not await info.context.loaders.searchable_by_organisation.load(root.key):
                raise ForbiddenField(Action.MEMBER_SEARCH)
        return listing(info, read.MEMBERS, root.key, span(first, after, last, before), search=text, status=status)

    @field(Action.ACCOUNT_READ, description="The organisation's own accounts, as far as the viewer sees them.")
    def accounts(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        search: str | None = None,
        category: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyAccount] | None:
        wanted = span(first, after, last, before)
        return listing(info, ACCOUNTS, root.key, wanted, search=search_text(search), category=category)

    @field(Action.PARTNERSHIP_INVITE, description="What the viewer can list in an invitation, by category (S95, Q34).")
    def invitable_accounts(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        search: str | None = None,
        category: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyInvitable] | None:
        wanted = span(first, after, last, before)
        return listing(info, INVITABLE_ACCOUNTS, root.key, wanted, search=search_text(search), category=category)

    @field(Action.PARTNERSHIP_READ, description="The partners view (S50, S58), from either side.")
    def partnerships(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        side: PartnershipSide | None = None,
        state: list[PartnershipState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyPartnership] | None:
        return listing(info, PARTNERSHIPS, root.key, span(first, after, last, before), side=side, state=names(state))

    @field(
        Action.ROLES_READ,
        description="The groups of its own people that hold customers' roles, as far as the viewer sees them (S110).",
    )
    def role_groups(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        state: list[RoleGroupState] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyRoleGroup] | None:
        return listing(info, ROLE_GROUPS, root.key, span(first, after, last, before), state=names(state))

    @field(
        Action.CONTACT_READ,
        description="People of elsewhere with its roles, as far as the viewer sees them (S109): its leaders all.",
    )
    def external_contacts(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        status: list[ContactStatus] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyContact] | None:
        return listing(info, CONTACTS_OF_HOST, root.key, span(first, after, last, before), status=names(status))

    @field(Action.INVITATION_CONFIRM, description="Uses of invitations with another address, for who can confirm them.")
    def invitation_claims(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        state: list[ClaimState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[LazyClaim] | None:
        return listing(info, CLAIMS_OF_ORGANISATION, root.key, span(first, after), state=names(state))

    @field(
        Action.ASSIGNMENT_READ,
        description="Which of its own people use its level at which customers: admins see all, people their own.",
    )
    def customer_assignments(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        user_id: ID | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyAssignment] | None:
        person = None if user_id is None else key_of("user", user_id)
        return listing(info, ASSIGNMENTS_OF_GUEST, root.key, span(first, after, last, before), person=person)

    @field(description="Its partner programme; for members and the operator.")
    def partner_program(self, root: Parent[OrganisationRow], info: Info) -> PartnerProgram | None:
        demand_membership(info, root.key)
        return PartnerProgram(root.partner_program)

    @field(description="Its status as a partner; for members and the operator.")
    def partner_status(self, root: Parent[OrganisationRow], info: Info) -> PartnerStatus | None:
        demand_membership(info, root.key)
        return PartnerStatus(root.partner_status)

    @field(Action.LINK_READ, description="Its partners by the vendor's word; empty: ask the support contact (S5, S6).")
    def partner_links(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyPartnerLink] | None:
        demand_in_organisation(info, root.key, Action.LINK_READ)
        return listing(info, LINKS, root.key, span(first, after, last, before))

    @field(
        Action.CONTRACT_READ,
        description="Sub-partners and own customers, for a partner's admins, delegated ones too (S22, S35).",
    )
    def partner_tree(self, root: Parent[OrganisationRow], info: Info) -> LazyPartnerTree | None:
        demand_in_organisation(info, root.key, Action.CONTRACT_READ)
        return cast("PartnerTree", root)

    @field(Action.CONTRACT_READ, description="Its own contract; null for who is no partner.")
    async def partner_contract(self, root: Parent[OrganisationRow], info: Info) -> LazyPartnerContract | None:
        demand_in_organisation(info, root.key, Action.CONTRACT_READ)
        contract: Any = await info.context.loaders.contract_by_id.load(root.key)
        return contract  # type: ignore[no-any-return]

    @field(Action.POLICY_READ, description="The rules for its partnerships; for its own leaders.")
    async def policy(self, root: Parent[OrganisationRow], info: Info) -> OrganisationPolicy | None:
        found: Any = await info.context.loaders.policy_by_organisation.load(root.key)
        if found is None:
            raise ForbiddenField(Action.POLICY_READ)
        return found  # type: ignore[no-any-return]

    @field(Action.SCIM_READ, description="Its own directory; for its admins (S65).")
    async def scim(self, root: Parent[OrganisationRow], info: Info) -> ScimDirectory | None:
        return await scim_of(info, root.key)  # type: ignore[no-any-return]

    @field(Action.SETTINGS_READ, description="For its members, and those who manage it (S15).")
    async def settings(self, root: Parent[OrganisationRow], info: Info) -> Settings | None:
        return await settings_of(info, root.key)

    @field(Action.MAIL_BUDGET_READ, description="How many mails a day it may send to people outside; for its admins.")
    def mail_budgets(self, root: Parent[OrganisationRow], info: Info) -> list[MailsPerDay] | None:
        return mail_budgets_of(info, root)

    @field(Action.FEATURE_READ, description="Every feature, as this organisation has it.")
    async def features(self, root: Parent[OrganisationRow], info: Info) -> list[Feature] | None:
        return await features_of(info, root.key)

    @field(Action.DASHBOARD_READ, description="Its figures, for its leaders and those who read here (S26, S27).")
    async def dashboard(self, root: Parent[OrganisationRow], info: Info) -> Dashboard | None:
        return await dashboard_of(info, root.key)

    @field(Action.REPORT_READ, description="Its activity counted, for its leaders and those who read here (S26, S27).")
    async def report(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        name: ReportName,
        period: ReportPeriodInput,
        group_by: ReportGrouping,
    ) -> Report | None:
        return await report_of(info, root.key, name, period, group_by)

    @field(
        Action.BILLING_READ, description="What the vendor has billed, newest first; never for Phone Managers (S113)."
    )
    def invoices(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        state: InvoiceState | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Invoice] | None:
        demand_in_organisation(info, root.key, Action.BILLING_READ)
        return listing(info, INVOICES, root.key, span(first, after, last, before), state=state)

    @field(Action.BILLING_READ, description="What invoices are paid from; null before it was topped up.")
    async def wallet(self, root: Parent[OrganisationRow], info: Info) -> Wallet | None:
        demand_in_organisation(info, root.key, Action.BILLING_READ)
        found: Any = await info.context.loaders.wallet_by_organisation.load(root.key)
        return found  # type: ignore[no-any-return]

    @field(Action.ACTIVITY_READ, description="Newest first, as far as the viewer sees it (S87).")
    def activity(
        self,
        root: Parent[OrganisationRow],
        info: Info,
        filter: ActivityFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyEvent] | None:
        return listing(info, EVENTS, root.key, span(first, after, last, before), **event_filter(filter))

    @field(Action.API_CLIENT_MANAGE, description="For its admins.")
    def api_clients(
        self, root: Parent[OrganisationRow], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[LazyApiClient] | None:
        demand_in_organisation(info, root.key, Action.API_CLIENT_MANAGE)
        return listing(info, CLIENTS, root.key, span(first, after))

    @field(Action.GUESTS_CREATED_READ, description="The guest workspaces that the vendor made for it (S46).")
    def created_guests(
        self, root: Parent[OrganisationRow], info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Organisation] | None:
        demand_in_organisation(info, root.key, Action.GUESTS_CREATED_READ)
        return listing(info, read.CREATED_GUESTS, root.key, span(first, after))
