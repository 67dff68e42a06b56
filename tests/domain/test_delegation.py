"""Names of role groups: the customer's and the role, and what tells two of one name apart (S111, Q25)."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.delegation import DelegatedRole, GroupFacts, group_names, spoken

D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER


def names_of(*groups: tuple[DelegatedRole, str]) -> list[str]:
    facts = [GroupFacts(UUID(int=place), role, host, f"handle-{place}") for place, (role, host) in enumerate(groups)]
    names = group_names(facts)
    return [names[group.id] for group in facts]


def test_the_name_is_the_customers_and_the_role() -> None:
    assert names_of((D, "Harbour"), (P, "Harbour")) == ["Harbour Decision Maker", "Harbour Phone Manager"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbour", "Harbour"),
        ("Harbour", "HARBOUR"),
        ("Straße", "STRASSE"),
        ("\N{LATIN SMALL LIGATURE FI}sh", "fish"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}cme", "acme"),
    ],
)
def test_two_of_one_name_carry_their_handles(one: str, other: str) -> None:
    assert names_of((D, one), (D, other), (D, "Else")) == [
        f"{one} Decision Maker (handle-0)",
        f"{other} Decision Maker (handle-1)",
        "Else Decision Maker",
    ]


def test_the_same_customers_name_in_another_role_is_no_clash() -> None:
    assert names_of((D, "Harbour"), (P, "harbour")) == ["Harbour Decision Maker", "harbour Phone Manager"]


@given(st.lists(st.tuples(st.sampled_from(DelegatedRole), st.text(min_size=1, max_size=3)), max_size=12))
def test_no_two_groups_of_a_partner_have_one_name(groups: list[tuple[DelegatedRole, str]]) -> None:
    assert all(one != other for one, other in pairwise(sorted(names_of(*groups))))


def test_roles_in_a_sentence() -> None:
    assert spoken([P, D]) == "Decision Maker and Phone Manager"
    assert spoken([P]) == "Phone Manager"
