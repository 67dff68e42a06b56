"""What acts on accounts read: the account under lock with its owners, and the partnerships it is shared in."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Query, Transaction
from accord.database.queries.sharing import owner_ids
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import account_ownerships, accounts, shares
from accord.database.visibility import sees_account
from accord.domain.errors import NotFound
from accord.domain.sharing import AccountStatus, ShareState

VISIBLE: Final = Query(
    select(accounts, owner_ids()).where(accounts.c.id == bindparam("wanted", type_=Uuid()), sees_account())
)


async def get_account(tx: Transaction, account_id: UUID) -> Any:
    """The account with its active owners if the caller may see it; NotFound otherwise."""
    found = await tx.fetch(VISIBLE, wanted=account_id)
    if not found:
        raise NotFound(("accountId",))
    return found[0]


async def lock_account(tx: Transaction, account_id: UUID) -> Any:
    """As `get_account`, locked until the end of the act; a guest's caller reads it without the lock."""
    await tx.first(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update(key_share=True))
    return await get_account(tx, account_id)


async def get_status(tx: Transaction, account_id: UUID) -> AccountStatus:
    """Return the status of an account, for what has reached it otherwise."""
    return AccountStatus(await tx.scalar(select(accounts.c.status).where(accounts.c.id == account_id)))


async def hold_partnerships_of(tx: Transaction, account_id: UUID) -> None:
    """Lock the partnerships in which an account is shared, in order of their keys."""
    live = select(shares.c.partnership_id).where(
        shares.c.account_id == account_id, shares.c.state != ShareState.REMOVED.value
    )
    await tx.all(
        select(partnerships.c.id).where(partnerships.c.id.in_(live)).order_by(partnerships.c.id).with_for_update()
    )


async def list_owners(tx: Transaction, account_id: UUID) -> set[UUID]:
    """Everybody named as owner of an account, also who is no longer active."""
    owned = select(account_ownerships.c.user_id).where(account_ownerships.c.account_id == account_id)
    return {row.user_id for row in await tx.all(owned)}
