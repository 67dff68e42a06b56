"""Partnerships by ID and by the link of an invitation; the terms of service."""

from __future__ import annotations

from strawberry import ID

from accord.database.queries.read import partnership as read
from accord.domain.organisation import token_hash
from accord.schema.connections import found, key_of
from accord.schema.context import Info
from accord.schema.types.partnership import Partnership, TermsVersion

TERMS_CODE = "partner-terms"


async def partnership(info: Info, id: ID) -> Partnership | None:
    """One partnership."""
    partnership: Partnership = found(await info.context.loaders.partnership_by_id.load(key_of("partnership", id)))
    return partnership


async def invitation(info: Info, token: str) -> Partnership | None:
    """The partnership that a mail's link invites to, for an admin of the invited organisation; the link gives no right
    and is not used up."""
    rows = await info.context.snapshot.fetch(read.PARTNERSHIP_BY_TOKEN, token=token_hash(token))
    partnership: Partnership = found(rows[0] if rows else None)
    return partnership


async def current_terms(info: Info) -> TermsVersion | None:
    """The terms of service that a guest has to accept (S63); null before any are published."""
    rows = await info.context.snapshot.fetch(read.CURRENT_TERMS, code=TERMS_CODE)
    return rows[0] if rows else None
