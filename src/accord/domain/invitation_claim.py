"""Claims on invitations: somebody used a link that was mailed to another address (model 4.2, 4.11)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from accord.domain.lifecycle import LifeCycle

CLAIM_LIFE: Final = timedelta(hours=72)
"""How long the organisation can confirm or refuse a claim, and how long the link works after it was confirmed."""
CLAIMS_OF_A_LINK: Final = 3
"""How many sign-ins can claim one link, one after another; after that it works at its own address alone."""


class ClaimState(StrEnum):
    WAITING = "WAITING"
    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"


class ClaimEvent(StrEnum):
    CONFIRM = "confirm"
    REFUSE = "refuse"
    LAPSE = "lapse"


CLAIM: Final = LifeCycle(
    {
        (ClaimState.WAITING, ClaimEvent.CONFIRM): ClaimState.CONFIRMED,
        (ClaimState.WAITING, ClaimEvent.REFUSE): ClaimState.REFUSED,
        (ClaimState.WAITING, ClaimEvent.LAPSE): ClaimState.LAPSED,
        (ClaimState.CONFIRMED, ClaimEvent.REFUSE): ClaimState.REFUSED,
    }
)
"""A confirmation can be taken back until the person has followed the link once more."""
