"""/scim/v2: a directory's requests, each one act in the organisation of its credential (S65, S66)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from scim2_models import Context, ListResponse, Meta, ResourceType, Schema
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
from accord.http.exchange import exchange_of, recognise
from accord.http.failures import DIRECTORY, Failures, Presented, address_of
from accord.http.rates import DIRECTORY as ONE_REQUEST
from accord.http.rates import Price, Rates
from accord.http.responses import HttpError
from accord.http.scim.answers import (
    ACCESS_ENDED,
    BEYOND,
    EXPECTED,
    REFUSED,
    answer,
    changed_answer,
    check_version,
    failure,
    names_version,
    refusal,
    resource_answer,
)
from accord.http.scim.collections import GROUPS, SHOWN, USERS, Collection, Shown, found_in, with_members
from accord.http.scim.models import BASE, Group, User, described
from accord.http.scim.reading import apart, read_payload, read_query, read_search, shown_of
from accord.http.scim.resources import version_of

Result = TypeVar("Result")
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
BOTH: Final = (USERS, GROUPS)
PER_POINT: Final = 500
"""Rows that a request looks at or shows for one point more."""

BYTES_PER_POINT: Final = 64 * 1024
"""Bytes of a body for one point more."""

BYTES_PER_SECOND: Final = 256 * 1024
LONGEST: Final = 15.0
"""A change has a second more for each so many bytes of its body, and so many seconds more at most."""

FULL: Final = 100
"""People in a group up to whom the answer to a PATCH shows the group without being asked to."""


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
                async with asyncio.timeout(self.timeout) as request.state.deadline:
                    answered = await endpoints[request.method](request)
                slot.owe(getattr(request.state, "looked_at", 0) / PER_POINT)
                slot.owe(getattr(request.state, "body_size", 0) // BYTES_PER_POINT)
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
        digest = digest_of(request)
        shown, check = Presented(DIRECTORY, address_of(request), "", digest), partial(self.database.recognise, digest)
        directory = await self.failures.checked(shown, check, CredentialRefused, (CredentialOver,))
        recognise(request)
        return directory

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
        wanted = shown_of(one.kind, request.query_params)
        known = request.headers.get("if-none-match")

        def is_known(shown: Shown) -> bool:
            return known is not None and names_version(known, version_of(shown.resource))

        async def act(tx: Transaction) -> Shown:
            shown = await one.get(tx, one.key(request.path_params["id"]), self.base)
            return shown if is_known(shown) else (await with_members(tx, [shown], wanted))[0]

        shown = await self.act(request, act)
        if is_known(shown):
            return Response(status_code=304, headers={"etag": version_of(shown.resource)})
        return await self.answered(request, shown, wanted)

    async def query(self, one: Collection, request: Request) -> Response:
        search = read_query(one.kind, request.query_params)
        return await self.found(request, (one,), search)

    async def search(self, collections: Sequence[Collection], request: Request) -> Response:
        kinds: Any = collections[0].kind if len(collections) == 1 else User | Group
        search = read_search(kinds, await read_payload(request, self.limits), Context.SEARCH_REQUEST)
        return await self.found(request, collections, search)

    async def found(self, request: Request, collections: Sequence[Collection], search: Any) -> Response:
        found = await self.act(request, lambda tx: found_in(tx, collections, search, self.base))
        request.state.looked_at = found.looked_at
        return answer(await asyncio.to_thread(found.dump, search))

    async def create(self, one: Collection, request: Request) -> Response:
        payload = await self.read_change(request)
        wanted = shown_of(one.kind, request.query_params)
        said = await apart(request.state.body_size, one.created, payload)

        async def act(tx: Transaction) -> Shown:
            shown = await one.get(tx, key_of(await one.create(tx, said)), self.base)
            return (await with_members(tx, [shown], wanted))[0]

        return await self.answered(request, await self.act(request, act), wanted, 201)

    async def read_change(self, request: Request) -> Mapping[str, Any]:
        """Read what is to be changed; a large body has longer for it, but not so long that its slot is given away."""
        payload = await read_payload(request, self.limits)
        longer = min(request.state.body_size / BYTES_PER_SECOND, LONGEST)
        request.state.deadline.reschedule(request.state.deadline.when() + longer)
        return payload

    async def replace(self, one: Collection, request: Request) -> Response:
        return await self.change(one, request)

    async def patch(self, one: Collection, request: Request) -> Response:
        return await self.change(one, request)

    async def change(self, one: Collection, request: Request) -> Response:
        """Change a resource; where that is refused, do at least what of it ends an access, and answer the refusal."""
        payload, expected = await self.read_change(request), request.headers.get("if-match")
        wanted = shown_of(one.kind, request.query_params)

        edits = await apart(request.state.body_size, one.edits, payload, request.method)

        def check(row: Any) -> None:
            check_version(expected, version_of(one.show(row, self.base)))

        async def act(tx: Transaction) -> tuple[Any, Shown | HttpError]:
            key = one.key(request.path_params["id"])

            try:
                async with tx.attempt():
                    written = await one.change(tx, key, edits, check, self.base)
            except REFUSED as error:
                left = None if isinstance(error, BEYOND) else await one.leave(tx, key, edits)
                if left is None:
                    raise
                return left, refusal(error).but(one.stands)
            shown = await one.get(tx, key, self.base)
            return written, shown if is_left_out(request, shown) else (await with_members(tx, [shown], wanted))[0]

        written, shown = await self.act(request, act)
        refuse_last_admin(written)
        if isinstance(shown, HttpError):
            raise shown
        if is_left_out(request, shown):
            return changed_answer(shown.resource)
        return await self.answered(request, shown, wanted)

    async def delete(self, one: Collection, request: Request) -> Response:
        expected = request.headers.get("if-match")

        def check(row: Any) -> None:
            check_version(expected, version_of(one.show(row, self.base)))

        refuse_last_admin(await self.act(request, lambda tx: one.delete(tx, one.key(request.path_params["id"]), check)))
        return Response(status_code=204)

    async def answered(self, request: Request, shown: Shown, wanted: Any, status: int = 200) -> Response:
        request.state.looked_at = shown.rows - 1
        return resource_answer(shown.resource, await asyncio.to_thread(shown.dump, wanted), status)


def is_left_out(request: Request, shown: Shown) -> bool:
    """Is a change answered without the resource (RFC 7644, 3.5.2)? So is a PATCH of a large group that asks for no
    attributes: the answer would be the whole group for one person more."""
    asked = any(request.query_params.get(name) for name in ("attributes", "excludedAttributes"))
    return request.method == "PATCH" and shown.member_count > FULL and not asked


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
