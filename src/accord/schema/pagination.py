"""Relay connections over keyset pages: cursors are positions, never offsets (surface.md, Conventions)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import strawberry

from accord.schema.errors import BadInput, PageTooLarge
from accord.schema.levels import Each, whole
from accord.schema.permissions import field

if TYPE_CHECKING:
    from accord.schema.loaders import Loader

Item = TypeVar("Item")

PAGE: Final = 25
LARGEST_PAGE: Final = 100
VERSION: Final = b"1:"
WIDTH: Final = 16
NO_CURSOR: Final = "This is not a cursor of this connection."


def cursor_of(position: int) -> str:
    """The opaque cursor of a position."""
    return base64.urlsafe_b64encode(VERSION + position.to_bytes(WIDTH)).decode().rstrip("=")


def position_of(cursor: str) -> int:
    """The position a cursor stands for; BadInput for anything that `cursor_of` did not make."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(NO_CURSOR) from None
    if len(raw) != len(VERSION) + WIDTH or not raw.startswith(VERSION):
        raise BadInput(NO_CURSOR)
    position = int.from_bytes(raw.removeprefix(VERSION))
    if cursor_of(position) != cursor:
        raise BadInput(NO_CURSOR)
    return position


@dataclass(frozen=True, slots=True)
class Span:
    """Which page is asked for: `size` items after and before two positions, from the front or from the back."""

    size: int = PAGE
    after: int | None = None
    before: int | None = None
    backward: bool = False


def span(
    first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> Span:
    """Reads Relay's four arguments.

    Default 25, at most 100 (PageTooLarge); BadInput for a negative size, for both sizes at once and for a cursor that
    is none.
    """
    if first is not None and last is not None:
        raise BadInput("Give either first or last, not both.")
    size = first if first is not None else last if last is not None else PAGE
    if size < 0:
        raise BadInput("A page has no negative size.")
    if size > LARGEST_PAGE:
        raise PageTooLarge(size, LARGEST_PAGE)
    return Span(
        size,
        None if after is None else position_of(after),
        None if before is None else position_of(before),
        backward=last is not None,
    )


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, in the connection's order, and whether there are more on either side."""

    rows: list[Any]
    has_next: bool
    has_previous: bool


def page_of(rows: list[Any], wanted: Span) -> Page:
    """Makes a page of up to `size + 1` rows as they were fetched, the last ones first where the page is backward."""
    more = len(rows) > wanted.size
    kept = rows[: wanted.size]
    if wanted.backward:
        return Page(kept[::-1], has_next=wanted.before is not None, has_previous=more)
    return Page(kept, has_next=more, has_previous=wanted.after is not None)


COUNTED: Final = 10_000
"""At how many rows a count looks: it is exact where there are no more."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a connection has at least, and whether that is all of them."""

    total: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A connection before anything of it is read: the parent's key, and who fetches its page and its count."""

    key: str
    pages: Loader[str, Page]
    counts: Loader[str, Count]


@strawberry.type(description="Where a page stands in its connection.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One item of a page.")
class Edge(Generic[Item]):
    @field(description="The position of this item, for `after` and `before`.")
    def cursor(self, root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.position)

    @strawberry.field
    def node(self, root: strawberry.Parent[Any]) -> Item:
        item: Item = root
        return item


@strawberry.type(description="A page of items, and how many there are that the viewer may see.")
class Connection(Generic[Item]):
    @whole()
    async def edges(self, rows: strawberry.Parent[list[Listing]], info: strawberry.Info) -> Each[list[Edge[Item]]]:
        return [page.rows if isinstance(page, Page) else page for page in await _loaded(rows, "pages")]

    @whole()
    async def page_info(self, rows: strawberry.Parent[list[Listing]], info: strawberry.Info) -> Each[PageInfo]:
        return [page_info(page) if isinstance(page, Page) else page for page in await _loaded(rows, "pages")]

    @whole(
        description="How many there are in all pages, counted only where it is asked for. A count looks at the first "
        f"{COUNTED:,} items that the viewer may see: where there are more, it is how many there are at least, and "
        "`totalCountIsExact` is false."
    )
    async def total_count(self, rows: strawberry.Parent[list[Listing]], info: strawberry.Info) -> Each[int]:
        return [count.total if isinstance(count, Count) else count for count in await _loaded(rows, "counts")]

    @whole(description="Is `totalCount` all of them? False: there may be more, so show it as 37+ or 10,000+.")
    async def total_count_is_exact(self, rows: strawberry.Parent[list[Listing]], info: strawberry.Info) -> Each[bool]:
        return [count.exact if isinstance(count, Count) else count for count in await _loaded(rows, "counts")]


def page_info(page: Page) -> PageInfo:
    """Where the page stands, with the cursors of its ends."""
    cursors = [cursor_of(row.position) for row in (page.rows[:1] + page.rows[-1:])]
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


async def _loaded(listings: list[Listing], loader: str) -> list[Any]:
    """What one of the two loaders of each connection says; a level mostly has one of them."""
    found: dict[tuple[int, str], Any] = {}
    for one in {id(getattr(listed, loader)): getattr(listed, loader) for listed in listings}.values():
        keys = [listed.key for listed in listings if getattr(listed, loader) is one]
        values = await one.level(keys)
        found.update(((id(one), key), value) for key, value in zip(keys, values, strict=True))
    return [found[id(getattr(listed, loader)), listed.key] for listed in listings]
