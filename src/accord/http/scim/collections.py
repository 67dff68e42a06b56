"""The two collections of the service: what each reads, shows and does, so that requests are the same for both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from scim2_models import Context, Resource, ScimFilter, SearchRequest, TooManyException

from accord.database.engine import Transaction
from accord.database.queries.callers import scim
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.http.scim.models import LARGEST_PAGE, PAGE, SCANNED, Group, User
from accord.http.scim.reading import looked_up
from accord.http.scim.resources import group_of, said_group, said_user, user_of
from accord.services.people import scim_group, scim_user
from accord.services.people.membership import require_provisioning

Edit: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of resource. Acts return the key, and whether the membership of a last admin stays."""

    kind: type[Any]
    prefix: str
    columns: Mapping[str, Any]
    list_rows: Callable[..., Awaitable[tuple[Sequence[Any], int]]]
    find_row: Callable[..., Awaitable[Any]]
    show: Callable[[Any, str], Any]
    said: Callable[[Any], Any]
    create: Callable[[Transaction, Any], Awaitable[Any]]
    change: Callable[[Transaction, UUID, Edit], Awaitable[Any]]
    delete: Callable[[Transaction, UUID, Edit], Awaitable[Any]]

    def key(self, id: str) -> UUID:
        """The key behind an ID of this kind; NotFound for any other."""
        return parse_id(self.prefix, id)

    async def get(self, tx: Transaction, key: UUID, base: str) -> Any:
        """One resource of the organisation; NotFound where it has none."""
        row = await self.find_row(tx, require_provisioning(tx), key)
        if row is None:
            raise NotFound
        return self.show(row, base)


USERS: Final = Collection(
    kind=User,
    prefix="membership",
    columns=scim.USER_COLUMNS,
    list_rows=scim.list_users,
    find_row=scim.find_user,
    show=user_of,
    said=said_user,
    create=scim_user.create_user,
    change=scim_user.change_user,
    delete=scim_user.delete_user,
)
GROUPS: Final = Collection(
    kind=Group,
    prefix="scimgroup",
    columns=scim.GROUP_COLUMNS,
    list_rows=scim.list_groups,
    find_row=scim.find_group,
    show=group_of,
    said=said_group,
    create=scim_group.create_group,
    change=scim_group.change_group,
    delete=scim_group.delete_group,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was looked for, and how many there are in all."""

    resources: list[Resource[Any]]
    total: int
    first: int


async def found_in(tx: Transaction, collections: Sequence[Collection], search: SearchRequest[Any], base: str) -> Found:
    """The page that a search asks for; TooManyException where it would have to look at more than 10,000.

    Without order and filter, and for a look-up, the database counts and pages; else all are looked at.
    """
    organisation_id = require_provisioning(tx)
    first, size = search.start_index or 1, min(PAGE if search.count is None else search.count, LARGEST_PAGE)
    if len(collections) == 1 and search.sort_by is None:
        (only,) = collections
        wanted = looked_up(search.filter, only.columns)
        if wanted is not None or search.filter is None:
            rows, total = await only.list_rows(tx, organisation_id, wanted, first - 1, size)
            return Found([only.show(row, base) for row in rows], total, first)
    listed = [await one.list_rows(tx, organisation_id, None, 0, SCANNED) for one in collections]
    if sum(total for _, total in listed) > SCANNED:
        raise TooManyException(detail=f"More than {SCANNED} would have to be looked at: ask for one by its name.")
    shown = [(one, rows) for one, (rows, _) in zip(collections, listed, strict=True)]
    matching = await asyncio.to_thread(_matching, shown, search, base)
    return Found(matching[first - 1 : first - 1 + size], len(matching), first)


def _matching(
    listed: Sequence[tuple[Collection, Sequence[Any]]], search: SearchRequest[Any], base: str
) -> list[Resource[Any]]:
    """What matches, in order; in a thread of its own, as thousands take their time."""
    found: list[Resource[Any]] = []
    for one, rows in listed:
        asked = ScimFilter[one.kind](search.filter) if search.filter is not None else None  # type: ignore[name-defined]
        shown = [one.show(row, base) for row in rows]
        found += shown if asked is None else [resource for resource in shown if asked.match(resource)]
    return search.sort(found)


SHOWN: Final = Context.RESOURCE_QUERY_RESPONSE
"""In what context resources are written."""
