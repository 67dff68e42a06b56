"""The words of the domain as enums of the schema."""

from __future__ import annotations

from enum import EnumMeta, StrEnum
from typing import Final, TypeVar

import strawberry

from accord.domain.acting import Basis as ActingBasis
from accord.domain.acting import MemberBasis
from accord.domain.activity import Outcome
from accord.domain.amendment import AmendmentKind, AmendmentState
from accord.domain.billing import EntryKind, InvoiceState
from accord.domain.callers.api_client import ApiClientStatus
from accord.domain.callers.scim import ScimCredentialStatus
from accord.domain.cascade import CascadeKind
from accord.domain.contact import ContactStatus
from accord.domain.delegation import DelegatedRole, DelegationState, RoleGroupState
from accord.domain.invitation_claim import ClaimState
from accord.domain.level import DataAccessLevel
from accord.domain.mail_budget import MailBudget
from accord.domain.organisation import MemberPreset, MembershipStatus, OrganisationStatus, Role
from accord.domain.partner import LinkKind, LinkStatus, PartnerProgram, PartnerStatus
from accord.domain.partnership import (
    AccessMode,
    GuestDecision,
    Holder,
    HostDecision,
    PartnershipPath,
    PartnershipSide,
    PartnershipState,
    Purpose,
)
from accord.domain.report import ReportGrouping, ReportName
from accord.domain.setting import FeatureArea
from accord.domain.sharing import AccessItemState, AccountKind, AccountRole, AccountStatus, GrantState, ShareState

Words = TypeVar("Words", bound=EnumMeta)

DESCRIPTIONS: Final = {
    PartnershipState: {
        "AWAITING_HOST_APPROVAL": "Awaiting admin's decision",
        "AWAITING_GUEST_ACCEPTANCE": "Awaiting the partner's decision",
        "ACTIVE": "Connected",
        "SUSPENDED": "Suspended; nothing is accessible meanwhile",
        "DECLINED_BY_HOST": "Declined by an admin of the host",
        "DECLINED_BY_GUEST": "Declined by the partner; may be sent again",
        "WITHDRAWN": "Withdrawn",
        "LAPSED": "Nobody decided in time",
        "TERMINATED": "Removed",
        "EXPIRED": "Reached its end",
    },
    AccountRole: {
        "COLLABORATOR": "May sign in",
        "ACCOUNT_MANAGER": "May sign in, and request access for colleagues",
    },
    Role: {
        "ORG_ADMIN": "Admin of the organisation",
        "LEGAL_REPRESENTATIVE": "Legally responsible for the organisation",
        "DECISION_MAKER": "Decision Maker",
        "PHONE_MANAGER": "Phone Manager",
        "MEMBER": "Member",
        "AUDITOR": "Reads activity and nothing else",
    },
    MailBudget: {
        "PARTNERS": "Partnership invitations and requests, contacts, and addresses that are told of delegated roles",
        "MEMBERS": "Invitations of its own people, by its admins and its directory",
        "ACTING": "All that people of partners send who act in it",
    },
    MemberPreset: {"GROUP_ADMIN": "Admin of the own organisation and delegated admin at its customers (S7, S12)"},
    DataAccessLevel: {
        "NONE": "No access to the customer's data",
        "SUPPORT": "Reads dashboard, reports and user activity",
        "MANAGE": "Reads and writes from the customer's side",
    },
    AccessMode: {
        "LIMITED": "The accounts that are shared, and no others",
        "COMPLETE": "All accounts of the host, present and future, as far as the level reaches",
    },
    AmendmentKind: {"NARROW": "In force at once", "WIDEN": "In force when both sides have agreed"},
    ApiClientStatus: {
        "ACTIVE": "Can be used",
        "REVOKED": "Taken back, or ended with its owner",
        "EXPIRED": "Over by time",
    },
    CascadeKind: {
        "END_SHARES": "The shares of a partnership that has ended",
        "END_ACCOUNT_SHARES": "The shares of an archived account",
        "END_PARTNERSHIPS": "The partnerships of a closed organisation",
        "HOLD_PARTNERSHIPS": "The partnerships of a partner that the vendor has suspended",
        "RELEASE_PARTNERSHIPS": "The partnerships of a partner that the vendor lets go on",
        "BOUND_PARTNERSHIPS": "The partnerships of a partner with another ceiling",
        "REPLACE_MEMBER": "The partnerships in which others follow a member who has left",
    },
    ContactStatus: {
        "INVITED": "The link of the mail has not been followed yet",
        "ACTIVE": "Holds the roles, as a single person",
        "CONVERTED": "Holds the roles under a partnership, and as long as that is active",
        "REMOVED": "Over",
    },
    ReportName: {
        "ACTIVITY": "Everything that happened",
        "SIGN_INS": "Sign-ins to the platform and to accounts",
        "SHARING": "Shares, grants and requests for access",
        "PARTNERSHIPS": "Partnerships, levels, delegated roles and acting sessions",
        "ADMINISTRATION": "Members, accounts, settings, features, policy and exports",
    },
    HostDecision: {"SKIPPED": "Not needed: an admin or legal representative asked"},
}
"""What people read in place of a name (S54)."""


def described(words: Words) -> Words:
    """Registers an enum of the domain, with its descriptions."""
    enum = strawberry.enum(words)
    texts = DESCRIPTIONS.get(words, {})  # type: ignore[call-overload]
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = texts.get(value.name)
    return enum


REGISTERED: Final = tuple(
    described(words)
    for words in (
        OrganisationStatus,
        PartnerProgram,
        PartnerStatus,
        MailBudget,
        LinkKind,
        LinkStatus,
        DataAccessLevel,
        Role,
        MembershipStatus,
        MemberPreset,
        PartnershipPath,
        PartnershipState,
        PartnershipSide,
        AccessMode,
        Holder,
        Purpose,
        HostDecision,
        GuestDecision,
        AmendmentKind,
        AmendmentState,
        AccountKind,
        AccountStatus,
        AccountRole,
        ShareState,
        GrantState,
        AccessItemState,
        DelegatedRole,
        DelegationState,
        RoleGroupState,
        ApiClientStatus,
        CascadeKind,
        ContactStatus,
        MemberBasis,
        ClaimState,
        Outcome,
        FeatureArea,
        InvoiceState,
        EntryKind,
        ReportName,
        ReportGrouping,
        ScimCredentialStatus,
    )
)


@strawberry.enum(description="In what role the viewer meets an account.")
class ViewerRole(StrEnum):
    ACCOUNT_OWNER = "ACCOUNT_OWNER"
    ACCOUNT_MANAGER = "ACCOUNT_MANAGER"
    COLLABORATOR = "COLLABORATOR"


__all__ = [
    "AccessItemState",
    "AccessMode",
    "AccountKind",
    "AccountRole",
    "AccountStatus",
    "ActingBasis",
    "AmendmentKind",
    "AmendmentState",
    "ApiClientStatus",
    "CascadeKind",
    "ClaimState",
    "ContactStatus",
    "DataAccessLevel",
    "DelegatedRole",
    "DelegationState",
    "EntryKind",
    "FeatureArea",
    "GrantState",
    "GuestDecision",
    "Holder",
    "HostDecision",
    "InvoiceState",
    "LinkKind",
    "LinkStatus",
    "MailBudget",
    "MemberBasis",
    "MemberPreset",
    "MembershipStatus",
    "OrganisationStatus",
    "Outcome",
    "PartnerProgram",
    "PartnerStatus",
    "PartnershipPath",
    "PartnershipSide",
    "PartnershipState",
    "Purpose",
    "ReportGrouping",
    "ReportName",
    "Role",
    "RoleGroupState",
    "ScimCredentialStatus",
    "ShareState",
    "ViewerRole",
]
