"""Copies of one keyed mutation at once: one effect, and the same answer to all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.services.retry import Retry
from tests.api.gateway import Api, running
from tests.retries.copies import CREATE, GENEROUS, create, effects, named, send
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import PLATFORM_STAFF, Person, World, open_world

TRIALS: Final = count(test=5, check=30, prove=1_000)
COPIES: Final = 32


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway with generous limits, and somebody who signs in by its development issuer."""

    api: Api
    world: World
    person: Person
    client: httpx2.AsyncClient

    @property
    def token(self) -> str:
        return self.api.token(self.person.email)

    async def copies(self, label: str, key: str) -> list[Any]:
        """The answers to as many copies sent at once."""
        return await self.all_at_once(CREATE, named(self.person, label), key)

    async def all_at_once(self, document: str, given: dict[str, Any], key: str) -> list[Any]:
        sent = (send(self.client, self.api.url, self.token, document, given, key) for _ in range(COPIES))
        return await asyncio.gather(*sent)


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs, tmp_path_factory: Any) -> AsyncIterator[Stage]:
    urls = module_database_urls
    folder: Path = tmp_path_factory.mktemp("state")
    async with open_world(urls) as world, running(urls, folder, staff=PLATFORM_STAFF, **GENEROUS) as api:
        person = await world.person(await world.organisation(), Role.ORG_ADMIN)
        assert api.gateway.development is not None
        await world.owner.execute(
            "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
            api.gateway.development.name,
            person.email,
            person.id,
        )
        async with httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=COPIES)) as client:
            yield Stage(api, world, person, client)


async def test_one_effect_and_one_answer(stage: Stage) -> None:
    for trial in range(TRIALS):
        label = f"Books {trial}"
        answers = await stage.copies(label, str(uuid4()))
        assert answers[0]["data"]["createAccount"]["account"]["label"] == label, answers[0]
        assert all(answer["data"] == answers[0]["data"] for answer in answers)
        assert not any("errors" in answer for answer in answers)
        assert await effects(stage.world.owner, label) == (1, 1)


async def test_copies_that_ask_for_other_things_share_no_key(stage: Stage) -> None:
    key = str(uuid4())
    given = [named(stage.person, f"Either {number % 2}") for number in range(COPIES)]
    answers = await asyncio.gather(*(create(stage.client, stage.api.url, stage.token, one, key) for one in given))
    done = [one for one in answers if one["data"]["createAccount"] is not None]
    refused = [one["errors"][0]["extensions"]["code"] for one in answers if one["data"]["createAccount"] is None]
    assert (len(done), refused) == (COPIES // 2, ["IDEMPOTENCY_KEY_REUSED"] * (COPIES // 2))
    assert sorted([await effects(stage.world.owner, f"Either {number}") for number in range(2)]) == [(0, 0), (1, 1)]


RENAME: Final = """
mutation Rename($input: UpdateMemberInput!) {
  updateMember(input: $input) { membership { displayName version } errors { code } }
}
"""


async def test_copies_of_what_changes_its_author_wait_for_no_one_that_waits(stage: Stage) -> None:
    """The turn is taken before the author's membership is held: otherwise each copy would keep the first from it."""
    own = {
        "organisationId": global_id("organisation", stage.person.organisation.id),
        "membershipId": global_id("membership", stage.person.membership_id),
    }
    for trial in range(count(test=2, check=20)):
        name = f"Somebody {trial}"
        answers = await stage.all_at_once(RENAME, own | {"displayName": name}, str(uuid4()))
        assert answers[0]["data"]["updateMember"]["membership"]["displayName"] == name, answers[0]
        assert all(answer["data"] == answers[0]["data"] for answer in answers)
        told = "SELECT count(*) FROM accord.activity_events WHERE type = 'member.updated'"
        assert await stage.world.owner.fetchval(told) == trial + 1


async def test_without_the_turn_there_are_many(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: nobody waits for anybody."""

    async def act(self: Retry, tx: Any, act: Any) -> Any:
        return await act(tx)

    async def take_turn(self: Retry, raw: Any, now: Any) -> None:
        return None

    monkeypatch.setattr(Retry, "take_turn", take_turn)
    monkeypatch.setattr(Retry, "act", act)
    answers = await stage.copies("Many", str(uuid4()))
    assert await effects(stage.world.owner, "Many") == (COPIES, COPIES)
    assert any(answer["data"] != answers[0]["data"] for answer in answers)
