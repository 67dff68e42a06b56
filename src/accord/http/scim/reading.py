"""What a directory sends: bodies as resources and patches, and the parameters of a search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from scim2_models import (
    Context,
    InvalidSyntaxException,
    InvalidValueException,
    PatchOp,
    Resource,
    ResponseParameters,
    SearchRequest,
)
from starlette.datastructures import QueryParams
from starlette.requests import Request

from accord.http.body import AT_ONCE, BodyLimits, read_body, read_object, read_slowly
from accord.http.responses import JSON
from accord.http.scim.answers import failure
from accord.http.scim.models import MEDIA_TYPE, POLICY

Kind = TypeVar("Kind", bound=Resource[Any])
Result = TypeVar("Result")
ASKED: Final = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
LONGEST_FILTER: Final = 2_000
KEPT: Final = frozenset({"schemas", "externalid", "username", "name", "displayname", "active", "emails", "members"})
"""What is kept of a resource, in lower case: the rest is ignored unread, however much of it there is."""

VALUES: Final = 20
"""Addresses of one person."""


async def read_payload(request: Request, limits: BodyLimits) -> Mapping[str, Any]:
    """The JSON object that was sent; 415 for another media type."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (MEDIA_TYPE, JSON) or "content-encoding" in request.headers:
        raise failure(415, f"Send {MEDIA_TYPE}, not compressed.")
    body = await read_body(request, limits.size)
    request.state.body_size = len(body)
    return await apart(len(body), read_slowly if len(body) > AT_ONCE else read_object, body, limits)


async def apart(size: int, work: Callable[..., Result], *given: Any) -> Result:
    """Do something with a body of this size: in a thread of its own where it is so large that others would wait."""
    return await asyncio.to_thread(work, *given) if size > AT_ONCE else work(*given)


def read_resource(kind: type[Kind], payload: Mapping[str, Any], context: Context) -> Kind:
    """A whole resource, with what a directory may leave out of a user filled in."""
    given = {name: value for name, value in payload.items() if name.lower() in KEPT}
    return kind.model_validate(
        filled(given) if kind.__name__ == "User" else given, scim_ctx=context, scim_policy=POLICY
    )


def without(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object without one of its members, whose name is compared in any case."""
    return {key: value for key, value in payload.items() if key.lower() != name}


def refuse_many(value: Any) -> None:
    """Raise InvalidValueException for more values than an attribute has, before anything looks at each of them."""
    if isinstance(value, list) and len(value) > VALUES:
        raise InvalidValueException(detail=f"At most {VALUES} values, these are {len(value)}.")


def read_patch(kind: type[Kind], payload: Mapping[str, Any]) -> PatchOp[Any]:
    """The operations of a PATCH, names in any case."""
    patch: PatchOp[Any] = PatchOp[kind].model_validate(  # type: ignore[valid-type]
        payload, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
    )
    return patch


def filled(given: Mapping[str, Any]) -> dict[str, Any]:
    """A user with `displayName` and `emails`, from what else was sent, where one is missing."""
    names = {name.lower(): name for name in given}
    said = {name: given[names[name]] for name in names}
    full = dict(given)
    user_name = said.get("username")
    if not said.get("displayname"):
        full[names.get("displayname", "displayName")] = _called(said.get("name")) or user_name
    if not said.get("emails") and isinstance(user_name, str) and "@" in user_name:
        full[names.get("emails", "emails")] = [{"value": user_name, "type": "work", "primary": True}]
    return full


def _called(name: Any) -> str | None:
    """How somebody is called whose name came in parts."""
    if not isinstance(name, Mapping):
        return None
    parts = {str(key).lower(): value for key, value in name.items() if isinstance(value, str) and value.strip()}
    both = " ".join(parts[key] for key in ("givenname", "familyname") if key in parts)
    return parts.get("formatted") or both or None


def read_query(kinds: Any, query: QueryParams) -> SearchRequest[Any]:
    """The search that the parameters of a GET ask for; a parameter that is none of SCIM's is not looked at."""
    given = {}
    for name in ASKED:
        values = query.getlist(name)
        if len(values) > 1:
            raise InvalidSyntaxException(detail=f"{name} is given more than once.")
        if values and values[0]:
            given[name] = values[0]
    return read_search(kinds, given)


def read_search(kinds: Any, given: Mapping[str, Any], context: Context = Context.DEFAULT) -> SearchRequest[Any]:
    """A search among these kinds of resources."""
    for name, value in given.items():
        if len(value if isinstance(value, str | list) else "") > LONGEST_FILTER:
            raise failure(400, f"{name} has at most {LONGEST_FILTER} characters.", "invalidFilter")
    search: SearchRequest[Any] = SearchRequest[kinds].model_validate(given, scim_ctx=context, scim_policy=POLICY)
    return search


def shown_of(kind: type[Kind], query: QueryParams) -> ResponseParameters[Any]:
    """Which attributes the answer has."""
    given = {name: query[name] for name in ASKED[-2:] if query.get(name)}
    parameters: ResponseParameters[Any] = ResponseParameters[kind].model_validate(given)  # type: ignore[valid-type]
    return parameters
