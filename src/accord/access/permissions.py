"""The vocabulary of actions, and the permission matrix of model 4.6 as one table."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Capacity(StrEnum):
    """In what capacity somebody acts on a target: the columns of the matrix, and the conditions of its "o" entries."""

    PERSON = "person"
    MEMBER = "member"
    ORG_ADMIN = "organisation admin"
    HOST_ADMIN = "host admin"
    LEGAL = "legal representative or Decision Maker of the host"
    LEGAL_REPRESENTATIVE = "legal representative of the host"
    OWNER = "partnership owner or co-owner"
    REQUESTER = "requester"
    HOST_MEMBER = "host member"
    ACCOUNT_OWNER = "account owner"
    GUEST_ADMIN = "guest admin"
    GUEST_MEMBER = "guest member"
    DELEGATED_ADMIN = "delegated admin of the guest"
    REPRESENTATIVE = "representative of the guest"
    GRANTEE = "holder of a grant"
    ACCOUNT_MANAGER = "account manager"
    ITEM_REQUESTER = "who asked for this access"
    AUDITOR = "auditor"
    PHONE_MANAGER = "Phone Manager of the organisation"
    OPERATOR = "operator"
    ACTING = "somebody acting in the organisation"
    ACTING_SUPPORT = "acting with SUPPORT"
    ACTING_MANAGE = "acting with MANAGE"
    ACTING_DECISION_MAKER = "acting as Decision Maker"
    ACTING_PHONE_MANAGER = "acting as Phone Manager"
    ACTING_BILLING = "acting with MANAGE, the wallet entrusted"
    REACHES_ACCOUNT = "the session's partnership reaches the account"
    SEES_ACCOUNT = "sees the account"
    NO_ACTIVE_OWNER = "nobody active owns the account"
    GUEST_ASKS = "the guest asks for this partnership"
    GUEST_ASKER = "the admin of the guest who asked"
    NOT_REQUESTER = "somebody other than the requester"
    AT_HOME = "not acting elsewhere"
    DIRECTORY = "the organisation's directory"
    NOT_ONESELF = "for somebody other than oneself"
    OWNER_GONE = "the partnership owner is no longer active"
    ADMIN_MAY_INVITE = "policy adminMayInvite"
    MAY_UNSHARE = "policy hostAdminMayUnshare"
    REPRESENTATIVE_MANAGES = "policy representativeManagesGroups"


C = Capacity


class Action(StrEnum):
    """What can be done; `noun:verb`, never a role."""

    TERMS_READ = "terms:read"
    VIEWER_READ = "viewer:read"
    NODE_READ = "node:read"
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_LIST = "organisation:list"
    ORGANISATION_OPERATE = "organisation:operate"
    TERMS_PUBLISH = "terms:publish"
    PERSON_ERASE = "person:erase"
    PARTNER_LOOK_UP = "partner:look_up"
    GUESTS_CREATED_READ = "created_guests:read"
    MAIL_BUDGET_READ = "mail_budget:read"
    MEMBER_READ = "member:read"
    MEMBER_SEARCH = "member:search"
    MEMBER_MANAGE = "member:manage"
    MEMBER_PROVISION = "member:provision"
    MEMBERSHIP_ACCEPT = "membership:accept"
    PROFILE_UPDATE = "profile:update"
    NOTIFICATION_READ = "notification:read"
    USER_READ = "user:read"
    PARTNERSHIP_READ = "partnership:read"
    PARTNERSHIP_READ_REASON = "partnership:read_reason"
    PARTNERSHIP_READ_TERMS = "partnership:read_terms"
    PARTNERSHIP_READ_HIDDEN = "partnership:read_hidden"
    PARTNERSHIP_REQUEST = "partnership:request"
    PARTNERSHIP_INVITE = "partnership:invite"
    PARTNERSHIP_COMPLETE = "partnership:complete"
    CUSTOMER_REQUEST = "customer:request"
    PARTNERSHIP_REMIND = "partnership:remind"
    PARTNERSHIP_APPROVE = "partnership:approve"
    PARTNERSHIP_DECLINE = "partnership:decline"
    PARTNERSHIP_ACCEPT = "partnership:accept"
    PARTNERSHIP_REFUSE = "partnership:refuse"
    PARTNERSHIP_RESEND = "partnership:resend"
    PARTNERSHIP_WITHDRAW = "partnership:withdraw"
    PARTNERSHIP_REMOVE = "partnership:remove"
    PARTNERSHIP_TRANSFER = "partnership:transfer"
    PARTNERSHIP_SET_REPRESENTATIVE = "partnership:set_representative"
    PARTNERSHIP_SUSPEND = "partnership:suspend"
    PARTNERSHIP_RESUME = "partnership:resume"
    PARTNERSHIP_EXTEND = "partnership:extend"
    PARTNERSHIP_AMEND = "partnership:amend"
    AMENDMENT_READ = "amendment:read"
    AMENDMENT_DECIDE = "amendment:decide"
    AMENDMENT_WITHDRAW = "amendment:withdraw"
    LEVEL_READ = "level:read"
    LEVEL_SET = "level:set"
    LEVEL_REDUCE = "level:reduce"
    CEILING_SET = "ceiling:set"
    LINK_READ = "link:read"
    CONTRACT_READ = "contract:read"
    ROLES_READ = "roles:read"
    ROLES_DELEGATE = "roles:delegate"
    ROLE_GROUP_MANAGE = "role_group:manage"
    CONTACT_READ = "contact:read"
    CONTACT_MANAGE = "contact:manage"
    CONTACT_ACCEPT = "contact:accept"
    ASSIGNMENT_READ = "assignment:read"
    ASSIGNMENT_MANAGE = "assignment:manage"
    POLICY_READ = "policy:read"
    POLICY_SET = "policy:set"
    POLICY_SET_RULES = "policy:set_rules"
    POLICY_SET_INVITING = "policy:set_inviting"
    DIRECTORY_SET = "directory:set"
    SCIM_READ = "scim:read"
    SCIM_MANAGE = "scim:manage"
    ACCESS_FREEZE = "access:freeze"
    ACCESS_UNFREEZE = "access:unfreeze"
    DASHBOARD_READ = "dashboard:read"
    REPORT_READ = "report:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_UPDATE = "settings:update"
    FEATURE_READ = "feature:read"
    FEATURE_SET = "feature:set"
    FEATURE_SET_TELEPHONY = "feature:set_telephony"
    BILLING_READ = "billing:read"
    INVOICE_READ = "invoice:read"
    INVOICE_PAY = "invoice:pay"
    INVOICE_ISSUE = "invoice:issue"
    WALLET_TOP_UP = "wallet:top_up"
    INVITATION_READ = "invitation:read"
    INVITATION_CONFIRM = "invitation:confirm"
    SESSION_READ = "session:read"
    SESSION_OPEN = "session:open"
    SESSION_LEAVE = "session:leave"
    ACCOUNT_READ = "account:read"
    ACCOUNT_READ_PANEL = "account:read_panel"
    ACCOUNT_CREATE = "account:create"
    ACCOUNT_UPDATE = "account:update"
    ACCOUNT_SECURE = "account:secure"
    ACCOUNT_SHARE = "account:share"
    ACCOUNT_SIGN_IN = "account:sign_in"
    SHARE_READ = "share:read"
    SHARE_END = "share:end"
    SHARE_SUSPEND = "share:suspend"
    SHARE_RESUME = "share:resume"
    SHARE_LEAVE = "share:leave"
    GRANT_CHANGE_ROLE = "grant:change_role"
    GRANT_REVOKE = "grant:revoke"
    GRANT_REVOKE_ALL = "grant:revoke_all"
    ACCESS_REQUEST = "access:request"
    ACCESS_WITHDRAW = "access:withdraw"
    ACCESS_DECIDE = "access:decide"
    ACTIVITY_READ = "activity:read"
    ACTIVITY_EXPORT = "activity:export"
    API_CLIENT_READ = "api_client:read"
    API_CLIENT_MANAGE = "api_client:manage"


Alternatives = tuple[frozenset[Capacity], ...]


def _any(*alternatives: Capacity | frozenset[Capacity]) -> Alternatives:
    return tuple(a if isinstance(a, frozenset) else frozenset({a}) for a in alternatives)


def _all(*capacities: Capacity) -> frozenset[Capacity]:
    return frozenset(capacities)


LEADERS: Final = (C.HOST_ADMIN, C.LEGAL)
AT_HOME: Final = (C.ORG_ADMIN, C.LEGAL)
READING: Final = (C.ACTING_SUPPORT, C.ACTING_MANAGE, C.ACTING_DECISION_MAKER)
MANAGING: Final = (C.ACTING_MANAGE, C.ACTING_DECISION_MAKER)
BILLING: Final = (*AT_HOME, C.ACTING_DECISION_MAKER, C.ACTING_BILLING)
"""Leaders of an organisation at home, and those who act there, as model 4.15 names them."""

PERMISSIONS: Final[dict[Action, Alternatives]] = {
    Action.TERMS_READ: _any(C.PERSON, C.OPERATOR),
    Action.VIEWER_READ: _any(C.PERSON, C.ACTING),
    Action.NODE_READ: _any(C.PERSON, C.ACTING, C.OPERATOR),
    Action.ORGANISATION_READ: _any(C.PERSON, C.ACTING, C.OPERATOR),
    Action.ORGANISATION_LIST: _any(C.OPERATOR),
    Action.ORGANISATION_OPERATE: _any(C.OPERATOR),
    Action.TERMS_PUBLISH: _any(C.OPERATOR),
    Action.PERSON_ERASE: _any(C.OPERATOR),
    Action.PARTNER_LOOK_UP: _any(C.HOST_MEMBER),
    Action.GUESTS_CREATED_READ: _any(C.ORG_ADMIN, C.OPERATOR),
    Action.MAIL_BUDGET_READ: _any(C.ORG_ADMIN, C.OPERATOR),
    Action.MEMBER_READ: _any(C.ORG_ADMIN, C.ACTING_MANAGE, C.ACTING_DECISION_MAKER),
    Action.MEMBER_SEARCH: _any(C.ORG_ADMIN, C.MEMBER, C.ACTING_MANAGE, C.ACTING_DECISION_MAKER),
    Action.MEMBER_MANAGE: _any(C.ORG_ADMIN, C.ACTING_MANAGE, C.ACTING_DECISION_MAKER),
    Action.MEMBER_PROVISION: _any(C.DIRECTORY),
    Action.MEMBERSHIP_ACCEPT: _any(C.AT_HOME),
    Action.PROFILE_UPDATE: _any(C.PERSON),
    Action.NOTIFICATION_READ: _any(C.PERSON),
    Action.USER_READ: _any(C.PERSON, C.ACTING),
    Action.PARTNERSHIP_READ: _any(C.PERSON, C.ACTING),
    Action.PARTNERSHIP_READ_REASON: _any(*LEADERS, C.OWNER, C.REQUESTER),
    Action.PARTNERSHIP_READ_TERMS: _any(*LEADERS, C.OWNER, C.REQUESTER, C.GUEST_ADMIN),
    Action.PARTNERSHIP_READ_HIDDEN: _any(*LEADERS),
    Action.PARTNERSHIP_REQUEST: _any(C.HOST_MEMBER),
    Action.PARTNERSHIP_INVITE: _any(C.LEGAL_REPRESENTATIVE, _all(C.ORG_ADMIN, C.ADMIN_MAY_INVITE)),
    Action.PARTNERSHIP_COMPLETE: _any(C.LEGAL_REPRESENTATIVE),
    Action.CUSTOMER_REQUEST: _any(C.ORG_ADMIN),
    Action.PARTNERSHIP_REMIND: _any(C.REQUESTER, _all(C.GUEST_ADMIN, C.GUEST_ASKER)),
    Action.PARTNERSHIP_APPROVE: _any(_all(C.HOST_ADMIN, C.NOT_REQUESTER), _all(C.LEGAL, C.NOT_REQUESTER)),
    Action.PARTNERSHIP_DECLINE: _any(*LEADERS),
    Action.PARTNERSHIP_ACCEPT: _any(C.GUEST_ADMIN),
    Action.PARTNERSHIP_REFUSE: _any(C.GUEST_ADMIN),
    Action.PARTNERSHIP_RESEND: _any(*LEADERS, C.OWNER),
    Action.PARTNERSHIP_WITHDRAW: _any(*LEADERS, C.OWNER, C.REQUESTER, _all(C.GUEST_ADMIN, C.GUEST_ASKS)),
    Action.PARTNERSHIP_REMOVE: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.PARTNERSHIP_TRANSFER: _any(C.OWNER, _all(C.HOST_ADMIN, C.NOT_ONESELF), _all(C.HOST_ADMIN, C.OWNER_GONE)),
    Action.PARTNERSHIP_SET_REPRESENTATIVE: _any(C.GUEST_ADMIN),
    Action.PARTNERSHIP_SUSPEND: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.PARTNERSHIP_RESUME: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.PARTNERSHIP_EXTEND: _any(*LEADERS),
    Action.PARTNERSHIP_AMEND: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.AMENDMENT_READ: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.AMENDMENT_DECIDE: _any(*LEADERS, C.GUEST_ADMIN),
    Action.AMENDMENT_WITHDRAW: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN),
    Action.LEVEL_READ: _any(*LEADERS, C.OWNER, C.GUEST_ADMIN, C.DELEGATED_ADMIN),
    Action.LEVEL_SET: _any(*LEADERS),
    Action.LEVEL_REDUCE: _any(*LEADERS, C.OWNER),
    Action.CEILING_SET: _any(C.ORG_ADMIN, C.OPERATOR),
    Action.LINK_READ: _any(C.MEMBER, C.OPERATOR),
    Action.CONTRACT_READ: _any(C.ORG_ADMIN, C.DELEGATED_ADMIN, C.OPERATOR),
    Action.ROLES_READ: _any(C.PERSON),
    Action.ROLES_DELEGATE: _any(*LEADERS),
    Action.ROLE_GROUP_MANAGE: _any(C.GUEST_ADMIN, _all(C.REPRESENTATIVE, C.REPRESENTATIVE_MANAGES)),
    Action.CONTACT_READ: _any(C.PERSON),
    Action.CONTACT_MANAGE: _any(C.ORG_ADMIN, C.LEGAL),
    Action.CONTACT_ACCEPT: _any(C.PERSON),
    Action.ASSIGNMENT_READ: _any(C.PERSON),
    Action.ASSIGNMENT_MANAGE: _any(C.ORG_ADMIN),
    Action.POLICY_READ: _any(C.ORG_ADMIN, C.LEGAL),
    Action.POLICY_SET: _any(C.ORG_ADMIN, C.LEGAL_REPRESENTATIVE),
    Action.POLICY_SET_RULES: _any(C.ORG_ADMIN),
    Action.POLICY_SET_INVITING: _any(C.LEGAL_REPRESENTATIVE),
    Action.DIRECTORY_SET: _any(C.ORG_ADMIN, C.LEGAL),
    Action.SCIM_READ: _any(C.ORG_ADMIN),
    Action.SCIM_MANAGE: _any(C.ORG_ADMIN),
    Action.ACCESS_FREEZE: _any(C.ORG_ADMIN, C.LEGAL),
    Action.ACCESS_UNFREEZE: _any(C.ORG_ADMIN, C.LEGAL),
    Action.DASHBOARD_READ: _any(*AT_HOME, *READING),
    Action.REPORT_READ: _any(*AT_HOME, *READING),
    Action.SETTINGS_READ: _any(C.MEMBER, *MANAGING, C.ACTING_PHONE_MANAGER),
    Action.SETTINGS_UPDATE: _any(*AT_HOME, *MANAGING),
    Action.FEATURE_READ: _any(C.MEMBER, *MANAGING, C.ACTING_PHONE_MANAGER),
    Action.FEATURE_SET: _any(*AT_HOME, *MANAGING),
    Action.FEATURE_SET_TELEPHONY: _any(*AT_HOME, C.PHONE_MANAGER, *MANAGING, C.ACTING_PHONE_MANAGER),
    Action.BILLING_READ: _any(*BILLING),
    Action.INVOICE_READ: _any(*BILLING, C.OPERATOR),
    Action.INVOICE_PAY: _any(*BILLING),
    Action.INVOICE_ISSUE: _any(C.OPERATOR),
    Action.WALLET_TOP_UP: _any(*AT_HOME),
    Action.INVITATION_READ: _any(C.GUEST_ADMIN),
    Action.INVITATION_CONFIRM: _any(C.ORG_ADMIN, C.LEGAL, C.OPERATOR),
    Action.SESSION_READ: _any(C.PERSON, C.ACTING),
    Action.SESSION_OPEN: _any(C.PERSON),
    Action.SESSION_LEAVE: _any(C.PERSON, C.ACTING),
    Action.ACCOUNT_READ: _any(C.PERSON, C.ACTING),
    Action.ACCOUNT_READ_PANEL: _any(C.ACCOUNT_OWNER, C.OWNER, _all(C.HOST_ADMIN, C.SEES_ACCOUNT)),
    Action.ACCOUNT_CREATE: _any(C.HOST_MEMBER),
    Action.ACCOUNT_UPDATE: _any(C.ACCOUNT_OWNER),
    Action.ACCOUNT_SECURE: _any(C.ACCOUNT_OWNER, _all(C.HOST_ADMIN, C.NO_ACTIVE_OWNER)),
    Action.ACCOUNT_SHARE: _any(_all(C.OWNER, C.ACCOUNT_OWNER)),
    Action.ACCOUNT_SIGN_IN: _any(C.ACCOUNT_OWNER, C.GRANTEE, _all(C.ACTING_MANAGE, C.REACHES_ACCOUNT)),
    Action.SHARE_READ: _any(C.PERSON, C.ACTING),
    Action.SHARE_END: _any(C.OWNER, _all(C.HOST_ADMIN, C.SEES_ACCOUNT, C.MAY_UNSHARE)),
    Action.SHARE_SUSPEND: _any(C.OWNER, _all(C.HOST_ADMIN, C.SEES_ACCOUNT)),
    Action.SHARE_RESUME: _any(C.OWNER, _all(C.HOST_ADMIN, C.SEES_ACCOUNT)),
    Action.SHARE_LEAVE: _any(C.GRANTEE),
    Action.GRANT_CHANGE_ROLE: _any(C.ACCOUNT_OWNER),
    Action.GRANT_REVOKE: _any(C.OWNER, C.ACCOUNT_OWNER, C.GUEST_ADMIN),
    Action.GRANT_REVOKE_ALL: _any(C.HOST_ADMIN, C.OWNER, C.GUEST_ADMIN),
    Action.ACCESS_REQUEST: _any(C.ACCOUNT_MANAGER),
    Action.ACCESS_WITHDRAW: _any(C.GUEST_ADMIN, C.ITEM_REQUESTER),
    Action.ACCESS_DECIDE: _any(C.ACCOUNT_OWNER),
    Action.ACTIVITY_READ: _any(
        C.ORG_ADMIN,
        C.LEGAL,
        C.ACCOUNT_OWNER,
        C.AUDITOR,
        C.OPERATOR,
        C.ACTING_SUPPORT,
        C.ACTING_MANAGE,
        C.ACTING_DECISION_MAKER,
    ),
    Action.ACTIVITY_EXPORT: _any(C.ORG_ADMIN, C.LEGAL, C.ACCOUNT_OWNER, C.AUDITOR, C.OPERATOR),
    Action.API_CLIENT_READ: _any(C.PERSON),
    Action.API_CLIENT_MANAGE: _any(C.ORG_ADMIN),
}

STAYS_OPEN: Final = frozenset(
    {
        *(Action.TERMS_READ, Action.VIEWER_READ, Action.NODE_READ, Action.ORGANISATION_READ, Action.ORGANISATION_LIST),
        *(Action.PARTNER_LOOK_UP, Action.GUESTS_CREATED_READ, Action.MEMBER_READ, Action.MEMBER_SEARCH),
        *(Action.NOTIFICATION_READ, Action.USER_READ, Action.PARTNERSHIP_READ, Action.PARTNERSHIP_READ_REASON),
        *(Action.PARTNERSHIP_READ_TERMS, Action.PARTNERSHIP_READ_HIDDEN, Action.AMENDMENT_READ, Action.LEVEL_READ),
        *(Action.LINK_READ, Action.CONTRACT_READ, Action.ROLES_READ, Action.CONTACT_READ, Action.ASSIGNMENT_READ),
        *(Action.POLICY_READ, Action.SCIM_READ, Action.DASHBOARD_READ, Action.REPORT_READ, Action.SETTINGS_READ),
        *(Action.FEATURE_READ, Action.BILLING_READ, Action.INVOICE_READ, Action.INVITATION_READ, Action.SESSION_READ),
        *(Action.ACCOUNT_READ, Action.ACCOUNT_READ_PANEL, Action.SHARE_READ, Action.ACTIVITY_READ),
        *(Action.ACTIVITY_EXPORT, Action.API_CLIENT_READ, Action.MAIL_BUDGET_READ),
        *(Action.PARTNERSHIP_DECLINE, Action.PARTNERSHIP_REFUSE, Action.PARTNERSHIP_WITHDRAW),
        *(Action.PARTNERSHIP_REMOVE, Action.PARTNERSHIP_SUSPEND, Action.AMENDMENT_WITHDRAW, Action.LEVEL_REDUCE),
        *(Action.ACCESS_FREEZE, Action.SESSION_LEAVE, Action.SHARE_END, Action.SHARE_SUSPEND, Action.SHARE_LEAVE),
        *(Action.GRANT_REVOKE, Action.GRANT_REVOKE_ALL, Action.ACCESS_WITHDRAW),
    }
)
"""What people, directories and API clients of a SUSPENDED or CLOSED organisation may still do in its name: read, leave,
and end or hold access. Of actions that both begin and end something, `decide(ends=True)` lets the end through."""

EVERY_CLIENT: Final = frozenset({Action.VIEWER_READ, Action.NODE_READ, Action.API_CLIENT_READ})
"""What every API client has without a scope: to see itself, and to look something up that its scopes then show."""

CLIENTS_READ: Final = frozenset(
    {
        *(Action.TERMS_READ, Action.ORGANISATION_READ, Action.PARTNER_LOOK_UP, Action.GUESTS_CREATED_READ),
        *(Action.MEMBER_READ, Action.MEMBER_SEARCH, Action.USER_READ, Action.PARTNERSHIP_READ),
        *(Action.PARTNERSHIP_READ_REASON, Action.PARTNERSHIP_READ_TERMS, Action.PARTNERSHIP_READ_HIDDEN),
        *(Action.AMENDMENT_READ, Action.LEVEL_READ, Action.LINK_READ, Action.CONTRACT_READ, Action.ROLES_READ),
        *(Action.CONTACT_READ, Action.ASSIGNMENT_READ, Action.POLICY_READ, Action.DASHBOARD_READ, Action.REPORT_READ),
        *(Action.SETTINGS_READ, Action.FEATURE_READ, Action.BILLING_READ, Action.INVOICE_READ, Action.SESSION_READ),
        *(Action.ACCOUNT_READ, Action.ACCOUNT_READ_PANEL, Action.SHARE_READ),
        *(Action.ACTIVITY_READ, Action.ACTIVITY_EXPORT),
    }
)
CLIENTS_WRITE: Final = frozenset(
    {
        *(Action.PARTNERSHIP_REMIND, Action.PARTNERSHIP_WITHDRAW, Action.PARTNERSHIP_REMOVE),
        *(Action.PARTNERSHIP_SUSPEND, Action.AMENDMENT_WITHDRAW, Action.LEVEL_REDUCE, Action.ACCESS_FREEZE),
        *(Action.SHARE_END, Action.SHARE_SUSPEND, Action.SHARE_LEAVE, Action.GRANT_REVOKE, Action.GRANT_REVOKE_ALL),
        *(Action.ACCESS_REQUEST, Action.ACCESS_WITHDRAW, Action.ACCOUNT_UPDATE),
        *(Action.SETTINGS_UPDATE, Action.FEATURE_SET, Action.FEATURE_SET_TELEPHONY, Action.INVOICE_PAY),
    }
)
"""What scopes can name: reads, acts that end or hold, asking, and an organisation's own housekeeping."""

NEVER_BY_CLIENTS: Final = frozenset(Action) - EVERY_CLIENT - CLIENTS_READ - CLIENTS_WRITE
"""What no API client does, whatever its scopes and whoever owns it: it never approves, accepts, decides, grants or
widens anything (model 4.2, invariant 15), and never stands in for a person. An action is here until a scope names it.
"""
