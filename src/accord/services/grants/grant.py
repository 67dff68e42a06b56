"""One person's access to a shared account: changing its role, taking it away, giving it up (S80, S86, Q14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.partnership import lock_partnership, partnership_facts
from accord.database.queries.recipients import people
from accord.database.queries.sharing import (
    find_grant,
    get_share,
    grant_facts,
    hold_shares,
    list_grants_of_person,
    lock_grant,
    lock_own_grant,
    share_of_grant,
)
from accord.database.tables.sharing import access_items, grants, shares
from accord.domain.activity import EventType
from accord.domain.errors import InvalidState, NotFound
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.sharing import GRANT, SHARE, AccountRole, GrantEvent, GrantState, ShareEvent, ShareState
from accord.services.activity import record
from accord.services.grants import cascade
from accord.services.grants.share import HeldShare, Receipt, event_on, hold, role_name, tell, tell_removed
from accord.services.pair import refuse_overdue

__all__ = [
    "RemovedFromPartnership",
    "RemovedFromShare",
    "change_member_role",
    "leave_share",
    "remove_member_from_partnership",
    "remove_member_from_share",
]


@dataclass(frozen=True, slots=True)
class RemovedFromShare:
    """A share that one person lost."""

    id: UUID
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class RemovedFromPartnership:
    """A partnership in which one person lost every account."""

    id: UUID
    receipt: Receipt


async def change_member_role(
    tx: Transaction, *, organisation_id: UUID, grant_id: UUID, role: AccountRole, expected_version: int | None = None
) -> UUID:
    """Give a guest member another role on a shared account (S80).

    A former Account Manager's pending requests are cancelled; what came of earlier ones stays. The role that the person
    has already is no change.
    """
    held = await hold(tx, await share_of_grant(tx, grant_id), ("grantId",))
    grant = await lock_grant(tx, grant_id)
    held.require(tx, Action.GRANT_CHANGE_ROLE)
    check_version(grant, expected_version, grant.state)
    SHARE.move(ShareState(held.share.state), ShareEvent.REDUCE)
    _require_unexpired(tx, grant)
    state = GRANT.move(GrantState(grant.state), GrantEvent.CHANGE_ROLE)
    if role == grant.role:
        return grant_id
    await tx.update(grants, grant_id, state=state.value, role=role.value)
    cancelled = 0
    if role is not AccountRole.ACCOUNT_MANAGER:
        raised = (access_items.c.share_id == held.share.id) & (access_items.c.requested_by == grant.user_id)
        cancelled = await cascade.cancel_items(tx, raised)
    (member,) = await people(tx, [grant.user_id])
    said = {"account": held.share.label, "member": member.display_name, "role": role_name(role)}
    await tell(tx, held.partnership, Template.ROLE_CHANGED, said, [grant.user_id])
    data = {"grant": global_id("grant", grant_id), "user": global_id("user", grant.user_id)}
    change = {"from": grant.role, "to": role.value, "accessRequestsCancelled": cancelled}
    await record(tx, event_on(held.share, EventType.GRANT_ROLE_CHANGED, data=data | change))
    return grant_id


def _require_unexpired(tx: Transaction, grant: Any) -> None:
    if grant.state == GrantState.ACTIVE and grant.expires_at is not None and grant.expires_at <= tx.now:
        raise InvalidState(GrantState.EXPIRED)


async def remove_member_from_share(
    tx: Transaction, *, organisation_id: UUID, share_id: UUID, user_id: UUID, expected_version: int | None = None
) -> RemovedFromShare:
    """Take one person's access to one shared account away (S86)."""
    held = await hold(tx, share_id)
    held.require(tx, Action.GRANT_REVOKE)
    if await find_grant(tx, share_id, user_id) is None:
        raise NotFound(("userId",))
    check_version(held.share, expected_version, held.share.state)
    SHARE.move(ShareState(held.share.state), ShareEvent.REDUCE)
    ended = await _revoke(tx, held, user_id)
    await tell_removed(tx, held.partnership, [held.share.label], [user_id])
    await record(tx, event_on(held.share, EventType.GRANT_REVOKED, data=_told(user_id, ended)))
    return RemovedFromShare(share_id, Receipt(**ended.counts))


async def leave_share(tx: Transaction, *, organisation_id: UUID, share_id: UUID) -> UUID:
    """Give up one's own access to a shared account (4.4.4); whoever has none may not."""
    held = await hold(tx, share_id)
    grant = await lock_own_grant(tx, share_id)
    held.require(tx, Action.SHARE_LEAVE, grant_facts(grant) if grant else None)
    GRANT.move(GrantState(grant.state), GrantEvent.LEAVE)
    ended = await _revoke(tx, held, tx.person_id)
    await record(tx, event_on(held.share, EventType.GRANT_REVOKED, data=_told(tx.person_id, ended) | {"left": True}))
    return share_id


async def _revoke(tx: Transaction, held: HeldShare, user_id: UUID) -> cascade.EndedAccess:
    """End the grant and what hangs on it; the share counts a version up, since its members are part of it."""
    ended = await cascade.end_access(tx, user_id, share_id=held.share.id)
    await tx.update(shares, held.share.id, state=held.share.state)
    return ended


async def remove_member_from_partnership(
    tx: Transaction, *, organisation_id: UUID, partnership_id: UUID, user_id: UUID
) -> RemovedFromPartnership:
    """Take away every account that one person has under a partnership (S86, Q14)."""
    partnership = await lock_partnership(tx, partnership_id)
    target = Target(partnership=partnership_facts(partnership))
    require(tx.principal, Action.GRANT_REVOKE_ALL, target, now=tx.now, acting_for=tx.acting_for)
    refuse_overdue(partnership)
    seen = await list_grants_of_person(tx, partnership_id, user_id)
    if not seen:
        raise NotFound(("userId",))
    await hold_shares(tx, {row.share_id for row in seen})
    ended = await cascade.end_access(tx, user_id, partnership_id=partnership_id)
    reduced = [await get_share(tx, key) for key in sorted(row.share_id for row in ended.rows)]
    for share in reduced:
        await tx.update(shares, share.id, state=share.state)
    await tell_removed(tx, partnership, [share.label for share in reduced], [user_id])
    await record(tx, *(event_on(share, EventType.GRANT_REVOKED, data=_told(user_id)) for share in reduced))
    return RemovedFromPartnership(partnership_id, Receipt(**ended.counts))


def _told(user_id: UUID, ended: cascade.EndedAccess | None = None) -> dict[str, Any]:
    """What an event says of a person's lost access."""
    told: dict[str, Any] = {"user": global_id("user", user_id)}
    if ended is not None:
        told |= {"accessRequestsCancelled": ended.items, "ticketsVoided": ended.tickets}
    return told
