"""What ends with something else, in the transaction that ends it (model 4.10). Acts count what these return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, update

from accord.database.engine import Transaction
from accord.database.queries.sharing import is_open, list_named_shares
from accord.database.tables.sharing import access_items, grants, shares, tickets
from accord.domain.activity import EventType
from accord.domain.sharing import AccessItemState, GrantState, ShareState
from accord.services.activity import Event
from accord.services.grants.share import event_on

__all__ = ["EndedAccess", "EndedShares", "cancel_items", "end_access", "end_shares", "share_events", "void_tickets"]


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


async def end_shares(
    tx: Transaction,
    *,
    partnership_id: UUID | None = None,
    account_id: UUID | None = None,
    share_ids: Collection[UUID] = (),
) -> EndedShares:
    """End the live shares of a partnership, of an account or with these keys, and all that rests on them (S73, S91)."""
    ended = await _end(tx, shares, _scope(shares, partnership_id, account_id, share_ids), ShareState.REMOVED)
    keys = [row.id for row in ended]
    named = await list_named_shares(tx, keys)
    access = await _end_access(tx, grants.c.share_id.in_(keys), access_items.c.share_id.in_(keys))
    return EndedShares(access.rows, access.items, access.tickets, named)


def _scope(
    table: Any, partnership_id: UUID | None, account_id: UUID | None, share_ids: Collection[UUID]
) -> ColumnElement[bool]:
    if partnership_id is not None:
        return table.c.partnership_id == partnership_id  # type: ignore[no-any-return]
    if account_id is not None:
        return table.c.account_id == account_id  # type: ignore[no-any-return]
    return table.c.id.in_(share_ids)  # type: ignore[no-any-return]


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
    rows = await _end(tx, grants, of_grants, GrantState.REVOKED)
    items = await cancel_items(tx, of_items)
    return EndedAccess(rows, items, await void_tickets(tx, tickets.c.grant_id.in_([row.id for row in rows])))


async def _end(
    tx: Transaction, table: Any, scope: ColumnElement[bool], state: ShareState | GrantState
) -> Sequence[Any]:
    live = table.c.state != state.value if state is ShareState.REMOVED else table.c.state == GrantState.ACTIVE.value
    ended = update(table).where(scope, live).values(state=state.value, ended_at=tx.now, version=table.c.version + 1)
    return await tx.all(ended.returning(table))


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
