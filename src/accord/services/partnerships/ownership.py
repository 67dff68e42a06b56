"""Who stands for a partnership: its owner and co-owners at the host, its representative at the guest (S43, Q8, Q12)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.partnership import list_active_members
from accord.database.queries.recipients import admins_of, people
from accord.database.tables.partnership import partnerships
from accord.domain.activity import EventType
from accord.domain.errors import NotFound, ValidationError
from accord.domain.notice import Template
from accord.domain.organisation import Role
from accord.domain.partnership import CO_OWNERS, PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.services.activity import record
from accord.services.pair import event_of, held, names, tell

__all__ = ["set_co_owners", "set_representative", "transfer_partnership"]


async def transfer_partnership(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    owner_user_id: UUID,
    expected_version: int | None = None,
) -> UUID:
    """Make another person of the host the Partnership Owner; admins never themselves while the owner is active."""
    row = await held(
        tx,
        partnership_id,
        Action.PARTNERSHIP_TRANSFER,
        expected_version,
        subject_ids=frozenset({owner_user_id}),
    )
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.TRANSFER)
    await _require_at_work(tx, row.host_id, [owner_user_id], "ownerUserId")
    co_owners = sorted(set(row.co_owner_ids) - {owner_user_id})
    await tx.update(partnerships, row.id, owner_user_id=owner_user_id, co_owner_ids=co_owners)
    involved = {person.user_id: person for person in await people(tx, {owner_user_id, row.owner_user_id})}
    facts = names(row) | {
        "owner": involved[owner_user_id].display_name,
        "previous": involved[row.owner_user_id].display_name if row.owner_user_id in involved else "",
    }
    await tell(tx, row, Template.OWNERSHIP_MOVED, facts, [*involved.values(), *await admins_of(tx, row.host_id)])
    data = {"from": f"user_{row.owner_user_id}", "to": f"user_{owner_user_id}"}
    await record(tx, event_of(row, EventType.PARTNERSHIP_OWNERSHIP_TRANSFERRED, data=data))
    return partnership_id


async def set_co_owners(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    user_ids: Sequence[UUID],
    expected_version: int | None = None,
) -> UUID:
    """Name up to 20 co-owners, who count as Partnership Owner (Q12); the given list replaces the one before."""
    wanted = set(user_ids)
    row = await held(tx, partnership_id, Action.PARTNERSHIP_TRANSFER, expected_version, subject_ids=frozenset(wanted))
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.TRANSFER)
    before = set(row.co_owner_ids)
    if len(wanted) > CO_OWNERS:
        raise ValidationError("userIds", f"At most {CO_OWNERS} co-owners, these are {len(wanted)}.")
    await _require_at_work(tx, row.host_id, wanted - before, "userIds")
    chosen = sorted(wanted - {row.owner_user_id})
    await tx.update(partnerships, row.id, co_owner_ids=chosen)
    data = {
        "added": sorted(f"user_{key}" for key in set(chosen) - before),
        "removed": sorted(f"user_{key}" for key in before - set(chosen)),
    }
    # the guest learns who owns the partnership, not who may stand in for the owner
    await record(tx, event_of(row, EventType.PARTNERSHIP_CO_OWNERS_CHANGED, told=False, data=data))
    return partnership_id


async def set_representative(
    tx: Transaction,
    *,
    organisation_id: UUID,
    partnership_id: UUID,
    user_id: UUID,
    expected_version: int | None = None,
) -> UUID:
    """Let another active person of the guest represent it (Q8); what the former one was granted stays."""
    row = await held(tx, partnership_id, Action.PARTNERSHIP_SET_REPRESENTATIVE, expected_version)
    PARTNERSHIP.move(PartnershipState(row.state), PartnershipEvent.REPRESENT)
    await _require_at_work(tx, row.guest_id, [user_id], "userId")
    await tx.update(partnerships, row.id, representative_user_id=user_id)
    involved = {person.user_id: person for person in await people(tx, {user_id, row.representative_user_id})}
    owners = await people(tx, {row.owner_user_id, *row.co_owner_ids})
    previous = involved.get(row.representative_user_id)
    facts = names(row) | {
        "representative": involved[user_id].display_name,
        "previous": previous.display_name if previous else "",
    }
    told = [*involved.values(), *owners]
    await tell(tx, row, Template.REPRESENTATIVE_CHANGED, facts, told)
    data = {"from": f"user_{row.representative_user_id}", "to": f"user_{user_id}"}
    await record(tx, event_of(row, EventType.PARTNERSHIP_REPRESENTATIVE_CHANGED, data=data))
    return partnership_id


async def _require_at_work(
    tx: Transaction, organisation_id: UUID, user_ids: Sequence[UUID] | set[UUID], field: str
) -> None:
    """Active members who are more than auditors; somebody of another organisation is NotFound like nobody at all."""
    wanted = set(user_ids)
    found = {row.user_id: set(row.roles) for row in await list_active_members(tx, organisation_id, wanted)}
    if wanted - found.keys():
        raise NotFound((field,))
    if any(roles <= {Role.AUDITOR.value} for roles in found.values()):
        raise ValidationError(field, "An auditor reads activity and nothing else.")
