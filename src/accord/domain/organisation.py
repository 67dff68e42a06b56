"""Organisations and their people: roles, statuses, handles and the life cycle of a membership (model 4.2, 4.4.5)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from accord.domain.lifecycle import LifeCycle

PLATFORM: Final = UUID(int=0)
"""The stream of activity that belongs to no tenant: what the operator sees (model 4.7)."""

INVITATION_LIFE: Final = timedelta(hours=72)
HANDLE_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
HANDLE_LENGTH: Final = 12
"""12 of 31 characters: 59 random bits, more than the 40 that model 4.2 asks for."""


class OrganisationStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class Role(StrEnum):
    """Roles a membership can hold (model 4.3)."""

    ORG_ADMIN = "ORG_ADMIN"
    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"
    DECISION_MAKER = "DECISION_MAKER"
    PHONE_MANAGER = "PHONE_MANAGER"
    MEMBER = "MEMBER"
    AUDITOR = "AUDITOR"


class MemberPreset(StrEnum):
    """What can be given by one name (Q2): GROUP_ADMIN is ORG_ADMIN and delegated admin."""

    GROUP_ADMIN = "GROUP_ADMIN"


KEPT_BY_SOMEBODY: Final = (Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
"""Roles whose last active holder keeps them (model 4.2)."""
NEVER_TO_ONESELF: Final = frozenset({Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER, Role.AUDITOR})


class MembershipStatus(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"
    REMOVED = "REMOVED"


class MemberSource(StrEnum):
    """Who made somebody a member: people of the platform, or the organisation's directory (S65)."""

    LOCAL = "LOCAL"
    SCIM = "SCIM"


class MembershipEvent(StrEnum):
    ACCEPT = "accept"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    REMOVE = "remove"
    INVITE_AGAIN = "invite"


MEMBERSHIP: Final = LifeCycle(
    {
        (MembershipStatus.INVITED, MembershipEvent.ACCEPT): MembershipStatus.ACTIVE,
        (MembershipStatus.INVITED, MembershipEvent.INVITE_AGAIN): MembershipStatus.INVITED,
        (MembershipStatus.INVITED, MembershipEvent.REMOVE): MembershipStatus.REMOVED,
        (MembershipStatus.ACTIVE, MembershipEvent.UPDATE): MembershipStatus.ACTIVE,
        (MembershipStatus.ACTIVE, MembershipEvent.DEACTIVATE): MembershipStatus.DEACTIVATED,
        (MembershipStatus.ACTIVE, MembershipEvent.REMOVE): MembershipStatus.REMOVED,
        (MembershipStatus.DEACTIVATED, MembershipEvent.REACTIVATE): MembershipStatus.ACTIVE,
        (MembershipStatus.DEACTIVATED, MembershipEvent.REMOVE): MembershipStatus.REMOVED,
        (MembershipStatus.REMOVED, MembershipEvent.INVITE_AGAIN): MembershipStatus.INVITED,
    }
)


PROTECTED: Final = frozenset({Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER, Role.AUDITOR})
"""The leading roles (model 4.11), whose holders nobody touches who acts for a partner (model 4.9)."""
SPOKEN: Final = {
    Role.ORG_ADMIN: "admin",
    Role.LEGAL_REPRESENTATIVE: "legal representative",
    Role.DECISION_MAKER: "Decision Maker",
    Role.AUDITOR: "auditor",
}
"""Leading roles as mails name them."""


def new_handle() -> str:
    """A workspace ID that nobody guesses, in three groups of four: `k7wm-x2qd-9fhp`."""
    letters = "".join(secrets.choice(HANDLE_ALPHABET) for _ in range(HANDLE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, HANDLE_LENGTH, 4))


def new_token() -> str:
    """A one-time secret of 256 random bits; only its hash is stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def refused_roles(
    given: Collection[Role], *, giver: Collection[Role], to_oneself: bool, had_legal_representative: bool
) -> frozenset[Role]:
    """Return those of these roles that the giver may not give (model 4.2, Membership).

    LEGAL_REPRESENTATIVE is given by one, or by somebody else who may give roles while there never was one; nobody gives
    LEGAL_REPRESENTATIVE, DECISION_MAKER or AUDITOR to oneself.
    """
    refused = set(NEVER_TO_ONESELF & set(given)) if to_oneself else set()
    by_legal = Role.LEGAL_REPRESENTATIVE in giver or not had_legal_representative
    if Role.LEGAL_REPRESENTATIVE in given and not by_legal:
        refused.add(Role.LEGAL_REPRESENTATIVE)
    return frozenset(refused)


def withheld_roles(
    given: Mapping[Role, Collection[UUID]], *, receiver: UUID | None, filled_by: UUID | None
) -> frozenset[Role]:
    """Return those of a group's roles that this person does not get by it, since nobody else gives them.

    `given` says who has put each role on the group, `filled_by` who made the credential that put the person in. A role
    that nobody gives to oneself needs somebody else for both, in whichever order they act.
    """
    if receiver is None:
        return frozenset()
    own = {role for role, givers in given.items() if filled_by == receiver or set(givers) == {receiver}}
    return NEVER_TO_ONESELF & own


def leading(roles: Collection[str]) -> frozenset[Role]:
    """Return the leading roles among these names: their people are told when they gain or lose one (model 4.11)."""
    return PROTECTED & frozenset(map(Role, roles))
