"""How a field answers with a connection: nothing is read until its edges, page info or count are selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from accord.access.permissions import Action
from accord.database.queries.read.pages import Pages
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.domain.text import NAME_LENGTH
from accord.schema.context import Info
from accord.schema.decisions import refusals_on_partnerships
from accord.schema.errors import BadInput, NothingThere
from accord.schema.pagination import Connection, Listing, Span

SHORTEST_SEARCH = 2


def listing(info: Info, pages: Pages, key: str, wanted: Span, **given: Any) -> Connection[Any]:
    """The connection `pages` under the parent `key`; its fields are read from a Listing one by one."""
    loaders = info.context.loaders
    listed = Listing(key, loaders.page(pages, wanted, **given), loaders.count(pages, **given))
    return cast("Connection[Any]", listed)


def listings(info: Info, pages: Pages, rows: Sequence[Any], wanted: Span, **given: Any) -> list[Any]:
    """The same under each row of a level."""
    return listings_under(info, pages, [row.key for row in rows], wanted, **given)


def listings_under(info: Info, pages: Pages, keys: Sequence[str], wanted: Span, **given: Any) -> list[Any]:
    """The same under each of these parents."""
    loaders = info.context.loaders
    page, count = loaders.page(pages, wanted, **given), loaders.count(pages, **given)
    return [Listing(key, page, count) for key in keys]


async def decided_listings(
    info: Info, pages: Pages, rows: Sequence[Any], action: Action, wanted: Span, **given: Any
) -> list[Any]:
    """As `listings` under partnerships, for those alone who may do `action` on them; the refusal for each other."""
    refused = await refusals_on_partnerships(info, [row.key for row in rows], action)
    listed = listings(info, pages, rows, wanted, **given)
    return [no or one for no, one in zip(refused, listed, strict=True)]


def search_text(text: str | None) -> str | None:
    """What to search for, trimmed; blank is no search, and one letter finds too many to be one."""
    trimmed = (text or "").strip()
    if not trimmed:
        return None
    if not SHORTEST_SEARCH <= len(trimmed) <= NAME_LENGTH:
        raise BadInput(f"Search for {SHORTEST_SEARCH} to {NAME_LENGTH} characters.")
    return trimmed


def names(values: list[Any] | None) -> tuple[str, ...] | None:
    """A list of words as a filter; None admits all."""
    return None if values is None else tuple(sorted({str(value) for value in values}))


def key_of(kind: str, text: str) -> str:
    """The UUID in an ID that a query names, as text; NothingThere for anything else."""
    try:
        return str(parse_id(kind, text))
    except NotFound:
        raise NothingThere from None


def found(row: Any) -> Any:
    """The row of a lookup; what is missing and what may not be seen are the same NOT_FOUND."""
    if row is None:
        raise NothingThere
    return row
