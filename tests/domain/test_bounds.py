"""The bound itself, one before and one after, of each rule of the domain that has one; and defaults that bound none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final
from uuid import UUID

import pytest

from accord.domain.amendment import AmendmentKind, applied, kind_of, opens_everything
from accord.domain.billing import LARGEST_AMOUNT, Money, payable
from accord.domain.callers.scim import ScimCredentialStatus, combined, status_of
from accord.domain.callers.signin import FirstSignIn, first_sign_in
from accord.domain.delegation import is_over
from accord.domain.errors import ValidationError
from accord.domain.level import DataAccessLevel, effective, is_above, least
from accord.domain.organisation import MembershipStatus, Role
from accord.domain.partnership import AccessMode, ListedAccount, Purpose, Terms, ends_later
from accord.domain.policy import Policy
from accord.domain.report import Period
from accord.domain.sharing import AccountRole, is_at_most

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)
N, S, M = DataAccessLevel.NONE, DataAccessLevel.SUPPORT, DataAccessLevel.MANAGE
US, THEM = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("level", "other", "above"),
    [
        *((N, other, False) for other in (N, S, M, None)),
        *((S, other, other is N) for other in (N, S, M, None)),
        *((M, other, other in (N, S)) for other in (N, S, M, None)),
        *((None, other, other in (N, S)) for other in (N, S, M, None)),
    ],
)
def test_no_ceiling_stands_where_the_highest_does(
    level: DataAccessLevel | None, other: DataAccessLevel | None, above: bool
) -> None:
    assert is_above(level, other) == above


def test_the_least_of_levels() -> None:
    order = {N: 0, S: 1, M: 2, None: 2}
    for one, other in product(order, repeat=2):
        assert order[least(one, other)] == min(order[one], order[other])
    assert least() is M
    for ceiling, granted in product((N, S, M), repeat=2):
        assert effective(ceiling, granted, usable=True) is least(ceiling, granted)
        assert effective(ceiling, granted, usable=False) is N


def test_what_ends_now_is_over() -> None:
    assert is_over(NOW, NOW)
    assert is_over(NOW - INSTANT, NOW)
    assert not is_over(NOW + INSTANT, NOW)
    assert not is_over(None, NOW)


def test_a_credential_ends_at_its_end_and_a_revoked_one_at_once() -> None:
    later = NOW + INSTANT
    assert status_of(later, None, NOW) is ScimCredentialStatus.ACTIVE
    assert status_of(NOW, None, NOW) is ScimCredentialStatus.EXPIRED
    assert status_of(later, NOW, NOW) is ScimCredentialStatus.REVOKED
    assert status_of(NOW, NOW, NOW) is ScimCredentialStatus.REVOKED


def test_no_end_is_the_latest() -> None:
    assert ends_later(None, NOW)
    assert ends_later(NOW + INSTANT, NOW)
    assert not ends_later(NOW, NOW)
    assert not ends_later(NOW - INSTANT, NOW)
    assert not ends_later(None, None)
    assert not ends_later(NOW, None)


def test_a_role_is_lowered_and_never_raised() -> None:
    clerk, keeper = AccountRole.COLLABORATOR, AccountRole.ACCOUNT_MANAGER
    pairs = {(role, most) for role, most in product(AccountRole, repeat=2) if is_at_most(role, most)}
    assert pairs == {(clerk, clerk), (clerk, keeper), (keeper, keeper)}


@pytest.mark.parametrize("amount", [1, LARGEST_AMOUNT])
def test_an_amount_up_to_the_bound_is_payable(amount: int) -> None:
    assert payable("amount", Money(amount, "EUR")).amount_minor == amount


@pytest.mark.parametrize(
    "money",
    [
        Money(0, "EUR"),
        Money(-1, "EUR"),
        Money(LARGEST_AMOUNT + 1, "EUR"),
        Money(1, "XXX"),
        Money(1, "XTS"),
        Money(1, "eur"),
        Money(1, "EURO"),
        Money(1, "EU"),
    ],
)
def test_an_amount_beyond_it_is_not(money: Money) -> None:
    with pytest.raises(ValidationError):
        payable("amount", money)


@pytest.mark.parametrize(
    ("money", "said"),
    [
        (Money(1250, "EUR"), "12.50 EUR"),
        (Money(-5, "EUR"), "-0.05 EUR"),
        (Money(1250, "JPY"), "1250 JPY"),
        (Money(1250, "KWD"), "1.250 KWD"),
        (Money(12500, "UYW"), "1.2500 UYW"),
    ],
)
def test_money_is_said_in_the_minor_units_of_its_currency(money: Money, said: str) -> None:
    assert str(money) == said


def test_a_period_is_neither_empty_nor_longer_than_400_days() -> None:
    Period(NOW, NOW + INSTANT)
    Period(NOW, NOW + timedelta(days=400))
    for until in (NOW, NOW - INSTANT, NOW + timedelta(days=400) + INSTANT):
        with pytest.raises(ValidationError):
            Period(NOW, until)


def test_the_end_of_a_partnership_is_later_than_now_and_within_the_longest_duration() -> None:
    free, bound = Policy(), Policy(max_partnership_duration=timedelta(days=10))
    last = NOW + timedelta(days=10)
    free.check_end(NOW, None)
    free.check_end(NOW, NOW + INSTANT)
    bound.check_end(NOW, last)
    for policy, until in ((free, NOW), (bound, NOW), (bound, None), (bound, last + INSTANT)):
        with pytest.raises(ValidationError):
            policy.check_end(NOW, until)


def test_a_partnership_begins_with_the_end_that_policy_leaves() -> None:
    free, bound = Policy(), Policy(max_partnership_duration=timedelta(days=10))
    last = NOW + timedelta(days=10)
    assert free.latest_end(NOW, None) is None
    assert free.latest_end(NOW, last) == last
    assert bound.latest_end(NOW, None) == last
    assert bound.latest_end(NOW, last - INSTANT) == last - INSTANT
    assert bound.latest_end(NOW, last + INSTANT) == last


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        (Policy(), True),
        (Policy(allowed_partners=frozenset({US})), True),
        (Policy(allowed_partners=frozenset({THEM})), False),
        (Policy(blocked_partners=frozenset({US})), False),
        (Policy(blocked_partners=frozenset({THEM})), True),
        (Policy(allowed_partners=frozenset({US}), blocked_partners=frozenset({US})), False),
    ],
)
def test_whom_a_policy_admits(policy: Policy, admitted: bool) -> None:
    assert policy.admits(US) == admitted


BEFORE: Final = Terms(frozenset({Purpose.SUPPORT}), NOW)
WHOLE: Final = Terms(frozenset({Purpose.SUPPORT}), NOW, AccessMode.COMPLETE)
WALLET: Final = Terms(frozenset({Purpose.SUPPORT}), NOW, AccessMode.COMPLETE, wallet_entrusted=True)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (BEFORE, Terms(BEFORE.purposes | {Purpose.MANAGEMENT}, NOW), "WIDEN"),
        (BEFORE, Terms(frozenset({Purpose.MANAGEMENT}), NOW), "WIDEN"),
        (Terms(frozenset(Purpose), NOW), BEFORE, "NARROW"),
        (BEFORE, Terms(BEFORE.purposes, NOW + INSTANT), "WIDEN"),
        (BEFORE, Terms(BEFORE.purposes, NOW - INSTANT), "NARROW"),
        (BEFORE, Terms(BEFORE.purposes, None), "WIDEN"),
        (Terms(BEFORE.purposes, None), BEFORE, "NARROW"),
        (BEFORE, WHOLE, "WIDEN"),
        (WHOLE, BEFORE, "NARROW"),
        (WHOLE, WALLET, "WIDEN"),
        (WALLET, WHOLE, "NARROW"),
    ],
)
def test_what_an_amendment_is(before: Terms, after: Terms, kind: str) -> None:
    assert kind_of(before, after) == AmendmentKind(kind)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BEFORE, BEFORE),
        (WHOLE, Terms(BEFORE.purposes, None)),
        (WALLET, Terms(BEFORE.purposes, None, AccessMode.COMPLETE)),
        (BEFORE, Terms(BEFORE.purposes | {Purpose.MANAGEMENT}, NOW - INSTANT)),
    ],
)
def test_no_amendment_is_both_or_nothing(before: Terms, after: Terms) -> None:
    with pytest.raises(ValidationError):
        kind_of(before, after)


def test_complete_access_and_the_wallet_open_everything() -> None:
    opened = {
        (a, b)
        for a, b in product((0, 1, 2), repeat=2)
        if opens_everything(*((BEFORE, WHOLE, WALLET)[i] for i in (a, b)))
    }
    assert opened == {(0, 1), (0, 2), (1, 2)}


def test_of_two_later_ends_the_later_stands() -> None:
    offered = Terms(BEFORE.purposes, NOW + timedelta(days=2))
    extended = Terms(BEFORE.purposes, NOW + timedelta(days=3))
    assert applied(BEFORE, BEFORE, offered).expires_at == NOW + timedelta(days=2)
    assert applied(extended, BEFORE, offered).expires_at == NOW + timedelta(days=3)
    wider = Terms(BEFORE.purposes | {Purpose.MANAGEMENT}, NOW)
    assert applied(extended, BEFORE, wider) == Terms(wider.purposes, extended.expires_at)


@pytest.mark.parametrize(
    ("places", "at_home", "bound", "provisions", "expected"),
    [
        ([MembershipStatus.ACTIVE], True, False, True, "MATCH"),
        ([MembershipStatus.ACTIVE], True, False, False, "MATCH"),
        ([MembershipStatus.ACTIVE], True, True, True, "STRANGER"),
        ([MembershipStatus.DEACTIVATED], True, False, True, "STRANGER"),
        ([MembershipStatus.ACTIVE, MembershipStatus.INVITED], True, False, True, "STRANGER"),
        ([], True, False, True, "STRANGER"),
        ([], False, False, True, "PROVISION"),
        ([], False, False, False, "STRANGER"),
        ([MembershipStatus.INVITED], False, False, True, "STRANGER"),
        ([MembershipStatus.REMOVED], False, False, True, "STRANGER"),
    ],
)
def test_a_first_sign_in(
    places: list[MembershipStatus], at_home: bool, bound: bool, provisions: bool, expected: str
) -> None:
    assert first_sign_in(places, at_home=at_home, bound=bound, provisions=provisions) is FirstSignIn(expected)


def test_what_people_gave_stays_whatever_the_groups_do() -> None:
    member, admin, phone = Role.MEMBER, Role.ORG_ADMIN, Role.PHONE_MANAGER
    assert combined({member, admin}, {admin}, set()) == (frozenset({member}), frozenset())
    assert combined({admin}, {admin}, {phone}) == (frozenset({member, phone}), frozenset({phone}))
    assert combined({admin}, set(), {admin, phone}) == (frozenset({admin, phone}), frozenset({phone}))


def test_limited_terms_lose_what_complete_access_brings() -> None:
    """S97: the wallet and the level go with COMPLETE, and purposes, end and accounts stay."""
    whole = Terms(
        BEFORE.purposes, NOW, AccessMode.COMPLETE, wallet_entrusted=True, level=M, auto_extend=timedelta(days=1)
    )
    assert whole.limited() == Terms(BEFORE.purposes, NOW, auto_extend=timedelta(days=1))
    assert BEFORE.limited() == BEFORE


def test_which_terms_are_a_legal_act() -> None:
    """Each alone: complete access, the wallet, and accounts that a legal representative listed (4.4.1, Q34)."""
    listed = (ListedAccount(US, AccountRole.COLLABORATOR, "Desk", "Ledger"),)
    assert WHOLE.is_legal_act
    assert replace(BEFORE, wallet_entrusted=True).is_legal_act
    assert replace(BEFORE, accounts=listed, by_legal_representative=True).is_legal_act
    for terms in (
        BEFORE,
        replace(BEFORE, level=M),
        replace(BEFORE, accounts=listed),
        replace(BEFORE, by_legal_representative=True),
    ):
        assert not terms.is_legal_act
