"""Acting in another organisation: on what basis, for how long (model 4.4.5, 4.8)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final


class Basis(StrEnum):
    """What an acting session rests on."""

    LEVEL = "LEVEL"
    ROLE_GROUP = "ROLE_GROUP"
    CONTACT = "CONTACT"


LONGEST: Final = timedelta(minutes=60)
IDLE: Final = timedelta(minutes=15)
