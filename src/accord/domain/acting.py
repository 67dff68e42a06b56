"""Acting in another organisation: on what basis, for how long (model 4.4.5, 4.8)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from accord.domain.lifecycle import LifeCycle


class Basis(StrEnum):
    """What an acting session rests on; it gives nothing but what this gives."""

    LEVEL = "LEVEL"
    ROLE_GROUP = "ROLE_GROUP"
    CONTACT = "CONTACT"


class MemberBasis(StrEnum):
    """Why somebody of the guest is a member of a partnership with access (model 4.7)."""

    ACCOUNT = "ACCOUNT"
    LEVEL = "LEVEL"
    ROLE_GROUP = "ROLE_GROUP"
    CONTACT = "CONTACT"
    REPRESENTATIVE = "REPRESENTATIVE"


class SessionState(StrEnum):
    """Left by its user, revoked with its basis, or over by time."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class SessionEvent(StrEnum):
    LEAVE = "leave"
    REVOKE = "revoke"
    EXPIRE = "expire"


SESSION: Final = LifeCycle(
    {
        (SessionState.ACTIVE, SessionEvent.LEAVE): SessionState.ENDED,
        (SessionState.ACTIVE, SessionEvent.REVOKE): SessionState.REVOKED,
        (SessionState.ACTIVE, SessionEvent.EXPIRE): SessionState.EXPIRED,
    }
)

LONGEST: Final = timedelta(minutes=60)
IDLE: Final = timedelta(minutes=15)
NOTED_EVERY: Final = timedelta(seconds=30)
"""How exactly the last use of a session is kept: a write for every read would cost more than it tells."""
