"""Places that many share: one key, an address or an organisation, has no more of them than are free besides."""

from __future__ import annotations

from collections import Counter
from typing import Final

LEAST: Final = 4
"""What a key may have while anything is free."""


class Shares:
    """At most `limit` places. One key can take half of them, two a third each, and whatever they do something is left;
    each has `least` while anything is free."""

    def __init__(self, limit: int, least: int = LEAST) -> None:
        self.limit = limit
        self.least = least
        self.running: Counter[str] = Counter()

    def has_room(self, key: str) -> bool:
        """May one more of this key run?"""
        free = self.limit - self.running.total()
        return free > 0 and self.running[key] < max(self.least, free)

    def enter(self, key: str) -> bool:
        """Take a place; return whether there was one."""
        if not self.has_room(key):
            return False
        self.running[key] += 1
        return True

    def leave(self, key: str) -> None:
        """Give a place back."""
        self.running[key] -= 1
        if self.running[key] <= 0:
            del self.running[key]
