"""The table of contents: every query and mutation in one line, with its permission."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.extensions import AddValidationRules, SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from accord.access.permissions import Action
from accord.schema.errors import Masked, log_unexpected
from accord.schema.mutations import (
    acting,
    amendment,
    api_client,
    billing,
    contact,
    delegation,
    invitation,
    invitation_claim,
    level,
    operator,
    organisation,
    partner,
    partnership,
    policy,
    scim,
    setting,
    sharing,
    term,
)
from accord.schema.operation import Operation, StockOperation
from accord.schema.permissions import answers
from accord.schema.queries import activity as activity_queries
from accord.schema.queries import node as node_queries
from accord.schema.queries import organisation as organisation_queries
from accord.schema.queries import partnership as partnership_queries
from accord.schema.queries import sharing as sharing_queries
from accord.schema.scalars import SCALARS, StorableStrings
from accord.schema.sdl import print_sdl
from accord.schema.types.refusals import REFUSALS

RULES: Final = (StorableStrings,)
"""Validation rules of ours, beside those of the specification."""

EXECUTORS: Final = {"engine": Operation, "stock": StockOperation}
"""What can run operations: level by level, or the stock executor."""


@strawberry.type
class Query:
    viewer = answers(organisation_queries.viewer, None)
    organisation = answers(organisation_queries.organisation, Action.ORGANISATION_READ)
    organisations = answers(organisation_queries.organisations, Action.ORGANISATION_LIST)
    partnership = answers(partnership_queries.partnership, Action.PARTNERSHIP_READ)
    account = answers(sharing_queries.account, Action.ACCOUNT_READ)
    partner_lookup = answers(organisation_queries.partner_lookup, Action.PARTNER_LOOK_UP)
    partner_directory = answers(organisation_queries.partner_directory, Action.PARTNER_LOOK_UP)
    invitation = answers(partnership_queries.invitation, Action.INVITATION_READ)
    current_terms = answers(partnership_queries.current_terms, Action.TERMS_READ)
    support_contact = answers(organisation_queries.support_contact, None)
    activity = answers(activity_queries.activity, Action.ACTIVITY_READ)
    node = answers(node_queries.node, Action.NODE_READ)
    nodes = answers(node_queries.nodes, Action.NODE_READ)


@strawberry.type
class Mutation:
    request_partnership = answers(partnership.request_partnership, Action.PARTNERSHIP_REQUEST)
    invite_partner = answers(invitation.invite_partner, Action.PARTNERSHIP_INVITE)
    request_customer = answers(invitation.request_customer, Action.CUSTOMER_REQUEST)
    remind_partnership = answers(partnership.remind_partnership, Action.PARTNERSHIP_REMIND)
    approve_partnership = answers(partnership.approve_partnership, Action.PARTNERSHIP_APPROVE)
    decline_partnership = answers(partnership.decline_partnership, Action.PARTNERSHIP_DECLINE)
    accept_partnership = answers(partnership.accept_partnership, Action.PARTNERSHIP_ACCEPT)
    refuse_partnership = answers(partnership.refuse_partnership, Action.PARTNERSHIP_REFUSE)
    resend_partnership = answers(partnership.resend_partnership, Action.PARTNERSHIP_RESEND)
    withdraw_partnership = answers(partnership.withdraw_partnership, Action.PARTNERSHIP_WITHDRAW)
    remove_partner = answers(partnership.remove_partner, Action.PARTNERSHIP_REMOVE)
    transfer_partnership = answers(partnership.transfer_partnership, Action.PARTNERSHIP_TRANSFER)
    set_co_owners = answers(partnership.set_co_owners, Action.PARTNERSHIP_TRANSFER)
    set_representative = answers(partnership.set_representative, Action.PARTNERSHIP_SET_REPRESENTATIVE)

    suspend_partnership = answers(term.suspend_partnership, Action.PARTNERSHIP_SUSPEND)
    resume_partnership = answers(term.resume_partnership, Action.PARTNERSHIP_RESUME)
    extend_partnership = answers(term.extend_partnership, Action.PARTNERSHIP_EXTEND)
    set_auto_extend = answers(term.set_auto_extend, Action.PARTNERSHIP_EXTEND)
    amend_partnership = answers(amendment.amend_partnership, Action.PARTNERSHIP_AMEND)
    decide_amendment = answers(amendment.decide_amendment, Action.AMENDMENT_DECIDE)
    withdraw_amendment = answers(amendment.withdraw_amendment, Action.AMENDMENT_WITHDRAW)

    set_delegated_roles = answers(delegation.set_delegated_roles, Action.ROLES_DELEGATE)
    delegate_roles = answers(delegation.delegate_roles, Action.ROLES_DELEGATE)
    clear_roles = answers(delegation.clear_roles, Action.ROLES_DELEGATE)
    add_role_group_members = answers(delegation.add_role_group_members, Action.ROLE_GROUP_MANAGE)
    remove_role_group_members = answers(delegation.remove_role_group_members, Action.ROLE_GROUP_MANAGE)

    assign_customers = answers(contact.assign_customers, Action.ASSIGNMENT_MANAGE)
    add_external_contact = answers(contact.add_external_contact, Action.CONTACT_MANAGE)
    accept_contact = answers(contact.accept_contact, Action.CONTACT_ACCEPT)
    remove_external_contact = answers(contact.remove_external_contact, Action.CONTACT_MANAGE)

    confirm_invitation_claim = answers(invitation_claim.confirm_invitation_claim, Action.INVITATION_CONFIRM)
    refuse_invitation_claim = answers(invitation_claim.refuse_invitation_claim, Action.INVITATION_CONFIRM)

    share_accounts = answers(sharing.share_accounts, Action.ACCOUNT_SHARE)
    unshare_account = answers(sharing.unshare_account, Action.SHARE_END)
    suspend_share = answers(sharing.suspend_share, Action.SHARE_SUSPEND)
    resume_share = answers(sharing.resume_share, Action.SHARE_RESUME)
    change_member_role = answers(sharing.change_member_role, Action.GRANT_CHANGE_ROLE)
    remove_member_from_share = answers(sharing.remove_member_from_share, Action.GRANT_REVOKE)
    remove_member_from_partnership = answers(sharing.remove_member_from_partnership, Action.GRANT_REVOKE_ALL)
    leave_share = answers(sharing.leave_share, Action.SHARE_LEAVE)
    request_access = answers(sharing.request_access, Action.ACCESS_REQUEST)
    decide_access_requests = answers(sharing.decide_access_requests, Action.ACCESS_DECIDE)
    withdraw_access_request = answers(sharing.withdraw_access_request, Action.ACCESS_WITHDRAW)
    sign_in_to_account = answers(sharing.sign_in_to_account, Action.ACCOUNT_SIGN_IN)

    switch_organisation = answers(acting.switch_organisation, Action.SESSION_OPEN)
    leave_organisation = answers(acting.leave_organisation, Action.SESSION_LEAVE)

    create_account = answers(organisation.create_account, Action.ACCOUNT_CREATE)
    update_account = answers(organisation.update_account, Action.ACCOUNT_UPDATE)
    archive_account = answers(organisation.archive_account, Action.ACCOUNT_SECURE)
    set_account_owners = answers(organisation.set_account_owners, Action.ACCOUNT_SECURE)
    invite_member = answers(organisation.invite_member, Action.MEMBER_MANAGE)
    accept_membership = answers(organisation.accept_membership, Action.MEMBERSHIP_ACCEPT)
    update_member = answers(organisation.update_member, Action.MEMBER_MANAGE)
    deactivate_member = answers(organisation.deactivate_member, Action.MEMBER_MANAGE)
    reactivate_member = answers(organisation.reactivate_member, Action.MEMBER_MANAGE)
    remove_member = answers(organisation.remove_member, Action.MEMBER_MANAGE)
    update_profile = answers(organisation.update_profile, Action.PROFILE_UPDATE)
    mark_notifications_read = answers(organisation.mark_notifications_read, Action.NOTIFICATION_READ)

    set_data_access = answers(level.set_data_access, Action.LEVEL_REDUCE)
    share_data_with_partner = answers(level.share_data_with_partner, Action.LEVEL_REDUCE)
    set_ceiling = answers(level.set_ceiling, Action.CEILING_SET)

    update_settings = answers(setting.update_settings, Action.SETTINGS_UPDATE)
    set_feature = answers(setting.set_feature, Action.FEATURE_SET_TELEPHONY)
    pay_invoice = answers(billing.pay_invoice, Action.INVOICE_PAY)
    top_up_wallet = answers(billing.top_up_wallet, Action.WALLET_TOP_UP)

    set_policy = answers(policy.set_policy, Action.POLICY_SET)
    freeze_partner_access = answers(policy.freeze_partner_access, Action.ACCESS_FREEZE)
    unfreeze_partner_access = answers(policy.unfreeze_partner_access, Action.ACCESS_UNFREEZE)

    create_api_client = answers(api_client.create_api_client, Action.API_CLIENT_MANAGE)
    revoke_api_client = answers(api_client.revoke_api_client, Action.API_CLIENT_MANAGE)

    create_scim_credential = answers(scim.create_scim_credential, Action.SCIM_MANAGE)
    revoke_scim_credential = answers(scim.revoke_scim_credential, Action.SCIM_MANAGE)
    set_scim_group_roles = answers(scim.set_scim_group_roles, Action.SCIM_MANAGE)

    create_organisation = answers(operator.create_organisation, Action.ORGANISATION_OPERATE)
    invite_first_admin = answers(operator.invite_first_admin, Action.ORGANISATION_OPERATE)
    name_legal_representative = answers(operator.name_legal_representative, Action.ORGANISATION_OPERATE)
    set_mail_budget = answers(operator.set_mail_budget, Action.ORGANISATION_OPERATE)
    set_partners_enabled = answers(operator.set_partners_enabled, Action.ORGANISATION_OPERATE)
    set_organisation_status = answers(partner.set_organisation_status, Action.ORGANISATION_OPERATE)
    set_partner_status = answers(partner.set_partner_status, Action.ORGANISATION_OPERATE)
    link_partner = answers(partner.link_partner, Action.ORGANISATION_OPERATE)
    end_partner_link = answers(partner.end_partner_link, Action.ORGANISATION_OPERATE)
    issue_invoice = answers(billing.issue_invoice, Action.INVOICE_ISSUE)
    void_invoice = answers(billing.void_invoice, Action.INVOICE_ISSUE)
    publish_terms = answers(operator.publish_terms, Action.TERMS_PUBLISH)
    erase_person = answers(operator.erase_person, Action.PERSON_ERASE)


class Schema(strawberry.Schema):
    """Strawberry's schema with a quiet log: a denied field is an answer, not an incident."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        log_unexpected(errors)


def build_schema(
    extensions: Iterable[Callable[[], SchemaExtension]] = (), executor: type[Operation] = Operation
) -> Schema:
    """The schema; `extensions` are what the edge adds to it, such as its parsing and its limits."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        types=REFUSALS,
        execution_context_class=executor,
        extensions=(Masked, lambda: AddValidationRules(list(RULES)), *extensions),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    leave_out_nulls(schema._schema)
    return schema


def leave_out_nulls(schema: GraphQLSchema) -> None:
    """An argument that may be left out has no default: `= null` behind each of them says nothing."""
    for kind in schema.type_map.values():
        given: list[GraphQLArgument | GraphQLInputField] = []
        if isinstance(kind, GraphQLInputObjectType):
            given.extend(kind.fields.values())
        elif isinstance(kind, GraphQLObjectType):
            given.extend(argument for field in kind.fields.values() for argument in field.args.values())
        for argument in given:
            if argument.default_value is None:
                argument.default_value = Undefined


schema: Final = build_schema()
"""The schema by itself: what the file shows, and what tests ask."""


def print_schema() -> str:
    """The contract as the file has it, in the order of names, so that a difference is a change."""
    return print_sdl(schema)
