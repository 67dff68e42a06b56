"""Acting sessions in the permission matrix (model 4.6, 4.8, 4.9, 4.15), read by hand: every row for every basis."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest

from accord.access.decision import Allow, Condition, Deny, decide, is_protected, may_ever
from accord.access.facts import AccountFacts, ShareFacts, Target
from accord.access.permissions import Action
from accord.access.principal import Principal
from accord.domain.sharing import ShareState
from tests.access.people import (
    ACCOUNT,
    COLUMNS,
    GUEST,
    HOST,
    NOW,
    PARTNERSHIP,
    SESSIONS,
    SHARE,
    TARGET,
    THIRD,
    acting,
    directory,
    principal,
    target_of,
)

A = Action
ALL: Final = "XN XS XU XM XW XC XB XD XP XE"
MANAGE: Final = "XM XW XC XB"
DECIDES: Final = "XD XE"
ACTED: Final = {
    # action: who may do it while acting in the host's organisation; whatever is not here is protected (4.9)
    A.VIEWER_READ: ALL,
    A.NODE_READ: ALL,
    A.ORGANISATION_READ: ALL,
    A.USER_READ: ALL,
    A.PARTNERSHIP_READ: ALL,
    A.SESSION_READ: ALL,
    A.SESSION_LEAVE: ALL,
    A.ACCOUNT_READ: ALL,
    A.SHARE_READ: ALL,
    A.DASHBOARD_READ: f"XS XU {MANAGE} {DECIDES}",
    A.REPORT_READ: f"XS XU {MANAGE} {DECIDES}",
    A.ACTIVITY_READ: f"XS XU {MANAGE} {DECIDES}",
    A.MEMBER_READ: f"{MANAGE} {DECIDES}",
    A.MEMBER_SEARCH: f"{MANAGE} {DECIDES}",
    A.MEMBER_MANAGE: f"{MANAGE} {DECIDES}",
    A.SETTINGS_READ: f"{MANAGE} {DECIDES} XP",
    A.SETTINGS_UPDATE: f"{MANAGE} {DECIDES}",
    A.FEATURE_READ: f"{MANAGE} {DECIDES} XP",
    A.FEATURE_SET: f"{MANAGE} {DECIDES}",
    A.FEATURE_SET_TELEPHONY: f"{MANAGE} {DECIDES} XP",
    A.BILLING_READ: f"XB {DECIDES}",
    A.INVOICE_READ: f"XB {DECIDES}",
    A.INVOICE_PAY: f"XB {DECIDES}",
    A.ACCOUNT_SIGN_IN: MANAGE,
}


def allows(who: Principal, action: Action, target: Target) -> bool:
    return isinstance(decide(who, action, target, now=NOW), Allow)


def names(action: Action) -> set[str]:
    return set(ACTED.get(action, "").split())


@pytest.mark.parametrize("action", Action)
def test_the_matrix_of_sessions(action: Action) -> None:
    allowed = {name for name in SESSIONS if allows(acting(name), action, target_of("AM", organisation_id=HOST))}
    assert allowed == names(action)


@pytest.mark.parametrize("action", Action)
def test_why_a_session_may_not(action: Action) -> None:
    """What no session may do is protected; what some may, another's basis is too low for."""
    assert is_protected(action) == (action not in ACTED)
    reason = Condition.LEVEL_TOO_LOW if action in ACTED else Condition.PROTECTED_ACTION
    for name in SESSIONS.keys() - names(action):
        assert decide(acting(name), action, target_of("AM", organisation_id=HOST), now=NOW) == Deny(reason)


@pytest.mark.parametrize("action", Action)
def test_the_basis_alone_rules_out_what_it_never_gives(action: Action) -> None:
    """Gate 1 says of sessions what the matrix says, but for which accounts a session reaches."""
    assert {name for name in SESSIONS if may_ever(acting(name), action)} == names(action)


@pytest.mark.parametrize("action", ACTED)
@pytest.mark.parametrize("elsewhere", [GUEST, THIRD])
def test_a_session_gives_nothing_elsewhere(action: Action, elsewhere: UUID) -> None:
    """Neither at home nor with anybody else, and nothing that a third organisation shares with the host."""
    pair = replace(PARTNERSHIP, host_id=elsewhere, guest_id=HOST)
    of_another = Target(elsewhere, pair, AccountFacts(elsewhere, ACCOUNT.owner_ids), SHARE)
    for name in SESSIONS:
        assert not allows(acting(name), action, of_another)
        assert not allows(acting(name, host=elsewhere), action, target_of("AM", organisation_id=HOST))


REACHED: Final[dict[str, tuple[Target, str]]] = {
    # what of the host's accounts a session with MANAGE signs in to (Q20)
    "shared": (TARGET, MANAGE),
    "shared, suspended": (replace(TARGET, share=ShareFacts(ShareState.SUSPENDED)), "XC XB"),
    "shared once": (replace(TARGET, share=ShareFacts(ShareState.REMOVED)), "XC XB"),
    "not shared": (replace(TARGET, share=None), "XC XB"),
    "of another organisation": (replace(TARGET, account=AccountFacts(THIRD, frozenset())), ""),
    "no account": (replace(TARGET, account=None), ""),
}


@pytest.mark.parametrize("what", REACHED)
def test_which_accounts_a_session_reaches(what: str) -> None:
    target, expected = REACHED[what]
    assert {name for name in SESSIONS if allows(acting(name), A.ACCOUNT_SIGN_IN, target)} == set(expected.split())


def test_staff_is_nobody_while_acting() -> None:
    for name in SESSIONS:
        staff = replace(acting(name), identity=replace(acting(name).identity, operator=True))
        for action in (A.ORGANISATION_LIST, A.ORGANISATION_OPERATE, A.TERMS_PUBLISH, A.INVOICE_ISSUE, A.CEILING_SET):
            assert not allows(staff, action, Target(organisation_id=HOST))
            assert not may_ever(staff, action)


@pytest.mark.parametrize("action", Action)
def test_a_directory_provisions_its_own_people_and_nothing_else(action: Action) -> None:
    own = {A.MEMBER_PROVISION, A.MEMBERSHIP_ACCEPT}
    target = target_of("AM", organisation_id=HOST)
    assert allows(directory(), action, target) == (action in own)
    assert may_ever(directory(), action) == (action in own)
    if action is A.MEMBER_PROVISION:
        assert not allows(directory(GUEST), action, target)
        assert not any(allows(principal(name), action, target) for name in COLUMNS)


def test_the_matrix_can_fail() -> None:
    """A basis added to one row, and one taken from another, are both seen."""
    for action, changed in ((A.MEMBER_READ, A.DASHBOARD_READ), (A.SETTINGS_READ, A.SETTINGS_UPDATE)):
        allowed = {name for name in SESSIONS if allows(acting(name), changed, target_of("AM", organisation_id=HOST))}
        assert allowed != names(action)
