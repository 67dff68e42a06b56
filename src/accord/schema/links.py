"""Fields that lead from a row to other rows: a key and a loader, so that a whole level can be asked at once."""

from __future__ import annotations

from asyncio import Future
from dataclasses import dataclass
from typing import Any

import strawberry

from accord.access.permissions import Action
from accord.schema.context import Info
from accord.schema.decisions import demand_on_partnership
from accord.schema.permissions import requires


@dataclass(frozen=True, slots=True)
class Link:
    """`loader` names the loader of the bundle, `key` the column that holds its key."""

    loader: str
    key: str


def link(loader: str, key: str = "key", description: str | None = None) -> Any:
    """A field that is what `loader` knows under the row's column `key`; null without a key."""

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return _follow(info, loader, getattr(root, key))

    return strawberry.field(resolver=resolve, description=description, metadata={"link": Link(loader, key)})


def links(loader: str, keys: str, action: Action, description: str | None = None) -> Any:
    """A field that is what `loader` knows under each of the row's list `keys`; decided on the row's partnership."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        await demand_on_partnership(info, root.key, action)
        known = await getattr(info.context.loaders, loader).load_many(getattr(root, keys))
        return [row for row in known if row is not None]

    return strawberry.field(resolver=resolve, description=description, extensions=[requires(action)])


def decided_link(
    loader: str, key: str, action: Action, partnership: str = "key", description: str | None = None
) -> Any:
    """As `link`, for those alone who may do `action` on the partnership whose key is in the column `partnership`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        await demand_on_partnership(info, getattr(root, partnership), action)
        following = _follow(info, loader, getattr(root, key))
        return None if following is None else await following

    return strawberry.field(resolver=resolve, description=description, extensions=[requires(action)])


def decided(column: str, action: Action, partnership: str = "key", description: str | None = None) -> Any:
    """A column for those alone who may do `action` on the partnership whose key is in the column `partnership`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        await demand_on_partnership(info, getattr(root, partnership), action)
        return getattr(root, column)

    return strawberry.field(resolver=resolve, description=description, extensions=[requires(action)])


def _follow(info: Info, loader: str, key: str | None) -> Future[Any] | None:
    if key is None:
        return None
    following: Future[Any] = getattr(info.context.loaders, loader).load(key)
    return following
