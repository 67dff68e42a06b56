"""A world, and the schema to ask about it as one of its people."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from accord.database.engine import Query, Snapshot
from accord.schema.context import Context, Support
from accord.schema.schema import EXECUTORS, build_schema
from tests.servers import DatabaseURLs
from tests.world import STAFF, Person, World, open_world

schema = build_schema(executor=EXECUTORS[os.environ.get("ACCORD_EXECUTOR", "engine")])


class NoTickets:
    """Signs nothing: no test of this folder signs in to an account."""

    def sign(self, **_: Any) -> str:
        raise AssertionError("a ticket was asked for")


class Asking:
    """Runs documents in a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def context(self, person: Person | None) -> Context:
        """What the edge would make; nobody named is the operator."""
        identity = person.identity if person else STAFF
        return Context(self.world.database, identity, Support("Support", "help@vendor.example"), NoTickets())

    async def look(self, person: Person | None, document: str, **variables: Any) -> tuple[Any, list[Any]]:
        """Data and errors as a client reads them."""
        result = await schema.execute(document, variable_values=variables, context_value=self.context(person))
        return result.data, [error.formatted for error in result.errors or []]

    async def ask(self, person: Person | None, document: str, **variables: Any) -> Any:
        """The data of an operation that is answered in full."""
        data, errors = await self.look(person, document, **variables)
        assert not errors, errors
        return data

    async def codes(self, person: Person | None, document: str, **variables: Any) -> list[str]:
        """The codes of the errors of an operation."""
        _, errors = await self.look(person, document, **variables)
        return [error["extensions"]["code"] for error in errors]


@pytest.fixture
async def world(database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(database_urls) as world:
        yield world


@pytest.fixture
def asking(world: World) -> Asking:
    return Asking(world)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of every statement that a snapshot was asked for."""
    sent: list[str] = []
    fetch = Snapshot.fetch

    async def noted(self: Snapshot, query: Query, **given: Any) -> list[Any]:
        sent.append(query.sql)
        return await fetch(self, query, **given)

    monkeypatch.setattr(Snapshot, "fetch", noted)
    return sent
