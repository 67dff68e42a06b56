"""How an organisation may be found by others: listed by name and a published address, or asked by a code (Q19)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.directory import hold_entry
from accord.database.tables.organisation import directory_entries
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.organisation import new_handle
from accord.services.activity import Event, record

__all__ = ["set_directory_entry"]


async def set_directory_entry(
    tx: Transaction,
    *,
    organisation_id: UUID,
    listed_in_directory: bool | None = None,
    directory_email: str | None = None,
    with_request_code: bool | None = None,
) -> UUID:
    """Change what is given; an empty address takes it back.

    `with_request_code` true makes a fresh code, which nobody guesses, in place of an older one; false takes it back, so
    that the handle is enough again. By leaders at home: who may ask for access is no setting that a partner's people
    change.
    """
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.DIRECTORY_SET, target, now=tx.now, acting_for=tx.acting_for)
    before = await hold_entry(tx, organisation_id)
    given: dict[str, Any] = {}
    if listed_in_directory is not None:
        given["listed"] = listed_in_directory
    if directory_email is not None:
        given["email"] = text.address("directoryEmail", directory_email) if directory_email.strip() else None
    if with_request_code is not None:
        given["request_code"] = new_handle() if with_request_code else None
    changed = {name: value for name, value in given.items() if value != getattr(before, name, None)}
    if not changed:
        return organisation_id
    made = insert(directory_entries).values(id=organisation_id, **changed)
    counted = changed | {"version": directory_entries.c.version + 1}
    await tx.execute(made.on_conflict_do_update(index_elements=["id"], set_=counted))
    data = {"changed": sorted(changed)}
    await record(tx, Event(type=EventType.SETTINGS_CHANGED, streams=(organisation_id,), data=data))
    return organisation_id
