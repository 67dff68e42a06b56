"""The engine answers as the stock executor does: the corpus, and documents that nobody thought of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from tests.execution.conftest import Pair
from tests.execution.corpus import CORPUS
from tests.execution.toy import ToyContext, toy_schema
from tests.scale import count

SDL = toy_schema().as_str()
GENERATED = count(test=50, check=500, prove=2_000)
FEW = settings(
    max_examples=GENERATED,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


def test_the_corpus_is_large() -> None:
    assert len({text for text, _ in CORPUS}) >= 200


async def test_the_corpus_is_executed(pair: Pair) -> None:
    refused = 0
    for document, variables in CORPUS:
        result = await pair.ours.execute(document, variable_values=variables, context_value=ToyContext())
        refused += result.data is None and not any(error.path for error in result.errors or [])
    assert refused <= 12


@pytest.mark.parametrize(("document", "variables"), CORPUS, ids=range(len(CORPUS)))
async def test_the_corpus(pair: Pair, document: str, variables: dict[str, Any]) -> None:
    assert await pair.differences(document, variables) == []


@FEW
@given(document=queries(SDL, custom_scalars={"JSON": st.just(nodes.Int(1)), "DateTime": st.just(nodes.String("x"))}))
async def test_generated_queries(pair: Pair, document: str) -> None:
    assert await pair.differences(document, {}) == []


@FEW
@given(document=mutations(SDL))
async def test_generated_mutations(pair: Pair, document: str) -> None:
    assert await pair.differences(document, {}) == []
