"""Changes of an organisation's settings and features, at home and by people acting in it."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry import ID

from accord.schema.context import Info
from accord.schema.mutations.payloads import Changed, Refusable
from accord.schema.transaction import run
from accord.schema.types.setting import Feature, Settings, features_of
from accord.services import setting


@strawberry.input
class UpdateSettingsInput:
    organisation_id: ID
    expected_version: int | None = None
    display_name: str | None = strawberry.field(default=None, description="The organisation's name from now on.")
    locale: str | None = strawberry.field(default=None, description="BCP 47, such as de-CH.")
    time_zone: str | None = strawberry.field(default=None, description="Of the IANA database, such as Europe/Zurich.")
    notification_addresses: str | None = strawberry.field(
        default=None,
        description="E-mail addresses, separated by commas, at most 20; one that is none refuses the whole change. "
        "Empty: none.",
    )
    security_contact: str | None = strawberry.field(default=None, description="An e-mail address; empty: none.")
    listed_in_directory: bool | None = strawberry.field(
        default=None, description="May partners and customers find it? For its own leaders, as the next two (Q19)."
    )
    directory_email: str | None = strawberry.field(
        default=None, description="The address by which the directory finds it, and which is told; empty: none."
    )
    with_request_code: bool | None = strawberry.field(
        default=None, description="True: a fresh code in place of the handle for partners that ask; false: none."
    )


@strawberry.input
class SetFeatureInput:
    organisation_id: ID
    key: str
    enabled: bool
    expected_version: int | None = None


@strawberry.type
class UpdateSettingsPayload(Changed, loader="settings_by_id"):
    settings: Settings | None = None


@strawberry.type
class SetFeaturePayload(Refusable):
    feature: Feature | None = None

    @classmethod
    async def of(cls, info: Info, result: Any) -> Self:
        organisation_id, key = result
        features = await features_of(info, str(organisation_id))
        return cls(feature=next(one for one in features if one.key == key))


async def update_settings(info: Info, input: UpdateSettingsInput) -> UpdateSettingsPayload | None:
    """Changes the settings that are given (S15, S30)."""
    return await run(info, setting.update_settings, input, UpdateSettingsPayload)


async def set_feature(info: Info, input: SetFeatureInput) -> SetFeaturePayload | None:
    """Switches a feature on or off; Phone Managers those of area TELEPHONY."""
    return await run(info, setting.set_feature, input, SetFeaturePayload)
