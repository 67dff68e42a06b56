"""Claims on invitations as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, case

from accord.database.clock import NOW
from accord.database.personal import sees_claim
from accord.database.queries.read.pages import PARENT, Item, as_text, global_id, looked_up, one_of, paged
from accord.database.tables.invitation_claim import invitation_claims
from accord.domain.invitation_claim import ClaimState


class InvitationClaimRow(Item):
    """One claim."""

    type_name = "InvitationClaim"


c = invitation_claims.alias("ic")
STATE: Final = case(
    (and_(c.c.state == ClaimState.WAITING.value, c.c.expires_at <= NOW), ClaimState.LAPSED.value), else_=c.c.state
)
"""What was not decided in time has lapsed, whether or not it is marked so yet (invariant 12)."""
CLAIM: Final = (
    global_id("invitationclaim", c.c.id),
    as_text(c.c.organisation_id),
    as_text(c.c.membership_id),
    as_text(c.c.contact_id),
    c.c.invited_email,
    c.c.roles,
    c.c.issuer,
    c.c.email,
    c.c.email_verified,
    c.c.display_name,
    STATE.label("state"),
    c.c.claimed_at,
    c.c.expires_at,
    as_text(c.c.decided_by),
    c.c.decided_at,
    c.c.version,
)

CLAIM_BY_ID: Final = looked_up(InvitationClaimRow, CLAIM, c.c.id, sees_claim(c))
CLAIMS_OF_ORGANISATION: Final = paged(
    InvitationClaimRow,
    CLAIM,
    c,
    (c.c.organisation_id == PARENT, sees_claim(c), one_of(STATE, "state")),
    c.c.id,
    newest_first=True,
)
