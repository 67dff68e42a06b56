"""The permission matrix of model 4.6, read by hand, against `decide`: every row of this release for every column."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Final

import pytest

from accord.access.decision import Allow, Condition, Deny, decide, may_ever, require
from accord.access.facts import AccountFacts, Target
from accord.access.permissions import PERMISSIONS, Action
from accord.domain.errors import Forbidden
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from tests.access.people import (
    ACCOUNT,
    COLUMNS,
    GUEST,
    HOST,
    NOW,
    PARTNERSHIP,
    PERSON,
    TARGET,
    THIRD,
    grant_of,
    principal,
    target_of,
)

A = Action
HOST_PEOPLE: Final = "HA LR HD PO CO PA AO RQ HM HP"
ALL_PEOPLE: Final = f"{HOST_PEOPLE} AU GA GR GL AM CL GM GD GX TA"
MATRIX: Final = {
    # action: who may do it to this partnership, account, share, grant or request; organisation = the host
    A.PARTNERSHIP_REQUEST: HOST_PEOPLE,
    A.PARTNER_LOOK_UP: HOST_PEOPLE,
    A.PARTNERSHIP_INVITE: "LR",
    A.PARTNERSHIP_COMPLETE: "LR",
    A.CUSTOMER_REQUEST: "HA",
    A.PARTNERSHIP_APPROVE: "HA LR HD",
    A.PARTNERSHIP_DECLINE: "HA LR HD",
    A.PARTNERSHIP_REMIND: "RQ",
    A.PARTNERSHIP_WITHDRAW: "HA LR HD PO CO PA RQ",
    A.PARTNERSHIP_RESEND: "HA LR HD PO CO PA",
    A.PARTNERSHIP_ACCEPT: "GA",
    A.PARTNERSHIP_REFUSE: "GA",
    A.PARTNERSHIP_REMOVE: "HA LR HD PO CO PA GA",
    A.PARTNERSHIP_TRANSFER: "HA PO CO PA",
    A.PARTNERSHIP_SET_REPRESENTATIVE: "GA",
    A.PARTNERSHIP_SUSPEND: "HA LR HD PO CO PA GA",
    A.PARTNERSHIP_RESUME: "HA LR HD PO CO PA GA",
    A.PARTNERSHIP_EXTEND: "HA LR HD",
    A.PARTNERSHIP_AMEND: "HA LR HD PO CO PA GA",
    A.AMENDMENT_READ: "HA LR HD PO CO PA GA",
    A.AMENDMENT_DECIDE: "HA LR HD GA",
    A.AMENDMENT_WITHDRAW: "HA LR HD PO CO PA GA",
    A.LEVEL_READ: "HA LR HD PO CO PA GA GD",
    A.LEVEL_SET: "HA LR HD",
    A.LEVEL_REDUCE: "HA LR HD PO CO PA",
    A.CEILING_SET: "HA OP",
    A.LINK_READ: f"{HOST_PEOPLE} OP",
    A.CONTRACT_READ: "HA GD OP",
    A.ROLES_DELEGATE: "HA LR HD",
    A.ROLE_GROUP_MANAGE: "GA",
    A.CONTACT_MANAGE: "HA LR HD",
    A.ASSIGNMENT_MANAGE: "HA",
    A.POLICY_READ: "HA LR HD",
    A.POLICY_SET: "HA LR",
    A.POLICY_SET_RULES: "HA",
    A.SCIM_READ: "HA",
    A.SCIM_MANAGE: "HA",
    A.POLICY_SET_INVITING: "LR",
    A.DIRECTORY_SET: "HA LR HD",
    A.ACCESS_FREEZE: "HA LR HD",
    A.ACCESS_UNFREEZE: "HA LR HD",
    A.DASHBOARD_READ: "HA LR HD",
    A.REPORT_READ: "HA LR HD",
    A.SETTINGS_READ: HOST_PEOPLE,
    A.SETTINGS_UPDATE: "HA LR HD",
    A.FEATURE_READ: HOST_PEOPLE,
    A.FEATURE_SET: "HA LR HD",
    A.FEATURE_SET_TELEPHONY: "HA LR HD HP",
    A.BILLING_READ: "HA LR HD",
    A.INVOICE_READ: "HA LR HD OP",
    A.INVOICE_PAY: "HA LR HD",
    A.INVOICE_ISSUE: "OP",
    A.WALLET_TOP_UP: "HA LR HD",
    A.PARTNERSHIP_READ_REASON: "HA LR HD PO CO PA RQ",
    A.PARTNERSHIP_READ_TERMS: "HA LR HD PO CO PA RQ GA",
    A.PARTNERSHIP_READ_HIDDEN: "HA LR HD",
    A.INVITATION_READ: "GA",
    A.ACCOUNT_CREATE: HOST_PEOPLE,
    A.ACCOUNT_UPDATE: "AO PA",
    A.ACCOUNT_SECURE: "AO PA",
    A.ACCOUNT_SHARE: "PA",
    A.SHARE_END: "PO CO PA",
    A.SHARE_SUSPEND: "PO CO PA",
    A.SHARE_RESUME: "PO CO PA",
    A.GRANT_CHANGE_ROLE: "AO PA",
    A.GRANT_REVOKE: "PO CO PA AO GA",
    A.GRANT_REVOKE_ALL: "HA PO CO PA GA",
    A.SHARE_LEAVE: "AM CL",
    A.ACCESS_REQUEST: "AM",
    A.ACCESS_WITHDRAW: "GA AM",
    A.ACCESS_DECIDE: "AO PA",
    A.ACCOUNT_SIGN_IN: "AO PA AM CL",
    A.ACCOUNT_READ_PANEL: "PO CO PA AO",
    A.MEMBER_READ: "HA",
    A.MEMBER_MANAGE: "HA",
    A.GUESTS_CREATED_READ: "HA OP",
    A.MAIL_BUDGET_READ: "HA OP",
    A.INVITATION_CONFIRM: "HA LR HD OP",
    A.ACTIVITY_READ: "HA LR HD PA AO AU OP",
    A.ACTIVITY_EXPORT: "HA LR HD PA AO AU OP",
    A.API_CLIENT_MANAGE: "HA",
    A.ORGANISATION_LIST: "OP",
    A.ORGANISATION_OPERATE: "OP",
    A.TERMS_PUBLISH: "OP",
    A.PERSON_ERASE: "OP",
}
OWN: Final = {
    # what everybody with a membership may do to what is theirs or shown to them; lists and lookups narrow the rest
    A.VIEWER_READ: ALL_PEOPLE,
    A.SESSION_READ: ALL_PEOPLE,
    A.SESSION_OPEN: ALL_PEOPLE,
    A.SESSION_LEAVE: ALL_PEOPLE,
    A.PROFILE_UPDATE: ALL_PEOPLE,
    A.NOTIFICATION_READ: ALL_PEOPLE,
    A.USER_READ: ALL_PEOPLE,
    A.PARTNERSHIP_READ: ALL_PEOPLE,
    A.ACCOUNT_READ: ALL_PEOPLE,
    A.SHARE_READ: ALL_PEOPLE,
    A.ROLES_READ: ALL_PEOPLE,
    A.CONTACT_READ: ALL_PEOPLE,
    A.CONTACT_ACCEPT: ALL_PEOPLE,
    A.ASSIGNMENT_READ: ALL_PEOPLE,
    A.API_CLIENT_READ: ALL_PEOPLE,
    A.TERMS_READ: f"{ALL_PEOPLE} OP",
    A.NODE_READ: f"{ALL_PEOPLE} OP",
    A.ORGANISATION_READ: f"{ALL_PEOPLE} OP",
    A.MEMBER_SEARCH: HOST_PEOPLE,
    A.MEMBER_PROVISION: "",
    A.MEMBERSHIP_ACCEPT: f"{ALL_PEOPLE} OP",
}
EXPECTED: Final = MATRIX | OWN


def allows(name: str, action: Action, target: Target, *roles: Role) -> bool:
    return isinstance(decide(principal(name, *roles), action, target, now=NOW), Allow)


def test_every_action_has_its_row_here() -> None:
    assert EXPECTED.keys() == set(Action) == PERMISSIONS.keys()


@pytest.mark.parametrize("action", Action)
def test_the_matrix(action: Action) -> None:
    allowed = {name for name in COLUMNS if allows(name, action, target_of(name, organisation_id=HOST))}
    assert allowed == set(EXPECTED[action].split())


@pytest.mark.parametrize("action", Action)
def test_roles_alone_rule_out_no_allowed_call(action: Action) -> None:
    for name in EXPECTED[action].split():
        assert may_ever(principal(name), action)


def test_the_matrix_can_fail() -> None:
    """One capacity taken from one row, and one added to another, are both seen."""
    for action, changed in (
        (A.PARTNERSHIP_REMOVE, A.PARTNERSHIP_RESEND),
        (A.PARTNERSHIP_DECLINE, A.PARTNERSHIP_WITHDRAW),
    ):
        allowed = {name for name in COLUMNS if allows(name, changed, target_of(name, organisation_id=HOST))}
        assert allowed != set(EXPECTED[action].split())


def test_the_guest_admin_is_admin_at_home() -> None:
    at_home = Target(organisation_id=GUEST)
    for action in (A.MEMBER_READ, A.MEMBER_MANAGE, A.ACTIVITY_READ, A.ACTIVITY_EXPORT, A.PARTNERSHIP_REQUEST):
        assert allows("GA", action, at_home)
        assert not allows("HA", action, at_home)
    assert not allows("GM", A.ACTIVITY_READ, at_home)
    assert allows("GX", A.ACTIVITY_READ, at_home)
    assert allows("GX", A.ACTIVITY_EXPORT, at_home)
    assert not allows("GM", A.ACTIVITY_EXPORT, at_home)


def test_the_representative_manages_groups_where_the_guests_policy_says_so() -> None:
    open_to_them = replace(TARGET, partnership=replace(PARTNERSHIP, representative_manages_groups=True))
    assert {name for name in COLUMNS if allows(name, A.ROLE_GROUP_MANAGE, open_to_them)} == {"GA", "GR"}


def test_admins_invite_where_the_policy_says_so_and_never_to_everything() -> None:
    open_to_them = Target(organisation_id=HOST, admin_may_invite=True)
    assert {name for name in COLUMNS if allows(name, A.PARTNERSHIP_INVITE, open_to_them)} == {"HA", "LR"}
    assert {name for name in COLUMNS if allows(name, A.PARTNERSHIP_COMPLETE, open_to_them)} == {"LR"}


def test_the_guest_takes_back_and_recalls_what_it_asks_for_itself() -> None:
    """Only while it waits, only what is its own attempt; who asked counts for nothing on the host's side (4.4.1)."""
    asked = replace(PARTNERSHIP, state=PartnershipState.AWAITING_HOST_APPROVAL, asked_by_guest=True)

    def may(action: Action, **changed: Any) -> set[str]:
        target = replace(TARGET, partnership=replace(asked, **changed))
        return {name for name in ("RQ", "GA", "GM", "GR") if allows(name, action, target)}

    assert may(A.PARTNERSHIP_WITHDRAW) == {"GA"}
    assert may(A.PARTNERSHIP_REMIND) == set()
    assert may(A.PARTNERSHIP_REMIND, requester_id=PERSON["GA"]) == {"GA"}
    assert may(A.PARTNERSHIP_REMIND, requester_id=PERSON["GM"]) == set()
    assert may(A.PARTNERSHIP_WITHDRAW, asked_by_guest=False) == {"RQ"}
    assert may(A.PARTNERSHIP_WITHDRAW, told_guest=False) == set()
    assert may(A.PARTNERSHIP_WITHDRAW, state=PartnershipState.DECLINED_BY_GUEST) == set()
    assert may(A.PARTNERSHIP_READ_REASON) == set()


def test_nobody_approves_the_own_request() -> None:
    for name in ("HA", "LR", "HD"):
        own = replace(TARGET, partnership=replace(PARTNERSHIP, requester_id=PERSON[name]))
        assert not allows(name, A.PARTNERSHIP_APPROVE, own)
        assert allows(name, A.PARTNERSHIP_DECLINE, own)
        assert allows(name, A.PARTNERSHIP_REMIND, own)


def test_an_account_without_active_owner_falls_to_the_host_admin() -> None:
    ownerless = replace(TARGET, account=AccountFacts(HOST, frozenset()))
    for action in (A.ACCOUNT_SECURE, A.SHARE_END, A.SHARE_SUSPEND, A.ACCOUNT_READ_PANEL):
        assert allows("HA", action, ownerless)
        assert not allows("LR", action, ownerless)
        assert not allows("HM", action, ownerless)
    for action in (A.ACCOUNT_UPDATE, A.ACCOUNT_SHARE, A.GRANT_CHANGE_ROLE, A.ACCESS_DECIDE, A.ACCOUNT_SIGN_IN):
        assert not allows("HA", action, ownerless)


def test_the_host_admin_ends_the_shares_of_accounts_seen_where_the_policy_allows() -> None:
    own = replace(TARGET, account=replace(ACCOUNT, owner_ids=frozenset({PERSON["HA"]})))
    kept = replace(PARTNERSHIP, host_admin_may_unshare=False)
    strict = replace(own, partnership=kept)
    assert allows("HA", A.SHARE_END, own)
    assert not allows("HA", A.SHARE_END, strict)
    assert allows("HA", A.SHARE_SUSPEND, strict)
    assert allows("PO", A.SHARE_END, replace(TARGET, partnership=kept))


def test_an_admin_takes_ownership_only_when_the_owner_is_gone() -> None:
    to_oneself = replace(TARGET, subject_ids=frozenset({PERSON["HA"]}))
    to_another = replace(TARGET, subject_ids=frozenset({PERSON["HM"]}))
    gone = replace(to_oneself, partnership=replace(PARTNERSHIP, owner_active=False))
    assert not allows("HA", A.PARTNERSHIP_TRANSFER, to_oneself)
    assert allows("HA", A.PARTNERSHIP_TRANSFER, to_another)
    assert allows("HA", A.PARTNERSHIP_TRANSFER, gone)
    assert not allows("LR", A.PARTNERSHIP_TRANSFER, gone)
    assert allows("PO", A.PARTNERSHIP_TRANSFER, to_oneself)


def test_the_guest_has_no_say_before_the_host_has_approved() -> None:
    unknown: dict[str, Any] = {"told_guest": False, "representative_manages_groups": True}
    state = PartnershipState.AWAITING_HOST_APPROVAL
    untold = replace(TARGET, partnership=replace(PARTNERSHIP, state=state, **unknown))
    for action, name in product(Action, ("GA", "GR", "GD", "GM", "GL")):
        if action not in OWN:
            assert not allows(name, action, untold), (name, action)


def test_a_delegated_admin_is_one_at_home_and_with_its_customers() -> None:
    """4.3: not in another organisation's tree, nor for another guest's customer."""
    others = replace(PARTNERSHIP, guest_id=THIRD)
    for action in (A.LEVEL_READ, A.CONTRACT_READ):
        assert allows("GD", action, TARGET)
        assert allows("GD", action, Target(organisation_id=GUEST))
        assert not allows("GD", action, Target(organisation_id=THIRD))
        assert not allows("GD", action, Target(partnership=others))


def test_an_owner_owns_where_the_account_is() -> None:
    elsewhere = Target(account=AccountFacts(THIRD, frozenset({PERSON["AO"]})))
    for action in (A.ACCOUNT_UPDATE, A.ACCOUNT_SECURE, A.ACCOUNT_SIGN_IN, A.ACTIVITY_EXPORT):
        assert allows("AO", action, Target(account=ACCOUNT))
        assert not allows("AO", action, elsewhere)


def test_whoever_has_a_grant_may_use_and_leave_it_whatever_else_they_are() -> None:
    for name in ("GA", "GR", "GL"):
        with_grant = replace(TARGET, grant=grant_of(name, AccountRole.COLLABORATOR))
        as_manager = replace(TARGET, grant=grant_of(name, AccountRole.ACCOUNT_MANAGER))
        assert allows(name, A.ACCOUNT_SIGN_IN, with_grant)
        assert allows(name, A.SHARE_LEAVE, with_grant)
        assert not allows(name, A.ACCESS_REQUEST, with_grant)
        assert allows(name, A.ACCESS_REQUEST, as_manager)


def test_an_auditor_reads_activity_and_nothing_else() -> None:
    """Even where an auditor owns the partnership and the account, or holds a grant: the role alone is no work."""
    person = PERSON["AU"]
    owning = replace(
        TARGET,
        organisation_id=HOST,
        partnership=replace(PARTNERSHIP, owner_id=person, requester_id=person),
        account=replace(ACCOUNT, owner_ids=frozenset({person})),
    )
    allowed = {action for action in Action if allows("AU", action, owning)}
    assert allowed == {action for action, names in OWN.items() if "AU" in names.split()} | {
        *(A.ACTIVITY_READ, A.ACTIVITY_EXPORT)
    }
    granted = replace(TARGET, grant=grant_of("GX", AccountRole.ACCOUNT_MANAGER))
    assert not {action for action in Action if allows("GX", action, granted)} - OWN.keys()


def test_a_right_of_one_organisation_is_no_right_in_the_name_of_another() -> None:
    target = target_of("HA", organisation_id=HOST)
    verdict = decide(principal("HA"), A.PARTNERSHIP_REMOVE, target, now=NOW, acting_for=GUEST)
    assert verdict == Deny(Condition.NO_GRANT)
    assert isinstance(decide(principal("HA"), A.PARTNERSHIP_REMOVE, target, now=NOW, acting_for=HOST), Allow)


def test_a_denial_is_raised_with_its_condition() -> None:
    with pytest.raises(Forbidden) as refused:
        require(principal("HM"), A.PARTNERSHIP_REMOVE, TARGET, now=NOW)
    assert (refused.value.action, refused.value.condition) == ("partnership:remove", "NO_GRANT")
    require(principal("HA"), A.PARTNERSHIP_REMOVE, TARGET, now=NOW)
