"""One keyed mutation and its copies, over plain HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import httpx2

from accord.domain.ids import global_id
from tests.world import Person

GENEROUS: Final[Mapping[str, Any]] = {
    "in_flight_of_person": 200,
    "in_flight_of_organisation": 200,
    "points_per_minute": 10_000_000,
    "points_per_hour": 100_000_000,
    "pool_wait": 30.0,
    "lock_timeout": 30.0,
    "statement_timeout": 60.0,
    "idle_timeout": 60.0,
    "request_timeout": 120.0,
}
"""Limits of a gateway that has to do what the limits are there to stop."""

CREATE: Final = """
mutation Create($input: CreateAccountInput!) {
  createAccount(input: $input) {
    account { id version label viewerRole owners { displayName } } errors { code message }
  }
}
"""


def named(person: Person, label: str) -> dict[str, Any]:
    """The input of a new account."""
    own = global_id("organisation", person.organisation.id)
    return {"organisationId": own, "app": "Ledger", "label": label, "launchUrl": "https://ledger.example/"}


async def send(
    client: httpx2.AsyncClient, url: str, token: str, document: str, given: Mapping[str, Any], key: str
) -> Any:
    """The whole answer to one mutation under a key."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    body = {"query": document, "variables": {"input": dict(given)}}
    return (await client.post(f"{url}/graphql", json=body, headers=headers)).json()


async def create(client: httpx2.AsyncClient, url: str, token: str, given: Mapping[str, Any], key: str) -> Any:
    """The whole answer to one copy of a new account."""
    return await send(client, url, token, CREATE, given, key)


async def effects(owner: asyncpg.Connection[asyncpg.Record], label: str) -> tuple[int, int]:
    """How many accounts of this label there are, and how many events say that one was made."""
    accounts = await owner.fetchval("SELECT count(*) FROM accord.accounts WHERE label = $1", label)
    told = "SELECT count(*) FROM accord.activity_events WHERE type = 'account.created' AND account_label = $1"
    return accounts, await owner.fetchval(told, label)
