"""Directories (SCIM): what one says of people and groups, and how roles from groups combine with others (S65, Q18)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from accord.domain.organisation import Role

FIRST_LIFE: Final = timedelta(days=180)
LONGEST_LIFE: Final = timedelta(days=366)
CREDENTIALS: Final = 10
"""Live credentials of one organisation: as many as a rotation needs, and then some."""

GIVEABLE: Final = frozenset(Role) - {Role.LEGAL_REPRESENTATIVE}
"""Roles that a group of a directory may give (model 4.2, Membership)."""

TOLD_AGAIN: Final = timedelta(days=1)
"""A directory repeats what was refused; the admins are told of a last admin once in this time."""


class ScimCredentialStatus(StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class NotUnique(Exception):
    """Another person or group of the organisation has this value; `attribute` in the spelling of SCIM."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


@dataclass(frozen=True, slots=True)
class SaidUser:
    """A person as the directory wants it to be; `profile` is what else it said, kept as it is."""

    user_name: str
    display_name: str
    email: str
    active: bool = True
    external_id: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Who is to be in a group, said as a change, so that it costs what changes and not what stands.

    `stays`: those who are in it stay, but for `removed`; otherwise nobody does but for `added`. The two have nobody in
    common. Members are named by the keys of their memberships, as text: there may be tens of thousands.
    """

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    stays: bool = True

    @property
    def is_nothing(self) -> bool:
        """Does everybody stay, and nobody come?"""
        return self.stays and not self.added and not self.removed


@dataclass(frozen=True, slots=True)
class SaidGroup:
    """A group as the directory wants it to be."""

    display_name: str
    external_id: str | None = None
    members: MemberChange = MemberChange()


def new_credential() -> str:
    """What a directory signs in with: 256 random bits behind a word that secret scanners know it by."""
    return f"accord_scim_{secrets.token_urlsafe(32)}"


def status_of(expires_at: datetime, revoked_at: datetime | None, now: datetime) -> ScimCredentialStatus:
    """Is a credential of use at this instant?"""
    if revoked_at is not None:
        return ScimCredentialStatus.REVOKED
    return ScimCredentialStatus.ACTIVE if expires_at > now else ScimCredentialStatus.EXPIRED


def combined(
    roles: Collection[Role], inherited: Collection[Role], given: Collection[Role]
) -> tuple[frozenset[Role], frozenset[Role]]:
    """All roles of a member, and those that groups alone give, once the groups give `given`.

    `roles` and `inherited` are the same two as they stand. What people of the organisation gave stays whatever the
    groups do; whoever would be left with nothing is a plain member.
    """
    local = frozenset(roles) - frozenset(inherited) or frozenset({Role.MEMBER})
    return local | frozenset(given), frozenset(given) - local
