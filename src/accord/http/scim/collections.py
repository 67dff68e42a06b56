"""The two collections of the service: what each reads, shows and does, so that requests are the same for both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from scim2_models import Context, Resource, ResponseParameters, SearchRequest, TooManyException

from accord.database.engine import Transaction
from accord.database.queries.callers import scim
from accord.database.queries.callers.scim_search import count_terms
from accord.domain.errors import NotFound
from accord.domain.ids import parse_id
from accord.http.scim import access, changes
from accord.http.scim.models import LARGEST_PAGE, PAGE, SCANNED, Group, User
from accord.http.scim.resources import group_of, members_of, user_of
from accord.services.people import scim_group, scim_user
from accord.services.people.membership import require_provisioning

Edit: TypeAlias = Callable[[Any], Any]
SHOWN: Final = Context.RESOURCE_QUERY_RESPONSE
"""In what context resources are written."""

FARTHEST: Final = 2**31
TERMS_PER_ROW: Final = 4
"""As many comparisons of one person cost what reading the person costs."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of resource. Acts return the key, and whether the membership of a last admin stays.

    `ends` says of a row and a request what of it is the end of an access, and `leave` does that alone.
    """

    kind: type[Any]
    prefix: str
    listed: scim.Kind
    find_row: Callable[..., Awaitable[Any]]
    show: Callable[[Any, str], Any]
    created: Callable[[Mapping[str, Any]], Any]
    replaced: Callable[[Any, Mapping[str, Any], str], Any]
    patched: Callable[[Any, Mapping[str, Any], str], Any]
    create: Callable[[Transaction, Any], Awaitable[Any]]
    change: Callable[[Transaction, UUID, Edit], Awaitable[Any]]
    delete: Callable[[Transaction, UUID, Edit], Awaitable[Any]]
    ends: Callable[[Any, Mapping[str, Any], str], Any]
    leave: Callable[[Transaction, UUID, Edit], Awaitable[Any]]
    stands: str

    def key(self, id: str) -> UUID:
        """The key behind an ID of this kind; NotFound for any other."""
        return parse_id(self.prefix, id)

    async def get(self, tx: Transaction, key: UUID, base: str) -> Shown:
        """One resource of the organisation; NotFound where it has none."""
        row = await self.find_row(tx, require_provisioning(tx, ends=True), key)
        if row is None:
            raise NotFound
        return self.shown(row, base)

    def shown(self, row: Any, base: str) -> Shown:
        """A row as it is written."""
        members = members_of(row, base) if self.kind is Group else []
        return Shown(self.show(row, base), members)


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource with the people of a group beside it."""

    resource: Resource[Any]
    members: Sequence[Mapping[str, str]] = ()

    def dump(self, wanted: ResponseParameters[Any] | None) -> dict[str, Any]:
        """The resource with the attributes that the request wants."""
        written: dict[str, Any] = self.resource.model_dump(scim_ctx=SHOWN, response_parameters=wanted)
        if self.members and (parts := _wanted_parts(wanted)):
            written["members"] = [{name: one[name] for name in parts} for one in self.members]
        return written


def _wanted_parts(wanted: ResponseParameters[Any] | None) -> list[str]:
    """Which parts of a member a request wants to read."""
    parts = ["value", "$ref", "type"]
    asked = [str(path).lower().rpartition(":")[2] for path in (wanted.attributes if wanted else None) or []]
    left = {str(path).lower().rpartition(":")[2] for path in (wanted.excluded_attributes if wanted else None) or []}
    if asked and "members" not in asked:
        parts = [name for name in parts if f"members.{name}" in asked]
    return [] if "members" in left else [name for name in parts if f"members.{name}" not in left]


USERS: Final = Collection(
    kind=User,
    prefix="membership",
    listed=scim.USERS,
    find_row=scim.find_user,
    show=user_of,
    created=changes.created_user,
    replaced=changes.replaced_user,
    patched=changes.patched_user,
    create=scim_user.create_user,
    change=scim_user.change_user,
    delete=scim_user.delete_user,
    ends=access.ends_access,
    leave=scim_user.leave,
    stands="The deactivation stands.",
)
GROUPS: Final = Collection(
    kind=Group,
    prefix="scimgroup",
    listed=scim.GROUPS,
    find_row=scim.find_group,
    show=group_of,
    created=changes.created_group,
    replaced=changes.replaced_group,
    patched=changes.patched_group,
    create=scim_group.create_group,
    change=scim_group.change_group,
    delete=scim_group.delete_group,
    ends=access.kept_members,
    leave=scim_group.leave,
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
    everything = await scim.count_searched(tx, organisation_id, list(kinds))
    if everything > SCANNED and (asked.filter is not None or asked.sort_by is not None):
        raise TooManyException(detail=f"More than {SCANNED} would have to be looked at: leave out filter and order.")
    rows, total = await scim.list_found(tx, organisation_id, list(kinds), asked)
    shown = [kinds[kind].shown(row, base) for kind, row in rows]
    terms = count_terms(asked.filter) if asked.filter is not None else 0
    read = sum(1 + len(one.members) for one in shown)
    return Found(shown, total, first, read + everything * terms // TERMS_PER_ROW)
