"""Partnerships: states, the life cycle table, terms, throttles and who may know of one (model 4.4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from accord.domain.errors import RateLimited
from accord.domain.level import DataAccessLevel, is_above
from accord.domain.lifecycle import Deadline, LifeCycle
from accord.domain.sharing import AccountRole, is_at_most

HOST_DECIDES_WITHIN: Final = timedelta(days=30)
GUEST_DECIDES_WITHIN: Final = timedelta(days=14)
REFUSED_KEPT_FOR: Final = timedelta(days=30)
LAPSE_NOTICE: Final = timedelta(days=3)
BETWEEN_REMINDERS: Final = timedelta(hours=24)
REMINDERS: Final = 5
NAMED: Final = 100
"""People whom the receipt of a removal names."""

CO_OWNERS: Final = 20
"""Co-owners of one partnership: they are an array of its row, and lists of partnerships show them all (record 101)."""


class PartnershipState(StrEnum):
    AWAITING_HOST_APPROVAL = "AWAITING_HOST_APPROVAL"
    AWAITING_GUEST_ACCEPTANCE = "AWAITING_GUEST_ACCEPTANCE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DECLINED_BY_HOST = "DECLINED_BY_HOST"
    DECLINED_BY_GUEST = "DECLINED_BY_GUEST"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"
    TERMINATED = "TERMINATED"
    EXPIRED = "EXPIRED"


S = PartnershipState
AWAITING: Final = frozenset({S.AWAITING_HOST_APPROVAL, S.AWAITING_GUEST_ACCEPTANCE})
CONNECTED: Final = frozenset({S.ACTIVE, S.SUSPENDED})
TERMINAL: Final = frozenset({S.DECLINED_BY_HOST, S.WITHDRAWN, S.LAPSED, S.TERMINATED, S.EXPIRED})
OPEN: Final = frozenset(S) - TERMINAL
"""Not terminal: a pair of organisations has at most one of these (S44)."""

STANDING: Final[Mapping[PartnershipState, str]] = MappingProxyType(
    {
        S.AWAITING_HOST_APPROVAL: "A request for this partnership is waiting for an admin's decision.",
        S.AWAITING_GUEST_ACCEPTANCE: "The partner has been asked already and has not answered yet.",
        S.DECLINED_BY_GUEST: "The partner has declined. Send the request again, or withdraw it first.",
        S.ACTIVE: "You are partners already.",
        S.SUSPENDED: "You are partners already; the partnership is suspended.",
    }
)


def standing_message(state: str | None) -> str:
    """Return why no second partnership is filed for a pair; None for a state that the caller may not know."""
    if state is None:
        return "There is a request between these two organisations already."
    return STANDING.get(PartnershipState(state), "The one before has just ended. Try again in a minute.")


class PartnershipPath(StrEnum):
    HOST_REQUEST = "HOST_REQUEST"
    HOST_INVITE = "HOST_INVITE"
    GUEST_REQUEST = "GUEST_REQUEST"
    VENDOR_LINK = "VENDOR_LINK"


class PartnershipSide(StrEnum):
    HOST = "HOST"
    GUEST = "GUEST"


class Holder(StrEnum):
    """Who suspended a partnership; each takes back its own hold alone (4.4.1)."""

    HOST = "HOST"
    GUEST = "GUEST"
    OPERATOR = "OPERATOR"


class Purpose(StrEnum):
    """What the access is for (S21)."""

    SUPPORT = "SUPPORT"
    IMPROVEMENT = "IMPROVEMENT"
    MANAGEMENT = "MANAGEMENT"
    CONTRACT_MONITORING = "CONTRACT_MONITORING"


class AccessMode(StrEnum):
    """Which of the host's accounts a level reaches (Q20): those that are shared, or all, present and future."""

    LIMITED = "LIMITED"
    COMPLETE = "COMPLETE"


class HostDecision(StrEnum):
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    SKIPPED = "SKIPPED"


class GuestDecision(StrEnum):
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class PartnershipEvent(StrEnum):
    REMIND = "remind"
    APPROVE = "approve"
    CONNECT = "connect"
    """The host approves a guest's own request as it was asked: both sides have agreed (4.4.1)."""
    DECLINE = "decline"
    ACCEPT = "accept"
    REFUSE = "refuse"
    RESEND = "resend"
    RESUBMIT = "resubmit"
    """A resend that the host has to approve anew: wider terms, or an approver who has left the role (Q7)."""
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    SHARE = "share"
    TRANSFER = "transfer"
    REPRESENT = "represent"
    SUSPEND = "suspend"
    RELEASE = "release"
    """One side lets go, another still holds."""
    RESUME = "resume"
    """The last hold is gone."""
    EXTEND = "extend"
    AMEND = "amend"
    DELEGATE = "delegate"
    CLEAR_ROLES = "clear_roles"
    RAISE_LEVEL = "raiseLevel"
    REDUCE_LEVEL = "reduceLevel"
    REMOVE = "remove"
    EXPIRE = "expire"


E = PartnershipEvent
PARTNERSHIP: Final = LifeCycle(
    {
        (S.AWAITING_HOST_APPROVAL, E.REMIND): S.AWAITING_HOST_APPROVAL,
        (S.AWAITING_HOST_APPROVAL, E.APPROVE): S.AWAITING_GUEST_ACCEPTANCE,
        (S.AWAITING_HOST_APPROVAL, E.CONNECT): S.ACTIVE,
        (S.AWAITING_HOST_APPROVAL, E.DECLINE): S.DECLINED_BY_HOST,
        (S.AWAITING_HOST_APPROVAL, E.WITHDRAW): S.WITHDRAWN,
        (S.AWAITING_HOST_APPROVAL, E.LAPSE): S.LAPSED,
        (S.AWAITING_GUEST_ACCEPTANCE, E.ACCEPT): S.ACTIVE,
        (S.AWAITING_GUEST_ACCEPTANCE, E.REFUSE): S.DECLINED_BY_GUEST,
        (S.AWAITING_GUEST_ACCEPTANCE, E.RESEND): S.AWAITING_GUEST_ACCEPTANCE,
        (S.AWAITING_GUEST_ACCEPTANCE, E.WITHDRAW): S.WITHDRAWN,
        (S.AWAITING_GUEST_ACCEPTANCE, E.LAPSE): S.LAPSED,
        (S.AWAITING_GUEST_ACCEPTANCE, E.TRANSFER): S.AWAITING_GUEST_ACCEPTANCE,
        (S.DECLINED_BY_GUEST, E.RESEND): S.AWAITING_GUEST_ACCEPTANCE,
        (S.DECLINED_BY_GUEST, E.RESUBMIT): S.AWAITING_HOST_APPROVAL,
        (S.DECLINED_BY_GUEST, E.WITHDRAW): S.WITHDRAWN,
        (S.DECLINED_BY_GUEST, E.TRANSFER): S.DECLINED_BY_GUEST,
        (S.ACTIVE, E.SHARE): S.ACTIVE,
        (S.ACTIVE, E.TRANSFER): S.ACTIVE,
        (S.ACTIVE, E.REPRESENT): S.ACTIVE,
        (S.ACTIVE, E.SUSPEND): S.SUSPENDED,
        (S.SUSPENDED, E.SUSPEND): S.SUSPENDED,
        (S.SUSPENDED, E.RELEASE): S.SUSPENDED,
        (S.SUSPENDED, E.RESUME): S.ACTIVE,
        (S.ACTIVE, E.EXTEND): S.ACTIVE,
        (S.ACTIVE, E.AMEND): S.ACTIVE,
        (S.ACTIVE, E.DELEGATE): S.ACTIVE,
        (S.ACTIVE, E.CLEAR_ROLES): S.ACTIVE,
        (S.SUSPENDED, E.CLEAR_ROLES): S.SUSPENDED,
        (S.ACTIVE, E.RAISE_LEVEL): S.ACTIVE,
        (S.ACTIVE, E.REDUCE_LEVEL): S.ACTIVE,
        (S.SUSPENDED, E.REDUCE_LEVEL): S.SUSPENDED,
        (S.ACTIVE, E.REMOVE): S.TERMINATED,
        (S.ACTIVE, E.EXPIRE): S.EXPIRED,
        (S.SUSPENDED, E.TRANSFER): S.SUSPENDED,
        (S.SUSPENDED, E.REPRESENT): S.SUSPENDED,
        (S.SUSPENDED, E.REMOVE): S.TERMINATED,
        (S.SUSPENDED, E.EXPIRE): S.EXPIRED,
    }
)


PARTNERSHIP_DEADLINES: Final = (
    Deadline(AWAITING, "lapses_at", S.LAPSED),
    Deadline((S.DECLINED_BY_GUEST,), "lapses_at", S.WITHDRAWN),
    Deadline(CONNECTED, "expires_at", S.EXPIRED),
)
"""An active partnership that renews itself has no end of its own."""


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """One account that terms list, with the role its recipient gets; called as it was when it was listed."""

    account_id: UUID
    role: AccountRole
    label: str
    app: str
    category: str | None = None

    def snapshot(self) -> dict[str, Any]:
        """As the terms keep it."""
        named = {"label": self.label, "app": self.app, "category": self.category}
        return {"account": str(self.account_id), "role": self.role.value} | named

    @classmethod
    def read(cls, kept: dict[str, Any]) -> ListedAccount:
        """One account of stored terms."""
        role = AccountRole(kept["role"])
        return cls(UUID(kept["account"]), role, kept["label"], kept["app"], kept["category"])


@dataclass(frozen=True, slots=True)
class Terms:
    """What an attempt proposes (model 4.1); in a host's own request always LIMITED, without level and wallet (4.4.1).

    `accounts` are shared when the terms come into force, by `listed_by`: a legal representative, who lists without
    owning (Q34, `by_legal_representative`), or else by somebody who owns each of them. `auto_extend` None: as the
    host's policy says.
    """

    purposes: frozenset[Purpose]
    expires_at: datetime | None
    access_mode: AccessMode = AccessMode.LIMITED
    wallet_entrusted: bool = False
    level: DataAccessLevel = DataAccessLevel.NONE
    auto_extend: timedelta | None = None
    accounts: tuple[ListedAccount, ...] = ()
    listed_by: UUID | None = None
    by_legal_representative: bool = False

    @property
    def is_legal_act(self) -> bool:
        """Can only a legal representative propose or approve these? COMPLETE, the wallet, and what one has listed."""
        listed = bool(self.accounts) and self.by_legal_representative
        return listed or self.wallet_entrusted or self.access_mode is AccessMode.COMPLETE

    def limited(self) -> Terms:
        """The same without what COMPLETE brings: its wallet and its level."""
        fewer = {"access_mode": AccessMode.LIMITED, "wallet_entrusted": False, "level": DataAccessLevel.NONE}
        return replace(self, **fewer)  # type: ignore[arg-type]

    def snapshot(self) -> dict[str, Any]:
        """The JSON that the attempt keeps for good; durations in seconds."""
        return {
            "purposes": sorted(self.purposes),
            "accessMode": self.access_mode.value,
            "walletEntrusted": self.wallet_entrusted,
            "level": self.level.value,
            "expiresAt": self.expires_at.isoformat() if self.expires_at else None,
            "autoExtend": self.auto_extend.total_seconds() if self.auto_extend else None,
            "accounts": [account.snapshot() for account in self.accounts],
            "listedBy": str(self.listed_by) if self.listed_by else None,
            "byLegalRepresentative": self.by_legal_representative,
        }

    @classmethod
    def read(cls, snapshot: dict[str, Any]) -> Terms:
        """The terms of a stored attempt."""
        ends, extends, lister = snapshot["expiresAt"], snapshot.get("autoExtend"), snapshot.get("listedBy")
        return cls(
            purposes=purposes(snapshot["purposes"]),
            expires_at=datetime.fromisoformat(ends) if ends else None,
            access_mode=AccessMode(snapshot["accessMode"]),
            wallet_entrusted=snapshot["walletEntrusted"],
            level=DataAccessLevel(snapshot["level"]),
            auto_extend=timedelta(seconds=extends) if extends else None,
            accounts=tuple(ListedAccount.read(account) for account in snapshot.get("accounts", ())),
            listed_by=UUID(lister) if lister else None,
            by_legal_representative=snapshot.get("byLegalRepresentative", False),
        )


def is_wider(proposed: Terms, approved: Terms) -> bool:
    """Do these terms go anywhere beyond what was last approved? (model 4.1, Terms)"""
    roles = {account.account_id: account.role for account in approved.accounts}
    return (
        not proposed.purposes <= approved.purposes
        or (proposed.access_mode is AccessMode.COMPLETE and approved.access_mode is not AccessMode.COMPLETE)
        or (proposed.wallet_entrusted and not approved.wallet_entrusted)
        or is_above(proposed.level, approved.level)
        or (proposed.auto_extend or timedelta()) > (approved.auto_extend or timedelta())
        or any(
            account.account_id not in roles or not is_at_most(account.role, roles[account.account_id])
            for account in proposed.accounts
        )
        or ends_later(proposed.expires_at, approved.expires_at)
    )


def ends_later(proposed: datetime | None, approved: datetime | None) -> bool:
    """Is this end later? No end is the latest."""
    return approved is not None and (proposed is None or proposed > approved)


def check_throttle(count: int, last_at: datetime | None, now: datetime) -> None:
    """May one more mail go out? At least 24 hours after the last, at most five (4.4.1); RateLimited otherwise."""
    if count >= REMINDERS:
        raise RateLimited(int(BETWEEN_REMINDERS.total_seconds()), f"At most {REMINDERS} of these are sent.")
    if last_at is not None and now - last_at < BETWEEN_REMINDERS:
        raise RateLimited(int((BETWEEN_REMINDERS - (now - last_at)).total_seconds()) + 1)


def purposes(values: Iterable[str]) -> frozenset[Purpose]:
    """The purposes by name."""
    return frozenset(map(Purpose, values))
