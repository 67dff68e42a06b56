"""What ends with something else, in the transaction that ends it (model 4.10). Acts count what these return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, update

from accord.database.engine import Transaction
from accord.database.queries.partnership import has_ended
from accord.database.queries.sharing import is_open, list_live_shares, list_named_shares
from accord.database.sets import among
from accord.database.tables.sharing import access_items, grants, shares, tickets
from accord.domain.activity import EventType
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.sharing import AccessItemState, GrantState, ShareState
from accord.services.activity import Event
from accord.services.cascades import Work
from accord.services.grants.share import event_on

__all__ = [
    "PARTNERSHIP_SHARES",
    "EndedAccess",
    "EndedShares",
    "cancel_items",
    "end_access",
    "end_shares",
    "remove_shares",
    "share_events",
    "void_tickets",
]


@dataclass(frozen=True, slots=True)
class EndedAccess:
    """The grants that ended, as rows with `id`, `share_id`, `partnership_id` and `user_id`, and counts of the rest."""

    rows: Sequence[Any] = ()
    items: int = 0
    tickets: int = 0

    @property
    def grants(self) -> int:
        """How many grants ended."""
        return len(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """What a receipt says of the access that ended."""
        return {
            "grants_ended": self.grants,
            "access_requests_cancelled": self.items,
            "tickets_voided": self.tickets,
        }

    @property
    def user_ids(self) -> frozenset[UUID]:
        """Whose access ended."""
        return frozenset(row.user_id for row in self.rows)


@dataclass(frozen=True, slots=True)
class EndedShares(EndedAccess):
    """The shares that ended, as rows with the label and app of their account, and what ended with them."""

    shares: Sequence[Any] = ()

    def members_of(self, share_id: UUID) -> list[UUID]:
        """Who had access by this share."""
        return [row.user_id for row in self.rows if row.share_id == share_id]


async def end_shares(tx: Transaction, share_ids: Collection[UUID]) -> EndedShares:
    """End those of these shares that are live, and all that rests on any of them (S73, S91)."""
    await remove_shares(tx, among(shares.c.id, share_ids))
    named = await list_named_shares(tx, share_ids)
    access = await _end_access(tx, among(grants.c.share_id, share_ids), among(access_items.c.share_id, share_ids))
    return EndedShares(access.rows, access.items, access.tickets, named)


async def remove_shares(tx: Transaction, scope: ColumnElement[bool]) -> None:
    """End the live shares in a scope, so that nothing can be done by them; what rests on them ends by `end_shares`."""
    live = shares.c.state != ShareState.REMOVED.value
    over = {"state": ShareState.REMOVED.value, "ended_at": tx.now, "version": shares.c.version + 1}
    await tx.execute(update(shares).where(scope, live).values(**over))


async def _shares_of_partnership(tx: Transaction, cascade: Cascade, after: UUID | None, at_most: int) -> Sequence[UUID]:
    return await list_live_shares(tx, cascade.subject_id, after, at_most)


async def _end_shares(tx: Transaction, _: Cascade, keys: Sequence[UUID]) -> list[Event]:
    return share_events(await end_shares(tx, keys))


async def _has_ended(tx: Transaction, cascade: Cascade) -> bool:
    return await has_ended(tx, cascade.subject_id)


PARTNERSHIP_SHARES: Final = Work(
    CascadeKind.END_SHARES, _has_ended, _shares_of_partnership, _end_shares, batch=200, at_once=1000
)
"""The shares of a partnership that has ended: nothing can be done by them any more, whatever they say themselves."""


async def end_access(
    tx: Transaction,
    user_id: UUID,
    *,
    share_id: UUID | None = None,
    partnership_id: UUID | None = None,
    guest_id: UUID | None = None,
) -> EndedAccess:
    """End a person's access on one share, in one partnership, or as somebody of the guest everywhere (S66, S86).

    Pending requests by or for the person are cancelled, tickets nobody has redeemed are void.
    """
    wide = {"share_id": share_id, "partnership_id": partnership_id, "guest_id": guest_id}
    (column, value), *more = [(name, key) for name, key in wide.items() if key is not None]
    if more:
        raise ValueError("one scope at a time")
    theirs = or_(access_items.c.member_user_id == user_id, access_items.c.requested_by == user_id)
    return await _end_access(
        tx, (grants.c[column] == value) & (grants.c.user_id == user_id), (access_items.c[column] == value) & theirs
    )


async def _end_access(tx: Transaction, of_grants: ColumnElement[bool], of_items: ColumnElement[bool]) -> EndedAccess:
    over = {"state": GrantState.REVOKED.value, "ended_at": tx.now, "version": grants.c.version + 1}
    live = grants.c.state == GrantState.ACTIVE.value
    rows = await tx.all(update(grants).where(of_grants, live).values(**over).returning(grants))
    items = await cancel_items(tx, of_items)
    return EndedAccess(rows, items, await void_tickets(tx, among(tickets.c.grant_id, [row.id for row in rows])))


async def cancel_items(tx: Transaction, scope: ColumnElement[bool]) -> int:
    """Cancel the places in access requests that still wait; how many."""
    waiting = access_items.c.state == AccessItemState.PENDING.value
    cancelled = {
        "state": AccessItemState.CANCELLED.value,
        "decided_at": tx.now,
        "version": access_items.c.version + 1,
    }
    return await tx.execute(update(access_items).where(scope, waiting).values(**cancelled))


async def void_tickets(tx: Transaction, scope: ColumnElement[bool]) -> int:
    """Make tickets that nobody has redeemed worthless; how many could still have been."""
    return await tx.execute(update(tickets).where(scope, is_open(tx)).values(voided_at=tx.now))


def share_events(ended: EndedShares) -> list[Event]:
    """One event per share that ended with something larger (model 4.12)."""
    grants_ended = Counter(row.share_id for row in ended.rows)
    return [
        event_on(share, EventType.SHARE_REMOVED, data={"grantsEnded": grants_ended[share.id]}) for share in ended.shares
    ]
