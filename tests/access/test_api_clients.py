"""API clients before each decision: no more than their owner and than their scopes, and never what is never."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.access import principal as principals_module
from accord.access.decision import Allow, Condition, Deny, decide, is_protected, may_ever, refusal
from accord.access.facts import Target
from accord.access.permissions import (
    CLIENTS_READ,
    CLIENTS_WRITE,
    EVERY_CLIENT,
    NEVER_BY_CLIENTS,
    PERMISSIONS,
    Action,
    Capacity,
)
from accord.access.principal import ApiClient, ClientProof, Principal
from accord.access.scopes import BUNDLES, GRANTABLE, actions_of, kept
from accord.domain.errors import ValidationError
from accord.schema.types.viewer_can import on_partnership
from tests.access.people import COLUMNS, HOST, NOW, PARTNERSHIP, principal, target_of
from tests.access.test_properties import principals, targets

CLIENT: Final = UUID(int=900)
A = Action
NEVER: Final = {
    # decided, granted or widened
    *(A.PARTNERSHIP_REQUEST, A.PARTNERSHIP_INVITE, A.PARTNERSHIP_COMPLETE, A.CUSTOMER_REQUEST),
    *(A.PARTNERSHIP_APPROVE, A.PARTNERSHIP_DECLINE, A.PARTNERSHIP_ACCEPT, A.PARTNERSHIP_REFUSE),
    *(A.PARTNERSHIP_RESEND, A.PARTNERSHIP_TRANSFER, A.PARTNERSHIP_SET_REPRESENTATIVE, A.PARTNERSHIP_RESUME),
    *(A.PARTNERSHIP_EXTEND, A.PARTNERSHIP_AMEND, A.AMENDMENT_DECIDE, A.LEVEL_SET, A.CEILING_SET, A.ROLES_DELEGATE),
    *(A.ROLE_GROUP_MANAGE, A.CONTACT_MANAGE, A.ASSIGNMENT_MANAGE, A.INVITATION_READ, A.WALLET_TOP_UP),
    *(A.ACCOUNT_CREATE, A.ACCOUNT_SECURE, A.ACCOUNT_SHARE, A.SHARE_RESUME, A.GRANT_CHANGE_ROLE, A.ACCESS_DECIDE),
    # of the organisation itself
    *(A.POLICY_SET, A.POLICY_SET_RULES, A.POLICY_SET_INVITING, A.DIRECTORY_SET, A.ACCESS_UNFREEZE, A.MEMBER_MANAGE),
    *(A.API_CLIENT_MANAGE, A.SCIM_READ, A.SCIM_MANAGE, A.MEMBER_PROVISION, A.INVITATION_CONFIRM, A.MAIL_BUDGET_READ),
    # of a person
    *(A.MEMBERSHIP_ACCEPT, A.CONTACT_ACCEPT, A.PROFILE_UPDATE, A.NOTIFICATION_READ, A.ACCOUNT_SIGN_IN),
    *(A.SESSION_OPEN, A.SESSION_LEAVE),
    # of the platform's staff
    *(A.ORGANISATION_LIST, A.ORGANISATION_OPERATE, A.TERMS_PUBLISH, A.PERSON_ERASE, A.INVOICE_ISSUE),
}
"""Read by hand from model 4.2, 4.9 and invariant 15."""

WIDENING_WORDS: Final = (
    *("approve", "accept", "decline", "refuse", "decide", "invite", "share", "delegate", "amend", "transfer"),
    *("unfreeze", "resume", "extend", "create", "open", "sign_in", "manage", "complete", "resend", "top_up"),
)
scopes = st.frozensets(st.sampled_from(sorted(Action)))


def as_client(owner: Principal, organisation: UUID, scopes: frozenset[Action]) -> Principal:
    """A client of this owner in one organisation, with whatever scopes: also those that no scope can name."""
    within = tuple(held for held in owner.standings if held.organisation_id == organisation)
    identity = replace(owner.identity, operator=False, mfa=False, api_client=ClientProof(CLIENT, organisation))
    client = ApiClient(CLIENT, "Sync", scopes & kept(scopes))
    return replace(owner, identity=identity, standings=within, home_organisation_id=organisation, api_client=client)


def test_the_table_is_the_one_read_by_hand() -> None:
    assert NEVER == NEVER_BY_CLIENTS
    parts = (EVERY_CLIENT, CLIENTS_READ, CLIENTS_WRITE, NEVER_BY_CLIENTS)
    assert sum(map(len, parts)) == len(Action) == len(frozenset().union(*parts))


def test_no_action_that_decides_or_widens_can_be_named() -> None:
    for action in GRANTABLE | EVERY_CLIENT:
        assert action.partition(":")[2] not in WIDENING_WORDS, action
        assert any(Capacity.OPERATOR not in needed for needed in PERMISSIONS[action])


@pytest.mark.parametrize("action", Action)
def test_a_scope_names_what_it_may(action: Action) -> None:
    if action in NEVER:
        with pytest.raises(ValidationError):
            actions_of("scopes", [action.value])
        assert kept([action.value]) == frozenset()
    elif action not in EVERY_CLIENT:
        assert action in actions_of("scopes", [action.value])
    for held in BUNDLES.values():
        assert not held & NEVER


@pytest.mark.parametrize("word", ["", "partnership", "partnership:", "partnership:*", "*", "PARTNERSHIP:READ", "a:b"])
def test_a_word_that_is_no_scope_is_refused(word: str) -> None:
    with pytest.raises(ValidationError):
        actions_of("scopes", [word])


@pytest.mark.parametrize("action", sorted(NEVER))
def test_what_is_never_is_never(action: Action) -> None:
    """By everybody who might own a client, over everything, with every scope that there is."""
    for name in COLUMNS:
        client = as_client(principal(name), HOST, frozenset(Action))
        for organisation in (HOST, None):
            verdict = decide(client, action, target_of(name, organisation_id=organisation), now=NOW)
            assert isinstance(verdict, Deny)
            assert verdict.condition is (Condition.PROTECTED_ACTION if client.standings else Condition.MEMBER_INACTIVE)
        assert not may_ever(client, action)
        assert refusal(client, action) is Condition.PROTECTED_ACTION


@pytest.mark.parametrize("action", sorted(GRANTABLE))
def test_what_no_scope_names_is_missing(action: Action) -> None:
    client = as_client(principal("HA"), HOST, frozenset(Action) - {action})
    assert decide(client, action, target_of("HA", organisation_id=HOST), now=NOW) == Deny(Condition.SCOPE_MISSING)
    assert not may_ever(client, action)


@given(principals, targets, st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)]), scopes)
def test_a_client_may_no_more_than_its_owner(
    owner: Principal, target: Target, organisation: UUID, named: frozenset[Action]
) -> None:
    """And no more than its scopes; invariant 5 of narrowing: each action, each random world."""
    client = as_client(owner, organisation, named)
    for action in Action:
        if isinstance(decide(client, action, target, now=NOW), Allow):
            assert isinstance(decide(owner, action, target, now=NOW), Allow), action
            assert isinstance(decide(owner, action, target, now=NOW, acting_for=organisation), Allow), action
            assert action in named | EVERY_CLIENT
            assert action not in NEVER
            assert may_ever(client, action)
        if may_ever(client, action):
            assert may_ever(owner, action), action


@given(principals, targets, st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)]))
def test_whose_owner_is_gone_has_nothing(owner: Principal, target: Target, organisation: UUID) -> None:
    gone = replace(owner, standings=tuple(held for held in owner.standings if held.organisation_id != organisation))
    client = as_client(gone, organisation, frozenset(Action))
    for action in Action:
        assert isinstance(decide(client, action, target, now=NOW), Deny), action


def test_what_is_open_to_a_client_is_what_it_may() -> None:
    """`viewerCan`, for the host's admin and for a client of that admin with every scope."""
    facts = replace(PARTNERSHIP, suspended_by=frozenset())
    own = set(on_partnership(principal("HA"), facts, NOW))
    client = set(on_partnership(as_client(principal("HA"), HOST, frozenset(Action)), facts, NOW))
    assert {str(act) for act in client} == {"SUSPEND", "REMOVE", "REMOVE_MEMBER"}
    assert client < own
    assert on_partnership(as_client(principal("HA"), HOST, CLIENTS_READ), facts, NOW) == []


def test_without_the_check_the_tests_go_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: a client that is bound by nothing approves like its owner."""
    monkeypatch.setattr(principals_module.Principal, "admits", lambda *_: True)
    client = as_client(principal("HA"), HOST, frozenset())
    verdict = decide(client, A.PARTNERSHIP_APPROVE, target_of("HA", organisation_id=HOST), now=NOW)
    assert isinstance(verdict, Allow)


def test_a_client_of_staff_is_no_staff() -> None:
    """4.3: what the deployment names is the person; a client of that person operates nothing."""
    client = as_client(principal("HA"), HOST, frozenset(Action))
    staff = replace(client, identity=replace(client.identity, operator=True))
    assert not staff.operator
    for action in (A.ORGANISATION_LIST, A.ORGANISATION_OPERATE, A.TERMS_PUBLISH, A.INVOICE_ISSUE):
        assert isinstance(decide(staff, action, target_of("HA", organisation_id=HOST), now=NOW), Deny)


def test_what_people_acting_may_not_do_clients_may_not_grant() -> None:
    """Of the acts refused to every session a client has those alone that end, hold, ask or keep house."""
    assert {action for action in CLIENTS_WRITE if is_protected(action)} == {
        *(A.PARTNERSHIP_REMIND, A.PARTNERSHIP_WITHDRAW, A.PARTNERSHIP_REMOVE, A.PARTNERSHIP_SUSPEND),
        *(A.AMENDMENT_WITHDRAW, A.LEVEL_REDUCE, A.ACCESS_FREEZE, A.SHARE_END, A.SHARE_SUSPEND, A.SHARE_LEAVE),
        *(A.GRANT_REVOKE, A.GRANT_REVOKE_ALL, A.ACCESS_REQUEST, A.ACCESS_WITHDRAW, A.ACCOUNT_UPDATE),
    }
