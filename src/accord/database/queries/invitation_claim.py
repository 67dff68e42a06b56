"""Claims on invitations as acts read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Query, Transaction
from accord.database.personal import sees_claim
from accord.database.tables.contact import external_contacts
from accord.database.tables.invitation_claim import invitation_claims
from accord.database.tables.organisation import memberships
from accord.domain.errors import NotFound

VISIBLE: Final = Query(
    select(invitation_claims).where(
        invitation_claims.c.id == bindparam("wanted", type_=Uuid()),
        sees_claim(),
    )
)


async def list_claims_of_link(tx: Transaction, link_hash: str) -> Sequence[Any]:
    """Return the claims on one link, the oldest first, locked."""
    of_link = select(invitation_claims).where(invitation_claims.c.link_hash == link_hash)
    return await tx.all(of_link.order_by(invitation_claims.c.id).with_for_update())


async def find_claim(tx: Transaction, claim_id: UUID) -> Any:
    """Return a claim that the caller may see; raise NotFound otherwise."""
    found = await tx.fetch(VISIBLE, wanted=claim_id)
    if not found:
        raise NotFound(("claimId",))
    return found[0]


async def lock_claim(tx: Transaction, claim_id: UUID) -> Any:
    """As `find_claim`, locked."""
    await tx.first(select(invitation_claims.c.id).where(invitation_claims.c.id == claim_id).with_for_update())
    return await find_claim(tx, claim_id)


async def lock_claimed(tx: Transaction, claim: Any) -> Any:
    """Return the invitation whose link was claimed, locked, or None where another link has taken its place."""
    table, key = (
        (memberships, claim.membership_id) if claim.membership_id is not None else (external_contacts, claim.contact_id)
    )
    same = (table.c.id == key) & (table.c.token_hash == claim.link_hash)
    return await tx.first(select(table).where(same).with_for_update())
