"""How somebody whom the directory made a member signs in for the first time: by a link of one's own (model 4.4.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accord.database.engine import Transaction
from accord.database.queries.recipients import names_of
from accord.domain.notice import Template
from accord.domain.organisation import INVITATION_LIFE, new_token, token_hash
from accord.services.outbox import Mail, Recipient, enqueue

__all__ = ["claim_link"]


async def claim_link(tx: Transaction, organisation_id: UUID, email: str, display_name: str) -> dict[str, Any]:
    """Mail the link by which the person binds a sign-in, as an address alone proves nobody; what its row has to hold.

    A person gets at most one such mail a day, however often the directory lets them in and out; the newest waits.
    """
    token = new_token()
    names = await names_of(tx, organisation_id)
    mail = Mail(
        template=Template.MEMBER_INVITED,
        organisation_id=organisation_id,
        recipients=(Recipient(email, display_name=display_name),),
        facts={"actor": tx.principal.display_name, "organisation": names[organisation_id]},
        secret=token,
        external=True,
        waits=True,
    )
    await enqueue(tx, mail)
    return {"token_hash": token_hash(token), "token_expires_at": tx.now + INVITATION_LIFE}
