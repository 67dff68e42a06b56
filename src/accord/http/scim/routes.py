"""/scim/v2: a directory's requests, each one act in the organisation of its credential (S65, S66)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from scim2_models import Context, ListResponse, Meta, Resource, ResourceType, Schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accord.access.principal import Client, Identity
from accord.database.engine import Database, Transaction
from accord.database.failures import CredentialOver, CredentialRefused
from accord.domain.errors import NotFound
from accord.domain.organisation import token_hash
from accord.http.authentication import bearer
from accord.http.body import BodyLimits
from accord.http.exchange import exchange_of
from accord.http.failures import DIRECTORY, Failures, Shown, address_of
from accord.http.rates import DIRECTORY as ONE_REQUEST
from accord.http.rates import Price, Rates
from accord.http.scim.answers import (
    ACCESS_ENDED,
    EXPECTED,
    answer,
    check_version,
    failure,
    names_version,
    refusal,
    resource_answer,
)
from accord.http.scim.collections import GROUPS, SHOWN, USERS, Collection, Found, found_in
from accord.http.scim.models import BASE, POLICY, Group, User, described
from accord.http.scim.reading import read_patch, read_payload, read_query, read_resource, read_search, shown_of
from accord.http.scim.resources import version_of

Result = TypeVar("Result")
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
BOTH: Final = (USERS, GROUPS)


class ScimRoutes:
    """`url` is where the gateway is reached, `client` says where a request came from; `timeout` in seconds."""

    def __init__(
        self,
        database: Database,
        client: Callable[[Request], Client],
        url: str,
        *,
        rates: Rates,
        failures: Failures,
        limits: BodyLimits,
        timeout: float,
    ) -> None:
        self.database = database
        self.client = client
        self.base = f"{url}{BASE}"
        self.rates = rates
        self.failures = failures
        self.limits = limits
        self.timeout = timeout
        self.service = described(self.base)

    def routes(self) -> list[Route]:
        listed = [
            self.at("/ServiceProviderConfig", GET=self.config),
            self.at("/Schemas", GET=partial(self.discover, Schema)),
            self.at("/Schemas/{id}", GET=partial(self.discover_one, Schema)),
            self.at("/ResourceTypes", GET=partial(self.discover, ResourceType)),
            self.at("/ResourceTypes/{id}", GET=partial(self.discover_one, ResourceType)),
            self.at("/.search", POST=partial(self.search, BOTH)),
        ]
        for path, one in (("/Users", USERS), ("/Groups", GROUPS)):
            listed += [
                self.at(path, GET=partial(self.query, one), POST=partial(self.create, one)),
                self.at(f"{path}/.search", POST=partial(self.search, (one,))),
                self.at(
                    f"{path}/{{id}}",
                    GET=partial(self.get, one),
                    PUT=partial(self.replace, one),
                    PATCH=partial(self.patch, one),
                    DELETE=partial(self.delete, one),
                ),
            ]
        return listed

    def at(self, path: str, **endpoints: Endpoint) -> Route:
        """One path with what answers each of its methods."""

        async def dispatch(request: Request) -> Response:
            try:
                directory = await self.recognised(request)
                slot = await self.rates.acquire(directory, Price(ONE_REQUEST))
                exchange_of(request).hold(slot, self.rates.release)
                async with asyncio.timeout(self.timeout):
                    answered = await endpoints[request.method](request)
            except EXPECTED as error:
                raise refusal(error) from None
            except TimeoutError as error:
                raise refusal(error) from None
            answered.headers.update(slot.headers())
            return answered

        route = Route(f"{BASE}{path}", dispatch, methods=[*endpoints])
        route.methods = set(endpoints)
        return route

    async def recognised(self, request: Request) -> Identity:
        """Return the directory whose credential was sent; an unknown one counts as a failure of its address."""
        shown, check = Shown(DIRECTORY, address_of(request)), partial(self.database.recognise, digest_of(request))
        return await self.failures.checked(shown, check, CredentialRefused, (CredentialOver,))

    async def act(self, request: Request, act: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Do this as the directory whose credential was sent; 401 for any other."""
        return await self.database.provision(digest_of(request), self.client(request), act)

    async def config(self, request: Request) -> Response:
        discovering(request)
        return answer(self.placed("ServiceProviderConfig", self.service.config).model_dump(scim_ctx=SHOWN))

    async def discover(self, kind: type[Any], request: Request) -> Response:
        discovering(request)
        listed = self.published(kind)
        response = ListResponse[kind](total_results=len(listed), start_index=1, items_per_page=len(listed))  # type: ignore[valid-type]
        response.resources = listed
        return answer(response.model_dump(scim_ctx=SHOWN))

    async def discover_one(self, kind: type[Any], request: Request) -> Response:
        discovering(request)
        wanted = request.path_params["id"]
        found = [one for one in self.published(kind) if one.id == wanted]
        if not found:
            raise NotFound
        return answer(found[0].model_dump(scim_ctx=SHOWN))

    def published(self, kind: type[Any]) -> list[Any]:
        """What the service publishes of this kind."""
        return [
            self.placed(f"{kind.__name__}s/{one.id}", one)
            for one in (self.service.schemas if kind is Schema else self.service.resource_types)
        ]

    def placed(self, path: str, resource: Any) -> Any:
        """The resource with the place where it is."""
        from_here: dict[str, Any] = {"resource_type": type(resource).__name__, "location": f"{self.base}/{path}"}
        return resource.model_copy(update={"meta": Meta(**from_here)})

    async def get(self, one: Collection, request: Request) -> Response:
        shown = shown_of(one.kind, request.query_params)
        resource = await self.act(request, lambda tx: one.get(tx, one.key(request.path_params["id"]), self.base))
        known = request.headers.get("if-none-match")
        if known is not None and names_version(known, version_of(resource)):
            return Response(status_code=304, headers={"etag": version_of(resource)})
        return resource_answer(resource, resource.model_dump(scim_ctx=SHOWN, response_parameters=shown))

    async def query(self, one: Collection, request: Request) -> Response:
        async def act(tx: Transaction) -> tuple[Found, Any]:
            search = read_query(one.kind, request.query_params)
            return await found_in(tx, (one,), search, self.base), search

        return self.listing(one.kind, *await self.act(request, act))

    async def search(self, collections: Sequence[Collection], request: Request) -> Response:
        kinds: Any = collections[0].kind if len(collections) == 1 else User | Group
        payload = await read_payload(request, self.limits)

        async def act(tx: Transaction) -> tuple[Found, Any]:
            search = read_search(kinds, payload, Context.SEARCH_REQUEST)
            return await found_in(tx, collections, search, self.base), search

        return self.listing(kinds, *await self.act(request, act))

    def listing(self, kinds: Any, found: Found, search: Any) -> Response:
        size = len(found.resources)
        response = ListResponse[kinds](total_results=found.total, start_index=found.first, items_per_page=size)
        response.resources = found.resources
        return answer(response.model_dump(scim_ctx=SHOWN, response_parameters=search))

    async def create(self, one: Collection, request: Request) -> Response:
        payload = await read_payload(request, self.limits)

        async def act(tx: Transaction) -> Any:
            wanted = read_resource(one.kind, payload, Context.RESOURCE_CREATION_REQUEST)
            return await one.get(tx, key_of(await one.create(tx, one.said(wanted))), self.base)

        resource = await self.act(request, act)
        return resource_answer(resource, self.dumped(one, resource, request), 201)

    async def replace(self, one: Collection, request: Request) -> Response:
        payload = await read_payload(request, self.limits)

        def wanted(standing: Any) -> Any:
            replacement = read_resource(one.kind, payload, Context.RESOURCE_REPLACEMENT_REQUEST)
            replacement.replace(standing)
            return replacement

        return await self.change(one, request, wanted)

    async def patch(self, one: Collection, request: Request) -> Response:
        payload = await read_payload(request, self.limits)

        def wanted(standing: Any) -> Any:
            read_patch(one.kind, payload).patch(standing, scim_policy=POLICY)
            return standing

        return await self.change(one, request, wanted)

    async def change(self, one: Collection, request: Request, wanted: Callable[[Any], Any]) -> Response:
        expected = request.headers.get("if-match")

        def edit(row: Any) -> Any:
            standing = one.show(row, self.base)
            check_version(expected, version_of(standing))
            return one.said(wanted(standing))

        async def act(tx: Transaction) -> tuple[Any, Any]:
            written = await one.change(tx, one.key(request.path_params["id"]), edit)
            return written, await one.get(tx, key_of(written), self.base)

        written, resource = await self.act(request, act)
        refuse_last_admin(written)
        return resource_answer(resource, self.dumped(one, resource, request))

    async def delete(self, one: Collection, request: Request) -> Response:
        expected = request.headers.get("if-match")

        def check(row: Any) -> None:
            check_version(expected, version_of(one.show(row, self.base)))

        refuse_last_admin(await self.act(request, lambda tx: one.delete(tx, one.key(request.path_params["id"]), check)))
        return Response(status_code=204)

    def dumped(self, one: Collection, resource: Resource[Any], request: Request) -> dict[str, Any]:
        shown = shown_of(one.kind, request.query_params)
        return resource.model_dump(scim_ctx=SHOWN, response_parameters=shown)


def key_of(written: Any) -> UUID:
    """The key of what an act wrote."""
    return written if isinstance(written, UUID) else written.id


def refuse_last_admin(written: Any) -> None:
    """The refusal that comes after something was done: the access has ended, the membership stays (4.10)."""
    if getattr(written, "last_admin", False):
        raise failure(409, ACCESS_ENDED)


def digest_of(request: Request) -> str:
    """The hash of the secret that was sent."""
    return token_hash(bearer(request.headers.getlist("authorization")).decode("latin-1"))


def discovering(request: Request) -> None:
    """The description is the same for every directory of ours."""
    if "filter" in request.query_params:
        raise failure(403, "The description is not filtered.")
