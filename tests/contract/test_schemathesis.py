"""Generated operations against the running gateway: no status 500, no INTERNAL, no answer that breaks the schema."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import schemathesis
from graphql import GraphQLSchema, build_schema, parse, print_ast
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from accord.database.embedded import EmbeddedPostgres
from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from tests.api.gateway import Api, running
from tests.api.town import Builder, Town
from tests.contract.aim import Aim
from tests.contract.strict import faults
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs, administer, clone, drop
from tests.world import ISSUER, World, open_world

SDL = Path("schema.graphql").read_text(encoding="utf-8")
SCHEMA = build_schema(SDL)
STAFF = "staff@platform.example"
NEWCOMER = "newcomer@nowhere.example"
ACTING = ("ada", "mia", "greta", "staff", "otto", "dan", "olga")
LOOKING_ON = ("carla", "ruth", "quentin", "aud", "dora", "newcomer")
"""Host admin and owners, guest admin, staff, a member with access; others: guests without, a stranger, an auditor, a
former member, somebody unknown."""

CASES = count(test=100, check=1_000, prove=10_000)
RENEWED = 40
"""Operations after which the town is put back, so that what they ended can be met again."""

UNREAD = ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP", "PAGE_TOO_LARGE")
"""Refusals of the document: no resolver was reached."""

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
}


@dataclass
class Place:
    """A gateway in front of a copy of the town."""

    api: Api
    town: Town
    aim: Aim
    postgres: EmbeddedPostgres
    template: str

    async def renew(self) -> None:
        """Make the gateway's database as it was in the beginning."""
        for database in (self.api.gateway.database, self.api.gateway.worker_database):
            assert database is not None
            await database.close()
        name = self.api.urls.name
        await drop(self.postgres, name)
        await administer(
            self.postgres, f"CREATE DATABASE {name} OWNER accord_owner TEMPLATE {self.template} STRATEGY file_copy"
        )

    def email(self, name: str) -> str:
        return self.town.emails.get(name, {"staff": STAFF}.get(name, NEWCOMER))

    def home(self, name: str) -> str | None:
        return self.town.ids.get(self.town.home.get(name, ""))


@pytest.fixture(scope="module")
def chance() -> random.Random:
    return seeded()


@pytest.fixture(scope="module")
async def place(
    postgres: EmbeddedPostgres,
    module_database_urls: DatabaseURLs,
    tmp_path_factory: Any,
    chance: random.Random,
) -> AsyncIterator[Place]:
    template = module_database_urls
    aim = Aim(SCHEMA, chance)
    async with open_world(template) as world:
        town = await Builder(world).build()
        await put_tokens(world, town)
        await learn(world, aim, town)
    urls = await clone(postgres, template.name)
    async with running(urls, tmp_path_factory.mktemp("state"), staff=STAFF) as api:
        await bind(template, api)
        place = Place(api, town, aim, postgres, template.name)
        yield place
    await drop(postgres, urls.name)


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


def generated(number: int, start: int) -> list[tuple[str, bool]]:
    """So many documents, and of each whether the schema admits it: nine of ten do."""
    schema: Any = schemathesis.graphql.from_file(SDL)
    operations = [found.ok() for found in schema.get_all_operations()]
    modes = st.sampled_from([True] * 9 + [False])
    made: list[tuple[str, bool]] = []

    @seed(start)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data(), st.sampled_from(operations), modes)
    def collect(data: st.DataObject, operation: Any, valid: bool) -> None:
        mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
        case = data.draw(operation.as_strategy(generation_mode=mode))
        made.append((str(case.body), valid))

    collect()
    return made


async def ask(place: Place, name: str, document: str) -> tuple[int, str, Any]:
    headers = {"Authorization": f"Bearer {place.api.token(place.email(name))}"}
    answer = await place.api.client.post(f"{place.api.url}/graphql", json={"query": document}, headers=headers)
    return answer.status_code, answer.headers["content-type"], answer.json()


def cursors(value: object) -> list[str]:
    """Every cursor in an answer, to begin other pages with."""
    if isinstance(value, list):
        return [one for element in value for one in cursors(element)]
    if not isinstance(value, Mapping):
        return []
    own = [
        one for name, one in value.items() if name in {"cursor", "endCursor", "startCursor"} and isinstance(one, str)
    ]
    return own + [one for element in value.values() for one in cursors(element)]


def judged(schema: GraphQLSchema, document: str, status: int, media: str, answer: Any) -> list[str]:
    """What is wrong with the whole answer."""
    found = faults(schema, parse(document), answer)
    if status >= 500:
        found.append(f"status {status}")
    if not media.startswith("application/json"):
        found.append(f"content type {media}")
    return found


def outcome(answer: Any) -> str:
    """What became of an operation: its code, or that it was answered."""
    errors = [error["extensions"] for error in answer.get("errors") or ()]
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, Mapping):
            errors += [error for error in payload.get("errors") or () if error]
    return str(errors[0].get("code", "refused")) if errors else "answered"


async def test_generated_operations_keep_the_schema(place: Place, chance: random.Random) -> None:
    wrong: list[str] = []
    outcomes = Counter[str]()
    for number, (document, valid) in enumerate(generated(CASES, chance.randrange(2**32))):
        if number % RENEWED == 0:
            await place.renew()
        name = chance.choice(ACTING if chance.random() < 0.7 else LOOKING_ON)
        sent = print_ast(place.aim.document(parse(document), place.home(name))) if valid else document
        status, media, answer = await ask(place, name, sent)
        found = judged(SCHEMA, sent, status, media, answer)
        wrong += [f"{name}: {fault}\n{sent}" for fault in found]
        outcomes[outcome(answer)] += 1
        place.aim.cursors = (place.aim.cursors + cursors(answer))[-50:]
    sys.stdout.write(f"{dict(outcomes)}\n")
    assert not wrong, "\n\n".join(wrong[:10])
    unread = sum(outcomes[code] for code in UNREAD)
    assert unread < CASES // 3, outcomes
    assert outcomes["answered"] > CASES // 10, outcomes


async def test_it_finds_a_gateway_that_breaks(place: Place) -> None:
    """Without a column that it reads, the gateway fails inside: every such answer is found."""
    await place.renew()
    owner = await asyncpg.connect(place.api.urls.superuser)
    await owner.execute("ALTER TABLE accord.partnerships RENAME COLUMN purposes TO aims")
    await owner.close()
    document = f'{{ partnership(id: "{place.town["partnership"]}") {{ purposes }} }}'
    found = judged(SCHEMA, document, *await ask(place, "ada", document))
    assert any(fault.startswith("INTERNAL") for fault in found), found
    await place.renew()
    assert judged(SCHEMA, document, *await ask(place, "ada", document)) == []


WHOLE = """{ viewer { user { id displayName } memberships { roles delegatedAdmin createdAt organisation { name } } }
  node(id: "x") { __typename id ... on Account { label kind } } }"""
RIGHT: dict[str, Any] = {
    "data": {
        "viewer": {
            "user": {"id": "user_1", "displayName": "Ada"},
            "memberships": [
                {
                    "roles": ["ORG_ADMIN"],
                    "delegatedAdmin": False,
                    "createdAt": "2026-01-31T09:30:00Z",
                    "organisation": {"name": "Harbour"},
                }
            ],
        },
        "node": None,
    },
    "errors": [
        {
            "message": "There is nothing here that you may see.",
            "locations": [{"line": 2, "column": 3}],
            "path": ["node"],
            "extensions": {"code": "NOT_FOUND"},
        }
    ],
    "extensions": {"cost": 1},
}
MEMBERSHIP = ("data", "viewer", "memberships", 0)
BROKEN: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "null in place of a value": ((*MEMBERSHIP, "createdAt"), None),
    "null in place of an object": (("data", "viewer", "user"), None),
    "null in a list": (("data", "viewer", "memberships"), [None]),
    "no list": ((*MEMBERSHIP, "roles"), "ORG_ADMIN"),
    "a word that the enum lacks": ((*MEMBERSHIP, "roles"), ["EMPEROR"]),
    "a number for a flag": ((*MEMBERSHIP, "delegatedAdmin"), 0),
    "a time without zone": ((*MEMBERSHIP, "createdAt"), "2026-01-31T09:30:00"),
    "a number for a text": (("data", "viewer", "user", "displayName"), 7),
    "something that nobody selected": (("data", "viewer", "user"), {"id": "u", "displayName": "A", "email": "a@b"}),
    "something missing": (("data", "viewer", "user"), {"id": "user_1"}),
    "another order": (("data", "viewer", "user"), {"displayName": "Ada", "id": "user_1"}),
    "a type that there is not": (("data", "node"), {"__typename": "Ship", "id": "x"}),
    "a part of another type": (("data", "node"), {"__typename": "User", "id": "x", "label": "l", "kind": "ACCOUNT"}),
    "a part that is missing": (("data", "node"), {"__typename": "Account", "id": "x"}),
    "an error beside a value": (("data", "node"), {"__typename": "User", "id": "x"}),
    "no errors in errors": (("errors",), []),
    "an error without code": (("errors", 0, "extensions"), {}),
    "an error of ours": (("errors", 0, "extensions"), {"code": "INTERNAL"}),
    "an error without message": (("errors", 0, "message"), ""),
    "an error somewhere else": (("errors", 0, "path"), ["viewer", "users"]),
    "an error with more": (("errors", 0, "exception"), "Traceback"),
    "strange locations": (("errors", 0, "locations"), [{"line": 0, "column": 1}]),
    "an unknown entry": (("trace",), {}),
    "neither data nor errors": (("data",), None),
}


def replaced(value: Any, at: tuple[str | int, ...], by: Any) -> Any:
    if not at:
        return by
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    step: Any = at[0]
    copied[step] = replaced(copied.get(step) if isinstance(copied, dict) else copied[step], at[1:], by)
    return copied


def test_a_right_answer_has_no_faults() -> None:
    assert faults(SCHEMA, parse(WHOLE), RIGHT) == []


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_answer_is_found(name: str) -> None:
    at, by = BROKEN[name]
    answer = replaced(RIGHT, at, by)
    if name == "neither data nor errors":
        del answer["errors"]
    assert faults(SCHEMA, parse(WHOLE), answer) != []


def test_documents_are_repeatable() -> None:
    assert generated(10, 7) == generated(10, 7)
