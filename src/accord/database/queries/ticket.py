"""What signing in to an account reads: the account, the grant that leads to it, a ticket and the person behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, or_, select

from accord.access.principal import Identity, Principal, Standing
from accord.database.acting import SESSION, AccessRevoked, SessionOver, acting_as
from accord.database.caller import viewer_binds
from accord.database.engine import Query, Transaction
from accord.database.queries.sharing import get_partnership, get_share, owner_ids
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import accounts, grants, shares, tickets
from accord.database.visibility import sees_account
from accord.domain.errors import NotFound
from accord.domain.organisation import MembershipStatus, OrganisationStatus, Role
from accord.domain.sharing import GrantState, ShareState

ACCOUNT: Final = select(accounts, owner_ids()).where(accounts.c.id == bindparam("wanted", type_=Uuid()))
VISIBLE: Final = Query(ACCOUNT.where(sees_account()))
REACHABLE: Final = Query(ACCOUNT)


async def get_account(tx: Transaction, account_id: UUID, *, shown: bool) -> Any:
    """The account with its active owners; `shown` asks for one that the caller may see. NotFound otherwise."""
    found = await tx.fetch(VISIBLE if shown else REACHABLE, wanted=account_id)
    if not found:
        raise NotFound(("accountId",))
    return found[0]


async def hold_path(tx: Transaction, account_id: UUID, organisation_id: UUID, user_id: UUID) -> Any:
    """The person's grant on an account as somebody of this guest, with `partnership` and `share`; None without one.

    Partnership, share and grant are held in the order that all acts keep, each for this act alone: shared locks are
    given past whoever waits to take the access back, who might then wait for ever.
    """
    found = await tx.first(_path(account_id, organisation_id, user_id))
    if found is None:
        return None
    for table, key in ((partnerships, found.partnership_id), (shares, found.share_id)):
        await tx.first(select(table.c.id).where(table.c.id == key).with_for_update(key_share=True))
    grant = await tx.first(select(grants).where(grants.c.id == found.id).with_for_update(key_share=True))
    return grant, await get_partnership(tx, found.partnership_id), await get_share(tx, found.share_id)


def _path(account_id: UUID, organisation_id: UUID, user_id: UUID) -> Select[Any]:
    return select(grants).where(
        grants.c.account_id == account_id,
        grants.c.guest_id == organisation_id,
        grants.c.user_id == user_id,
        grants.c.state == GrantState.ACTIVE.value,
    )


async def hold_shared(tx: Transaction, account_id: UUID, partnership_id: UUID | None) -> Any:
    """The active share of an account under a partnership, held against change, for somebody who acts there; or None."""
    found = await tx.first(
        select(shares.c.id)
        .where(
            shares.c.account_id == account_id,
            shares.c.partnership_id == partnership_id,
            shares.c.state == ShareState.ACTIVE.value,
            or_(shares.c.expires_at.is_(None), shares.c.expires_at > tx.now),
        )
        .with_for_update(key_share=True)
    )
    return None if found is None else await get_share(tx, found.id)


async def find_acting(tx: Transaction, holder: Principal, session_id: UUID) -> Principal | None:
    """The holder of a ticket as the session makes them in which it was made; None where that is over."""
    found = await tx.fetch(SESSION, **viewer_binds(holder, tx.now), session=session_id)
    try:
        return acting_as(holder, found[0] if found else None, tx.now)
    except (AccessRevoked, SessionOver):
        return None


async def find_ticket(tx: Transaction, ticket_id: UUID) -> Any:
    """A ticket by the key that it carries, or None; from then on the act is within the ticket's organisations."""
    await tx.present(ticket=str(ticket_id))
    ticket = await tx.first(select(tickets).where(tickets.c.id == ticket_id))
    if ticket is not None:
        await tx.enter(*{ticket.host_id, ticket.organisation_id})
    return ticket


async def find_holder(tx: Transaction, identity: Identity, ticket: Any) -> tuple[Principal, str] | None:
    """Return the person of a ticket as a member of the organisation that it was made in, and the e-mail address.

    Whether there was a second factor is a fact of the sign-in that the ticket was made in, never of the app's request.
    """
    row = await tx.first(
        select(users, memberships.c.id.label("membership_id"), memberships.c.roles, memberships.c.delegated_admin)
        .add_columns(organisations.c.status.label("organisation_status"))
        .join(memberships, memberships.c.user_id == users.c.id)
        .join(organisations, organisations.c.id == memberships.c.organisation_id)
        .where(
            users.c.id == ticket.user_id,
            memberships.c.organisation_id == ticket.organisation_id,
            memberships.c.status == MembershipStatus.ACTIVE.value,
        )
        .with_for_update(read=True, of=memberships)
    )
    if row is None:
        return None
    standing = Standing(
        row.membership_id,
        ticket.organisation_id,
        frozenset(map(Role, row.roles)),
        row.delegated_admin,
        row.organisation_status == OrganisationStatus.ACTIVE,
    )
    issued = replace(identity, mfa=ticket.mfa)
    return Principal(issued, row.id, row.display_name, row.home_organisation_id, (standing,)), row.email
