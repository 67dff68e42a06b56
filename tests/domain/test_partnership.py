"""Terms and throttles: what is wider, and when one more mail may go out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.errors import RateLimited
from accord.domain.partnership import (
    AWAITING,
    CONNECTED,
    OPEN,
    TERMINAL,
    PartnershipState,
    Purpose,
    Terms,
    check_throttle,
    is_wider,
    purposes,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANAGEMENT, SUPPORT = frozenset({Purpose.MANAGEMENT}), frozenset({Purpose.SUPPORT})
terms = st.builds(
    Terms,
    st.frozensets(st.sampled_from(Purpose), min_size=1),
    st.none() | st.integers(0, 9).map(lambda days: NOON + timedelta(days=days)),
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
    snapshot = agreed.snapshot()
    assert Terms.read(snapshot) == agreed
    assert (snapshot["accessMode"], snapshot["walletEntrusted"], snapshot["level"]) == ("LIMITED", False, "NONE")


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
