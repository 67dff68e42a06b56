"""P4: the SQL statements of one operation, at pages of several sizes, counted where they leave the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from graphql import FieldNode, GraphQLObjectType, TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, visit
from sqlalchemy import event
from strawberry.extensions import ParserCache, ValidationCache

from accord.access.principal import Client, Identity
from accord.database.engine import Database
from accord.domain.ids import global_id
from accord.schema.context import Context, Support
from accord.schema.schema import build_schema
from tests.performance import peers
from tests.performance.dataset import ISSUER_OF_ALL, STARTED
from tests.schema.conftest import NoTickets
from tests.servers import DatabaseURLs

PAGES: Final = (1, 5, 20)
MORE: Final = 3
"""What an operation may send beside one statement for each link."""

DOCUMENTS: Final[Mapping[str, str]] = {
    "partners": """query Partners($id: ID!, $first: Int!) { organisation(id: $id) {
      id partnerships(side: HOST, first: $first) { edges { node {
        id guest { name } shares(first: $first) { edges { node {
          id account { id label } grants { id user { id displayName } }
    } } } } } } } }""",
    "activity": """query Activity($id: ID!, $first: Int!) { organisation(id: $id) {
      id activity(first: $first) { edges { node {
        id type user { id displayName } account { id label } partnership { id state }
    } } } } }""",
}


class Links(Visitor):
    """Counts the fields of a document that lead from one thing to others; the wrappers of a connection lead nowhere."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.count = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        kind, name = self.info.get_type(), node.name.value
        composite = kind is not None and isinstance(get_named_type(kind), GraphQLObjectType)
        self.count += composite and name not in {"edges", "node", "pageInfo"}


def links(schema: Any, document: str) -> int:
    info = TypeInfo(schema)
    found = Links(info)
    visit(parse(document), TypeInfoVisitor(info, found))
    return found.count


async def statements(urls: DatabaseURLs) -> str:
    """A table: statements by document and page size beside what they may be."""
    asker = await peers.first_asker(urls)
    identity = Identity(ISSUER_OF_ALL, asker.subject, None, False, None, False, "", STARTED, Client())
    schema = build_schema((ParserCache, ValidationCache))
    sent: list[str] = []
    database = Database(urls.gateway, pool_size=1)

    def listen(connection: Any, _: Any) -> None:
        driver: asyncpg.Connection[Any] = connection.driver_connection
        driver.add_query_logger(lambda logged: sent.append(logged.query))

    event.listen(database.engine.sync_engine, "connect", listen)
    sizes = " | ".join(f"page of {size}" for size in PAGES)
    lines = [f"| P4: statements | links | at most | {sizes} |", "|---" * (3 + len(PAGES)) + "|"]
    try:
        for name, document in DOCUMENTS.items():
            counts = []
            for first in (1, *PAGES):
                context = Context(database, identity, Support("S", "s@v.example"), NoTickets())
                given = {"id": global_id("organisation", asker.organisation_id), "first": first}
                sent.clear()
                result = await schema.execute(document, variable_values=given, context_value=context)
                assert not result.errors, result.errors
                counts.append(len([one for one in sent if "typeinfo" not in one]))
            number = links(schema._schema, document)
            counted = " | ".join(map(str, counts[1:]))
            lines.append(f"| {name} | {number} | {number + MORE} | {counted} |")
    finally:
        await database.close()
    return "\n".join(lines) + "\n"
