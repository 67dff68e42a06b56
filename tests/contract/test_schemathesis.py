"""Generated operations against the running gateway: no status 500, no INTERNAL, no answer that breaks the schema."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import pytest
import schemathesis
from graphql import GraphQLSchema, build_schema, parse, print_ast
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.contract.place import SCHEMA, SDL, Place, open_place
from tests.contract.strict import faults
from tests.randomness import seeded
from tests.scale import count
from tests.servers import DatabaseURLs

ACTING = ("ada", "mia", "greta", "staff", "otto", "dan", "olga")
LOOKING_ON = ("carla", "ruth", "quentin", "aud", "dora", "newcomer")
"""Host admin and owners, guest admin, staff, a member with access; others: guests without, a stranger, an auditor, a
former member, somebody unknown."""

CASES = count(test=100, check=1_000, prove=10_000)
RENEWED = 40
"""Operations after which the town is put back, so that what they ended can be met again."""

UNREAD = ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP", "PAGE_TOO_LARGE")
"""Refusals of the document: no resolver was reached."""


@pytest.fixture(scope="module")
def chance() -> random.Random:
    return seeded()


@pytest.fixture(scope="module")
async def place(
    module_database_urls: DatabaseURLs, tmp_path_factory: Any, chance: random.Random
) -> AsyncIterator[Place]:
    async with open_place(module_database_urls, tmp_path_factory.mktemp("state"), chance) as place:
        yield place


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
    assert outcomes["answered"] > CASES // 25, outcomes


async def test_it_finds_a_gateway_that_breaks(place: Place) -> None:
    """Without a column that it reads, the gateway fails inside: every such answer is found."""
    await place.renew()
    document = f'{{ partnership(id: "{place.town["partnership"]}") {{ purposes }} }}'
    owner = await asyncpg.connect(place.api.urls.superuser)
    try:
        await owner.execute("ALTER TABLE accord.partnerships RENAME COLUMN purposes TO aims")
        found = judged(SCHEMA, document, *await ask(place, "ada", document))
        await owner.execute("ALTER TABLE accord.partnerships RENAME COLUMN aims TO purposes")
    finally:
        await owner.close()
    assert any(fault.startswith("INTERNAL") for fault in found), found
    assert judged(SCHEMA, document, *await ask(place, "ada", document)) == []


SMALL = build_schema("""
  type Query { viewer: Viewer  node(id: ID!): Node }
  type Viewer { user: User!  memberships: [Membership!]! }
  type Membership { roles: [Role!]!  delegatedAdmin: Boolean!  createdAt: DateTime!  organisation: Organisation! }
  interface Node { id: ID! }
  type User implements Node { id: ID!  displayName: String!  email: String }
  type Account implements Node { id: ID!  label: String!  kind: Kind! }
  type Organisation { name: String! }
  enum Role { ORG_ADMIN MEMBER }
  enum Kind { ACCOUNT }
  scalar DateTime
""")
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
    assert faults(SMALL, parse(WHOLE), RIGHT) == []


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_answer_is_found(name: str) -> None:
    at, by = BROKEN[name]
    answer = replaced(RIGHT, at, by)
    if name == "neither data nor errors":
        del answer["errors"]
    assert faults(SMALL, parse(WHOLE), answer) != []


def test_documents_are_repeatable() -> None:
    assert generated(10, 7) == generated(10, 7)
