"""What signing in reads: browser sessions by their secret, and what an organisation knows about an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database.engine import Transaction
from accord.database.tables.metadata import folded
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.signin import browser_sessions
from accord.domain.organisation import MembershipStatus, OrganisationStatus
from accord.domain.text import is_same_address


async def find_browser_session(connection: AsyncConnection, token_hash: str) -> Any:
    """The session whose cookie hashes to this, live or not, or None; the connection shows that secret from here on."""
    await connection.execute(text("SELECT set_config('accord.browser', :hash, true)"), {"hash": token_hash})
    found = await connection.execute(select(browser_sessions).where(browser_sessions.c.token_hash == token_hash))
    return found.first()


async def find_by_handle(tx: Transaction, handle: str) -> Any:
    """The active organisation of this handle, or None; the handle has been shown to the database."""
    active = organisations.c.status == OrganisationStatus.ACTIVE.value
    return await tx.first(select(organisations.c.id).where(organisations.c.handle == handle, active))


async def is_known(tx: Transaction) -> bool:
    """Is the caller somebody whom the platform knows by now?"""
    return await tx.scalar(select(func.accord.person())) is not None


async def list_places(tx: Transaction, organisation_id: UUID, email: str) -> Sequence[Any]:
    """The memberships of an organisation with this address, locked, of its invitations those that still wait."""
    waits = or_(memberships.c.status != MembershipStatus.INVITED.value, memberships.c.token_expires_at > tx.now)
    same = folded(memberships.c.email) == folded(email)
    held = select(memberships).where(memberships.c.organisation_id == organisation_id, same, waits)
    found = await tx.all(held.order_by(memberships.c.id).with_for_update())
    return [row for row in found if is_same_address(row.email, email)]


async def find_at_home(tx: Transaction, organisation_id: UUID, email: str) -> Any:
    """Who is at home in an organisation with this address, with the membership there if there is one, or None.

    `bound`: does anybody sign in as this person?
    """
    own = and_(memberships.c.organisation_id == organisation_id, memberships.c.user_id == users.c.id)
    member = (memberships.c.id.label("membership_id"), memberships.c.roles, memberships.c.delegated_admin)
    found = await tx.first(
        select(users, *member, func.accord.signs_in(users.c.id).label("bound"))
        .outerjoin(memberships, own)
        .where(users.c.home_organisation_id == organisation_id, folded(users.c.email) == folded(email))
    )
    return found if found is not None and is_same_address(found.email, email) else None


async def sign_out_browsers(tx: Transaction, user_id: UUID) -> int:
    """End every browser session of somebody who is an active member nowhere any more; how many there were."""
    return int(await tx.scalar(select(func.accord.sign_out_browsers(user_id, tx.now))))
