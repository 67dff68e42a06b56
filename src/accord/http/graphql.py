"""/graphql: one operation per request, by GraphQL over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLError, OperationDefinitionNode
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from accord.access.principal import Identity
from accord.http.acting import acting_session
from accord.http.authentication import Authenticator
from accord.http.body import BodyLimits, bad_request, read_body, read_object
from accord.http.documents import Documents
from accord.http.rates import TOO_SLOW, Place, Price, Rates, price_of
from accord.http.responses import JSON, GraphQLResponse, HttpError, accepted, request_id, request_status

READS: Final = frozenset({OperationType.QUERY})
READS_AND_WRITES: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
KEY_HEADER: Final = "idempotency-key"
LONGEST_KEY: Final = 255
KEY: Final = re.compile(rf"[ -~]{{1,{LONGEST_KEY}}}")
PARAMETERS: Final = ("query", "operationName", "variables", "extensions")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a caller wants to run."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]

    @classmethod
    def read(cls, given: dict[str, Any]) -> Parameters:
        """Raises BAD_REQUEST for a missing query and for values of another type."""
        query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
        if not isinstance(query, str) or not query:
            raise bad_request("`query` must be a string with a document.")
        if not isinstance(name, str | None):
            raise bad_request("`operationName` must be a string.")
        if not isinstance(variables, dict | None):
            raise bad_request("`variables` must be an object.")
        if not isinstance(given.get("extensions"), dict | None):
            raise bad_request("`extensions` must be an object.")
        return cls(query, name, variables or {})


class GraphQLEndpoint:
    """The ASGI application behind /graphql. `timeout` in seconds, from the parsed body to the result."""

    def __init__(
        self,
        schema: Schema,
        documents: Documents,
        authenticator: Authenticator,
        context: Callable[[Identity, UUID | None, str | None], object],
        *,
        body_limits: BodyLimits,
        timeout: float,
        reads_by_get: bool,
        rates: Rates | None = None,
    ) -> None:
        self.schema = schema
        self.documents = documents
        self.authenticator = authenticator
        self.context = context
        self.body_limits = body_limits
        self.timeout = timeout
        self.reads_by_get = reads_by_get
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        by_get = request.method == "GET"
        if request.method != "POST" and not (by_get and self.reads_by_get):
            allow = "GET, POST" if self.reads_by_get else "POST"
            raise HttpError(405, "METHOD_NOT_ALLOWED", "Operations are sent by POST.", headers={"allow": allow})
        media_type = accepted(request.headers.get("accept"))
        if media_type is None:
            raise HttpError(406, "NOT_ACCEPTABLE", "Answers are application/json or application/graphql-response+json.")
        identity = await self.authenticator.identify(request)
        context = self.context(identity, acting_session(request), idempotency_key(request))
        given = self.from_url(request.query_params) if by_get else await self.from_body(request)
        parameters = Parameters.read(given)
        async with self.admitted(identity, parameters) as place:
            result = await self.run(parameters, context, READS if by_get else READS_AND_WRITES, place)
        response = answer(result, media_type, request_id(request))
        if place is not None:
            response.headers.update(place.headers())
        return response

    @asynccontextmanager
    async def admitted(self, identity: Identity, parameters: Parameters) -> AsyncIterator[Place | None]:
        """Around one request of this person, where there are limits to how often."""
        if self.rates is None:
            yield None
            return
        async with self.rates.admitted(identity, await self.price(parameters)) as place:
            yield place

    async def price(self, parameters: Parameters) -> Price:
        """What the operation will cost, also where it is going to be refused."""
        prepared = await self.documents.prepared(parameters.query)
        try:
            operation = prepared.operation(parameters.operation_name)
        except GraphQLError:
            return Price()
        try:
            measure = self.documents.measure(prepared, operation, parameters.variables)
        except GraphQLError:
            measure = None
        return price_of(prepared, operation, measure)

    async def from_body(self, request: Request) -> dict[str, Any]:
        content_type, _, rest = request.headers.get("content-type", "").partition(";")
        charset = rest.lower().replace('"', "").replace(" ", "")
        if content_type.strip().lower() != JSON or charset not in ("", "charset=utf-8", "charset=utf8"):
            raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "Operations are sent as application/json in UTF-8.")
        if "content-encoding" in request.headers:
            raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "The body must not be compressed.")
        return read_object(await read_body(request, self.body_limits.size), self.body_limits)

    def from_url(self, query: QueryParams) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name in PARAMETERS:
            values = query.getlist(name)
            if len(values) > 1:
                raise bad_request(f"`{name}` is given more than once.")
            if values and values[0]:
                value = values[0]
                is_json = name in ("variables", "extensions")
                given[name] = read_object(encoded(value), self.body_limits) if is_json else value
        return given

    async def run(
        self, parameters: Parameters, context: object, allowed: frozenset[OperationType], place: Place | None
    ) -> ExecutionResult:
        deadline = asyncio.timeout(self.timeout)
        try:
            async with deadline:
                await self.documents.prepared(parameters.query)
                return await self.schema.execute(
                    parameters.query,
                    variable_values=parameters.variables,
                    context_value=context,
                    operation_name=parameters.operation_name,
                    allowed_operation_types=allowed,
                )
        except InvalidOperationTypeError:
            raise HttpError(405, "METHOD_NOT_ALLOWED", "Changes are sent by POST.", headers={"allow": "POST"}) from None
        except TimeoutError:
            if not deadline.expired():
                raise
            if place is not None:
                place.charge(TOO_SLOW)
            raise self.too_slow(parameters) from None

    def too_slow(self, parameters: Parameters) -> HttpError:
        """A change that was cut off may have been made: the caller is not told that it failed."""
        definitions = self.documents.prepare(parameters.query).definitions()
        operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
        if any(node.operation.value == "mutation" for node in operations):
            return HttpError(
                504, "OUTCOME_UNKNOWN", "The change took too long; it may have been made. Read before you repeat it."
            )
        return HttpError(504, "TIMEOUT", "The operation took too long.", limit=self.timeout)


def idempotency_key(request: Request) -> str | None:
    """The key that makes a retry safe, None without one; 400 for several, and for what is no printable ASCII."""
    named = request.headers.getlist(KEY_HEADER)
    if not named:
        return None
    if len(named) > 1 or not KEY.fullmatch(named[0]):
        message = f"`Idempotency-Key` is given once, as 1 to {LONGEST_KEY} printable ASCII characters."
        raise HttpError(400, "IDEMPOTENCY_KEY_INVALID", message)
    return named[0]


def answer(result: ExecutionResult, media_type: str, request_id: str) -> Response:
    errors = result.errors or []
    content: dict[str, Any] = {"extensions": {**(result.extensions or {}), "requestId": request_id}}
    if errors:
        content = {"errors": [error.formatted for error in errors], **content}
    if result.data is not None or any(error.path for error in errors):
        return GraphQLResponse({"data": result.data, **content}, 200, media_type)
    status = request_status(errors, media_type)
    headers = {"retry-after": "1"} if status == 503 else {}
    return GraphQLResponse(content, status, media_type, headers)


def encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise bad_request("The address is not UTF-8.") from None
