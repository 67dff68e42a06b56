"""Partnerships: states, the life cycle table, terms, throttles and who may know of one (model 4.4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from accord.domain.errors import RateLimited
from accord.domain.lifecycle import LifeCycle

HOST_DECIDES_WITHIN: Final = timedelta(days=30)
GUEST_DECIDES_WITHIN: Final = timedelta(days=14)
REFUSED_KEPT_FOR: Final = timedelta(days=30)
LAPSE_NOTICE: Final = timedelta(days=3)
BETWEEN_REMINDERS: Final = timedelta(hours=24)
REMINDERS: Final = 5


class PartnershipState(StrEnum):
    AWAITING_HOST_APPROVAL = "AWAITING_HOST_APPROVAL"
    AWAITING_GUEST_ACCEPTANCE = "AWAITING_GUEST_ACCEPTANCE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DECLINED_BY_HOST = "DECLINED_BY_HOST"
    DECLINED_BY_GUEST = "DECLINED_BY_GUEST"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    TERMINATED = "TERMINATED"
    EXPIRED = "EXPIRED"


S = PartnershipState
AWAITING: Final = frozenset({S.AWAITING_HOST_APPROVAL, S.AWAITING_GUEST_ACCEPTANCE})
CONNECTED: Final = frozenset({S.ACTIVE, S.SUSPENDED})
TERMINAL: Final = frozenset({S.DECLINED_BY_HOST, S.WITHDRAWN, S.LAPSED, S.TERMINATED, S.EXPIRED})
OPEN: Final = frozenset(S) - TERMINAL
"""Not terminal: a pair of organisations has at most one of these (S44)."""


class PartnershipPath(StrEnum):
    HOST_REQUEST = "HOST_REQUEST"
    HOST_INVITE = "HOST_INVITE"
    GUEST_REQUEST = "GUEST_REQUEST"
    VENDOR_LINK = "VENDOR_LINK"


class PartnershipSide(StrEnum):
    HOST = "HOST"
    GUEST = "GUEST"


class Holder(StrEnum):
    """Who suspended a partnership; each takes back its own hold alone (4.4.1)."""

    HOST = "HOST"
    GUEST = "GUEST"
    OPERATOR = "OPERATOR"


class Purpose(StrEnum):
    """What the access is for (S21)."""

    SUPPORT = "SUPPORT"
    IMPROVEMENT = "IMPROVEMENT"
    MANAGEMENT = "MANAGEMENT"
    CONTRACT_MONITORING = "CONTRACT_MONITORING"


class HostDecision(StrEnum):
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    SKIPPED = "SKIPPED"


class GuestDecision(StrEnum):
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class PartnershipEvent(StrEnum):
    REMIND = "remind"
    APPROVE = "approve"
    DECLINE = "decline"
    ACCEPT = "accept"
    REFUSE = "refuse"
    RESEND = "resend"
    RESUBMIT = "resubmit"
    """A resend that the host has to approve anew: wider terms, or an approver who has left the role (Q7)."""
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    SHARE = "share"
    TRANSFER = "transfer"
    REPRESENT = "represent"
    SUSPEND = "suspend"
    RELEASE = "release"
    """One side lets go, another still holds."""
    RESUME = "resume"
    """The last hold is gone."""
    EXTEND = "extend"
    DELEGATE = "delegate"
    CLEAR_ROLES = "clear_roles"
    RAISE_LEVEL = "raiseLevel"
    REDUCE_LEVEL = "reduceLevel"
    REMOVE = "remove"
    EXPIRE = "expire"


E = PartnershipEvent
PARTNERSHIP: Final = LifeCycle(
    {
        (S.AWAITING_HOST_APPROVAL, E.REMIND): S.AWAITING_HOST_APPROVAL,
        (S.AWAITING_HOST_APPROVAL, E.APPROVE): S.AWAITING_GUEST_ACCEPTANCE,
        (S.AWAITING_HOST_APPROVAL, E.DECLINE): S.DECLINED_BY_HOST,
        (S.AWAITING_HOST_APPROVAL, E.WITHDRAW): S.WITHDRAWN,
        (S.AWAITING_HOST_APPROVAL, E.LAPSE): S.LAPSED,
        (S.AWAITING_GUEST_ACCEPTANCE, E.ACCEPT): S.ACTIVE,
        (S.AWAITING_GUEST_ACCEPTANCE, E.REFUSE): S.DECLINED_BY_GUEST,
        (S.AWAITING_GUEST_ACCEPTANCE, E.RESEND): S.AWAITING_GUEST_ACCEPTANCE,
        (S.AWAITING_GUEST_ACCEPTANCE, E.WITHDRAW): S.WITHDRAWN,
        (S.AWAITING_GUEST_ACCEPTANCE, E.LAPSE): S.LAPSED,
        (S.AWAITING_GUEST_ACCEPTANCE, E.TRANSFER): S.AWAITING_GUEST_ACCEPTANCE,
        (S.DECLINED_BY_GUEST, E.RESEND): S.AWAITING_GUEST_ACCEPTANCE,
        (S.DECLINED_BY_GUEST, E.RESUBMIT): S.AWAITING_HOST_APPROVAL,
        (S.DECLINED_BY_GUEST, E.WITHDRAW): S.WITHDRAWN,
        (S.DECLINED_BY_GUEST, E.TRANSFER): S.DECLINED_BY_GUEST,
        (S.ACTIVE, E.SHARE): S.ACTIVE,
        (S.ACTIVE, E.TRANSFER): S.ACTIVE,
        (S.ACTIVE, E.REPRESENT): S.ACTIVE,
        (S.ACTIVE, E.SUSPEND): S.SUSPENDED,
        (S.SUSPENDED, E.SUSPEND): S.SUSPENDED,
        (S.SUSPENDED, E.RELEASE): S.SUSPENDED,
        (S.SUSPENDED, E.RESUME): S.ACTIVE,
        (S.ACTIVE, E.EXTEND): S.ACTIVE,
        (S.ACTIVE, E.DELEGATE): S.ACTIVE,
        (S.ACTIVE, E.CLEAR_ROLES): S.ACTIVE,
        (S.SUSPENDED, E.CLEAR_ROLES): S.SUSPENDED,
        (S.ACTIVE, E.RAISE_LEVEL): S.ACTIVE,
        (S.ACTIVE, E.REDUCE_LEVEL): S.ACTIVE,
        (S.SUSPENDED, E.REDUCE_LEVEL): S.SUSPENDED,
        (S.ACTIVE, E.REMOVE): S.TERMINATED,
        (S.ACTIVE, E.EXPIRE): S.EXPIRED,
        (S.SUSPENDED, E.TRANSFER): S.SUSPENDED,
        (S.SUSPENDED, E.REPRESENT): S.SUSPENDED,
        (S.SUSPENDED, E.REMOVE): S.TERMINATED,
        (S.SUSPENDED, E.EXPIRE): S.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an attempt proposes; in a host's own request always LIMITED, without level and wallet (4.4.1)."""

    purposes: frozenset[Purpose]
    expires_at: datetime | None

    def snapshot(self) -> dict[str, Any]:
        """The JSON that the attempt keeps for good."""
        return {
            "purposes": sorted(self.purposes),
            "accessMode": "LIMITED",
            "walletEntrusted": False,
            "level": "NONE",
            "expiresAt": self.expires_at.isoformat() if self.expires_at else None,
        }

    @classmethod
    def read(cls, snapshot: dict[str, Any]) -> Terms:
        """The terms of a stored attempt."""
        ends = snapshot["expiresAt"]
        return cls(frozenset(map(Purpose, snapshot["purposes"])), datetime.fromisoformat(ends) if ends else None)


def is_wider(proposed: Terms, approved: Terms) -> bool:
    """Do these terms go beyond what was last approved? (model 4.1, Terms)"""
    if not proposed.purposes <= approved.purposes:
        return True
    if approved.expires_at is None:
        return False
    return proposed.expires_at is None or proposed.expires_at > approved.expires_at


def check_throttle(count: int, last_at: datetime | None, now: datetime) -> None:
    """May one more mail go out? At least 24 hours after the last, at most five (4.4.1); RateLimited otherwise."""
    if count >= REMINDERS:
        raise RateLimited(int(BETWEEN_REMINDERS.total_seconds()), f"At most {REMINDERS} of these are sent.")
    if last_at is not None and now - last_at < BETWEEN_REMINDERS:
        raise RateLimited(int((BETWEEN_REMINDERS - (now - last_at)).total_seconds()) + 1)


def purposes(values: Iterable[str]) -> frozenset[Purpose]:
    """The purposes by name."""
    return frozenset(map(Purpose, values))
