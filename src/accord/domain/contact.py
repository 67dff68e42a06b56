"""External contacts: one person with roles of a host, and no partnership behind them (model 4.2, S103, S109, Q26)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from accord.domain.lifecycle import LifeCycle


class ContactStatus(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    CONVERTED = "CONVERTED"
    REMOVED = "REMOVED"


class ContactEvent(StrEnum):
    ACCEPT = "accept"
    CONVERT = "convert"
    REMOVE = "remove"


CONTACT: Final = LifeCycle(
    {
        (ContactStatus.INVITED, ContactEvent.ACCEPT): ContactStatus.ACTIVE,
        (ContactStatus.INVITED, ContactEvent.REMOVE): ContactStatus.REMOVED,
        (ContactStatus.ACTIVE, ContactEvent.CONVERT): ContactStatus.CONVERTED,
        (ContactStatus.ACTIVE, ContactEvent.REMOVE): ContactStatus.REMOVED,
        (ContactStatus.CONVERTED, ContactEvent.REMOVE): ContactStatus.REMOVED,
    }
)
