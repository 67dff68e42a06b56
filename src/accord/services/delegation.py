"""Delegating roles to the partner of record, and taking them back: the dialog as one change (S106, S107, S114 to S120).

Who is in a role's group acts by it in the host's organisation, in sessions of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.delegation import lock_delegations
from accord.database.queries.recipients import admins_of
from accord.database.tables.delegation import role_delegations, role_groups
from accord.database.tables.partnership import partnerships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.delegation import DelegatedRole, DelegationState, RoleGroupState, spoken
from accord.domain.errors import Forbidden, InvalidState, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import Event, record
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.pair import event_of, held, names, tell
from accord.services.roles import EndedRoles, clearing_events, end_roles

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
    """What is to be enabled and cleared, and whom the form names; `addresses` is None where it names nobody."""

    enabled: frozenset[DelegatedRole]
    cleared: frozenset[DelegatedRole]
    addresses: tuple[str, ...] | None
    send_email: bool


async def set_delegated_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    roles: Collection[DelegatedRole],
    notify_addresses: str | None = None,
    send_email: bool = True,
    expected_version: int | None = None,
) -> Delegated:
    """The whole dialog in one change: these roles from now on and no other (S114, S120)."""
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version)
    _require_step(row, PartnershipEvent.CLEAR_ROLES)
    active = frozenset(await lock_delegations(tx, row.id))
    wanted = frozenset(roles)
    change = _Change(wanted - active, active - wanted, _listed(notify_addresses), send_email)
    return await _apply(tx, row, change)


async def delegate_roles(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    roles: Collection[DelegatedRole],
    notify_addresses: str,
    expected_version: int | None = None,
) -> Delegated:
    """Delegate roles beside those that are delegated already; one of them again is InvalidState (S106, S107)."""
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version)
    _require_step(row, PartnershipEvent.DELEGATE)
    wanted = _some(roles)
    if wanted & (await lock_delegations(tx, row.id)).keys():
        raise InvalidState(DelegationState.ACTIVE, ("clear",), ("roles",))
    return await _apply(tx, row, _Change(wanted, frozenset(), _listed(notify_addresses), True))


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
    row = await held(tx, partnership_id, Action.ROLES_DELEGATE, expected_version)
    _require_step(row, PartnershipEvent.CLEAR_ROLES)
    wanted = _some(roles)
    if wanted - (await lock_delegations(tx, row.id)).keys():
        raise InvalidState(DelegationState.REVOKED, ("delegate",), ("roles",))
    return await _apply(tx, row, _Change(frozenset(), wanted, _listed(notify_addresses), send_email))


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
    made = [await _enable(tx, row, role, change.addresses or ()) for role in sorted(change.enabled)]
    if made or ended.delegations:
        await tx.update(partnerships, row.id)
    await _tell(tx, row, change, ended)
    await record(tx, *made, *clearing_events(ended))
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


async def _enable(tx: Transaction, row: Any, role: DelegatedRole, addresses: Sequence[str]) -> Event:
    """A new delegation with a new, empty group, whatever was before (4.4.3)."""
    pair = {"partnership_id": row.id, "host_id": row.host_id, "guest_id": row.guest_id, "role": role.value}
    delegation_id = await tx.insert(
        role_delegations,
        **pair,
        state=DelegationState.ACTIVE.value,
        notify_addresses=list(addresses),
        granted_by=tx.person_id,
        granted_at=tx.now,
    )
    group_id = await tx.insert(role_groups, **pair, delegation_id=delegation_id, state=RoleGroupState.ACTIVE.value)
    data = {"role": role.value, "roleGroup": global_id("rolegroup", group_id)}
    return event_of(row, EventType.DELEGATION_ENABLED, data=data)


async def _tell(tx: Transaction, row: Any, change: _Change, ended: EndedRoles) -> None:
    """The guest's admins always; the listed addresses of each, where the form says so (S115, S116, S119, Q24).

    A form that names nobody tells of the end whoever was told of the beginning. Only enabling counts against the
    caps of mail: taking a role back never waits for one.
    """
    admins = await admins_of(tx, row.guest_id)
    known = {person.email.casefold() for person in admins}
    before = [address for delegation in ended.delegations for address in delegation.notify_addresses]
    listed = dict.fromkeys(before if change.addresses is None else change.addresses)
    others = [Recipient(one) for one in listed if change.send_email and one.casefold() not in known]
    for roles, template in ((change.enabled, Template.ROLES_DELEGATED), (change.cleared, Template.ROLES_CLEARED)):
        if not roles:
            continue
        facts = names(row) | {"roles": spoken(roles)}
        await tell(tx, row, template, facts, admins)
        counted = template is Template.ROLES_DELEGATED
        await enqueue(tx, Mail(template, row.host_id, others, facts, partnership_id=row.id, external=counted))
