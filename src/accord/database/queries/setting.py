"""Settings and features as acts read them: under lock, made at their defaults where nobody has set any."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from accord.database.engine import Transaction
from accord.database.tables.organisation import organisations
from accord.database.tables.setting import organisation_features, organisation_settings
from accord.domain.setting import Feature


async def hold_settings(tx: Transaction, organisation_id: UUID) -> Any:
    """The settings of an organisation with its name, locked until the end of the act; version 0 if never set."""
    made = insert(organisation_settings).values(id=organisation_id, version=0)
    await tx.execute(made.on_conflict_do_nothing(index_elements=["id"]))
    return await tx.first(
        select(organisation_settings, organisations.c.name.label("display_name"))
        .join(organisations, organisations.c.id == organisation_settings.c.id)
        .where(organisation_settings.c.id == organisation_id)
        .with_for_update(of=organisation_settings)
    )


async def hold_feature(tx: Transaction, organisation_id: UUID, feature: Feature) -> Any:
    """A feature of an organisation, locked until the end of the act; version 0 if never set."""
    key = {"organisation_id": organisation_id, "key": feature.key}
    made = insert(organisation_features).values(**key, enabled=feature.enabled, version=0)
    await tx.execute(made.on_conflict_do_nothing(index_elements=list(key)))
    return await tx.first(
        select(organisation_features)
        .where(
            organisation_features.c.organisation_id == organisation_id,
            organisation_features.c.key == feature.key,
        )
        .with_for_update()
    )


async def rename_organisation(tx: Transaction, organisation_id: UUID, name: str) -> None:
    """Give an organisation in whose name the caller acts another name, and change nothing else of it."""
    await tx.execute(select(func.accord.rename_organisation(organisation_id, name)))
