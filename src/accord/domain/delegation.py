"""Roles of a host that its partner's people may hold, and the groups they hold them by (model 4.4.3, S105 to S120)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from accord.domain.lifecycle import Deadline, LifeCycle
from accord.domain.text import fold


class DelegatedRole(StrEnum):
    """What a host can delegate (S107)."""

    DECISION_MAKER = "DECISION_MAKER"
    PHONE_MANAGER = "PHONE_MANAGER"


ROLE_VERSION: Final = 1
"""What a delegated role permits (model 4.6) has a version, which a delegation keeps."""


class DelegationState(StrEnum):
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class DelegationEvent(StrEnum):
    CLEAR = "clear"
    EXPIRE = "expire"


DELEGATION: Final = LifeCycle(
    {
        (DelegationState.ACTIVE, DelegationEvent.CLEAR): DelegationState.REVOKED,
        (DelegationState.ACTIVE, DelegationEvent.EXPIRE): DelegationState.EXPIRED,
    }
)
DELEGATION_DEADLINES: Final = (Deadline((DelegationState.ACTIVE,), "expires_at", DelegationState.EXPIRED),)


class RoleGroupState(StrEnum):
    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


ROLE_NAMES: Final = {DelegatedRole.DECISION_MAKER: "Decision Maker", DelegatedRole.PHONE_MANAGER: "Phone Manager"}


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the name of an active group is made of."""

    id: UUID | str
    role: DelegatedRole
    host_name: str
    host_handle: str


def group_name(role: DelegatedRole, host_name: str) -> str:
    """The customer's name followed by the role (S111)."""
    return f"{host_name} {ROLE_NAMES[role]}"


def group_names(groups: Iterable[GroupFacts]) -> dict[UUID | str, str]:
    """The name of each active group of one guest; where several would be the same, each carries its host's handle.

    Names are compared in NFKC and without case. They follow renames and never tell a group apart: IDs do (Q25).
    """
    listed = [(group, group_name(group.role, group.host_name)) for group in groups]
    taken = Counter(fold(name) for _, name in listed)
    return {group.id: f"{name} ({group.host_handle})" if taken[fold(name)] > 1 else name for group, name in listed}


def is_over(expires_at: datetime | None, now: datetime) -> bool:
    """Has this end come, whether or not anybody has marked it yet? (invariant 12)"""
    return expires_at is not None and expires_at <= now


def spoken(roles: Iterable[DelegatedRole]) -> str:
    """Roles as mails name them: "Decision Maker and Phone Manager"."""
    return " and ".join(ROLE_NAMES[role] for role in sorted(roles))
