"""People and groups of an organisation by a name, an address or a key, which an index finds."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, Uuid, any_, cast, func, select

__all__ = ["Named", "keys_matching", "matching"]


class Named(StrEnum):
    """The attributes that `accord.directory_matches` (migration 0028) looks up: of people, then of groups."""

    USER_NAME = "username"
    ADDRESS = "sent address"
    EXTERNAL_ID = "external id"
    MEMBERSHIP_ADDRESS = "membership address"
    GROUP_NAME = "group name"
    GROUP_EXTERNAL_ID = "group external id"
    GROUP_OF = "group of"


def matching(organisation_id: UUID, named: Named, values: Collection[str]) -> ColumnElement[Any]:
    """Return the keys of whatever has one of these values, to compare a key with by `==`; a status is not looked at."""
    found = select(keys_matching(organisation_id, named, values)).scalar_subquery()
    return any_(func.array(found, type_=ARRAY(Uuid())))


def keys_matching(organisation_id: UUID, named: Named, values: Collection[str]) -> ColumnElement[UUID]:
    """Return these keys as the rows of a statement."""
    wanted = cast(list(values), ARRAY(Text()))
    found: ColumnElement[UUID] = func.accord.directory_matches(organisation_id, named.value, wanted, type_=Uuid())
    return found
