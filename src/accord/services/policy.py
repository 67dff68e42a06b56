"""What an organisation rules for its partnerships, and stopping all partner access at once (model 4.2, 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.contact import level_lost
from accord.database.queries.policy import LISTS, as_policy, hold_policy
from accord.database.tables.acting import acting_sessions
from accord.database.tables.policy import organisation_policies
from accord.domain.activity import EventType
from accord.domain.errors import InvalidState, ValidationError
from accord.domain.policy import Policy
from accord.services.activity import Event, record
from accord.services.grants.acting import end_sessions, revoked_events

__all__ = ["freeze_partner_access", "set_policy", "unfreeze_partner_access"]


async def set_policy(
    tx: Transaction,
    *,
    organisation_id: UUID,
    expected_version: int | None = None,
    max_partnership_duration: timedelta | None = None,
    default_auto_extend: timedelta | None = None,
    require_mfa: bool | None = None,
    require_reason: bool | None = None,
    allowed_partners: Sequence[UUID] | None = None,
    blocked_partners: Sequence[UUID] | None = None,
    auto_approve_partners: Sequence[UUID] | None = None,
    host_admin_may_unshare: bool | None = None,
    roles_only_to_partner_of_record: bool | None = None,
    representative_manages_groups: bool | None = None,
    explicit_assignment: bool | None = None,
    admin_may_invite: bool | None = None,
    clear: Sequence[str] = (),
) -> UUID:
    """Change the entries that are given; `clear` names durations to take back. Nothing that runs is ended by it.

    By an admin; `adminMayInvite` by a legal representative, and by nobody else (S92).
    """
    _require(tx, organisation_id, Action.POLICY_SET)
    given: dict[str, Any] = {
        "max_partnership_duration": _length("maxPartnershipDuration", max_partnership_duration),
        "default_auto_extend": _length("defaultAutoExtend", default_auto_extend),
        "require_mfa": require_mfa,
        "require_reason": require_reason,
        "allowed_partners": _partners("allowedPartners", organisation_id, allowed_partners),
        "blocked_partners": _partners("blockedPartners", organisation_id, blocked_partners),
        "auto_approve_partners": _partners("autoApprovePartners", organisation_id, auto_approve_partners),
        "host_admin_may_unshare": host_admin_may_unshare,
        "roles_only_to_partner_of_record": roles_only_to_partner_of_record,
        "representative_manages_groups": representative_manages_groups,
        "explicit_assignment": explicit_assignment,
    }
    if clear or admin_may_invite is None or any(value is not None for value in given.values()):
        _require(tx, organisation_id, Action.POLICY_SET_RULES)
    if admin_may_invite is not None:
        _require(tx, organisation_id, Action.POLICY_SET_INVITING)
    given["admin_may_invite"] = admin_may_invite
    row = await _held(tx, organisation_id, Action.POLICY_SET, expected_version)
    before = Policy() if row is None else as_policy(row)
    cleared: dict[str, Any] = dict.fromkeys(clear)
    after = replace(before, **cleared | {name: value for name, value in given.items() if value is not None})
    await _write(tx, organisation_id, row, after)
    changed = sorted(f.name for f in fields(Policy) if getattr(before, f.name) != getattr(after, f.name))
    shut_out = "explicit_assignment" in changed and after.explicit_assignment
    sessions = await end_sessions(tx, level_lost(organisation_id)) if shut_out else ()
    told = Event(type=EventType.POLICY_CHANGED, streams=(organisation_id,), data={"changed": changed})
    await record(tx, told, *revoked_events(sessions))
    return organisation_id


async def freeze_partner_access(tx: Transaction, *, organisation_id: UUID, expected_version: int | None = None) -> UUID:
    """Deny every partner everything, at once, whatever the states of partnerships are (model 4.10)."""
    return await _freeze(tx, organisation_id, expected_version, frozen=True)


async def unfreeze_partner_access(
    tx: Transaction, *, organisation_id: UUID, expected_version: int | None = None
) -> UUID:
    """Give partners back what they had and still have."""
    return await _freeze(tx, organisation_id, expected_version, frozen=False)


async def _freeze(tx: Transaction, organisation_id: UUID, expected_version: int | None, *, frozen: bool) -> UUID:
    row = await _held(tx, organisation_id, Action.ACCESS_FREEZE if frozen else Action.ACCESS_UNFREEZE, expected_version)
    before = Policy() if row is None else as_policy(row)
    if before.frozen == frozen:
        raise InvalidState("FROZEN" if frozen else "NOT_FROZEN", ("unfreeze" if frozen else "freeze",))
    await _write(tx, organisation_id, row, replace(before, frozen=frozen))
    kind = EventType.ACCESS_FROZEN if frozen else EventType.ACCESS_UNFROZEN
    sessions = await end_sessions(tx, acting_sessions.c.host_id == organisation_id) if frozen else ()
    data = {"sessionsRevoked": len(sessions)} if frozen else {}
    await record(tx, Event(type=kind, streams=(organisation_id,), data=data), *revoked_events(sessions))
    return organisation_id


def _require(tx: Transaction, organisation_id: UUID, action: Action) -> None:
    require(tx.principal, action, Target(organisation_id=organisation_id), now=tx.now, acting_for=tx.acting_for)


async def _held(tx: Transaction, organisation_id: UUID, action: Action, expected_version: int | None) -> Any:
    _require(tx, organisation_id, action)
    row = await hold_policy(tx, organisation_id)
    if row is not None:
        check_version(row, expected_version, None)
    return row


async def _write(tx: Transaction, organisation_id: UUID, row: Any, policy: Policy) -> None:
    """The first writer makes the row; two at once meet at its key."""
    values = {f.name: getattr(policy, f.name) for f in fields(Policy)}
    values |= {name: sorted(values[name]) for name in LISTS}
    if row is not None:
        await tx.update(organisation_policies, organisation_id, **values)
        return
    made = insert(organisation_policies).values(id=organisation_id, **values)
    await tx.execute(made.on_conflict_do_update(index_elements=["id"], set_=values))


def _length(field: str, value: timedelta | None) -> timedelta | None:
    if value is not None and value < timedelta(days=1):
        raise ValidationError(field, "At least a day.")
    return value


def _partners(field: str, organisation_id: UUID, given: Sequence[UUID] | None) -> frozenset[UUID] | None:
    if given is not None and organisation_id in given:
        raise ValidationError(field, "An organisation is not its own partner.")
    return None if given is None else frozenset(given)
