"""A document that nobody has seen costs no parsing for somebody who has no points left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.scale import count
from tests.servers import DatabaseURLs
from tests.starvation.stage import Stage, staged

pytestmark = pytest.mark.alone

ROUNDS: Final = count(test=15, check=40)
SPEND_ALL: Final = "UPDATE accord.allowances SET minute = 1e6, hour = 1e6 WHERE key LIKE 'person %'"
FRAGMENTS: Final = 200


def unknown(number: int) -> str:
    """A document of many tokens that differs from all others, with fragments that validation compares in pairs."""
    spreads = " ".join(f"...F{fragment}" for fragment in range(FRAGMENTS))
    fragments = " ".join(f"fragment F{fragment} on User {{ id }}" for fragment in range(FRAGMENTS))
    return f"query Q{number} {{ viewer {{ user {{ {spreads} }} }} }} {fragments}"


async def spend(stage: Stage, *documents: str) -> tuple[set[int], float]:
    """Ask for each; the statuses, and the seconds of a processor for one."""
    before = stage.processor()
    statuses = {(await stage.ask(stage.post(stage.attackers[0], document)))[0] for document in documents}
    return statuses, (stage.processor() - before) / len(documents)


async def test_an_unknown_document_without_points_is_not_read(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    async with staged(database_urls, tmp_path, points_per_minute=500, points_per_hour=500) as stage:
        dear, read = await spend(stage, *map(unknown, range(6)))
        assert dear == {200}
        await stage.world.owner.execute(
            "UPDATE accord.allowances SET minute = 1e6, hour = 1e6 WHERE key LIKE 'person %'"
        )
        small, least = await spend(stage, *["{ __typename }"] * ROUNDS)
        refused, spent = await spend(stage, *(unknown(100 + number) for number in range(ROUNDS)))
        assert small == refused == {429}
        assert spent < 3 * least + 0.001, (spent, least)
        assert read > 2 * spent, "the control: those with points have it read"


async def test_an_unknown_document_costs_by_its_length(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    """Thirty thousand characters are some thirty points the first time, and one afterwards."""
    async with staged(database_urls, tmp_path, points_per_minute=200, points_per_hour=200) as stage:
        long = json.dumps("x" * 30_000)
        document = f"{{ viewer {{ user {{ id }} }} invitation(token: {long}) {{ id }} }}"
        spent = (
            "SELECT hour FROM accord.allowances WHERE key = 'person ' || (SELECT id FROM accord.users WHERE email = $1)"
        )
        key = stage.attackers[0].email
        before = await stage.world.owner.fetchval(spent, key)
        await stage.ask(stage.post(stage.attackers[0], document))
        await stage.all_given_back()
        first = await stage.world.owner.fetchval(spent, key)
        assert 25 < first - before < 32
        await stage.ask(stage.post(stage.attackers[0], document))
        await stage.all_given_back()
        assert await stage.world.owner.fetchval(spent, key) < first + 1.5
