"""Over random people and facts: gate 1 never stops what the decision allows, and a right has its organisation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from accord.access.decision import GUEST_PATHS, Allow, capacities, decide, may_ever
from accord.access.facts import (
    AccessItemFacts,
    AccountFacts,
    GrantFacts,
    PartnershipFacts,
    ShareFacts,
    Target,
)
from accord.access.permissions import PERMISSIONS, Action
from accord.access.principal import Principal, Standing
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipPath, PartnershipState
from accord.domain.sharing import AccessItemState, AccountRole, AccountStatus, GrantState, ShareState
from tests.access.people import NOW, identity
from tests.scale import count

settings.register_profile("accord", max_examples=count(test=300, check=1_000, prove=100_000), deadline=None)
settings.load_profile("accord")

ORGANISATIONS: Final = [UUID(int=number) for number in (1, 2, 3)]
PEOPLE: Final = [UUID(int=number) for number in (11, 12)]
organisation = st.sampled_from(ORGANISATIONS)
person = st.sampled_from(PEOPLE)
people = st.frozensets(person)
instant = st.sampled_from([None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
standing = st.builds(
    Standing, st.just(UUID(int=9)), organisation, st.frozensets(st.sampled_from(Role), min_size=1), st.booleans()
)
standings = st.lists(standing, max_size=3, unique_by=lambda held: held.organisation_id).map(tuple)
principals = st.builds(
    Principal,
    st.booleans().map(lambda operator: identity("x", operator=operator)),
    st.none() | person,
    st.just("x"),
    organisation,
    standings,
)
partnerships = st.builds(
    PartnershipFacts,
    organisation,
    organisation,
    st.sampled_from(PartnershipState),
    st.sampled_from(PartnershipPath),
    told_guest=st.booleans(),
    owner_id=st.none() | person,
    owner_active=st.booleans(),
    co_owner_ids=people,
    requester_id=st.none() | person,
    representative_id=st.none() | person,
    starts_at=instant,
    expires_at=instant,
    host_active=st.booleans(),
    guest_active=st.booleans(),
    frozen=st.booleans(),
    barred=st.booleans(),
    mfa_required=st.booleans(),
    host_admin_may_unshare=st.booleans(),
).filter(lambda facts: facts.host_id != facts.guest_id)
targets = st.builds(
    Target,
    st.none() | organisation,
    st.none() | partnerships,
    st.none() | st.builds(AccountFacts, organisation, people, st.sampled_from(AccountStatus)),
    st.none() | st.builds(ShareFacts, st.sampled_from(ShareState), instant),
    st.none() | st.builds(GrantFacts, person, st.sampled_from(AccountRole), st.sampled_from(GrantState), instant),
    st.none() | st.builds(AccessItemFacts, person, person, st.sampled_from(AccessItemState)),
    st.none() | person,
    people,
)


@given(principals, targets)
def test_what_is_allowed_may_ever_be(who: Principal, target: Target) -> None:
    for action in Action:
        if isinstance(decide(who, action, target, now=NOW), Allow):
            assert may_ever(who, action), action


@given(principals, targets, organisation)
def test_acting_in_one_name_allows_no_more_than_acting_in_all(who: Principal, target: Target, acting_for: UUID) -> None:
    for action in Action:
        narrow = decide(who, action, target, now=NOW, acting_for=acting_for)
        if isinstance(narrow, Allow):
            wide = decide(who, action, target, now=NOW)
            assert isinstance(wide, Allow)
            assert set(narrow.paths) <= set(wide.paths)


@given(principals, targets)
def test_a_stranger_meets_nothing(who: Principal, target: Target) -> None:
    """Whoever has no membership in an organisation that the target names acts in no capacity of a tenant on it."""
    pair = target.partnership
    named = {target.organisation_id, pair and pair.host_id, pair and pair.guest_id}
    named |= {target.account.host_id if target.account else None}
    stranger = replace(who, standings=tuple(held for held in who.standings if held.organisation_id not in named))
    ours = {"person", "operator", "sees the account", "nobody active owns the account", "policy hostAdminMayUnshare"}
    ours |= {
        "somebody other than the requester",
        "for somebody other than oneself",
        "the partnership owner is no longer active",
        "not acting elsewhere",
    }
    assert set(capacities(stranger, target)) <= ours


@given(principals, targets)
def test_a_guest_path_needs_all_of_it(who: Principal, target: Target) -> None:
    """Invariant 1: who is no member of the host reaches an account by a live grant, now, or not at all."""
    pair = target.partnership
    if pair is None or (target.account is not None and target.account.host_id != pair.host_id):
        return
    guest_only = replace(who, standings=tuple(held for held in who.standings if held.organisation_id != pair.host_id))
    for action in (Action.ACCOUNT_SIGN_IN, Action.SHARE_LEAVE, Action.ACCESS_REQUEST):
        if isinstance(decide(guest_only, action, target, now=NOW), Allow):
            assert pair.state is PartnershipState.ACTIVE
            assert pair.host_active
            assert pair.guest_active
            assert pair.starts_at is not None
            assert pair.starts_at <= NOW
            assert pair.expires_at is None or pair.expires_at > NOW
            assert target.share is not None
            assert target.share.state is ShareState.ACTIVE
            assert target.grant is not None
            assert target.grant.state is GrantState.ACTIVE
            assert target.grant.user_id == who.person_id
            assert pair.guest_id in guest_only.works_in


def test_no_row_mixes_two_organisations() -> None:
    """Invariant 7: a path by grant needs nothing else, so that none leads through a third organisation."""
    for needed in (path for paths in PERMISSIONS.values() for path in paths):
        if needed & GUEST_PATHS:
            assert len(needed) == 1
