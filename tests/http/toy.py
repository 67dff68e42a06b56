"""A small schema behind the real edge: what the edge does must not depend on the product's fields."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import strawberry
from graphql import GraphQLError
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.routing import Route

from accord.access.principal import Identity
from accord.http.authentication import Authenticator
from accord.http.body import BodyLimits
from accord.http.documents import Admission, Documents
from accord.http.edge import edge
from accord.http.graphql import GraphQLEndpoint
from accord.http.identity.issuers import Issuer
from accord.http.identity.keys import FixedKeys
from accord.http.identity.tokens import TokenChecker, TrustedIssuer
from accord.http.limits import Limits
from accord.schema.errors import Masked, log_unexpected

ISSUER = "https://issuer.example"
AUDIENCE = "accord"
SECRET = "canary-3f9c"


@strawberry.type
class Thing:
    name: str = "thing"

    @strawberry.field
    def friend(self) -> Thing:
        return Thing()

    @strawberry.field
    def things(self, first: int | None = None, after: str | None = None) -> ThingConnection:
        return ThingConnection(edges=[ThingEdge(node=Thing(), cursor="1")])

    @strawberry.field
    def parts(self) -> list[Thing]:
        return []


@strawberry.type
class ThingEdge:
    cursor: str
    node: Thing


@strawberry.type
class ThingConnection:
    edges: list[ThingEdge]


@strawberry.type
class Query:
    thing: Thing = strawberry.field(resolver=Thing)

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Thing]:
        return [Thing() for _ in ids]

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(f"connect failed, password={SECRET}")

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    def viewer(self, info: strawberry.Info[dict[str, Identity], None]) -> str:
        return info.context["identity"].subject


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def wait(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: object = None) -> None:
        log_unexpected(errors)


class Toy:
    """The schema, one issuer with its key, and an application for them."""

    def __init__(
        self, *, introspection: bool = True, reads_by_get: bool = True, timeout: float = 5.0, **given: Any
    ) -> None:
        self.key = ECKey.generate_key("P-256")
        self.key = ECKey.import_key({**self.key.as_dict(private=True), "kid": "one", "use": "sig"})
        issuer = Issuer(ISSUER, AUDIENCE, ("ES256",))
        trusted = {ISSUER: TrustedIssuer(issuer, FixedKeys(KeySet([self.key])))}
        self.documents: Documents
        schema = Schema(Query, Mutation, extensions=[Masked, lambda: Admission(self.documents)])
        self.documents = Documents(schema._schema, Limits(), introspection)
        self.endpoint = GraphQLEndpoint(
            schema,
            self.documents,
            Authenticator(TokenChecker(trusted)),
            lambda identity, session, key: {"identity": identity, "session": session},
            body_limits=BodyLimits(),
            timeout=timeout,
            reads_by_get=reads_by_get,
        )
        self.app = edge([Route("/graphql", self.endpoint)], **given)

    def token(self, lives: timedelta = timedelta(hours=1), header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        stated = {"iss": ISSUER, "aud": AUDIENCE, "sub": "person", "exp": now + int(lives.total_seconds()), **claims}
        kept = {name: value for name, value in stated.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "one", **(header or {})}, kept, self.key, algorithms=["ES256"])
