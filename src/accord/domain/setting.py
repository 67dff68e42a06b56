"""Settings and features of an organisation (model 4.15)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from accord.domain.errors import ValidationError

LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
TIME_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}", re.ASCII)
FIRST_LOCALE: Final = "en"
FIRST_TIME_ZONE: Final = "UTC"


def locale(field: str, value: str) -> str:
    """A language tag of BCP 47: language, script and region at most, such as `de-CH`."""
    if not LOCALE.fullmatch(value):
        raise ValidationError(field, "This is not a language tag such as en, de-CH or zh-Hant-TW.")
    return value


def time_zone(field: str, value: str) -> str:
    """A name of the IANA time zone database, such as `Europe/Zurich`."""
    try:
        if TIME_ZONE.fullmatch(value):
            return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValidationError(field, "This is not a time zone such as Europe/Zurich.")


class FeatureArea(StrEnum):
    TELEPHONY = "TELEPHONY"
    SECURITY = "SECURITY"
    GENERAL = "GENERAL"


@dataclass(frozen=True, slots=True)
class Feature:
    """A switch that every organisation has; `enabled` until somebody sets it."""

    key: str
    name: str
    area: FeatureArea
    enabled: bool = False


FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        feature.key: feature
        for feature in (
            Feature("call_forwarding", "Call forwarding", FeatureArea.TELEPHONY),
            Feature("call_recording", "Call recording", FeatureArea.TELEPHONY),
            Feature("voicemail", "Voicemail", FeatureArea.TELEPHONY, enabled=True),
            Feature("sign_in_alerts", "Alerts on sign-ins from new devices", FeatureArea.SECURITY, enabled=True),
            Feature("threat_reports", "Weekly threat reports", FeatureArea.SECURITY),
            Feature("early_access", "Early access to new features", FeatureArea.GENERAL),
            Feature("usage_statistics", "Usage statistics", FeatureArea.GENERAL),
        )
    }
)
"""The features there are, by key."""


def feature(field: str, key: str) -> Feature:
    """The feature with this key; ValidationError where there is none."""
    found = FEATURES.get(key)
    if found is None:
        raise ValidationError(field, f"There is no such feature. There are: {', '.join(FEATURES)}.")
    return found
