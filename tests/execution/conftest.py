"""Both executors over the toy schema."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accord.execution.engine import BreadthFirst
from tests.execution.comparing import differences, out_of_order
from tests.execution.toy import ToyContext, ToySchema, toy_schema

HERE = Path(__file__).parent
LEFT = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
"""The stock executor leaves coroutines behind where a field beside them fails; the engine does not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(LEFT)


@pytest.fixture(scope="module", autouse=True)
def _swept() -> Iterator[None]:
    """Coroutines that were left behind go where their warning is forgiven, and before tests begin that forgive nothing.

    A collection that begins by itself may do so in code without `__import__`, the constructor of a named tuple for
    instance, where the warning becomes an error.
    """
    gc.disable()
    yield
    gc.enable()
    gc.collect()


class Pair:
    """One schema on the engine and on the stock executor."""

    def __init__(self, ours: ToySchema, stock: ToySchema) -> None:
        self.ours, self.stock = ours, stock

    async def differences(self, document: str, given: dict[str, Any]) -> list[str]:
        """In what the two answers differ, and whether the order of our errors is our own."""
        here, there = ToyContext(), ToyContext()
        ours = await self.ours.execute(document, variable_values=given, context_value=here)
        stock = await self.stock.execute(document, variable_values=given, context_value=there)
        found = differences(ours, stock) + out_of_order(ours)
        gc.collect(0)
        return found if here.log == there.log else [*found, f"acts: {here.log} are not {there.log}"]


@pytest.fixture(scope="session")
def pair() -> Pair:
    return Pair(toy_schema(BreadthFirst), toy_schema())
