"""Settings and features of an organisation."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import ID, Parent

from accord.access.permissions import Action
from accord.database.queries.read.setting import SettingsRow
from accord.domain.setting import FEATURES
from accord.schema.context import Info
from accord.schema.decisions import demand_in_organisation
from accord.schema.permissions import field, guarded
from accord.schema.types.enums import FeatureArea
from accord.schema.types.node import Node


@guarded(Action.SETTINGS_READ)
@strawberry.type(description="What an organisation has set for itself (S15).")
class Settings(Node):
    id: ID
    version: int = strawberry.field(description="0 until something was set.")
    display_name: str = strawberry.field(description="The organisation's name.")
    locale: str = strawberry.field(description="BCP 47.")
    time_zone: str = strawberry.field(description="Of the IANA time zone database.")
    notification_addresses: list[str]
    security_contact: str | None
    listed_in_directory: bool
    directory_email: str | None

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return isinstance(row, SettingsRow)

    @field(Action.DIRECTORY_SET, description="By which a partner asks to be let in; for its own leaders (Q19).")
    def request_code(self, root: Parent[SettingsRow], info: Info) -> str | None:
        demand_in_organisation(info, root.key, Action.DIRECTORY_SET)
        code: str | None = root.request_code
        return code


@guarded(Action.FEATURE_READ)
@strawberry.type(description="A switch of an organisation.")
class Feature:
    key: str
    name: str
    area: FeatureArea
    enabled: bool
    version: int = strawberry.field(description="0 until somebody set it.")


async def settings_of(info: Info, key: str) -> Settings | None:
    """The settings of an organisation, for its members and those who manage it."""
    demand_in_organisation(info, key, Action.SETTINGS_READ)
    found: Any = await info.context.loaders.settings_by_id.load(key)
    return found  # type: ignore[no-any-return]


async def features_of(info: Info, key: str) -> list[Feature]:
    """Every feature, as the organisation has it."""
    demand_in_organisation(info, key, Action.FEATURE_READ)
    rows = {row["key"]: row for row in await info.context.loaders.features_by_organisation.load(key)}
    return [
        Feature(
            key=one.key,
            name=one.name,
            area=one.area,
            enabled=rows[one.key].enabled if one.key in rows else one.enabled,
            version=rows[one.key].version if one.key in rows else 0,
        )
        for one in FEATURES.values()
    ]
