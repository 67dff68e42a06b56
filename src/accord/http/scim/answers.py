"""Answers of the service: resources and errors as `application/scim+json`, whatever went wrong (RFC 7644, 3.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import ValidationError as Unreadable
from scim2_models import Error, PreconditionFailedException, Resource, SCIMException
from starlette.responses import Response

from accord.access.decision import Condition
from accord.database.failures import Busy, CredentialRefused, OutcomeUnknown, TimedOut
from accord.domain.callers.scim import NotUnique
from accord.domain.errors import (
    DomainError,
    Forbidden,
    InvalidState,
    LastAdmin,
    NotFound,
    RateLimited,
    ValidationError,
)
from accord.http.authentication import unauthenticated
from accord.http.responses import HttpError
from accord.http.scim.models import MEDIA_TYPE
from accord.http.scim.resources import version_of

EXPECTED: Final = (
    SCIMException,
    Unreadable,
    DomainError,
    NotUnique,
    CredentialRefused,
    Busy,
    TimedOut,
    OutcomeUnknown,
)
"""What an act may raise that has an answer of its own; everything else is the edge's last resort."""

REFUSED: Final = (SCIMException, Unreadable, DomainError, NotUnique)
"""Why a change is refused by what it says; an end of access that it says, too, is carried out nevertheless."""

BEYOND: Final = (PreconditionFailedException, NotFound)
"""Refusals of the whole request: there is nobody, or not in the version that the directory meant."""

LAST_ADMIN: Final = "The last admin (or last legal representative) stays a member: name another one first."
ACCESS_ENDED: Final = f"{LAST_ADMIN} All other access of this person has ended."


def answer(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A message of the service."""
    return Response(orjson.dumps(content), status, headers, f"{MEDIA_TYPE}; charset=utf-8")


def resource_answer(resource: Resource[Any], content: Mapping[str, Any], status: int = 200) -> Response:
    """A resource with its version, and for a new one where it is."""
    headers = {"etag": version_of(resource)}
    if resource.meta is not None and resource.meta.location:
        headers["location" if status == 201 else "content-location"] = resource.meta.location
    return answer(content, status, headers)


def changed_answer(resource: Resource[Any]) -> Response:
    """Tell that a resource has changed, its new version and where it is, without the resource."""
    headers = {"etag": version_of(resource)}
    if resource.meta is not None and resource.meta.location:
        headers["content-location"] = resource.meta.location
    return Response(status_code=204, headers=headers)


def failure(status: int, detail: str, scim_type: str | None = None) -> HttpError:
    """An error of the service; `scim_type` is one of the words of RFC 7644, 3.12."""
    return HttpError(status, scim_type or "", detail, scim_type=scim_type)


def refusal(error: BaseException) -> HttpError:
    """What a directory is told of a refused act."""
    if isinstance(error, SCIMException):
        unfit = _first(error.__cause__).detail if isinstance(error.__cause__, Unreadable) else None
        return failure(error.status, unfit or error.detail, error.scim_type)
    if isinstance(error, Unreadable):
        first = _first(error)
        return failure(int(first.status or 400), first.detail or "", first.scim_type)
    if isinstance(error, NotUnique):
        return failure(409, f"Another one of this organisation has this {error.attribute}.", "uniqueness")
    if isinstance(error, CredentialRefused):
        return unauthenticated("The token is not accepted.", ', error="invalid_token"')
    return _of_domain(error) if isinstance(error, DomainError) else _of_database(error)


def _first(error: Unreadable) -> Error:
    return Error.from_validation_errors(error)[0]


def _of_domain(error: DomainError) -> HttpError:
    if isinstance(error, NotFound):
        return failure(404, "There is nothing with this ID.")
    if isinstance(error, LastAdmin):
        return failure(409, LAST_ADMIN)
    if isinstance(error, ValidationError):
        return failure(400, f"{error.field}: {error.message}", "invalidValue")
    if isinstance(error, Forbidden):
        inactive = error.condition == Condition.ORGANISATION_INACTIVE
        return failure(403, "The organisation is suspended or closed." if inactive else error.message)
    if isinstance(error, RateLimited):
        return HttpError(429, "", error.message, headers={"retry-after": str(error.retry_after)})
    return failure(409 if isinstance(error, InvalidState) else 400, error.message)


def _of_database(error: BaseException) -> HttpError:
    if isinstance(error, Busy):
        return HttpError(503, "BUSY", "The service is busy. Please try again.", headers={"retry-after": "1"})
    if isinstance(error, OutcomeUnknown):
        return failure(504, "The change may have been made. Read before you repeat it.")
    return failure(504, "The request took too long.")


def check_version(header: str | None, version: str) -> None:
    """Does `If-Match` name the version that stands? PreconditionFailedException otherwise."""
    if header is not None and not names_version(header, version):
        raise PreconditionFailedException(detail="This has changed since you read it.")


def names_version(header: str, version: str) -> bool:
    """Is the version among those of `If-Match` or `If-None-Match`? Weak and strong ones are the same here."""
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in named or version.removeprefix("W/") in named
