"""Who is in the groups of a directory, for acts that may name tens of thousands of people."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, any_, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from accord.database.engine import Transaction
from accord.database.queries.callers.scim import SHOWN
from accord.database.queries.callers.scim_search import gm, m
from accord.database.sets import among
from accord.database.tables.organisation import memberships
from accord.database.tables.scim import scim_group_members
from accord.domain.callers.scim import MemberChange
from accord.domain.organisation import Role

AT_ONCE: Final = 2_000
"""People whom one statement puts into a group."""


async def knows_all(tx: Transaction, organisation_id: UUID, membership_ids: Collection[str]) -> bool:
    """Are all of these keys people of the organisation?"""
    known = select(func.count()).where(
        m.c.organisation_id == organisation_id, SHOWN, m.c.user_id.is_not(None), m.c.id == any_(_listed(membership_ids))
    )
    return bool(await tx.scalar(known) == len(membership_ids))


async def list_people_of(tx: Transaction, group_id: UUID) -> frozenset[UUID]:
    """The memberships that are in a group."""
    inside = select(gm.c.membership_id).where(gm.c.group_id == group_id)
    return frozenset(row.membership_id for row in await tx.all(inside))


async def list_member_keys(tx: Transaction, group_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the keys of the people of each of these groups in order, with commas between them: a row for each of
    tens of thousands would keep the process busy."""
    key = cast(gm.c.membership_id, Text())
    listed = func.string_agg(key, aggregate_order_by(literal(","), gm.c.membership_id)).label("keys")
    found = select(gm.c.group_id, listed).where(among(gm.c.group_id, group_ids))
    return {row.group_id: row.keys for row in await tx.all(found.group_by(gm.c.group_id))}


async def find_difference(
    tx: Transaction, group_id: UUID, change: MemberChange
) -> tuple[frozenset[str], frozenset[str]]:
    """Return who enters a group and who leaves it by a change. Where few are named, nobody of the others is read."""
    inside = select(gm.c.membership_id.label("id")).where(gm.c.group_id == group_id)
    named = change.added | change.removed
    if change.stays and not named:
        return frozenset(), frozenset()
    if change.stays and len(named) <= AT_ONCE:
        inside = inside.where(gm.c.membership_id == any_(_listed(named)))
    # compared here: PostgreSQL takes a list for short, and would compare each of its keys with each of the group's
    standing = await _read_keys(tx, inside)
    return change.added - standing, (change.removed & standing if change.stays else standing - change.added)


async def _read_keys(tx: Transaction, found: Select[Any]) -> frozenset[str]:
    """Return keys as texts, out of one row."""
    key = cast(found.subquery("found").c.id, Text())
    listed: str | None = await tx.scalar(select(func.string_agg(key, ",")))
    return frozenset(listed.split(",")) if listed else frozenset()


def _listed(keys: Collection[str]) -> ColumnElement[Any]:
    """Return keys as one array of the statement: one text, since tens of thousands of values would each be encoded."""
    return cast(func.string_to_array(",".join(keys), ","), ARRAY(Uuid()))


def _each(keys: Collection[str]) -> Any:
    return func.unnest(_listed(keys)).table_valued("id", name="entering").render_derived()


async def list_inheriting(
    tx: Transaction, organisation_id: UUID, membership_ids: Collection[str], role: Role
) -> frozenset[str]:
    """Return those of these members who have a role by groups of the directory alone."""
    theirs = memberships.c.id == any_(_listed(membership_ids))
    inherits = literal(role.value) == any_(memberships.c.directory_roles)
    found = select(memberships.c.id).where(memberships.c.organisation_id == organisation_id, theirs, inherits)
    return frozenset(str(row.id) for row in await tx.all(found))


async def put_in(
    tx: Transaction, organisation_id: UUID, group_id: UUID, members: Collection[str], added_by: UUID | None
) -> None:
    """Put people into a group, however many there are, some at a time; `added_by` made the credential."""
    columns = ["group_id", "membership_id", "organisation_id", "added_by"]
    for some in _lots(members):
        entering = _each(some)
        rows = select(literal(group_id), entering.c.id, literal(organisation_id), literal(added_by, Uuid()))
        await tx.execute(insert(scim_group_members).from_select(columns, rows))


async def take_out(tx: Transaction, group_id: UUID, members: Collection[str]) -> None:
    """Take people out of a group, some at a time."""
    for some in _lots(members):
        theirs = scim_group_members.c.membership_id == any_(_listed(some))
        await tx.execute(delete(scim_group_members).where(scim_group_members.c.group_id == group_id, theirs))


def _lots(members: Collection[str]) -> Iterator[list[str]]:
    """Split people so that no statement runs into its time limit; in order, as all take their locks."""
    ordered = sorted(members)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
