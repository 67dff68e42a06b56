"""The product's own schema over the demo world, as several of its people: the engine beside the stock executor."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import pytest
from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    print_schema,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from accord.access.principal import Client, Identity
from accord.database.embedded import EmbeddedPostgres
from accord.database.engine import Database
from accord.demo import load_world
from accord.schema.context import Context, Support
from accord.schema.operation import Operation, StockOperation
from accord.schema.schema import build_schema
from tests.execution.comparing import differences, out_of_order
from tests.scale import SCALE, count
from tests.schema.conftest import NoTickets
from tests.servers import DatabaseURLs, clone, drop

ISSUER: Final = "https://demo.example/issuer"
NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS: Final = {
    "organisation": "organisations",
    "partnership": "partnerships",
    "account": "accounts",
    "share": "shares",
    "grant": "grants",
    "membership": "memberships",
    "user": "users",
    "amendment": "amendments",
    "contact": "contacts",
    "invoice": "invoices",
    "event": "activity_events",
    "rolegroup": "role_groups",
}
"""The tables that ids of the corpus are taken from; the kind is what their global ids begin with."""

OURS, STOCK = build_schema(executor=Operation), build_schema(executor=StockOperation)
CORE: GraphQLSchema = OURS._schema


@dataclass
class Demo:
    """The loaded world: who asks, and what there is to ask about."""

    urls: DatabaseURLs
    database: Database
    people: dict[str, Identity] = field(default_factory=dict)
    everybody: list[Identity] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)

    def context(self, who: str) -> Context:
        return Context(self.database, self.people[who], Support("Support", "help@vendor.example"), NoTickets())

    def some(self) -> list[str]:
        """Who asks at this scale."""
        return list(self.people)[: count(test=2, check=2, prove=5)]

    async def differences(self, who: str, document: str, given: dict[str, Any] | None = None) -> list[str]:
        ours = await OURS.execute(document, variable_values=given, context_value=self.context(who))
        stock = await STOCK.execute(document, variable_values=given, context_value=self.context(who))
        return differences(ours, stock) + out_of_order(ours)


def identify(subject: str, *, operator: bool = False) -> Identity:
    client = Client("192.0.2.7", "Mozilla/5.0", "")
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    return Identity(ISSUER, subject, subject, True, subject, True, f"token of {subject}", expires, client, operator)


@pytest.fixture(scope="module")
async def demo(module_database_urls: DatabaseURLs) -> AsyncIterator[Demo]:
    urls = module_database_urls
    await load_world(urls.gateway, urls.worker, ISSUER, NOW)
    demo = Demo(urls, Database(urls.gateway, clock=lambda: NOW))
    owner = await asyncpg.connect(urls.superuser)
    try:
        await _meet(owner, demo)
    finally:
        await owner.close()
    yield demo
    await demo.database.close()


async def _meet(owner: asyncpg.Connection[asyncpg.Record], demo: Demo) -> None:
    subjects = await owner.fetch(
        "SELECT subject, (SELECT count(*) FROM accord.partnerships p JOIN accord.memberships m"
        " ON m.organisation_id IN (p.host_id, p.guest_id) WHERE m.user_id = i.user_id) AS reach"
        " FROM accord.identities i ORDER BY reach DESC, subject"
    )
    names = [row["subject"] for row in subjects]
    chosen = dict(
        zip(("busiest", "second", "middle", "last"), (*names[:2], names[len(names) // 2], names[-1]), strict=True)
    )
    demo.people = {name: identify(subject) for name, subject in chosen.items()}
    demo.everybody = [identify(name) for name in names]
    demo.people["operator"] = identify("staff@platform.example", operator=True)
    for kind, table in KINDS.items():
        if await owner.fetchval("SELECT to_regclass($1)", f"accord.{table}"):
            rows = await owner.fetch(f"SELECT id FROM accord.{table} ORDER BY id LIMIT 12")
            demo.ids[kind] = [f"{kind}_{row['id']}" for row in rows]


def selection(type: GraphQLObjectType, depth: int) -> str:
    """All fields of the type that need no argument, and theirs, down to `depth`."""
    parts = []
    for name, known in type.fields.items():
        if any(isinstance(argument.type, GraphQLNonNull) for argument in known.args.values()):
            continue
        named = get_named_type(known.type)
        if is_leaf_type(named):
            parts.append(name)
        elif depth and isinstance(named, GraphQLObjectType):
            deeper = depth if named.name.endswith(("Connection", "Edge")) else depth - 1
            parts.append(f"{name} {{ {selection(named, deeper) or '__typename'} }}")
    return " ".join(parts) if parts else "__typename"


def object_types() -> Iterator[GraphQLObjectType]:
    node = CORE.type_map["Node"]
    for type in CORE.type_map.values():
        if isinstance(type, GraphQLObjectType) and node in type.interfaces:
            yield type


VIEWER: Final = CORE.type_map["Viewer"]
BY_HAND: Final = tuple(
    """
{ __typename }

{ supportContact { name email url } currentTerms { id code version } }

{ viewer { user { id displayName email } organisation { id name } memberships { roles organisation { name } } } }

{ viewer { organisation { partnerships(first: 50) { totalCount edges { cursor node {
  id state viewerCan hiddenShareCount owner { displayName } guest { name }
  shares(first: 20) { totalCount edges { node {
    state account { label badge viewerRole viewerCan owners { displayName } }
    grants { edges { node { role user { displayName email } } } }
  } } }
  members { edges { node { isRepresentative user { displayName } grants { edges { node { id } } } } } }
} } } } } }

{ viewer { organisation { partnerships(first: 3) {
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor }
} } } }

{ viewer { organisation { partnerships(last: 2) { pageInfo { hasPreviousPage } edges { node { id } } } } } }

{ viewer { organisation { partnerships(first: 2, last: 2) { totalCount } } } }

{ viewer { organisation { partnerships(first: 500) { totalCount } accounts(first: -1) { totalCount } } } }

{ viewer { organisation { partnerships(after: "nonsense") { totalCount } } } }

{ viewer { organisation { activity(first: 20) { edges { node { __typename id } } } } } }

{ node(id: "organisation_00000000-0000-7000-8000-000000000000") { id } }

{ a: organisation(id: "nonsense") { id } b: partnership(id: "nonsense") { id } viewer { user { id } } }

{ organisations(first: 5) { totalCount edges { node { id handle partnersEnabled members { totalCount } } } } }

query ($skip: Boolean = true) { viewer { user @skip(if: $skip) { id } ...V } }
fragment V on Viewer { user { displayName } organisation { ...O } homeOrganisation { ...O } }
fragment O on Organisation { id name }

{ __schema { types { name fields { name args { name } } } } }
""".strip().split("\n\n")
)


def test_the_corpus_of_the_product_is_large() -> None:
    per_field = sum(len(type.fields) for type in object_types())
    assert per_field + len(BY_HAND) >= 200


@pytest.mark.parametrize("document", BY_HAND, ids=range(len(BY_HAND)))
async def test_documents_by_hand(demo: Demo, document: str) -> None:
    for who in demo.some():
        assert await demo.differences(who, document) == [], who


@pytest.mark.parametrize("type", list(object_types()), ids=str)
async def test_every_field_of_every_node(demo: Demo, type: GraphQLObjectType) -> None:
    """Each field that needs no argument of each type with an id; one document for a type, one for a field at scale."""
    ids = [id for known in demo.ids.values() for id in known[: count(test=1, check=2, prove=12)]]
    fields = [selection(type, 1)]
    if SCALE != "test":
        fields += _alone(type)
    for who in demo.some():
        for fields_asked in fields:
            document = (
                f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {type.name} {{ {fields_asked} }} }} }}"
            )
            assert await demo.differences(who, document, {"ids": ids[:100]}) == [], who


def _alone(type: GraphQLObjectType) -> Iterator[str]:
    for name, known in type.fields.items():
        if not any(isinstance(argument.type, GraphQLNonNull) for argument in known.args.values()):
            named = get_named_type(known.type)
            yield name if is_leaf_type(named) else f"{name} {{ __typename {_leaves(named)} }}"


def _leaves(type: Any) -> str:
    return selection(type, 0) if isinstance(type, GraphQLObjectType) else ""


async def test_the_whole_viewer(demo: Demo) -> None:
    assert isinstance(VIEWER, GraphQLObjectType)
    for who in demo.some():
        document = f"{{ viewer {{ {selection(VIEWER, count(test=1, check=1, prove=2))} }} }}"
        assert await demo.differences(who, document) == [], who


SCALARS: Final = {
    "DateTime": st.just(nodes.String("2026-01-31T09:30:00Z")),
    "Date": st.just(nodes.String("2026-01-31")),
    "Duration": st.just(nodes.String("P30D")),
    "BigInt": st.integers(0, 99).map(nodes.Int),
    "JSON": st.just(nodes.Int(1)),
}


@settings(
    max_examples=count(test=25, check=100, prove=2_000),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    document=queries(print_schema(CORE), custom_scalars=SCALARS, allow_x00=False),
    who=st.sampled_from(("busiest", "second", "middle", "last", "operator")),
    picked=st.randoms(use_true_random=False),
)
async def test_generated_queries(demo: Demo, document: str, who: str, picked: Any) -> None:
    """IDs that were made up are exchanged for those of things that exist, or most answers were NOT_FOUND."""
    known = [id for ids in demo.ids.values() for id in ids]
    asked = re.sub(r'(\b\w*(?:id|Id)): "(?:[^"\\]|\\.)*"', lambda met: f'{met[1]}: "{picked.choice(known)}"', document)
    assert await demo.differences(who, asked) == []


async def test_mutations_are_made_once_in_series_with_the_same_answers(postgres: EmbeddedPostgres, demo: Demo) -> None:
    """The same document on two copies of the world: the later mutation of a document sees the earlier one's change."""
    actor, documents = await _acts(demo)
    await demo.database.close()
    for document in documents:
        answers = []
        for schema in (OURS, STOCK):
            urls = await clone(postgres, demo.urls.name)
            database = Database(urls.gateway, clock=lambda: NOW)
            context = Context(database, actor, Support("S", "s@v.example"), NoTickets())
            answers.append(await schema.execute(document, context_value=context))
            await database.close()
            await drop(postgres, urls.name)
        ours, stock = answers
        assert differences(ours, stock) == []
        assert ours.data is not None


async def _acts(demo: Demo) -> tuple[Identity, list[str]]:
    """Somebody who may hold a partnership, and documents of several acts on it."""
    asked = "{ viewer { organisation { id partnerships(first: 50) { edges { node { id version viewerCan } } } } } }"
    for actor in demo.everybody:
        context = Context(demo.database, actor, Support("S", "s@v.example"), NoTickets())
        viewer = ((await OURS.execute(asked, context_value=context)).data or {}).get("viewer")
        organisation: Any = (viewer or {}).get("organisation")
        for edge in organisation["partnerships"]["edges"] if organisation else []:
            if {"SUSPEND", "REMOVE"} <= set(edge["node"]["viewerCan"]):
                return actor, _documents(organisation["id"], edge["node"])
    raise LookupError("nobody may hold a partnership")


def _documents(organisation: str, one: dict[str, Any]) -> list[str]:
    given = f'organisationId: "{organisation}", partnershipId: "{one["id"]}", expectedVersion: '
    read = "{ partnership { state version viewerCan suspendedBy guest { name } } errors { __typename message } }"
    suspend = f'suspendPartnership(input: {{{given} {one["version"]}, reason: "A question"}}) {read}'
    resume = f"resumePartnership(input: {{{given} {one['version'] + 1}}}) {read}"
    remove = f"removePartner(input: {{{given} {one['version']}}}) {{ errors {{ __typename message }} }}"
    return [f"mutation {{ a: {suspend} b: {suspend} c: {resume} }}", f"mutation {{ a: {remove} b: {suspend} }}"]
