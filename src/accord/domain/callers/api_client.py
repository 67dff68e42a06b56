"""API clients: an integration that signs in as itself, through the person who owns it (model 4.2)."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from accord.domain.lifecycle import LifeCycle

LONGEST: Final = timedelta(days=365)
"""How long a client's secret may live."""

CLIENTS: Final = 10
"""Live clients of one person, in all organisations together, unless the deployment says another number."""

TOKEN_LIFE: Final = timedelta(minutes=15)
NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use is kept: a write for every request would cost more than it tells."""

SECRET: Final = re.compile(r"accord_([0-9a-f]{32})_[0-9a-f]{64}", re.ASCII)
"""What a secret looks like, so that scanners of source code find one that was left there."""

PREFIX: Final = "accord_"


class ApiClientStatus(StrEnum):
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class ApiClientEvent(StrEnum):
    REVOKE = "revoke"


API_CLIENT: Final = LifeCycle({(ApiClientStatus.ACTIVE, ApiClientEvent.REVOKE): ApiClientStatus.REVOKED})
"""EXPIRED is never stored: the clock says it wherever a client is read."""


def new_secret(client_id: UUID) -> str:
    """A secret of 256 random bits that names its client; only its hash is stored."""
    return f"{PREFIX}{client_id.hex}_{secrets.token_hex(32)}"


def client_of(secret: str) -> UUID:
    """The client that a secret names; ValueError where it does not look like one."""
    found = SECRET.fullmatch(secret)
    if found is None:
        raise ValueError("not a secret of an API client")
    return UUID(found[1])
