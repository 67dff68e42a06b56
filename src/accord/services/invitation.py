"""Invitations: the one-time link by which the guest learns of a partnership its host has approved (S60, S98, Q9)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import update

from accord.database.engine import Transaction
from accord.database.queries.partnership import lock_invitation
from accord.database.queries.recipients import admins_of
from accord.database.tables.partnership import invitations
from accord.domain.errors import NotFound
from accord.domain.notice import Template, day
from accord.domain.organisation import INVITATION_LIFE, new_token, token_hash
from accord.services.outbox import Mail, Recipient, enqueue

__all__ = ["invite", "redeem", "use", "void"]

OPEN: Final = invitations.c.used_at.is_(None) & invitations.c.voided_at.is_(None)


async def invite(
    tx: Transaction, partnership: Any, attempt_id: UUID, contact_email: str, *, decision: bool = False
) -> None:
    """Mail the contact address and the guest's admins a fresh link; older links of the partnership are void (S102).

    A `decision` (an approval, or sending again) is not counted in the budget and goes through in any case.
    """
    await void(tx, partnership.id)
    token = new_token()
    await tx.add(
        invitations,
        token_hash=token_hash(token),
        partnership_id=partnership.id,
        attempt_id=attempt_id,
        host_id=partnership.host_id,
        guest_id=partnership.guest_id,
        email=contact_email,
        expires_at=tx.now + INVITATION_LIFE,
    )
    admins = [Recipient(a.email, a.user_id, a.display_name) for a in await admins_of(tx, partnership.guest_id)]
    mail = Mail(
        template=Template.INVITATION,
        organisation_id=partnership.host_id,
        recipients=(*admins, Recipient(contact_email)),
        facts={
            "host": partnership.host_name,
            "guest": partnership.guest_name,
            "until": day(tx.now + INVITATION_LIFE),
        },
        partnership_id=partnership.id,
        secret=token,
        external=True,
        counted=not decision,
        waits=decision,
    )
    await enqueue(tx, mail)


async def redeem(tx: Transaction, token: str) -> UUID:
    """The partnership that a link invites the acting organisation to; one answer for every kind of invalid link."""
    found = await lock_invitation(tx, token_hash(token))
    is_open = found is not None and found.used_at is None and found.voided_at is None and found.expires_at > tx.now
    if not is_open or found.guest_id != tx.acting_for or found.guest_id not in tx.principal.admin_of:
        raise NotFound(("token",))
    partnership_id: UUID = found.partnership_id
    return partnership_id


async def use(tx: Transaction, partnership_id: UUID) -> None:
    """The invitation was answered: its links are used up."""
    answered = invitations.c.partnership_id == partnership_id
    await tx.execute(update(invitations).where(answered, OPEN).values(used_at=tx.now))


async def void(tx: Transaction, partnership_id: UUID) -> int:
    """Make the open links of a partnership worthless; how many there were."""
    of_partnership = invitations.c.partnership_id == partnership_id
    return await tx.execute(update(invitations).where(of_partnership, OPEN).values(voided_at=tx.now))
