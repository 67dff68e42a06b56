"""The things of the model, as plain records that refer to each other by name and number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LEVELS = ("NONE", "SUPPORT", "MANAGE")
WAITING = {"AWAITING_HOST_APPROVAL", "AWAITING_GUEST_ACCEPTANCE"}
RUNNING = {"ACTIVE", "SUSPENDED"}
TERMINAL = {"DECLINED_BY_HOST", "WITHDRAWN", "LAPSED", "EXPIRED", "TERMINATED"}
HIGH_ROLES = {"LEGAL_REPRESENTATIVE", "DECISION_MAKER", "AUDITOR"}


def least(*levels: str | None) -> str:
    """The lowest of these levels; none stands for no bound."""
    return min((level or "MANAGE" for level in levels), key=LEVELS.index)


class Thing:
    """Shown by its name alone."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


@dataclass(repr=False, eq=False)
class Policy:
    frozen: bool = False
    require_mfa: bool = False
    require_reason: bool = False
    unshare: bool = True
    only_partner_of_record: bool = True
    representative_manages: bool = False
    allowed: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    auto_approve: set[str] = field(default_factory=set)


@dataclass(repr=False, eq=False)
class Organisation(Thing):
    name: str
    enabled: bool = True
    status: str = "ACTIVE"
    program: str = "NONE"
    partner_status: str = "NONE"
    parent: str | None = None
    ceiling: str | None = None
    policy: Policy = field(default_factory=Policy)

    def __repr__(self) -> str:
        return self.name


@dataclass(repr=False, eq=False)
class Member(Thing):
    organisation: str
    person: str
    roles: set[str]
    since: datetime
    status: str = "ACTIVE"
    delegated_admin: bool = False

    def __repr__(self) -> str:
        return f"{self.person} of {self.organisation}"


@dataclass(repr=False, eq=False)
class Link(Thing):
    customer: str
    partner: str
    kind: str
    ceiling: str | None
    status: str = "ACTIVE"

    def __repr__(self) -> str:
        return f"{self.kind} of {self.customer}: {self.partner}"


@dataclass(repr=False, eq=False)
class Attempt:
    """`by` submitted it, `approver` stands for the host's yes: an admin who asks is both."""

    number: int
    by: str
    purposes: frozenset[str]
    expires_at: datetime | None
    host_decision: str | None = None
    approver: str | None = None
    guest_decision: str | None = None
    submitted_at: datetime | None = None
    reminders: int = 0
    last_reminder: datetime | None = None


@dataclass(repr=False, eq=False)
class Partnership(Thing):
    host: str
    guest: str
    number: int
    path: str
    state: str
    requester: str | None = None
    owner: str | None = None
    co_owners: set[str] = field(default_factory=set)
    representative: str | None = None
    suspended_by: set[str] = field(default_factory=set)
    purposes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    lapses_at: datetime | None = None
    granted: str = "NONE"
    complete: bool = False
    wallet: bool = False
    link: Link | None = None
    told: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    resends: int = 0
    last_resent: datetime | None = None

    @property
    def live(self) -> bool:
        return self.state not in TERMINAL

    @property
    def last(self) -> Attempt:
        """The newest attempt; for a link, which has none, one by nobody."""
        return self.attempts[-1] if self.attempts else Attempt(0, "", frozenset(), None)

    def __repr__(self) -> str:
        return f"{self.host} with {self.guest} {self.number}"


@dataclass(repr=False, eq=False)
class Account(Thing):
    host: str
    name: str
    owners: set[str]
    status: str = "ACTIVE"

    def __repr__(self) -> str:
        return self.name


@dataclass(repr=False, eq=False)
class Share(Thing):
    partnership: Partnership
    account: Account
    number: int
    by: str
    state: str = "ACTIVE"

    def __repr__(self) -> str:
        return f"{self.account} in {self.partnership} ({self.number})"


@dataclass(repr=False, eq=False)
class Grant(Thing):
    share: Share
    person: str
    number: int
    role: str
    by: str
    origin: str
    expires_at: datetime | None = None
    state: str = "ACTIVE"

    def __repr__(self) -> str:
        return f"{self.person} on {self.share} ({self.number})"


@dataclass(repr=False, eq=False)
class Item(Thing):
    share: Share
    person: str
    number: int
    role: str
    by: str
    lapses_at: datetime
    state: str = "PENDING"

    def __repr__(self) -> str:
        return f"{self.person} asked for on {self.share} ({self.number})"


@dataclass(repr=False, eq=False)
class Delegation(Thing):
    """With the role group that stands for it, as long as it is ACTIVE."""

    partnership: Partnership
    role: str
    number: int
    state: str = "ACTIVE"
    members: set[str] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"{self.role} in {self.partnership} ({self.number})"


@dataclass(repr=False, eq=False)
class Amendment(Thing):
    """A change of one field; `vague`: whether something else ended it is left open."""

    partnership: Partnership
    number: int
    by: str
    by_host: bool
    field: str
    value: Any
    state: str = "APPLIED"
    approver: str | None = None
    vague: bool = False
    lapses_at: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    level: str = "NONE"

    def __repr__(self) -> str:
        return f"{self.field} of {self.partnership} ({self.number})"


@dataclass(repr=False, eq=False)
class Session(Thing):
    """`what` is the level or the role; `vague`: whether it was ended or is only denied is left open."""

    name: tuple[str, int]
    person: str
    partnership: Partnership
    basis: str
    what: str
    started: datetime
    state: str = "ACTIVE"
    vague: bool = False

    def __post_init__(self) -> None:
        self.used = self.started

    def __repr__(self) -> str:
        return f"{self.name}: {self.person} in {self.partnership} by {self.what}"
