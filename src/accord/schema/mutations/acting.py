"""Switching to a customer's organisation and leaving it."""

from __future__ import annotations

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed
from accord.schema.transaction import run_as_oneself
from accord.schema.types.acting import ActingSession
from accord.schema.types.enums import ActingBasis, DelegatedRole
from accord.services.grants import acting


@strawberry.input
class SwitchOrganisationInput:
    host_id: ID
    basis: ActingBasis | None = strawberry.field(default=None, description="Needed where there are several.")
    role_key: DelegatedRole | None = None
    reason: str | None = strawberry.field(default=None, description="Both sides read it; some customers require one.")


@strawberry.input
class LeaveOrganisationInput:
    session_id: ID | None = strawberry.field(default=None, description="Without it, the session of the request.")


@strawberry.type
class SessionPayload(Changed, loader="session_by_id"):
    session: ActingSession | None = None


@strawberry.type
class SwitchOrganisationPayload(SessionPayload): ...


@strawberry.type
class LeaveOrganisationPayload(SessionPayload): ...


async def switch_organisation(info: Info, input: SwitchOrganisationInput) -> SwitchOrganisationPayload | None:
    """Opens an acting session in a customer's organisation; name it in `Accord-Acting-Session` from then on."""
    return await run_as_oneself(info, acting.switch_organisation, input, SwitchOrganisationPayload)


async def leave_organisation(info: Info, input: LeaveOrganisationInput) -> LeaveOrganisationPayload | None:
    """Ends an acting session of one's own; what follows in the same request happens at home."""
    named, current = input.session_id, info.context.session
    if named is None and current is not None:
        input = LeaveOrganisationInput(session_id=ID(f"session_{current}"))
    info.context.session = None
    return await run_as_oneself(info, acting.leave_organisation, input, LeaveOrganisationPayload)
