"""What a failing statement says: never the values that it was given, which may be tokens and addresses."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from accord.database.tables.outbox import mails
from accord.database.tables.partnership import invitations
from tests.servers import DatabaseURLs
from tests.services.scene import Scene, set_scene
from tests.world import open_world

CANARY = "canary-6d1f0c"


@pytest.fixture
async def scene(database_urls: DatabaseURLs) -> AsyncIterator[Scene]:
    async with open_world(database_urls) as world:
        yield await set_scene(world)


async def test_no_value_is_in_an_error(scene: Scene) -> None:
    ada, now = scene["ada"], scene.world.clock.now
    mail = {
        "organisation_id": scene.host.id,
        "template": f"no such template {CANARY}",
        "address": f"{CANARY}@partner.example",
        "facts": {"reason": CANARY},
        "secret": CANARY,
        "external": False,
        "ordinal": 0,
        "created_at": now,
    }
    link = {"token_hash": CANARY, "partnership_id": scene.partnership, "email": CANARY, "expires_at": now}
    for statement in (insert(mails).inline().values(mail), insert(invitations).inline().values(link)):
        with pytest.raises(DBAPIError) as failure:
            async with scene.world.database.transaction(ada.identity, scene.host.id) as tx:
                await tx.execute(statement)
        said = "".join(traceback.format_exception(failure.value))
        assert CANARY not in said, said
