"""Which of its people a partner lets use a customer's level: its own admins say so (model 4.2, 4.5, S7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.contact import find_assignment, level_lost, lock_connected
from accord.database.queries.partnership import list_active_members
from accord.database.tables.contact import customer_assignments
from accord.domain.activity import EventType
from accord.domain.errors import DomainError, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.services.activity import Event, record
from accord.services.grants.acting import end_sessions, revoked_events
from accord.services.grants.share import BULK
from accord.services.pair import event_of

__all__ = ["Assigned", "assign_customers"]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A person, and what came of each customer that the act names: the partnership's key, or the refusal."""

    id: UUID
    results: list[UUID | DomainError]


async def assign_customers(
    tx: Transaction, *, organisation_id: UUID, user_id: UUID, customer_ids: Sequence[UUID], assigned: bool = True
) -> Assigned:
    """Assign customers to an active member of the partner, or take them back; one answer per customer.

    Where people are assigned to a customer they alone use its level, as delegated admins. NotFound for an organisation
    that is no customer, and for taking back what is not assigned; InvalidState for what is assigned already.
    """
    if not 0 < len(customer_ids) <= BULK:
        raise ValidationError("customerIds", f"1 to {BULK} customers, these are {len(customer_ids)}.")
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.ASSIGNMENT_MANAGE, target, now=tx.now, acting_for=tx.acting_for, ends=not assigned)
    customers = {key: await lock_connected(tx, key, organisation_id) for key in sorted(set(customer_ids))}
    await _require_member(tx, organisation_id, user_id)
    results = list[UUID | DomainError]()
    events = list[Event]()
    for place, customer_id in enumerate(customer_ids):
        row = customers[customer_id]
        try:
            await _assign(tx, row, user_id, assigned, ("customerIds", str(place)))
        except DomainError as refusal:
            results.append(refusal)
            continue
        results.append(row.id)
        data = {"member": global_id("user", user_id), "assigned": assigned}
        events.append(event_of(row, EventType.ASSIGNMENT_CHANGED, data=data))
    if events:
        changed = [one for one in results if isinstance(one, UUID)]
        sessions = await end_sessions(tx, level_lost(organisation_id, changed))
        await record(tx, *events, *revoked_events(sessions))
    return Assigned(user_id, results)


async def _require_member(tx: Transaction, organisation_id: UUID, user_id: UUID) -> None:
    """Is this an active member of the caller's organisation, and more than an auditor?"""
    members = await list_active_members(tx, organisation_id, [user_id])
    if not members:
        raise NotFound(("userId",))
    if set(members[0].roles) <= {Role.AUDITOR.value}:
        raise ValidationError("userId", "An auditor reads activity and nothing else.")


async def _assign(tx: Transaction, row: Any, user_id: UUID, assigned: bool, path: tuple[str, ...]) -> None:
    """Assign one customer or take it back; `row` is the connected partnership with it, held, or None."""
    present = None if row is None else await find_assignment(tx, user_id, row.id)
    if row is None or (present is None and not assigned):
        raise NotFound(path)
    if present is not None:
        if assigned:
            raise InvalidState("ASSIGNED", ("unassign",), path)
        await tx.update(customer_assignments, present, ended_at=tx.now)
        return
    await tx.insert(
        customer_assignments,
        partnership_id=row.id,
        host_id=row.host_id,
        guest_id=row.guest_id,
        user_id=user_id,
        assigned_by=tx.person_id,
        assigned_at=tx.now,
    )
