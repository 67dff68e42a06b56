"""Terms and throttles: what is wider, and when one more mail may go out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.errors import RateLimited
from accord.domain.level import DataAccessLevel
from accord.domain.partnership import (
    AWAITING,
    CONNECTED,
    OPEN,
    TERMINAL,
    AccessMode,
    ListedAccount,
    PartnershipState,
    Purpose,
    Terms,
    check_throttle,
    is_wider,
    purposes,
)
from accord.domain.sharing import AccountRole

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANAGEMENT, SUPPORT = frozenset({Purpose.MANAGEMENT}), frozenset({Purpose.SUPPORT})
DESK, TILL = UUID(int=1), UUID(int=2)
CLERK, KEEPER = AccountRole.COLLABORATOR, AccountRole.ACCOUNT_MANAGER
WHOLE: dict[str, Any] = {"access_mode": AccessMode.COMPLETE}
WALLET: dict[str, Any] = WHOLE | {"wallet_entrusted": True}
MANAGE: dict[str, Any] = {"level": DataAccessLevel.MANAGE}


def listing(*listed: tuple[UUID, AccountRole]) -> dict[str, Any]:
    return {"accounts": tuple(ListedAccount(key, role, "Desk", "Ledger") for key, role in listed)}


terms = st.builds(
    Terms,
    st.frozensets(st.sampled_from(Purpose), min_size=1),
    st.none() | st.integers(0, 9).map(lambda days: NOON + timedelta(days=days)),
    st.sampled_from(AccessMode),
    st.booleans(),
    st.sampled_from(DataAccessLevel),
    st.none() | st.integers(1, 3).map(lambda days: timedelta(days=days)),
    st.dictionaries(st.sampled_from([DESK, TILL]), st.sampled_from(AccountRole)).map(
        lambda roles: listing(*sorted(roles.items()))["accounts"]
    ),
)


@pytest.mark.parametrize(
    ("proposed", "approved", "wider"),
    [
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, None), False),
        (Terms(MANAGEMENT | SUPPORT, None), Terms(MANAGEMENT, None), True),
        (Terms(SUPPORT, None), Terms(MANAGEMENT, None), True),
        (Terms(SUPPORT, None), Terms(MANAGEMENT | SUPPORT, None), False),
        (Terms(MANAGEMENT, NOON), Terms(MANAGEMENT, None), False),
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, NOON), True),
        (Terms(MANAGEMENT, NOON + timedelta(seconds=1)), Terms(MANAGEMENT, NOON), True),
        (Terms(MANAGEMENT, NOON), Terms(MANAGEMENT, NOON), False),
        (Terms(MANAGEMENT, NOON - timedelta(seconds=1)), Terms(MANAGEMENT, NOON), False),
        (Terms(MANAGEMENT, None, **WHOLE), Terms(MANAGEMENT, None), True),
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, None, **WHOLE), False),
        (Terms(MANAGEMENT, None, **WALLET), Terms(MANAGEMENT, None, **WHOLE), True),
        (Terms(MANAGEMENT, None, **WHOLE), Terms(MANAGEMENT, None, **WALLET), False),
        (Terms(MANAGEMENT, None, **MANAGE), Terms(MANAGEMENT, None), True),
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, None, **MANAGE), False),
        (Terms(MANAGEMENT, None, auto_extend=timedelta(days=2)), Terms(MANAGEMENT, None), True),
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, None, auto_extend=timedelta(days=2)), False),
        (Terms(MANAGEMENT, None, **listing((DESK, CLERK))), Terms(MANAGEMENT, None), True),
        (Terms(MANAGEMENT, None), Terms(MANAGEMENT, None, **listing((DESK, CLERK))), False),
        (Terms(MANAGEMENT, None, **listing((TILL, CLERK))), Terms(MANAGEMENT, None, **listing((DESK, CLERK))), True),
        (Terms(MANAGEMENT, None, **listing((DESK, KEEPER))), Terms(MANAGEMENT, None, **listing((DESK, CLERK))), True),
        (Terms(MANAGEMENT, None, **listing((DESK, CLERK))), Terms(MANAGEMENT, None, **listing((DESK, KEEPER))), False),
        # what COMPLETE reaches is no grant of its own: naming one account under LIMITED is new
        (Terms(MANAGEMENT, None, **listing((DESK, CLERK))), Terms(MANAGEMENT, None, **WHOLE), True),
    ],
)
def test_wider_is_anything_beyond_what_was_approved(proposed: Terms, approved: Terms, wider: bool) -> None:
    assert is_wider(proposed, approved) is wider


@given(terms, terms, terms)
def test_not_wider_is_a_partial_order(a: Terms, b: Terms, c: Terms) -> None:
    assert not is_wider(a, a)
    if not is_wider(a, b) and not is_wider(b, c):
        assert not is_wider(a, c)
    if not is_wider(a, b) and not is_wider(b, a):
        assert a == b


@given(terms)
def test_terms_survive_their_snapshot(agreed: Terms) -> None:
    assert Terms.read(json.loads(json.dumps(agreed.snapshot()))) == agreed


def test_terms_of_the_first_release_are_read() -> None:
    snapshot = {"purposes": ["SUPPORT"], "accessMode": "LIMITED", "walletEntrusted": False, "level": "NONE"}
    assert Terms.read(snapshot | {"expiresAt": None}) == Terms(SUPPORT, None)


@pytest.mark.parametrize(
    ("count", "ago", "wait"),
    [
        (0, None, None),
        (0, timedelta(0), 86_401),
        (1, timedelta(hours=23, minutes=59, seconds=59), 2),
        (1, timedelta(hours=24), None),
        (4, timedelta(hours=24), None),
        (5, timedelta(days=90), 86_400),
        (5, None, 86_400),
        (99, timedelta(days=90), 86_400),
    ],
)
def test_five_mails_a_day_apart(count: int, ago: timedelta | None, wait: int | None) -> None:
    last = None if ago is None else NOON - ago
    if wait is None:
        check_throttle(count, last, NOON)
        return
    with pytest.raises(RateLimited) as refused:
        check_throttle(count, last, NOON)
    assert refused.value.retry_after == wait


@given(st.integers(0, 4), st.timedeltas(timedelta(0), timedelta(hours=24) - timedelta(microseconds=1)))
def test_after_the_told_wait_the_mail_may_go_out(count: int, ago: timedelta) -> None:
    last = NOON - ago
    with pytest.raises(RateLimited) as refused:
        check_throttle(count, last, NOON)
    check_throttle(count, last, NOON + timedelta(seconds=refused.value.retry_after))


def test_the_groups_of_states_divide_them() -> None:
    assert frozenset(PartnershipState) == OPEN | TERMINAL
    assert not OPEN & TERMINAL
    assert AWAITING < OPEN
    assert CONNECTED < OPEN
    assert not AWAITING & CONNECTED


def test_purposes_by_name() -> None:
    assert purposes(["SUPPORT", "SUPPORT", "IMPROVEMENT"]) == {Purpose.SUPPORT, Purpose.IMPROVEMENT}
    with pytest.raises(ValueError, match="SPYING"):
        purposes(["SPYING"])
