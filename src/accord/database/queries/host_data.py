"""An organisation's own data as acts read it: under lock, made at its defaults where nobody has set it (model 4.15).

An invoice is locked before the wallet that it is paid from. What waits for the daily digest is read by the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from accord.database.engine import Transaction
from accord.database.tables.billing import invoices, wallets
from accord.database.tables.organisation import organisations
from accord.database.tables.setting import acting_changes, organisation_features, organisation_settings
from accord.domain.setting import Feature

AT_ONCE: Final = 500


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


async def hold_invoice(tx: Transaction, invoice_id: UUID, organisation_id: UUID | None = None) -> Any:
    """One invoice, of this organisation where one is named, locked until the end of the act, or None."""
    wanted = select(invoices).where(invoices.c.id == invoice_id)
    if organisation_id is not None:
        wanted = wanted.where(invoices.c.organisation_id == organisation_id)
    return await tx.first(wanted.with_for_update())


async def hold_wallet(tx: Transaction, organisation_id: UUID) -> Any:
    """The wallet of an organisation, locked until the end of the act, or None before its first top-up."""
    return await tx.first(select(wallets).where(wallets.c.id == organisation_id).with_for_update())


async def open_wallet(tx: Transaction, organisation_id: UUID, currency: str) -> Any:
    """As `hold_wallet`; where there is none, an empty one in this currency. Two who open it at once get the same."""
    made = insert(wallets).values(id=organisation_id, currency=currency, balance_minor=0, version=0)
    await tx.execute(made.on_conflict_do_nothing(index_elements=["id"]))
    return await hold_wallet(tx, organisation_id)


async def list_waiting(tx: Transaction, before: datetime, after: UUID | None) -> Sequence[UUID]:
    """The organisations whose oldest change was noted at this instant or before it, in order, of those after a key."""
    wanted = (
        select(acting_changes.c.organisation_id)
        .group_by(acting_changes.c.organisation_id)
        .having(func.min(acting_changes.c.created_at) <= before)
        .order_by(acting_changes.c.organisation_id)
        .limit(AT_ONCE)
    )
    if after is not None:
        wanted = wanted.where(acting_changes.c.organisation_id > after)
    return [row.organisation_id for row in await tx.all(wanted)]


async def take_changes(tx: Transaction, organisation_id: UUID) -> Sequence[str]:
    """All that was noted for an organisation, in order; taken once, whoever asks at the same time."""
    taken = delete(acting_changes).where(acting_changes.c.organisation_id == organisation_id)
    rows = await tx.all(taken.returning(acting_changes.c.id, acting_changes.c.change))
    return [row.change for row in sorted(rows, key=lambda row: row.id)]
