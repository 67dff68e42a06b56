"""Handles, tokens and who may give which role (model 4.2)."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.organisation import (
    HANDLE_ALPHABET,
    HANDLE_LENGTH,
    Role,
    new_handle,
    new_token,
    refused_roles,
    token_hash,
)

LEGAL, DECISION, AUDITOR, ADMIN, MEMBER = (
    Role.LEGAL_REPRESENTATIVE,
    Role.DECISION_MAKER,
    Role.AUDITOR,
    Role.ORG_ADMIN,
    Role.MEMBER,
)


def test_a_handle_has_more_than_40_random_bits() -> None:
    assert HANDLE_LENGTH * math.log2(len(set(HANDLE_ALPHABET))) > 40
    made = {new_handle() for _ in range(2_000)}
    assert len(made) == 2_000
    for handle in made:
        assert [len(part) for part in handle.split("-")] == [4, 4, 4]
        assert set(handle) <= {*HANDLE_ALPHABET, "-"}
    assert not set("01iloILO") & set(HANDLE_ALPHABET)


def test_a_token_has_256_bits_and_only_its_hash_is_kept() -> None:
    one, other = new_token(), new_token()
    assert one != other
    assert len(one) == 43
    assert len(token_hash(one)) == 64
    assert token_hash(one) == token_hash(one) != token_hash(other)
    assert one not in token_hash(one)


@pytest.mark.parametrize(
    ("given_roles", "giver", "to_oneself", "there_are", "refused"),
    [
        ({MEMBER}, {ADMIN}, False, 0, set()),
        ({ADMIN}, {ADMIN}, True, 1, set()),
        ({LEGAL}, {LEGAL}, False, 1, set()),
        ({LEGAL}, {ADMIN}, False, 0, set()),
        ({LEGAL}, {ADMIN}, False, 1, {LEGAL}),
        ({LEGAL}, {LEGAL}, True, 1, {LEGAL}),
        ({LEGAL}, {ADMIN}, True, 0, {LEGAL}),
        ({DECISION}, {ADMIN}, False, 1, set()),
        ({DECISION}, {ADMIN}, True, 1, {DECISION}),
        ({AUDITOR}, {ADMIN}, False, 1, set()),
        ({AUDITOR}, {ADMIN}, True, 1, {AUDITOR}),
        ({LEGAL, DECISION, AUDITOR, MEMBER}, {ADMIN}, True, 1, {LEGAL, DECISION, AUDITOR}),
    ],
)
def test_who_may_give_which_role(
    given_roles: set[Role], giver: set[Role], to_oneself: bool, there_are: int, refused: set[Role]
) -> None:
    assert (
        refused_roles(given_roles, giver=giver, to_oneself=to_oneself, had_legal_representative=bool(there_are))
        == refused
    )


@given(st.frozensets(st.sampled_from(Role)), st.frozensets(st.sampled_from(Role)))
def test_no_more_is_refused_than_was_given(given_roles: frozenset[Role], giver: frozenset[Role]) -> None:
    for to_oneself, there_are in product((True, False), (0, 1)):
        refused = refused_roles(
            given_roles, giver=giver, to_oneself=to_oneself, had_legal_representative=bool(there_are)
        )
        assert refused <= given_roles
