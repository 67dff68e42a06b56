"""An operation holds at most one connection, its admission, its key and the end of both included."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

from tests.api.gateway import running
from tests.retries.copies import create, effects, named
from tests.servers import DatabaseURLs
from tests.world import PLATFORM_STAFF, open_world


async def test_a_pool_of_one_is_enough(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    limits = {"pool_size": 1, "pool_wait": 20.0, "request_timeout": 60.0}
    async with (
        open_world(database_urls) as world,
        running(database_urls, tmp_path, staff=PLATFORM_STAFF, **limits) as api,
    ):
        person = await world.person(await world.organisation())
        assert api.gateway.development is not None
        await world.owner.execute(
            "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
            api.gateway.development.name,
            person.email,
            person.id,
        )
        token, key = api.token(person.email), str(uuid4())
        copies = (create(api.client, api.url, token, named(person, "One"), key) for _ in range(6))
        reads = (api.post(person.email, "{ viewer { user { displayName } } }") for _ in range(3))
        *answers, _, _, _ = await asyncio.gather(*copies, *reads)
        assert all(answer == {**answers[0], "extensions": answer["extensions"]} for answer in answers)
        assert "errors" not in answers[0]
        assert await effects(world.owner, "One") == (1, 1)
