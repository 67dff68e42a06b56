"""The town behind a running gateway, put back as often as wanted, and what is real in it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from graphql import build_schema

from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from tests.api.gateway import Api, running
from tests.api.town import Builder, Town
from tests.contract.aim import Aim
from tests.kept import Kept, keeping
from tests.servers import DatabaseURLs
from tests.world import ISSUER, World, open_world

SDL = Path("schema.graphql").read_text(encoding="utf-8")
SCHEMA = build_schema(SDL)
STAFF = "staff@platform.example"
NEWCOMER = "newcomer@nowhere.example"

TOKENS = ("a link into the host", "a link to an invitation")
KINDS = {
    "partnerships": "partnership",
    "attempts": "attempt",
    "accounts": "account",
    "shares": "share",
    "grants": "grant",
    "access_items": "accessitem",
    "memberships": "membership",
    "users": "user",
    "organisations": "organisation",
    "activity_events": "event",
    "notifications": "notification",
    "terms_versions": "terms",
    "external_contacts": "contact",
}


@dataclass
class Place:
    """A gateway in front of the town."""

    api: Api
    town: Town
    aim: Aim
    kept: Kept

    async def renew(self) -> None:
        """Make the gateway's database as it was in the beginning."""
        await self.kept.restore()

    def email(self, name: str) -> str:
        return self.town.emails.get(name, {"staff": STAFF}.get(name, NEWCOMER))

    def home(self, name: str) -> str | None:
        return self.town.ids.get(self.town.home.get(name, ""))


@asynccontextmanager
async def open_place(urls: DatabaseURLs, state: Path, chance: random.Random) -> AsyncIterator[Place]:
    """A town, and a gateway in front of it."""
    aim = Aim(SCHEMA, chance)
    async with open_world(urls) as world:
        town = await Builder(world).build()
        await put_tokens(world, town)
        await learn(world, aim, town)
    async with running(urls, state, staff=STAFF) as api:
        await bind(urls, api)
        async with keeping(urls) as kept:
            yield Place(api, town, aim, kept)


async def put_tokens(world: World, town: Town) -> None:
    """What only mails know: the link of a member's invitation, and that of a partnership's."""
    membership, partnership = (town[name].partition("_")[2] for name in ("ivan_membership", "approved"))
    first, second = map(token_hash, TOKENS)
    await world.owner.execute(
        "UPDATE accord.memberships SET token_hash = $2 WHERE id = $1::text::uuid", membership, first
    )
    await world.owner.execute(
        "UPDATE accord.invitations SET token_hash = $2 WHERE partnership_id = $1::text::uuid", partnership, second
    )


async def learn(world: World, aim: Aim, town: Town) -> None:
    for table, kind in KINDS.items():
        rows = await world.owner.fetch(f"SELECT id FROM accord.{table} ORDER BY id")
        aim.learn([global_id(kind, row["id"]) for row in rows])
    aim.handles = [*town.handles.values(), "no-such-handle"]
    aim.tokens = [*TOKENS, "no such token"]
    aim.words = ["ledger", "desk", "greta", "people", "arbour", "100%", "a_b"]


async def bind(template: DatabaseURLs, api: Api) -> None:
    """The town's people sign in by the gateway's development issuer."""
    assert api.gateway.development is not None
    owner = await asyncpg.connect(template.superuser)
    await owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id)"
        " SELECT $1, subject, user_id FROM accord.identities WHERE issuer = $2",
        api.gateway.development.name,
        ISSUER,
    )
    await owner.close()
