"""The connection to PostgreSQL lost during COMMIT, and callers that go: never "failed" where it may have been made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from accord.database import engine
from tests.api.gateway import Api, running
from tests.proxy import Proxy, everything, proxying
from tests.retries.copies import CREATE, create, effects, named
from tests.scale import count
from tests.servers import DatabaseURLs
from tests.world import PLATFORM_STAFF, Person, World, open_world

CUTS: Final = count(test=3, check=50)
COMMIT: Final = b"COMMIT;\x00"
AT_COMMIT: Final = """
CREATE FUNCTION accord.at_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN PERFORM {does}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON accord.accounts DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION accord.at_commit();
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway whose database is behind a proxy, and somebody who signs in."""

    api: Api
    world: World
    proxy: Proxy
    person: Person
    client: httpx2.AsyncClient

    async def create(self, label: str, key: str) -> Any:
        token = self.api.token(self.person.email)
        return await create(self.client, self.api.url, token, named(self.person, label), key)

    @asynccontextmanager
    async def at_commit(self, does: str) -> AsyncIterator[None]:
        """Let PostgreSQL do something in the COMMIT of whoever makes an account."""
        await self.world.owner.execute(AT_COMMIT.format(does=does))
        try:
            yield
        finally:
            await self.world.owner.execute(
                "DROP TRIGGER at_commit ON accord.accounts; DROP FUNCTION accord.at_commit()"
            )


@pytest.fixture
async def stage(database_urls: DatabaseURLs, tmp_path: Path) -> AsyncIterator[Stage]:
    port = urlsplit(database_urls.gateway).port
    assert port is not None
    async with open_world(database_urls) as world, proxying(port) as proxy:
        behind = replace(database_urls, gateway=database_urls.gateway.replace(f":{port}/", f":{proxy.listens}/"))
        limits = {"in_flight_of_person": 100, "points_per_minute": 100_000, "points_per_hour": 100_000}
        async with running(
            behind, tmp_path, staff=PLATFORM_STAFF, request_timeout=2.0, lock_timeout=0.3, **limits
        ) as api:
            person = await world.person(await world.organisation())
            assert api.gateway.development is not None
            await world.owner.execute(
                "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
                api.gateway.development.name,
                person.email,
                person.id,
            )
            await api.post(person.email, "{ supportContact { name } }")
            yield Stage(api, world, proxy, person, api.client)


def cut_at_commit(proxy: Proxy, *, before: bool) -> None:
    """Lose the next COMMIT, or the answer to it."""

    async def back(_: bytes) -> bool:
        proxy.back = everything
        return False

    async def forth(data: bytes) -> bool:
        if COMMIT not in data:
            return True
        proxy.forth = everything
        if not before:
            proxy.back = back
        return not before

    proxy.forth = forth


def code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


@pytest.mark.parametrize("before", [True, False], ids=["lost", "unanswered"])
async def test_a_commit_that_is_cut(stage: Stage, before: bool) -> None:
    for number in range(CUTS):
        label, key = f"Cut {number}", str(uuid4())
        cut_at_commit(stage.proxy, before=before)
        assert code(await stage.create(label, key)) == "OUTCOME_UNKNOWN"
        made = 0 if before else 1
        assert await effects(stage.world.owner, label) == (made, made)
        answer = await stage.create(label, key)
        assert answer["data"]["createAccount"]["account"]["label"] == label, answer
        assert await effects(stage.world.owner, label) == (1, 1)
    assert not (await stage.world.verify()).faults


async def test_a_backend_that_is_ended_while_committing(stage: Stage) -> None:
    key = str(uuid4())
    async with stage.at_commit("pg_terminate_backend(pg_backend_pid())"):
        assert code(await stage.create("Ended", key)) == "OUTCOME_UNKNOWN"
    assert await effects(stage.world.owner, "Ended") == (0, 0)
    assert (await stage.create("Ended", key))["data"]["createAccount"]["account"]
    assert await effects(stage.world.owner, "Ended") == (1, 1)


async def test_a_commit_is_finished_when_the_time_for_the_answer_is_over(stage: Stage) -> None:
    key = str(uuid4())
    async with stage.at_commit("pg_sleep(2.5)"):
        assert code(await stage.create("Slow", key)) == "OUTCOME_UNKNOWN"
        assert await effects(stage.world.owner, "Slow") == (1, 1)
    assert (await stage.create("Slow", key))["data"]["createAccount"]["account"]["label"] == "Slow"
    assert await effects(stage.world.owner, "Slow") == (1, 1)


async def test_a_commit_that_nothing_shields_is_lost(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""

    async def commit(work: Any) -> None:
        await work.commit()

    monkeypatch.setattr(engine, "commit", commit)
    async with stage.at_commit("pg_sleep(2.5)"):
        assert code(await stage.create("Slow", str(uuid4()))) == "OUTCOME_UNKNOWN"
    assert await effects(stage.world.owner, "Slow") == (0, 0)


async def test_a_client_that_goes_changes_nothing(stage: Stage) -> None:
    """Whatever it had sent is done, once, and the same key tells what came of it."""
    key = str(uuid4())
    body = httpx2.Request(
        "POST",
        f"{stage.api.url}/graphql",
        headers={"Authorization": f"Bearer {stage.api.token(stage.person.email)}", "Idempotency-Key": key},
        json={"query": CREATE, "variables": {"input": named(stage.person, "Gone")}},
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in body.headers.items())
    address = urlsplit(stage.api.url)
    async with stage.at_commit("pg_sleep(0.3)"):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + body.read())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while await effects(stage.world.owner, "Gone") != (1, 1):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    assert (await stage.create("Gone", key))["data"]["createAccount"]["account"]["label"] == "Gone"
    assert await effects(stage.world.owner, "Gone") == (1, 1)


async def test_a_copy_that_waits_too_long_is_told_to_come_back(stage: Stage) -> None:
    key = str(uuid4())
    async with stage.at_commit("pg_sleep(0.7)"):
        answers = await asyncio.gather(stage.create("Twin", key), stage.create("Twin", key))
    (busy,) = (answer for answer in answers if "errors" in answer)
    assert code(busy) == "BUSY"
    (done,) = (answer for answer in answers if "errors" not in answer)
    assert (await stage.create("Twin", key))["data"] == done["data"]
    assert await effects(stage.world.owner, "Twin") == (1, 1)
