"""Partners as the platform knows them: programme, status, and links to their customers (model 4.2, S2 to S6)."""

from __future__ import annotations

from enum import StrEnum


class PartnerProgram(StrEnum):
    """The vendor's programme that a partner belongs to (S2, S108)."""

    NONE = "NONE"
    REFERRAL = "REFERRAL"
    RESELLER = "RESELLER"
    MSP = "MSP"


class PartnerStatus(StrEnum):
    NONE = "NONE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class LinkKind(StrEnum):
    """What a partner is to a customer; at most one is its partner of record (S105)."""

    PARTNER_OF_RECORD = "PARTNER_OF_RECORD"
    RESELLER = "RESELLER"
    MSP = "MSP"


class LinkStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
