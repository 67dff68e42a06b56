"""/graphql: one operation per request, by GraphQL over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from accord.http.body import Arriving, BodyLimits, bad_request, read_object
from accord.http.documents import Documents, Prepared
from accord.http.exchange import exchange_of
from accord.http.rates import TOO_SLOW, Price, Rates, price_of
from accord.http.responses import JSON, GraphQLResponse, HttpError, accepted, is_larger, request_id, request_status
from accord.http.slots import Slot

READS: Final = frozenset({OperationType.QUERY})
READS_AND_WRITES: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
KEY_HEADER: Final = "idempotency-key"
LONGEST_KEY: Final = 255
KEY: Final = re.compile(rf"[ -~]{{1,{LONGEST_KEY}}}")
SMALL: Final = 4 * 1024
"""A body of this size is read before anything is paid, which costs less than to ask the database twice."""

READ_PER_POINT: Final = 1_024
"""Characters of an unknown document that are read for a point."""

ANSWERED_PER_POINT: Final = 64 * 1024
"""Bytes of an answer that cost a point."""

ERRORS_PER_POINT: Final = 25
"""Errors of an answer that cost a point: each is made, placed and written apart."""

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
    """The ASGI application behind /graphql. `timeout` in seconds, from the parsed body to the result; `answer_size` in
    bytes."""

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
        answer_size: int = 8 * 1024 * 1024,
        rates: Rates | None = None,
    ) -> None:
        self.schema = schema
        self.documents = documents
        self.authenticator = authenticator
        self.context = context
        self.body_limits = body_limits
        self.timeout = timeout
        self.reads_by_get = reads_by_get
        self.answer_size = answer_size
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        by_get = request.method == "GET"
        media_type = self.negotiated(request)
        identity = await self.authenticator.identify(request)
        arriving = None if by_get else Arriving(request, self.body_limits.size)
        try:
            parameters, price = await self.known(request, arriving)
            slot = await self.acquire(request, identity, price or Price())
            context = self.context(identity, acting_session(request), idempotency_key(request))
            if parameters is None:
                parameters = Parameters.read(await self.given(request, arriving))
        finally:
            if arriving is not None:
                arriving.close()
        if slot is not None and price is None:
            await self.charge(slot, parameters)
        result = await self.run(parameters, context, READS if by_get else READS_AND_WRITES, slot)
        if slot is not None:
            slot.owe(len(result.errors or ()) // ERRORS_PER_POINT)
        return self.answer(formatted(result, media_type, request_id(request)), media_type, parameters, slot)

    def negotiated(self, request: Request) -> str:
        """The media type of the answer; 405 and 406 for what can't be answered at all."""
        if request.method != "POST" and not (request.method == "GET" and self.reads_by_get):
            allow = "GET, POST" if self.reads_by_get else "POST"
            raise HttpError(405, "METHOD_NOT_ALLOWED", "Operations are sent by POST.", headers={"allow": allow})
        media_type = accepted(request.headers.get("accept"))
        if media_type is None:
            raise HttpError(406, "NOT_ACCEPTABLE", "Answers are application/json or application/graphql-response+json.")
        return media_type

    async def known(self, request: Request, arriving: Arriving | None) -> tuple[Parameters | None, Price | None]:
        """The parameters and the price of the common request, whose body is small and here and whose document is
        prepared: it takes its slot and the whole price at once. Any other waits for its slot before more is done for
        it; what is wrong with it is told then."""
        body = None if arriving is None else await arriving.at_once()
        if self.rates is None or (arriving is not None and (body is None or len(body) > SMALL)):
            return None, None
        try:
            parameters = Parameters.read(await self.given(request, arriving))
        except HttpError:
            return None, None
        prepared = self.documents.kept.get(parameters.query)
        return parameters, None if prepared is None else self.known_price(prepared, parameters)

    def known_price(self, prepared: Prepared, parameters: Parameters) -> Price | None:
        """The price of an operation that was measured before, None for any other."""
        try:
            operation = prepared.operation(parameters.operation_name)
        except GraphQLError:
            return Price()
        if prepared.document is not None and prepared.known_measure(operation, parameters.variables) is None:
            return None
        return self.price(prepared, operation, parameters)

    def price(self, prepared: Prepared, operation: OperationDefinitionNode, parameters: Parameters) -> Price:
        """What the operation will cost, also where it is going to be refused."""
        try:
            measure = self.documents.measure(prepared, operation, parameters.variables)
        except GraphQLError:
            measure = None
        return price_of(prepared, operation, measure)

    async def acquire(self, request: Request, identity: Identity, price: Price) -> Slot | None:
        """The slot of this request until its answer is written, where there are limits to how often."""
        slot = None
        if self.rates is not None:
            slot = await self.rates.acquire(identity, price)
            exchange_of(request).hold(slot, self.rates.release)
        await self.authenticator.arrive(identity)
        return slot

    async def charge(self, slot: Slot, parameters: Parameters) -> None:
        """Take the price of the document: what reading it costs before it is read, the rest before it runs."""
        if self.rates is None:
            return
        reading = 0.0 if parameters.query in self.documents.kept else len(parameters.query) / READ_PER_POINT
        if reading > slot.paid:
            await self.rates.charge(slot, Price(reading))
        prepared = await self.documents.prepared(parameters.query)
        try:
            operation = prepared.operation(parameters.operation_name)
        except GraphQLError:
            return
        price = self.price(prepared, operation, parameters)
        await self.rates.charge(slot, replace(price, points=max(price.points, reading)))

    async def given(self, request: Request, arriving: Arriving | None) -> dict[str, Any]:
        """What was sent, from the body or the address."""
        if arriving is None:
            return self.from_url(request.query_params)
        self.refuse_media_type(request)
        return read_object(await arriving.whole(), self.body_limits)

    def answer(
        self, told: tuple[dict[str, Any], int], media_type: str, parameters: Parameters, slot: Slot | None
    ) -> Response:
        """The answer to an operation that ran; raises ANSWER_TOO_LARGE. Its bytes are paid where they cost more than
        the operation did."""
        content, status = told
        if is_larger(content, self.answer_size):
            raise self.too_large(parameters, self.answer_size + 1, slot)
        response = GraphQLResponse(content, status, media_type, {"retry-after": "1"} if is_busy(content) else {})
        size = len(response.body)
        if size > self.answer_size:
            raise self.too_large(parameters, size, slot)
        if slot is not None:
            self.owe_bytes(slot, size)
            response.headers.update(slot.headers())
        return response

    def owe_bytes(self, slot: Slot, size: int) -> None:
        slot.owe(max(0.0, size / ANSWERED_PER_POINT - slot.paid))

    def too_large(self, parameters: Parameters, size: int, slot: Slot | None) -> HttpError:
        """`size` is what the answer has at least; it is paid as if it had been sent."""
        if slot is not None:
            self.owe_bytes(slot, size)
        message = "The answer is too large. Ask for smaller pages or fewer fields."
        if self.may_change(parameters):
            message = (
                "The answer is too large; the changes were made or refused nevertheless. Read before you repeat them."
            )
        return HttpError(413, "ANSWER_TOO_LARGE", message, limit=self.answer_size, actual=size)

    def refuse_media_type(self, request: Request) -> None:
        """Raises UNSUPPORTED_MEDIA_TYPE for a body that is no JSON by its headers."""
        content_type, _, rest = request.headers.get("content-type", "").partition(";")
        charset = rest.lower().replace('"', "").replace(" ", "")
        if content_type.strip().lower() != JSON or charset not in ("", "charset=utf-8", "charset=utf8"):
            raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "Operations are sent as application/json in UTF-8.")
        if "content-encoding" in request.headers:
            raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "The body must not be compressed.")

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
        self, parameters: Parameters, context: object, allowed: frozenset[OperationType], slot: Slot | None
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
            if slot is not None:
                slot.owe(TOO_SLOW)
            raise self.too_slow(parameters) from None

    def may_change(self, parameters: Parameters) -> bool:
        """Has the document a mutation?"""
        definitions = self.documents.prepare(parameters.query).definitions()
        operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
        return any(node.operation.value == "mutation" for node in operations)

    def too_slow(self, parameters: Parameters) -> HttpError:
        """A change that was cut off may have been made: the caller is not told that it failed."""
        if self.may_change(parameters):
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


def formatted(result: ExecutionResult, media_type: str, request_id: str) -> tuple[dict[str, Any], int]:
    """The content of an answer and its status."""
    errors = result.errors or []
    content: dict[str, Any] = {"extensions": {**(result.extensions or {}), "requestId": request_id}}
    if errors:
        content = {"errors": [error.formatted for error in errors], **content}
    if result.data is not None or any(error.path for error in errors):
        return {"data": result.data, **content}, 200
    return content, request_status(errors, media_type)


def is_busy(content: dict[str, Any]) -> bool:
    """Was any part of this answer refused because the service is busy?"""
    return any(error.get("extensions", {}).get("code") == "BUSY" for error in content.get("errors", ()))


def encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise bad_request("The address is not UTF-8.") from None
