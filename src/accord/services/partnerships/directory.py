"""How an organisation may be found by others: listed by name and a published address, or asked by a code (Q19)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.directory import hold_entry
from accord.database.tables.organisation import directory_entries
from accord.domain import text
from accord.domain.organisation import new_handle

__all__ = ["change_entry"]

NAMES: Final = {"listed": "listed_in_directory", "email": "directory_email", "request_code": "request_code"}


async def change_entry(
    tx: Transaction, organisation_id: UUID, listed: bool | None, email: str | None, with_code: bool | None
) -> list[str]:
    """Change what is given, and name it; an empty address takes it back.

    `with_code` true makes a fresh code, which nobody guesses, in place of an older one; false takes it back, so that
    the handle is enough again. By leaders at home: who may ask for access is no setting that a partner's people change.
    """
    if listed is None and email is None and with_code is None:
        return []
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.DIRECTORY_SET, target, now=tx.now, acting_for=tx.acting_for)
    before = await hold_entry(tx, organisation_id)
    given: dict[str, Any] = {}
    if listed is not None:
        given["listed"] = listed
    if email is not None:
        given["email"] = text.address("directoryEmail", email) if email.strip() else None
    if with_code is not None:
        given["request_code"] = new_handle() if with_code else None
    changed = {name: value for name, value in given.items() if value != getattr(before, name, None)}
    if changed:
        made = insert(directory_entries).values(id=organisation_id, **changed)
        counted = changed | {"version": directory_entries.c.version + 1}
        await tx.execute(made.on_conflict_do_update(index_elements=["id"], set_=counted))
    return sorted(NAMES[name] for name in changed)
