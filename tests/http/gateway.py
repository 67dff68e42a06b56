"""The whole gateway over one database, as a test wants it."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from accord.settings import Settings
from tests.servers import DatabaseURLs


def settings_for(urls: DatabaseURLs, state: Path, **given: Any) -> Settings:
    """Development settings over this database; nothing of the caller's environment."""
    chosen: dict[str, Any] = {
        "database_url": SecretStr(urls.gateway),
        "owner_url": SecretStr(urls.owner),
        "worker_url": SecretStr(urls.worker),
        "state": state,
        "worker_inside": False,
    }
    return Settings(**{**chosen, **given})
