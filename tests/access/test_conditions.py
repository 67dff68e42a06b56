"""The conditions before a guest's path (model 4.5): each one fails by its code, and the first failing one is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Final

import pytest

from accord.access.decision import Allow, Condition, Deny, decide
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Principal
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole, GrantState, ShareState
from tests.access.people import NOW, PARTNERSHIP, SHARE, TARGET, grant_of, principal, target_of

Situation = tuple[Principal, Target]
Break = Callable[[Situation], Situation]
GUEST_ACTIONS: Final = (Action.ACCOUNT_SIGN_IN, Action.SHARE_LEAVE, Action.ACCESS_REQUEST)
WHOLE: Final[Situation] = (principal("AM"), target_of("AM"))
LATER: Final = NOW + timedelta(microseconds=1)


def on_partnership(**changed: object) -> Break:
    def broken(situation: Situation) -> Situation:
        who, target = situation
        return who, replace(target, partnership=replace(target.partnership or PARTNERSHIP, **changed))  # type: ignore[arg-type]

    return broken


def on_share(**changed: object) -> Break:
    return lambda situation: (
        situation[0],
        replace(situation[1], share=replace(situation[1].share or SHARE, **changed)),  # type: ignore[arg-type]
    )


def on_grant(**changed: object) -> Break:
    return lambda situation: (
        situation[0],
        replace(situation[1], grant=replace(situation[1].grant or grant_of("AM"), **changed)),  # type: ignore[arg-type]
    )


def by_password(situation: Situation) -> Situation:
    """Without the second factor, which the people of these tests have used."""
    who, target = situation
    return replace(who, identity=replace(who.identity, mfa=False)), target


BREAKS: Final[list[tuple[str, Condition, Break]]] = [
    # in the order of the model
    ("no active membership", Condition.MEMBER_INACTIVE, lambda s: (replace(s[0], standings=()), s[1])),
    ("guest not active", Condition.ORGANISATION_INACTIVE, on_partnership(guest_active=False)),
    ("host not active", Condition.ORGANISATION_INACTIVE, on_partnership(host_active=False)),
    *(
        (f"partnership {state}", Condition.PARTNERSHIP_NOT_ACTIVE, on_partnership(state=state))
        for state in PartnershipState
        if state is not PartnershipState.ACTIVE
    ),
    ("not begun", Condition.PARTNERSHIP_NOT_ACTIVE, on_partnership(starts_at=LATER)),
    ("without a start", Condition.PARTNERSHIP_NOT_ACTIVE, on_partnership(starts_at=None)),
    ("partnership over", Condition.EXPIRED, on_partnership(expires_at=NOW)),
    ("access frozen", Condition.POLICY_DENIED, on_partnership(frozen=True)),
    ("partner barred", Condition.POLICY_DENIED, on_partnership(barred=True)),
    ("without a second factor", Condition.POLICY_DENIED, lambda s: on_partnership(mfa_required=True)(by_password(s))),
    ("share suspended", Condition.NO_GRANT, on_share(state=ShareState.SUSPENDED)),
    ("share removed", Condition.NO_GRANT, on_share(state=ShareState.REMOVED)),
    ("grant revoked", Condition.NO_GRANT, on_grant(state=GrantState.REVOKED)),
    ("grant expired", Condition.NO_GRANT, on_grant(state=GrantState.EXPIRED)),
    ("share over", Condition.GRANT_EXPIRED, on_share(expires_at=NOW)),
    ("grant over", Condition.GRANT_EXPIRED, on_grant(expires_at=NOW)),
]


@pytest.mark.parametrize("action", GUEST_ACTIONS)
def test_the_whole_path_is_allowed(action: Action) -> None:
    who, target = WHOLE
    assert isinstance(decide(who, action, target, now=NOW), Allow)
    endless = on_grant(expires_at=None)(on_share(expires_at=None)(on_partnership(expires_at=None)(WHOLE)))
    assert isinstance(decide(endless[0], action, endless[1], now=NOW), Allow)


@pytest.mark.parametrize("action", GUEST_ACTIONS)
@pytest.mark.parametrize(("condition", "broken"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_a_missing_part_of_the_path_denies(action: Action, condition: Condition, broken: Break) -> None:
    """Invariant 1."""
    who, target = broken(WHOLE)
    assert decide(who, action, target, now=NOW) == Deny(condition)


SAME_FACT: Final = (
    {f"partnership {state}" for state in PartnershipState},
    {"not begun", "without a start"},
    {"access frozen", "partner barred", "without a second factor"},
    {"share suspended", "share removed"},
    {"grant revoked", "grant expired"},
)
PAIRS: Final = [
    pytest.param(first, second, id=f"{first[0]}, {second[0]}")
    for first, second in combinations(BREAKS, 2)
    if not any({first[0], second[0]} <= names for names in SAME_FACT)
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_first_failing_condition_is_told(
    first: tuple[str, Condition, Break], second: tuple[str, Condition, Break]
) -> None:
    who, target = second[2](first[2](WHOLE))
    assert decide(who, Action.ACCOUNT_SIGN_IN, target, now=NOW) == Deny(first[1])


@pytest.mark.parametrize("action", GUEST_ACTIONS)
def test_one_instant_before_each_end_and_at_each_beginning_all_is_well(action: Action) -> None:
    """The bounds themselves: what ends at NOW is over (`BREAKS`), what ends a microsecond later is not."""
    almost = NOW + timedelta(microseconds=1)
    ends = on_partnership(expires_at=almost)(on_share(expires_at=almost)(on_grant(expires_at=almost)(WHOLE)))
    who, target = on_partnership(starts_at=NOW)(ends)
    assert isinstance(decide(who, action, target, now=NOW), Allow)
    _, early = on_partnership(starts_at=almost)(ends)
    assert decide(who, action, early, now=NOW) == Deny(Condition.PARTNERSHIP_NOT_ACTIVE)


def test_a_second_factor_is_asked_for_by_policy_alone() -> None:
    who, target = by_password(WHOLE)
    assert isinstance(decide(who, Action.ACCOUNT_SIGN_IN, target, now=NOW), Allow)
    assert isinstance(decide(*arguments(on_partnership(mfa_required=True)(WHOLE)), now=NOW), Allow)


def arguments(situation: Situation) -> tuple[Principal, Action, Target]:
    return situation[0], Action.ACCOUNT_SIGN_IN, situation[1]


def test_no_grant_at_all() -> None:
    assert decide(principal("AM"), Action.ACCOUNT_SIGN_IN, TARGET, now=NOW) == Deny(Condition.NO_GRANT)
    of_another = replace(TARGET, grant=grant_of("CL"))
    assert decide(principal("AM"), Action.ACCOUNT_SIGN_IN, of_another, now=NOW) == Deny(Condition.NO_GRANT)


def test_a_collaborator_asks_for_nobody() -> None:
    """Condition 7."""
    target = replace(TARGET, grant=grant_of("AM", AccountRole.COLLABORATOR))
    assert decide(principal("AM"), Action.ACCESS_REQUEST, target, now=NOW) == Deny(Condition.NO_GRANT)


def test_time_alone_ends_access() -> None:
    """Invariant 12: the last instant is before the end, and no state has to change for it."""
    who, target = WHOLE
    end = NOW + timedelta(days=1)
    assert isinstance(decide(who, Action.ACCOUNT_SIGN_IN, target, now=end - timedelta(microseconds=1)), Allow)
    assert decide(who, Action.ACCOUNT_SIGN_IN, target, now=end) == Deny(Condition.EXPIRED)


def test_an_owner_signs_in_whatever_the_partnership_does() -> None:
    """People of the host pass by ownership (model 4.5); the conditions stand before guests."""
    for _, _, broken in BREAKS[1:]:
        _, target = broken(WHOLE)
        assert isinstance(decide(principal("AO"), Action.ACCOUNT_SIGN_IN, target, now=NOW), Allow)
