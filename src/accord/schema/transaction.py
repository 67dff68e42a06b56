"""One mutation: its input decoded, one service call in one transaction, refusals in the payload."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol, Self, TypeVar, get_type_hints
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.failures import GONE, OutcomeUnknown
from accord.domain.callers.retry import Attempt, KeyReused, OutcomeUnreadable, hash_of
from accord.domain.errors import DomainError, NotFound, OrganisationContextMismatch, ValidationError
from accord.domain.ids import parse_id
from accord.domain.text import camel
from accord.schema.context import Info
from accord.schema.errors import IdempotencyKeyReused
from accord.schema.types.refusals import MutationError, refusal
from accord.services.retry import Retry, actor_of

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
    "claim_id": "invitationclaim",
    "api_client_id": "apiclient",
    "customer_ids": "organisation",
    "invoice_id": "invoice",
    "scim_credential_id": "scimcredential",
    "scim_group_id": "scimgroup",
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
        result = await _transact(info, act, given, _acting_for(given))
    except DomainError as error:
        return payload(errors=[refusal(error, info.context.support)])
    return await _read_back(info, result, payload)


async def run_as_oneself(info: Info, act: Act, given: Any, payload: type[Answer]) -> Answer:
    """As `run`, for acts on oneself and those of the operator: in no organisation's name."""
    try:
        check_lengths(given)
        result = await _transact(info, act, given, None)
    except DomainError as error:
        return payload(errors=[refusal(error, info.context.support)])
    return await _read_back(info, result, payload)


async def _transact(info: Info, act: Act, given: Any, organisation_id: UUID | None) -> Any:
    """The act in its transaction, under the key that the client sent."""
    try:
        return await info.context.transact(_bound(act, given), organisation_id, _retry(info, act, given))
    except KeyReused:
        raise IdempotencyKeyReused from None
    except OutcomeUnreadable as error:
        raise OutcomeUnknown from error


def _retry(info: Info, act: Act, given: Any) -> Retry | None:
    """Return the attempt under the client's key, or None without one.

    What came of a sign-in with a second factor is told to no sign-in without it: it counts as another argument.
    """
    context = info.context
    if context.keyed is None:
        return None
    actor, place = actor_of(context.identity), str(info.path.key)
    asked = hash_of({"input": given, "mfa": True} if context.identity.mfa else given)
    attempt = Attempt(actor, context.session, info.field_name, place, context.keyed.key, asked)
    return Retry(attempt, context.keyed.seal, outcome_of(act))


def outcome_of(act: Act) -> Any:
    """What kind of thing a service returns."""
    return get_type_hints(act.func if isinstance(act, partial) else act)["return"]


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
