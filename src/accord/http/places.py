"""Where an address is, from a database file that the operator names; without one nobody is anywhere."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import maxminddb


class Places:
    """Looks addresses up in a city or country database of the MaxMind format."""

    def __init__(self, path: Path | None = None) -> None:
        self.reader = maxminddb.open_database(str(path)) if path else None

    def find(self, address: str) -> str:
        """City and country in English, as far as they are known; empty for an unknown address."""
        if self.reader is None:
            return ""
        try:
            found: Any = self.reader.get(ipaddress.ip_address(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return ""
        parts = (_name(found, "city"), _name(found, "country"))
        return ", ".join(part for part in parts if part)

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()


def _name(found: Any, kind: str) -> str:
    """The English name in a record of any shape."""
    for step in (kind, "names", "en"):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
