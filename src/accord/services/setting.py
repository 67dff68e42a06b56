"""Settings and features of an organisation, at home and by people acting in it (model 4.15, S15, S30)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import update

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.host_data import hold_feature, hold_settings, rename_organisation
from accord.database.tables.setting import organisation_features, organisation_settings
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.setting import FEATURES, FeatureArea, feature, locale, time_zone
from accord.services.activity import Event, record
from accord.services.digest import note_change
from accord.services.partnerships.directory import change_entry

__all__ = ["set_feature", "update_settings"]

WORDS: Final = {
    "display_name": "display name",
    "locale": "locale",
    "time_zone": "time zone",
    "notification_addresses": "notification addresses",
    "security_contact": "security contact",
}


async def update_settings(
    tx: Transaction,
    *,
    organisation_id: UUID,
    expected_version: int | None = None,
    display_name: str | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    notification_addresses: str | None = None,
    security_contact: str | None = None,
    listed_in_directory: bool | None = None,
    directory_email: str | None = None,
    with_request_code: bool | None = None,
) -> UUID:
    """Change the settings that are given; an empty address, or list of them, takes it back.

    The display name is the organisation's name: groups and mails follow it. What is set already changes nothing. How
    others find the organisation only its own leaders say (Q19).
    """
    _require(tx, Action.SETTINGS_UPDATE, organisation_id)
    row = await hold_settings(tx, organisation_id)
    check_version(row, expected_version, None)
    given = _checked(display_name, locale, time_zone, notification_addresses, security_contact)
    changed = {name: value for name, value in given.items() if value != getattr(row, name)}
    entry = await change_entry(tx, organisation_id, listed_in_directory, directory_email, with_request_code)
    if not changed and not entry:
        return organisation_id
    if "display_name" in changed:
        await rename_organisation(tx, organisation_id, changed.pop("display_name"))
    await tx.update(organisation_settings, organisation_id, **changed)
    names = [name for name in WORDS if name in given and given[name] != getattr(row, name)]
    await note_change(tx, organisation_id, f"changed settings: {', '.join(WORDS[name] for name in names)}")
    data = {"changed": [*names, *entry]}
    await record(tx, Event(type=EventType.SETTINGS_CHANGED, streams=(organisation_id,), data=data))
    return organisation_id


def _checked(
    display_name: str | None, tag: str | None, zone: str | None, addresses: str | None, contact: str | None
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if display_name is not None:
        given["display_name"] = text.name("displayName", display_name)
    if tag is not None:
        given["locale"] = locale("locale", tag)
    if zone is not None:
        given["time_zone"] = time_zone("timeZone", zone)
    if addresses is not None:
        given["notification_addresses"] = list(text.address_list("notificationAddresses", addresses))
    if contact is not None:
        given["security_contact"] = text.address("securityContact", contact) if contact.strip() else None
    return given


async def set_feature(
    tx: Transaction, *, organisation_id: UUID, key: str, enabled: bool, expected_version: int | None = None
) -> tuple[UUID, str]:
    """Switch a feature on or off; those of area TELEPHONY also as Phone Manager (S113). Set already: nothing changes.

    Returns the organisation and the feature's key.
    """
    known = FEATURES.get(key)
    telephony = known is None or known.area is FeatureArea.TELEPHONY
    _require(tx, Action.FEATURE_SET_TELEPHONY if telephony else Action.FEATURE_SET, organisation_id)
    found = feature("key", key)
    row = await hold_feature(tx, organisation_id, found)
    check_version(row, expected_version, None)
    if row.enabled == enabled:
        return organisation_id, key
    table = organisation_features
    mine = (table.c.organisation_id == organisation_id) & (table.c.key == key)
    await tx.execute(update(table).where(mine).values(enabled=enabled, version=table.c.version + 1))
    await note_change(tx, organisation_id, f"switched {'on' if enabled else 'off'}: {found.name}")
    data = {"key": key, "area": found.area.value, "enabled": enabled}
    await record(tx, Event(type=EventType.FEATURE_CHANGED, streams=(organisation_id,), data=data))
    return organisation_id, key


def _require(tx: Transaction, action: Action, organisation_id: UUID) -> None:
    require(tx.principal, action, Target(organisation_id=organisation_id), now=tx.now, acting_for=tx.acting_for)
