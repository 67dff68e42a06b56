"""Every mutation, over HTTP: allowed, forbidden role, other tenant, wrong state, repeated.

A refusal has its code and leaves every table as it was. A case that a mutation cannot have says why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import build_ast_schema, parse

from accord.domain.organisation import token_hash
from tests.api.cases import (
    KINDS,
    Cases,
    Impossible,
    Refused,
    Same,
    acting,
    amendment,
    api_client,
    contact,
    delegation,
    host_data,
    invitation,
    level,
    organisation,
    partnership,
    scim,
    sharing,
)
from tests.api.gateway import Api, digest, running
from tests.api.town import Builder, Town
from tests.kept import Kept, keeping
from tests.servers import DatabaseURLs
from tests.world import ISSUER, open_world

NOUNS = (
    partnership,
    amendment,
    invitation,
    delegation,
    contact,
    sharing,
    organisation,
    level,
    acting,
    api_client,
    host_data,
    scim,
)
CASES: list[Cases] = [cases for noun in NOUNS for cases in noun.CASES]
NEWCOMER = "newcomer@nowhere.example"
STAFF = "staff@platform.example"
TOKEN = "a link that only this test knows"


class Place:
    """The town, a gateway on a copy of it, and a way to put the copy back."""

    def __init__(self, town: Town, api: Api, kept: Kept) -> None:
        self.town = town
        self.api = api
        self._kept = kept
        self.touched = True

    async def renew(self) -> None:
        """Make the gateway's database as it was in the beginning, unless nobody has changed it since."""
        if self.touched:
            self.touched = False
            await self._kept.restore()

    async def call(self, cases: Cases, by: str, given: Any, key: str | None = None) -> Any:
        """One call of the mutation by somebody of the town."""
        self.touched = True
        email = self.town.emails.get(by, {"newcomer": NEWCOMER, "staff": STAFF}.get(by, by))
        return await self.api.mutate(email, cases.mutation, cases.shows, given(self.town), key=key)


@pytest.fixture(scope="module")
async def place(module_database_urls: DatabaseURLs, tmp_path_factory: Any) -> Any:
    """One town and one gateway for all cases."""
    urls = module_database_urls
    async with open_world(urls) as world:
        town = await Builder(world).build()
        await _secrets(world.owner, town)
    async with running(urls, tmp_path_factory.mktemp("state"), staff=STAFF) as api:
        assert api.gateway.development is not None
        await _bind(urls, api.gateway.development.name)
        async with keeping(urls) as kept:
            await _arrive(api, town)
            yield Place(town, api, kept)


async def _secrets(owner: Any, town: Town) -> None:
    """What only mails and notices know."""
    membership = town["ivan_membership"].partition("_")[2]
    await owner.execute(
        "UPDATE accord.memberships SET token_hash = $2, email = $3 WHERE id = $1::text::uuid",
        membership,
        token_hash(TOKEN),
        NEWCOMER,
    )
    mia = town["mia"].partition("_")[2]
    notice = await owner.fetchval(
        "SELECT id FROM accord.notifications WHERE user_id = $1::text::uuid ORDER BY id LIMIT 1", mia
    )
    town.ids |= {"ivan_token": TOKEN, "mia_notice": f"notification_{notice}"}


async def _bind(urls: DatabaseURLs, issuer: str) -> None:
    """The town's people sign in by the gateway's development issuer."""
    owner = await asyncpg.connect(urls.superuser)
    await owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id)"
        " SELECT $1, subject, user_id FROM accord.identities WHERE issuer = $2",
        issuer,
        ISSUER,
    )
    await owner.close()


async def _arrive(api: Api, town: Town) -> None:
    """Everybody's token is used once, so that no case meets the event of a first sign-in."""
    for email in (*town.emails.values(), NEWCOMER, STAFF):
        await api.post(email, "{ supportContact { name } }")


@pytest.fixture
async def fresh(place: Place) -> Place:
    await place.renew()
    return place


def named(cases: Cases) -> str:
    return cases.mutation


def code_of(answer: Any, cases: Cases, *, item: bool) -> str | None:
    """The code of the refusal: at the field, in the payload, or in the result of the only item."""
    payload = (answer.get("data") or {}).get(cases.mutation)
    if payload is None:
        return str(answer["errors"][0]["extensions"]["code"])
    if payload["errors"]:
        return str(payload["errors"][0]["code"])
    return str(payload["results"][0]["error"]["code"]) if item and payload["results"][0]["error"] else None


def assert_refused(answer: Any, cases: Cases, case: Refused, town: Town) -> None:
    """The refusal has its code, and tells of something read only those who said which version they had read."""
    assert code_of(answer, cases, item=case.item) == case.code, answer
    has_read = "expectedVersion" in json.dumps(case.given(town), default=repr)
    assert has_read or "you read" not in json.dumps(answer), answer


@pytest.mark.parametrize("cases", CASES, ids=named)
async def test_allowed(fresh: Place, cases: Cases) -> None:
    answer = await fresh.call(cases, cases.by, cases.given)
    assert "errors" not in answer, answer
    payload = answer["data"][cases.mutation]
    assert payload["errors"] == []
    assert cases.expected(fresh.town, payload), payload


@pytest.mark.parametrize("kind", ["forbidden", "foreign", "wrong_state"])
@pytest.mark.parametrize("cases", CASES, ids=named)
async def test_refused(fresh: Place, cases: Cases, kind: str) -> None:
    case = getattr(cases, kind)
    if isinstance(case, Impossible):
        assert case.why
        return
    before = await digest(fresh.api.urls)
    answer = await fresh.call(cases, case.by, case.given)
    assert_refused(answer, cases, case, fresh.town)
    assert await digest(fresh.api.urls) == before
    fresh.touched = False


@pytest.mark.parametrize("cases", CASES, ids=named)
async def test_repeated(fresh: Place, cases: Cases) -> None:
    first = await fresh.call(cases, cases.by, cases.given)
    assert "errors" not in first, first
    case = cases.repeated
    if isinstance(case, Impossible):
        assert case.why
        return
    if isinstance(case, Same):
        again = await fresh.call(cases, cases.by, cases.given)
        assert "errors" not in again, again
        assert again["data"][cases.mutation]["errors"] == []
        return
    before = await digest(fresh.api.urls)
    answer = await fresh.call(cases, case.by, case.given)
    assert_refused(answer, cases, case, fresh.town)
    assert await digest(fresh.api.urls) == before


def test_every_mutation_has_its_cases() -> None:
    root = build_ast_schema(parse(Path("schema.graphql").read_text(encoding="utf-8"))).mutation_type
    assert root is not None
    assert sorted(cases.mutation for cases in CASES) == sorted(root.fields)
    for cases in CASES:
        assert all(isinstance(getattr(cases, kind), Refused | Impossible | Same) for kind in KINDS)
