"""Levels of access to a host's data, and the ceilings that bound them (model 4.4.2, S24 to S36)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DataAccessLevel(StrEnum):
    """NONE < SUPPORT < MANAGE."""

    NONE = "NONE"
    SUPPORT = "SUPPORT"
    MANAGE = "MANAGE"


WORDS: Final = {
    DataAccessLevel.NONE: "none",
    DataAccessLevel.SUPPORT: "support (read only)",
    DataAccessLevel.MANAGE: "management (read and write)",
}
"""A level as mails name it."""

L = DataAccessLevel
ORDER: Final = (L.NONE, L.SUPPORT, L.MANAGE)
UNBOUNDED: Final = L.MANAGE
"""The ceiling where neither the contract nor the link sets one (Q5)."""


def least(*levels: DataAccessLevel | None) -> DataAccessLevel:
    """The lowest of these; None bounds nothing, and nothing at all is MANAGE."""
    return min((level for level in levels if level is not None), key=ORDER.index, default=UNBOUNDED)


def is_above(level: DataAccessLevel | None, other: DataAccessLevel | None) -> bool:
    """Does this level or ceiling give more than the other? None as a ceiling bounds nothing."""
    return ORDER.index(level or UNBOUNDED) > ORDER.index(other or UNBOUNDED)


def effective(ceiling: DataAccessLevel, granted: DataAccessLevel, *, usable: bool) -> DataAccessLevel:
    """What holds now: the least of both, NONE unless the partnership is active and policy admits it (invariant 3)."""
    return least(ceiling, granted) if usable else L.NONE
