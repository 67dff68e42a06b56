"""One mutation: its input decoded, one service call in one transaction, refusals in the payload."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, Self, TypeVar
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.failures import GONE, OutcomeUnknown
from accord.domain.errors import DomainError, NotFound, OrganisationContextMismatch, ValidationError
from accord.domain.ids import parse_id
from accord.domain.text import camel
from accord.schema.context import Info
from accord.schema.types.refusals import MutationError, refusal

LONGEST_LIST: Final = 500

KINDS: Final = {
    "organisation_id": "organisation",
    "created_for_organisation_id": "organisation",
    "partnership_id": "partnership",
    "amendment_id": "amendment",
    "customer_id": "organisation",
    "partner_id": "organisation",
    "parent_partner_id": "organisation",
    "link_id": "link",
    "host_id": "organisation",
    "session_id": "session",
    "account_id": "account",
    "share_id": "share",
    "grant_id": "grant",
    "role_group_id": "rolegroup",
    "contact_id": "contact",
    "api_client_id": "apiclient",
    "customer_ids": "organisation",
    "invoice_id": "invoice",
    "item_id": "accessitem",
    "membership_id": "membership",
    "user_id": "user",
    "user_ids": "user",
    "owner_user_id": "user",
    "member_user_ids": "user",
    "recipient_user_ids": "user",
    "terms_version_id": "terms",
    "notification_ids": "notification",
    "allowed_partners": "organisation",
    "blocked_partners": "organisation",
    "auto_approve_partners": "organisation",
}
"""What kind of thing each ID of an input names."""

Act = Callable[..., Awaitable[Any]]


class Payload(Protocol):
    """What a mutation returns: an object read after the commit, or errors."""

    def __init__(self, *, errors: list[MutationError]) -> None: ...

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        """The payload of what the service returned."""
        ...


Answer = TypeVar("Answer", bound=Payload)


async def run(info: Info, act: Act, given: Any, payload: type[Answer]) -> Answer:
    """Runs the act in the name of the organisation that the input names (S17, model 4.8).

    Lists of more than 500 items are refused before anything else, and the organisation before any other ID is looked
    at. Expected refusals are in the payload; everything else is an error of the operation.
    """
    try:
        check_lengths(given)
        result = await info.context.transact(_bound(act, given), _acting_for(given))
    except DomainError as error:
        return payload(errors=[refusal(error, info.context.support)])
    return await _read_back(info, result, payload)


async def run_as_oneself(info: Info, act: Act, given: Any, payload: type[Answer]) -> Answer:
    """As `run`, for acts on oneself and those of the operator: in no organisation's name."""
    try:
        check_lengths(given)
        result = await info.context.transact(_bound(act, given))
    except DomainError as error:
        return payload(errors=[refusal(error, info.context.support)])
    return await _read_back(info, result, payload)


async def _read_back(info: Info, result: Any, payload: type[Answer]) -> Answer:
    """What was changed, read after the commit; that it can't be read is no sign that it was not made."""
    try:
        return await payload.of(info, result)
    except GONE as error:
        raise OutcomeUnknown from error


def _bound(act: Act, given: Any) -> Callable[[Transaction], Awaitable[Any]]:
    async def bound(tx: Transaction) -> Any:
        return await act(tx, **arguments(given))

    return bound


def _acting_for(given: Any) -> UUID:
    try:
        return parse_id("organisation", given.organisation_id)
    except NotFound:
        raise OrganisationContextMismatch(given.organisation_id, None) from None


def arguments(given: Any, at: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of an input as the service takes them: IDs as UUIDs, inputs in lists as the `row` that they name."""
    return {
        field.name: _argument(field.name, getattr(given, field.name), (*at, camel(field.name)))
        for field in dataclasses.fields(given)
    }


def _argument(name: str, value: Any, at: tuple[str, ...]) -> Any:
    kind = KINDS.get(name)
    if isinstance(value, list):
        return [_element(kind, element, (*at, str(place))) for place, element in enumerate(value)]
    return value if value is None else _element(kind, value, at)


def _element(kind: str | None, value: Any, at: tuple[str, ...]) -> Any:
    if kind is not None:
        return parse_id(kind, value, at)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made: Callable[..., Any] = getattr(value, "row", dict)
        return made(**arguments(value, at))
    return value


def check_lengths(given: Any, at: tuple[str, ...] = ()) -> None:
    """No list of an input is longer than 500; ValidationError otherwise."""
    for field in dataclasses.fields(given):
        value = getattr(given, field.name)
        if not isinstance(value, list):
            continue
        if len(value) > LONGEST_LIST:
            raise ValidationError(camel(field.name), f"At most {LONGEST_LIST} items, these are {len(value)}.")
        for element in value:
            if dataclasses.is_dataclass(element):
                check_lengths(element, at)
