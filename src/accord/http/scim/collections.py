"""The two collections of the service: what each reads, shows and does, so that requests are the same for both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from scim2_models import Context, Resource, ResponseParameters, SearchRequest, TooManyException

from accord.database.engine import Transaction
from accord.database.queries.callers import scim
from accord.database.queries.callers.scim_members import list_member_keys
from accord.database.queries.callers.scim_search import count_terms
from accord.domain.callers.scim import SaidGroup, SaidUser
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.http.scim import changes
from accord.http.scim.models import LARGEST_PAGE, PAGE, SCANNED, Group, User
from accord.http.scim.resources import group_of, members_of, user_of
from accord.services.people import scim_group, scim_user
from accord.services.people.membership import require_provisioning

Check: TypeAlias = Callable[[Any], None]
SHOWN: Final = Context.RESOURCE_QUERY_RESPONSE
"""In what context resources are written."""

FARTHEST: Final = 2**31
MOST_MEMBERS: Final = 100_000
"""People of the groups of one page together."""

TERMS_PER_ROW: Final = 4
"""As many comparisons of one person cost what reading the person costs."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of resource. Acts return the key, and whether the membership of a last admin stays.

    `edits` reads a PATCH or a PUT, `change` does what it wants of the row that stands, and `leave` does alone what of
    it is the end of an access.
    """

    kind: type[Any]
    prefix: str
    listed: scim.Kind
    find_row: Callable[..., Awaitable[Any]]
    show: Callable[[Any, str], Any]
    created: Callable[[Mapping[str, Any]], Any]
    edits: Callable[[Mapping[str, Any], str], Any]
    create: Callable[[Transaction, Any], Awaitable[Any]]
    change: Callable[[Transaction, UUID, Any, Check, str], Awaitable[Any]]
    delete: Callable[[Transaction, UUID, Check], Awaitable[Any]]
    leave: Callable[[Transaction, UUID, Any], Awaitable[Any]]
    stands: str

    def key(self, id: str) -> UUID:
        """The key behind an ID of this kind; NotFound for any other."""
        return parse_id(self.prefix, id)

    async def get(self, tx: Transaction, key: UUID, base: str) -> Shown:
        """One resource of the organisation, a group without its people; NotFound where it has none."""
        row = await self.find_row(tx, require_provisioning(tx, ends=True), key)
        if row is None:
            raise NotFound
        return self.shown(row, base)

    def shown(self, row: Any, base: str) -> Shown:
        """A row as it is written, a group without its people."""
        return Shown(self.show(row, base), row.id, base, row.member_count if self.kind is Group else 0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource. Of a group, how many people it has; `members` are their keys with commas between, once read."""

    resource: Resource[Any]
    key: UUID
    base: str
    member_count: int = 0
    members: str | None = None

    def dump(self, wanted: ResponseParameters[Any] | None) -> dict[str, Any]:
        """The resource with the attributes that the request wants."""
        written: dict[str, Any] = self.resource.model_dump(scim_ctx=SHOWN, response_parameters=wanted)
        if self.members and (parts := _wanted_parts(wanted)):
            written["members"] = members_of(self.members, parts, self.base)
        return written

    @property
    def rows(self) -> int:
        """How many rows it shows."""
        return 1 + (self.member_count if self.members is not None else 0)


async def with_members(tx: Transaction, shown: Sequence[Shown], wanted: ResponseParameters[Any] | None) -> list[Shown]:
    """Return the same with the people of groups, where the request wants them; else nobody of them is read.

    Raise TooManyException where several groups have more people together than one answer shows.
    """
    groups = [one for one in shown if one.member_count]
    if not groups or not _wanted_parts(wanted):
        return list(shown)
    together = sum(one.member_count for one in groups)
    if len(groups) > 1 and together > MOST_MEMBERS:
        detail = f"These groups have {together} members: ask for fewer, or with excludedAttributes=members."
        raise TooManyException(detail=detail)
    found = await list_member_keys(tx, [one.key for one in groups])
    return [replace(one, members=found.get(one.key)) for one in shown]


def _wanted_parts(wanted: ResponseParameters[Any] | None) -> list[str]:
    """Which parts of a member a request wants to read."""
    parts = ["value", "$ref", "type"]
    asked = [str(path).lower().rpartition(":")[2] for path in (wanted.attributes if wanted else None) or []]
    left = {str(path).lower().rpartition(":")[2] for path in (wanted.excluded_attributes if wanted else None) or []}
    if asked and "members" not in asked:
        parts = [name for name in parts if f"members.{name}" in asked]
    return [] if "members" in left else [name for name in parts if f"members.{name}" not in left]


async def _change_user(tx: Transaction, key: UUID, edits: changes.UserEdits, check: Check, base: str) -> Any:
    def edit(row: Any) -> SaidUser:
        check(row)
        return edits.edit(row, base)

    return await scim_user.change_user(tx, key, edit)


async def _leave_user(tx: Transaction, key: UUID, edits: changes.UserEdits) -> Any:
    return await scim_user.leave(tx, key, edits.ends)


async def _change_group(tx: Transaction, key: UUID, edits: changes.GroupEdits, check: Check, base: str) -> Any:
    async def edit(row: Any) -> SaidGroup:
        check(row)
        return await edits.edit(tx, row, base)

    return await scim_group.change_group(tx, key, edit)


async def _leave_group(tx: Transaction, key: UUID, edits: changes.GroupEdits) -> Any:
    return await scim_group.leave(tx, key, partial(edits.ends, tx))


USERS: Final = Collection(
    kind=User,
    prefix="membership",
    listed=scim.USERS,
    find_row=scim.find_user,
    show=user_of,
    created=changes.created_user,
    edits=changes.UserEdits,
    create=scim_user.create_user,
    change=_change_user,
    delete=scim_user.delete_user,
    leave=_leave_user,
    stands="The deactivation stands.",
)
GROUPS: Final = Collection(
    kind=Group,
    prefix="scimgroup",
    listed=scim.GROUPS,
    find_row=scim.find_group,
    show=group_of,
    created=changes.created_group,
    edits=changes.GroupEdits,
    create=scim_group.create_group,
    change=_change_group,
    delete=scim_group.delete_group,
    leave=_leave_group,
    stands="Those who were taken out have left the group.",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was looked for, how many there are in all, and how many rows were looked at for it."""

    shown: list[Shown]
    total: int
    first: int
    looked_at: int

    def dump(self, search: SearchRequest[Any]) -> dict[str, Any]:
        """The message that lists the page."""
        return {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": self.total,
            "startIndex": self.first,
            "itemsPerPage": len(self.shown),
            "Resources": [one.dump(search) for one in self.shown],
        }


async def found_in(tx: Transaction, collections: Sequence[Collection], search: SearchRequest[Any], base: str) -> Found:
    """The page that a search asks for; TooManyException where it would have to look at more than 10,000.

    PostgreSQL filters, sorts and counts; only the page is read.
    """
    organisation_id = require_provisioning(tx, ends=True)
    first = min(search.start_index or 1, FARTHEST)
    asked = scim.Search(
        filter=search.filter.ast if search.filter is not None else None,
        sort_by=str(search.sort_by).rpartition(":")[2] if search.sort_by is not None else None,
        descending=search.sort_order == SearchRequest.SortOrder.descending,
        first=first - 1,
        size=min(PAGE if search.count is None else search.count, LARGEST_PAGE),
    )
    kinds = {one.listed: one for one in collections}
    scopes = await scim.find_scopes(tx, organisation_id, list(kinds), asked)
    looked_at = sum(scope.size for scope in scopes)
    if looked_at > SCANNED:
        raise TooManyException(detail=f"More than {SCANNED} would have to be looked at: leave out filter and order.")
    rows, total = await scim.list_found(tx, organisation_id, scopes, asked)
    shown = await with_members(tx, [kinds[kind].shown(row, base) for kind, row in rows], search)
    terms = count_terms(asked.filter) if asked.filter is not None else 0
    return Found(shown, total, first, sum(one.rows for one in shown) + looked_at * terms // TERMS_PER_ROW)
