"""Delegating roles to the partner of record, and taking them back: the dialog as one change (S106, S107, S114 to S120).

Who is in a role's group acts by it in the host's organisation, in sessions of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.delegation import lock_delegations
from accord.database.tables.delegation import role_delegations, role_groups
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.delegation import (
    ROLE_VERSION,
    DelegatedRole,
    DelegationEvent,
    DelegationState,
    RoleGroupState,
    is_over,
)
from accord.domain.errors import Forbidden, InvalidState, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import Event, record
from accord.services.grants.roles import EndedRoles, clearing_events, end_roles, tell_of_roles
from accord.services.pair import event_of, held

__all__ = ["Delegated", "DelegationReceipt", "clear_roles", "delegate_roles", "set_delegated_roles"]


@dataclass(frozen=True, slots=True)
class DelegationReceipt:
    """What the change came to."""

    roles_enabled: int
    roles_cleared: int
    group_members_ended: int
    sessions_revoked: int


@dataclass(frozen=True, slots=True)
class Delegated:
    """A partnership whose delegated roles were set."""

    id: UUID
    receipt: DelegationReceipt


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be enabled and cleared, and whom the form names; `addresses` is None where it names nobody.

    `overdue`: those to be enabled whose earlier delegation is over by the clock and not yet marked so.
    """

    enabled: frozenset[DelegatedRole]
    cleared: frozenset[DelegatedRole]
    addresses: tuple[str, ...] | None
    send_email: bool
    expires_at: datetime | None = None
    overdue: frozenset[DelegatedRole] = frozenset()


async def set_delegated_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    roles: Collection[DelegatedRole],
    notify_addresses: str | None = None,
    send_email: bool = True,
    expires_at: datetime | None = None,
    expected_version: int | None = None,
) -> Delegated:
    """The whole dialog in one change: these roles from now on and no other (S114, S120).

    `expires_at` is the end of the roles that it enables; those that stand keep theirs.
    """
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version)
    _require_step(row, PartnershipEvent.CLEAR_ROLES)
    active, overdue = await _standing(tx, row)
    wanted = frozenset(roles)
    ends, addresses = _end(tx, expires_at), _listed(notify_addresses)
    cleared = (active | overdue) - wanted
    return await _apply(tx, row, _Change(wanted - active, cleared, addresses, send_email, ends, overdue & wanted))


async def delegate_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    roles: Collection[DelegatedRole],
    notify_addresses: str,
    expires_at: datetime | None = None,
    expected_version: int | None = None,
) -> Delegated:
    """Delegate roles beside those that are delegated already; one of them again is InvalidState (S106, S107)."""
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version)
    _require_step(row, PartnershipEvent.DELEGATE)
    wanted = _some(roles)
    active, overdue = await _standing(tx, row)
    if wanted & active:
        raise InvalidState(DelegationState.ACTIVE, ("clear",), ("roles",))
    ends, addresses = _end(tx, expires_at), _listed(notify_addresses)
    return await _apply(tx, row, _Change(wanted, frozenset(), addresses, True, ends, overdue & wanted))


async def clear_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    roles: Collection[DelegatedRole],
    notify_addresses: str | None = None,
    send_email: bool = True,
    expected_version: int | None = None,
) -> Delegated:
    """Take roles back, with their groups and everybody in them; one that is not delegated is InvalidState (S117)."""
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version, ends=True)
    _require_step(row, PartnershipEvent.CLEAR_ROLES)
    wanted = _some(roles)
    if wanted - (await lock_delegations(tx, row.id)).keys():
        raise InvalidState(DelegationState.REVOKED, ("delegate",), ("roles",))
    return await _apply(tx, row, _Change(frozenset(), wanted, _listed(notify_addresses), send_email))


async def _standing(tx: Transaction, row: Any) -> tuple[frozenset[DelegatedRole], frozenset[DelegatedRole]]:
    """The roles that are delegated, and those whose time is over though nobody has marked it yet (invariant 12)."""
    found = await lock_delegations(tx, row.id)
    overdue = frozenset(role for role, one in found.items() if is_over(one.expires_at, tx.now))
    return frozenset(found) - overdue, overdue


def _end(tx: Transaction, expires_at: datetime | None) -> datetime | None:
    if is_over(expires_at, tx.now):
        raise ValidationError("expiresAt", "This lies in the past.")
    return expires_at


def _some(roles: Collection[DelegatedRole]) -> frozenset[DelegatedRole]:
    if not roles:
        raise ValidationError("roles", "At least one role is needed.")
    return frozenset(roles)


def _listed(notify_addresses: str | None) -> tuple[str, ...] | None:
    return None if notify_addresses is None else text.address_list("notifyAddresses", notify_addresses)


def _require_step(row: Any, step: PartnershipEvent) -> None:
    PARTNERSHIP.move(PartnershipState(row.state), step)


async def _apply(tx: Transaction, row: Any, change: _Change) -> Delegated:
    if change.enabled:
        _require_enabling(tx, row, change)
    ended = await end_roles(tx, row.id, change.cleared) if change.cleared else EndedRoles()
    over = await end_roles(tx, row.id, change.overdue, DelegationEvent.EXPIRE) if change.overdue else EndedRoles()
    made = [await _enable(tx, row, role, change) for role in sorted(change.enabled)]
    if made or ended.delegations:
        await tx.update(partnerships, row.id)
    await _tell(tx, row, change, ended)
    await record(tx, *made, *clearing_events(ended), *clearing_events(over))
    return Delegated(row.id, DelegationReceipt(roles_enabled=len(made), **ended.counts))


def _require_enabling(tx: Transaction, row: Any, change: _Change) -> None:
    """Active and within its time, to the partner of record unless policy says otherwise, and told to somebody."""
    _require_step(row, PartnershipEvent.DELEGATE)
    if row.expires_at is not None and row.expires_at <= tx.now:
        raise InvalidState(PartnershipState.EXPIRED)
    if not row.roles_open:
        hint = (
            "Roles are delegated to your partner of record alone; your organisation's policy can let others have them."
        )
        raise Forbidden(Action.ROLES_DELEGATE, "POLICY_DENIED", hint)
    if row.barred:
        raise Forbidden(Action.ROLES_DELEGATE, "POLICY_DENIED")
    if not change.addresses:
        raise ValidationError("notifyAddresses", "At least one address is needed to enable a role.")
    if not change.send_email:
        raise ValidationError("sendEmail", "Enabling a role is always told to the addresses.")


async def _enable(tx: Transaction, row: Any, role: DelegatedRole, change: _Change) -> Event:
    """A new delegation with a new, empty group, whatever was before (4.4.3)."""
    pair = {"partnership_id": row.id, "host_id": row.host_id, "guest_id": row.guest_id, "role": role.value}
    delegation_id = await tx.insert(
        role_delegations,
        **pair,
        state=DelegationState.ACTIVE.value,
        notify_addresses=list(change.addresses or ()),
        role_version=ROLE_VERSION,
        granted_by=tx.person_id,
        granted_at=tx.now,
        expires_at=change.expires_at,
    )
    group_id = await tx.insert(role_groups, **pair, delegation_id=delegation_id, state=RoleGroupState.ACTIVE.value)
    until = change.expires_at.isoformat() if change.expires_at else None
    data = {"role": role.value, "roleGroup": global_id("rolegroup", group_id), "expiresAt": until}
    return event_of(row, EventType.DELEGATION_ENABLED, data=data)


async def _tell(tx: Transaction, row: Any, change: _Change, ended: EndedRoles) -> None:
    """The guest's admins always; the listed addresses of each, where the form says so (S115, S116, S119, Q24).

    A form that names nobody tells of the end whoever was told of the beginning. Only enabling counts against the
    caps of mail: taking a role back never waits for one.
    """
    listed = ended.addresses if change.addresses is None else change.addresses
    for roles, template in ((change.enabled, Template.ROLES_DELEGATED), (change.cleared, Template.ROLES_CLEARED)):
        if roles:
            await tell_of_roles(tx, row, template, roles, listed if change.send_email else ())
