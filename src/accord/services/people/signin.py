"""Signing in to the platform: the first accepted use of a token is an event (model 4.12)."""

from __future__ import annotations

import hashlib

from sqlalchemy.dialects.postgresql import insert

from accord.database.engine import Transaction
from accord.database.tables.organisation import sign_ins
from accord.domain.activity import EventType
from accord.services.activity import Event, record

__all__ = ["note_sign_in"]


async def note_sign_in(tx: Transaction, *before: Event) -> bool:
    """Record `signin.platform` in the person's home organisation if this token was never used; has it left its event?

    Somebody whom the platform does not know, or who has no active membership left, leaves none. `before`: what the
    sign-in itself brought about, in the home organisation.
    """
    principal = tx.principal
    home = principal.home_organisation_id
    if principal.person_id is None or home is None or home not in principal.organisations:
        return False
    identity = principal.identity
    digest = hashlib.sha256(f"{identity.issuer}\n{identity.token_id}".encode()).hexdigest()
    first = insert(sign_ins).values(
        token_hash=digest, user_id=principal.person_id, first_used_at=tx.now, expires_at=identity.expires_at
    )
    if await tx.execute(first.on_conflict_do_nothing()) != 1:
        return True
    await tx.enter(home)
    await record(tx, *before, Event(type=EventType.SIGNIN_PLATFORM, streams=(home,)))
    return True
