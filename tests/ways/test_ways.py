"""The table of ways is walked: each gives what its row says, and what has no row gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import ObjectTypeDefinitionNode, parse

from tests.api.cases import Cases
from tests.api.test_five_cases import CASES, Place, fresh, named, place
from tests.contract.source import ROOT
from tests.ways.beside import WALKS
from tests.ways.effects import Effects, read_effects
from tests.ways.page import page
from tests.ways.table import ACTS, BESIDE

__all__ = ["fresh", "place"]


def mutations() -> set[str]:
    """The names of all mutations, from the contract."""
    document = parse((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    found = [n for n in document.definitions if isinstance(n, ObjectTypeDefinitionNode) and n.name.value == "Mutation"]
    return {field.name.value for node in found for field in node.fields or ()}


@pytest.mark.parametrize("cases", CASES, ids=named)
async def test_an_act_gives_what_its_row_says(fresh: Place, cases: Cases) -> None:
    before = await read_effects(fresh.api.urls.superuser)
    answer = await fresh.call(cases, cases.by, cases.given)
    assert "errors" not in answer, answer
    row = ACTS.get(cases.mutation)
    gained = (await read_effects(fresh.api.urls.superuser)).gained(before)
    assert gained == (row.gives if row else frozenset()), cases.mutation


def test_every_mutation_is_walked() -> None:
    assert {cases.mutation for cases in CASES} == mutations()
    assert set(ACTS) <= mutations()


@pytest.mark.parametrize("name", BESIDE)
async def test_another_way_gives_what_its_row_says(fresh: Place, name: str) -> None:
    gained = await WALKS[name](fresh)
    assert gained == BESIDE[name].gives, name


def test_every_other_way_is_walked() -> None:
    assert set(WALKS) == set(BESIDE)


def test_a_gift_is_noticed() -> None:
    """The control of the walk: something more is a gain, something less is none."""
    little = Effects({"role": frozenset({"a"}), "access": frozenset(), "mail": frozenset()})
    much = Effects({"role": frozenset({"a", "b"}), "access": frozenset({"c"}), "mail": frozenset({"hello 1"})})
    assert much.gained(little) == {"role", "access", "mail hello"}
    assert little.gained(much) == frozenset()


def test_the_page_is_current() -> None:
    assert Path(ROOT / "docs" / "ways.md").read_text(encoding="utf-8") == page(), "make schema"
