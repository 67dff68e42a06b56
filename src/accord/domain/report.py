"""Reports: named aggregates over activity, with a period and a grouping (model 4.15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from accord.domain.activity import EventType
from accord.domain.errors import ValidationError

LONGEST_PERIOD: Final = timedelta(days=400)
SERIES: Final = timedelta(days=30)
UNUSED_AFTER: Final = timedelta(days=60)
EXPIRING_WITHIN: Final = timedelta(days=30)


class ReportName(StrEnum):
    ACTIVITY = "ACTIVITY"
    SIGN_INS = "SIGN_INS"
    SHARING = "SHARING"
    PARTNERSHIPS = "PARTNERSHIPS"
    ADMINISTRATION = "ADMINISTRATION"


class ReportGrouping(StrEnum):
    EVENT_TYPE = "EVENT_TYPE"
    ACCOUNT = "ACCOUNT"
    APP = "APP"
    USER = "USER"
    PARTNER = "PARTNER"


NOUNS: Final[Mapping[ReportName, frozenset[str]]] = MappingProxyType(
    {
        ReportName.SIGN_INS: frozenset({"signin"}),
        ReportName.SHARING: frozenset({"share", "grant", "access_request"}),
        ReportName.PARTNERSHIPS: frozenset(
            {
                *("partnership", "amendment", "link", "level", "delegation", "rolegroup", "assignment", "contact"),
                *("session", "elevation", "terms", "access"),
            }
        ),
        ReportName.ADMINISTRATION: frozenset(
            {
                *("organisation", "member", "account", "settings", "feature", "policy", "export", "review"),
                *("api_client", "scim_credential", "webhook"),
            }
        ),
    }
)
"""What each report counts, by the first word of the event's type; a report without an entry counts everything."""

BILLING_NOUNS: Final = frozenset({"invoice", "wallet"})


def types_of(name: ReportName) -> tuple[str, ...] | None:
    """The types of event that a report counts, None for all of them."""
    nouns = NOUNS.get(name)
    return None if nouns is None else tuple(sorted(kind.value for kind in EventType if noun_of(kind) in nouns))


def noun_of(kind: EventType) -> str:
    """What an event is about: `share` of `share.added`."""
    return kind.value.partition(".")[0]


def billing_types() -> tuple[str, ...]:
    """The types of event that tell of invoices and the wallet."""
    return tuple(sorted(kind.value for kind in EventType if noun_of(kind) in BILLING_NOUNS))


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant on until before another: at most 400 days. Raises ValidationError otherwise."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValidationError("period", "The period ends before it begins.")
        if self.until - self.since > LONGEST_PERIOD:
            raise ValidationError("period", f"A period has at most {LONGEST_PERIOD.days} days.")
