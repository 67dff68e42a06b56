"""External contacts of a host, and the customers that a partner assigns to its people."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import WAITS, Changed, Refusable, key_of
from accord.schema.mutations.sharing import errors_of, keys_of, rows_of
from accord.schema.transaction import run, run_as_oneself
from accord.schema.types.contact import ExternalContact
from accord.schema.types.enums import DelegatedRole
from accord.schema.types.organisation import User
from accord.schema.types.partnership import Partnership
from accord.schema.types.refusals import MutationError
from accord.services.grants import assignment, contact


@strawberry.input
class AddExternalContactInput:
    organisation_id: ID
    email: str = strawberry.field(description="One address; it gets a link that works once, for three days.")
    roles: list[DelegatedRole] = strawberry.field(description="At least one; they stay as they are.")


@strawberry.input
class AcceptContactInput:
    token: str = strawberry.field(description="That of the mailed link.")


@strawberry.input
class RemoveExternalContactInput:
    organisation_id: ID
    contact_id: ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class AssignCustomersInput:
    organisation_id: ID = strawberry.field(description="The partner's.")
    user_id: ID
    customer_ids: list[ID]
    assigned: bool = strawberry.field(default=True, description="False: take them back.")


@strawberry.type
class ContactPayload(Changed, loader="contact_by_id"):
    contact: ExternalContact | None = None


@strawberry.type
class AddExternalContactPayload(ContactPayload): ...


@strawberry.type
class AcceptContactPayload(ContactPayload):
    waits_for_confirmation: bool = strawberry.field(default=False, description=WAITS)

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        return cls(waits_for_confirmation=True) if result is None else await super().of(info, result)


@strawberry.type
class RemoveExternalContactPayload(ContactPayload): ...


@strawberry.type(description="One customer's answer: the partnership with it, or why nothing has changed.")
class CustomerAssignmentResult:
    partnership: Partnership | None = None
    error: MutationError | None = None


@strawberry.type
class AssignCustomersPayload(Refusable):
    user: User | None = None
    results: list[CustomerAssignmentResult] = strawberry.field(
        default_factory=list, description="One per customer, in order."
    )

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        loaders = info.context.loaders
        rows = await rows_of(loaders.partnership_by_id, keys_of(result.results))
        refused = errors_of(info, result.results, "customerIds")
        return cls(
            user=await loaders.user_by_id.load(key_of(result)),
            results=[CustomerAssignmentResult(partnership=p, error=e) for p, e in zip(rows, refused, strict=True)],
        )


async def add_external_contact(info: Info, input: AddExternalContactInput) -> AddExternalContactPayload | None:
    """Names somebody of elsewhere as a contact with roles; the mailed link makes the person one (S109)."""
    return await run(info, contact.add_external_contact, input, AddExternalContactPayload)


async def accept_contact(info: Info, input: AcceptContactInput) -> AcceptContactPayload | None:
    """Follows the link of a contact's mail, signed in; with another address than the invited one it waits for a
    confirmation."""
    return await run_as_oneself(info, contact.accept_contact, input, AcceptContactPayload)


async def remove_external_contact(info: Info, input: RemoveExternalContactInput) -> RemoveExternalContactPayload | None:
    """Ends a contact, or voids the link of one who has not followed it."""
    return await run(info, contact.remove_external_contact, input, RemoveExternalContactPayload)


async def assign_customers(info: Info, input: AssignCustomersInput) -> AssignCustomersPayload | None:
    """Says which of the partner's people use its level at which customers, as delegated admins."""
    return await run(info, assignment.assign_customers, input, AssignCustomersPayload)
