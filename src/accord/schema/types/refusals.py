"""Expected refusals in payloads: the domain's errors as types of the schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import strawberry

from accord.domain import errors
from accord.schema.context import Support
from accord.schema.types.enums import DataAccessLevel
from accord.schema.types.viewer import SupportContact


@strawberry.interface(description="Why a mutation was refused.")
class MutationError:
    code: str
    message: str
    path: list[str] = strawberry.field(description="The input field it is about, from `input` down; empty: all of it.")


@strawberry.type(description="Nothing with this ID that the caller may know of.")
class NotFound(MutationError):
    pass


@strawberry.type(description="The caller may see it but not do this.")
class Forbidden(MutationError):
    action: str
    condition: str = strawberry.field(description="The first condition that fails.")
    hint: str


@strawberry.type(description="The life cycle has no such step from here.")
class InvalidState(MutationError):
    current: str
    allowed: list[str] = strawberry.field(description="The steps that there are.")


@strawberry.type(description="Somebody was faster.")
class Conflict(MutationError):
    version: int = strawberry.field(description="The version that stands now.")
    current: str | None


@strawberry.type(description="A value breaks a rule.")
class ValidationError(MutationError):
    field: str


@strawberry.type(description="The named organisation is not one that the caller acts in (S17).")
class OrganisationContextMismatch(MutationError):
    expected: str | None = strawberry.field(description="The organisation that the input names.")
    actual: str | None = strawberry.field(description="The organisation that the caller acts in.")


@strawberry.type(description="Something the vendor has to switch on first (S18).")
class PrerequisiteMissing(MutationError):
    prerequisite: str
    support_contact: SupportContact


@strawberry.type(description="More than the partner's contract or link allows (S24, S36).")
class CeilingExceeded(MutationError):
    ceiling: DataAccessLevel = strawberry.field(description="The most that can be granted here.")


@strawberry.type(description="An organisation keeps at least one active admin.")
class LastAdmin(MutationError):
    pass


@strawberry.type(
    description="An organisation keeps its last active legal representative, until that person or the operator has "
    "named another one."
)
class LastLegalRepresentative(MutationError):
    pass


@strawberry.type(description="Too soon or too often.")
class RateLimited(MutationError):
    retry_after: int = strawberry.field(description="Seconds to wait.")


def contact(support: Support) -> SupportContact:
    """The vendor's contact as the schema's type."""
    return SupportContact(name=support.name, email=support.email, url=support.url)


FACTS: Final[dict[type[errors.DomainError], tuple[type[MutationError], Callable[[Any, Support], dict[str, Any]]]]] = {
    errors.NotFound: (NotFound, lambda _, __: {}),
    errors.Forbidden: (Forbidden, lambda e, _: {"action": e.action, "condition": e.condition, "hint": e.hint}),
    errors.InvalidState: (InvalidState, lambda e, _: {"current": e.current, "allowed": list(e.allowed)}),
    errors.Conflict: (Conflict, lambda e, _: {"version": e.version, "current": e.current}),
    errors.ValidationError: (ValidationError, lambda e, _: {"field": e.field}),
    errors.OrganisationContextMismatch: (
        OrganisationContextMismatch,
        lambda e, _: {"expected": e.expected, "actual": e.actual},
    ),
    errors.PrerequisiteMissing: (
        PrerequisiteMissing,
        lambda e, support: {"prerequisite": e.prerequisite, "support_contact": contact(support)},
    ),
    errors.CeilingExceeded: (CeilingExceeded, lambda e, _: {"ceiling": e.ceiling}),
    errors.LastAdmin: (LastAdmin, lambda _, __: {}),
    errors.LastLegalRepresentative: (LastLegalRepresentative, lambda _, __: {}),
    errors.RateLimited: (RateLimited, lambda e, _: {"retry_after": e.retry_after}),
}
"""Each error of the domain: its type, and the facts that it adds."""


REFUSALS: Final = tuple(kind for kind, _ in FACTS.values())


def refusal(error: errors.DomainError, support: Support, at: tuple[str, ...] = ()) -> MutationError:
    """The error as a client reads it; `at` is where in the input the act was that refused."""
    kind, facts = FACTS[type(error)]
    return kind(code=error.code, message=error.message, path=[*at, *error.path], **facts(error, support))
