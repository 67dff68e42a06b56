"""The comparison is worth something: with a part of the engine switched off it goes red."""

from __future__ import annotations

from typing import Any

import pytest

from accord.execution.placing import Placing
from accord.execution.plan import FieldPlan
from accord.execution.resolving import Resolving
from tests.execution.conftest import Pair
from tests.execution.corpus import CORPUS
from tests.scale import CONTROL

pytestmark = CONTROL


async def reds(pair: Pair) -> int:
    """How many documents of the corpus are answered differently."""
    found = 0
    for document, variables in CORPUS:
        try:
            found += bool(await pair.differences(document, variables))
        except Exception:  # noqa: BLE001
            found += 1
    return found


async def test_with_everything_on_nothing_differs(pair: Pair) -> None:
    assert await reds(pair) == 0


async def test_without_error_propagation(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Placing.__init__
    monkeypatch.setattr(Placing, "__init__", lambda self, plans, _propagates: made(self, plans, False))
    assert await reds(pair) >= 20


async def test_without_merging_of_fields(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    made = FieldPlan.__init__

    def unmerged(self: FieldPlan, parent: Any, key: str, details: list[Any], definition: Any) -> None:
        made(self, parent, key, details[:1], definition)

    monkeypatch.setattr(FieldPlan, "__init__", unmerged)
    assert await reds(pair) >= 3


async def test_without_the_call_of_permissions(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resolving, "_refusal", lambda *_: None)
    assert await reds(pair) >= 15
