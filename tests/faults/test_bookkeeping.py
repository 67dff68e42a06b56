"""What nobody asked for is no outcome of a request: a commit of ours that is lost on the way is BUSY, not unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from sqlalchemy.ext.asyncio import AsyncTransaction

from accord.access.principal import Client
from accord.database import engine
from accord.database.engine import Database, Lost, OutcomeUnknown, Transaction
from accord.domain.organisation import Role, token_hash
from accord.http.identity.arrivals import Arrivals
from accord.http.responses import HttpError
from tests.servers import DatabaseURLs
from tests.world import World, open_world

SECRET: Final = "of a directory"


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as made:
        yield made


@pytest.fixture
async def database(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database whose connection is lost in every commit."""

    async def lost(_: AsyncTransaction) -> None:
        raise ConnectionResetError

    opened = Database(world.urls.gateway, clock=world.clock)
    monkeypatch.setattr(engine, "commit", lost)
    yield opened
    await opened.close()


async def test_a_sign_in_that_may_have_been_noted_is_busy(world: World, database: Database) -> None:
    person = await world.person(await world.organisation())
    with pytest.raises(HttpError) as refused:
        await Arrivals(database).note(person.identity)
    assert (refused.value.code, refused.value.headers) == ("BUSY", {"retry-after": "1"})


async def test_a_directory_that_was_only_recognised_is_busy(world: World, database: Database) -> None:
    """The control beside it: what a directory changes may have been made."""
    host = await world.organisation()
    admin = await world.person(host, Role.ORG_ADMIN)
    await world.owner.execute(
        "INSERT INTO accord.scim_credentials (organisation_id, label, token_hash, created_by, created_at,"
        " expires_at) VALUES ($1, 'Directory', $2, $3, now(), now() + interval '1 day')",
        host.id,
        token_hash(SECRET),
        admin.id,
    )

    async def nothing(_: Transaction) -> None:
        return None

    with pytest.raises(Lost):
        await database.recognise(token_hash(SECRET))
    with pytest.raises(OutcomeUnknown):
        await database.provision(token_hash(SECRET), Client(), nothing)
