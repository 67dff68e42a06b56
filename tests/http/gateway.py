"""The whole gateway over one database, as a test wants it."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from accord.settings import Settings
from tests.servers import DatabaseURLs

UNCHECKED = ("pool_size", "in_flight_of_person", "in_flight_of_organisation")
"""Settings that a test may give values with which the gateway refuses to start, to show what they are refused for."""


def settings_for(urls: DatabaseURLs, state: Path, **given: Any) -> Settings:
    """Development settings over this database; nothing of the caller's environment."""
    chosen: dict[str, Any] = {
        "database_url": SecretStr(urls.gateway),
        "owner_url": SecretStr(urls.owner),
        "worker_url": SecretStr(urls.worker),
        "state": state,
        "worker_inside": False,
        "refusals_per_second": 1_000_000,
    }
    return settings_of(**{**chosen, **given})


def settings_of(**given: Any) -> Settings:
    """Return these settings, those of `UNCHECKED` as they are given."""
    checked = {name: value for name, value in given.items() if name not in UNCHECKED}
    unchecked = {name: value for name, value in given.items() if name in UNCHECKED}
    return Settings(**checked).model_copy(update=unchecked)
