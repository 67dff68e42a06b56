"""Accounts, shares, grants and access requests: states and life cycles (model 4.4.4, 4.16)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from accord.domain.lifecycle import Deadline, LifeCycle

ACCESS_REQUEST_LIFE: Final = timedelta(days=14)
TICKET_LIFE: Final = timedelta(seconds=60)
OWNERS: Final = 20
"""Account Owners that one account may have: lists of accounts show them all (record 101)."""


class AccountKind(StrEnum):
    ACCOUNT = "ACCOUNT"
    PRODUCT = "PRODUCT"


class AccountStatus(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class AccountRole(StrEnum):
    """COLLABORATOR signs in; ACCOUNT_MANAGER also requests access for colleagues (S70, S71)."""

    COLLABORATOR = "COLLABORATOR"
    ACCOUNT_MANAGER = "ACCOUNT_MANAGER"


class ShareState(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


class ShareEvent(StrEnum):
    SUSPEND = "suspend"
    RESUME = "resume"
    UNSHARE = "unshare"
    GRANT = "grant"
    REQUEST = "request"
    REDUCE = "reduce"


SHARE: Final = LifeCycle(
    {
        (ShareState.ACTIVE, ShareEvent.SUSPEND): ShareState.SUSPENDED,
        (ShareState.SUSPENDED, ShareEvent.RESUME): ShareState.ACTIVE,
        (ShareState.ACTIVE, ShareEvent.UNSHARE): ShareState.REMOVED,
        (ShareState.SUSPENDED, ShareEvent.UNSHARE): ShareState.REMOVED,
        (ShareState.ACTIVE, ShareEvent.GRANT): ShareState.ACTIVE,
        (ShareState.ACTIVE, ShareEvent.REQUEST): ShareState.ACTIVE,
        (ShareState.ACTIVE, ShareEvent.REDUCE): ShareState.ACTIVE,
        (ShareState.SUSPENDED, ShareEvent.REDUCE): ShareState.SUSPENDED,
    }
)


class GrantState(StrEnum):
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class GrantOrigin(StrEnum):
    SHARE = "SHARE"
    ACCESS_REQUEST = "ACCESS_REQUEST"


class GrantEvent(StrEnum):
    CHANGE_ROLE = "change_role"
    REVOKE = "revoke"
    LEAVE = "leave"
    EXPIRE = "expire"


GRANT: Final = LifeCycle(
    {
        (GrantState.ACTIVE, GrantEvent.CHANGE_ROLE): GrantState.ACTIVE,
        (GrantState.ACTIVE, GrantEvent.REVOKE): GrantState.REVOKED,
        (GrantState.ACTIVE, GrantEvent.LEAVE): GrantState.REVOKED,
        (GrantState.ACTIVE, GrantEvent.EXPIRE): GrantState.EXPIRED,
    }
)
GRANT_DEADLINES: Final = (Deadline((GrantState.ACTIVE,), "expires_at", GrantState.EXPIRED),)


class AccessItemState(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    CANCELLED = "CANCELLED"


class AccessItemEvent(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    CANCEL = "cancel"


P = AccessItemState.PENDING
ACCESS_ITEM: Final = LifeCycle(
    {
        (P, AccessItemEvent.ACCEPT): AccessItemState.ACCEPTED,
        (P, AccessItemEvent.DECLINE): AccessItemState.DECLINED,
        (P, AccessItemEvent.WITHDRAW): AccessItemState.WITHDRAWN,
        (P, AccessItemEvent.LAPSE): AccessItemState.LAPSED,
        (P, AccessItemEvent.CANCEL): AccessItemState.CANCELLED,
    }
)
ACCESS_ITEM_DEADLINES: Final = (Deadline((P,), "lapses_at", AccessItemState.LAPSED),)


class AccountEvent(StrEnum):
    UPDATE = "update"
    ARCHIVE = "archive"
    SHARE = "share"
    SIGN_IN = "sign_in"


ACCOUNT: Final = LifeCycle(
    {
        (AccountStatus.ACTIVE, AccountEvent.UPDATE): AccountStatus.ACTIVE,
        (AccountStatus.ACTIVE, AccountEvent.ARCHIVE): AccountStatus.ARCHIVED,
        (AccountStatus.ACTIVE, AccountEvent.SHARE): AccountStatus.ACTIVE,
        (AccountStatus.ACTIVE, AccountEvent.SIGN_IN): AccountStatus.ACTIVE,
    }
)

ROLE_RANK: Final = {AccountRole.COLLABORATOR: 0, AccountRole.ACCOUNT_MANAGER: 1}


def is_at_most(role: AccountRole, ceiling: AccountRole) -> bool:
    """May a decision give `role` where `ceiling` was asked for? Lowered, never raised (4.4.4)."""
    return ROLE_RANK[role] <= ROLE_RANK[ceiling]
