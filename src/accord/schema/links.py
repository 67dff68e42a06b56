"""Fields that lead from rows to other rows: a key and a loader, asked once for a whole level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from accord.access.permissions import Action
from accord.schema.context import Info
from accord.schema.decisions import refusals_on_partnerships
from accord.schema.levels import whole_field

Rows = strawberry.Parent[list[Any]]


def link(loader: str, key: str = "key", description: str | None = None) -> Any:
    """A field that is what `loader` knows under the row's column `key`; null without a key."""

    async def follow(rows: Rows, info: Info) -> Any:
        return await _followed(info, loader, column_of(rows, key))

    return whole_field(follow, follow, description=description)


def links(loader: str, keys: str, action: Action, description: str | None = None) -> Any:
    """A field that is what `loader` knows under each of the row's list `keys`; decided on the row's partnership."""

    async def follow(rows: Rows, info: Info) -> Any:
        refused = await refusals_on_partnerships(info, [row.key for row in rows], action)
        lists = [[] if no else getattr(row, keys) for row, no in zip(rows, refused, strict=True)]
        found = await _known(info, loader, [key for listed in lists for key in listed])
        return [no or _rows_of(found, listed) for no, listed in zip(refused, lists, strict=True)]

    return whole_field(follow, follow, action, description)


def decided_link(
    loader: str, key: str, action: Action, partnership: str = "key", description: str | None = None
) -> Any:
    """As `link`, for those alone who may do `action` on the partnership whose key is in the column `partnership`."""

    async def follow(rows: Rows, info: Info) -> Any:
        refused = await refusals_on_partnerships(info, column_of(rows, partnership), action)
        keys = [None if no else getattr(row, key) for row, no in zip(rows, refused, strict=True)]
        found = await _followed(info, loader, keys)
        return [no or value for no, value in zip(refused, found, strict=True)]

    return whole_field(follow, follow, action, description)


def decided(column: str, action: Action, partnership: str = "key", description: str | None = None) -> Any:
    """A column for those alone who may do `action` on the partnership whose key is in the column `partnership`."""

    async def read(rows: Rows, info: Info) -> Any:
        refused = await refusals_on_partnerships(info, column_of(rows, partnership), action)
        return [no or getattr(row, column) for row, no in zip(rows, refused, strict=True)]

    return whole_field(read, read, action, description)


def column_of(rows: Sequence[Any], name: str) -> list[Any]:
    """One attribute of each row; rows of one class say how theirs is read best."""
    kinds = set(map(type, rows))
    own = getattr(kinds.pop(), "column_reader", None) if len(kinds) == 1 else None
    return [getattr(row, name) for row in rows] if own is None else list(map(own(name), rows))


async def _followed(info: Info, loader: str, keys: Sequence[str | None]) -> list[Any]:
    found = await _known(info, loader, [key for key in keys if key is not None])
    return [None if key is None else found[key] for key in keys]


async def _known(info: Info, loader: str, keys: list[str]) -> dict[str, Any]:
    if not keys:
        return {}
    return dict(zip(keys, await getattr(info.context.loaders, loader).level(keys), strict=True))


def _rows_of(found: dict[str, Any], keys: Sequence[str]) -> Any:
    """The rows of one list without those that are not there; the first error of them is that of the list."""
    rows = [found[key] for key in keys if found[key] is not None]
    return next((row for row in rows if isinstance(row, Exception)), rows)
