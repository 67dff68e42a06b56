"""What acts of a directory read: its people and groups as it sees them, and the roles that groups give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from scim2_models.path import FilterNode
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    Uuid,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from accord.database.engine import Transaction
from accord.database.queries.callers.scim_search import (
    GROUP,
    GROUP_LOOKUPS,
    GROUP_MODIFIED,
    PROFILE,
    USER,
    USER_LOOKUPS,
    USER_MODIFIED,
    USER_NAME,
    Attribute,
    LookUp,
    condition_of,
    g,
    gm,
    lookups_of,
    m,
    order_of,
    s,
    u,
)
from accord.database.queries.lookup import Named, keys_matching, matching
from accord.database.sets import among
from accord.database.tables.metadata import folded
from accord.database.tables.organisation import memberships, users
from accord.database.tables.scim import scim_credentials, scim_groups
from accord.domain.organisation import MembershipStatus
from accord.domain.text import is_same_address

SHOWN: Final = m.c.status.in_([MembershipStatus.ACTIVE.value, MembershipStatus.DEACTIVATED.value])


def _groups() -> ColumnElement[Any]:
    listed = func.jsonb_build_object("id", g.c.id, "display", g.c.display_name)
    found = select(func.jsonb_agg(aggregate_order_by(listed, g.c.id))).select_from(gm).join(g, g.c.id == gm.c.group_id)
    return func.coalesce(found.where(gm.c.membership_id == m.c.id).scalar_subquery(), cast([], JSONB)).label("groups")


def _users(organisation_id: UUID) -> Select[Any]:
    at_home = (u.c.home_organisation_id == m.c.organisation_id).label("at_home")
    columns = (m.c.id, m.c.organisation_id, m.c.user_id, m.c.status, m.c.roles, m.c.directory_roles, m.c.unclaimed)
    return (
        select(
            *columns,
            m.c.created_at,
            USER_MODIFIED.label("modified_at"),
            u.c.email,
            u.c.display_name,
            at_home,
            USER_NAME.label("user_name"),
            s.c.external_id,
            PROFILE.label("profile"),
            s.c.refused_at,
            s.c.id.is_not(None).label("adopted"),
            _groups(),
        )
        .select_from(m)
        .join(u, u.c.id == m.c.user_id)
        .outerjoin(s, s.c.id == m.c.id)
        .where(m.c.organisation_id == organisation_id, SHOWN)
    )


def _scim_groups(organisation_id: UUID) -> Select[Any]:
    columns = [column for column in g.c if column.name != "modified_at"]
    shown = select(*columns, GROUP_MODIFIED.label("modified_at"))
    return shown.where(g.c.organisation_id == organisation_id)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Users or groups, as a search reads them. `listed` is what a list without a filter needs of them: their keys."""

    read: Callable[[UUID], Select[Any]]
    listed: Callable[[UUID], Select[Any]]
    key: ColumnElement[Any]
    prefix: str
    attributes: Mapping[str, Attribute]
    lookups: Mapping[str, Named]


def _listed_users(organisation_id: UUID) -> Select[Any]:
    return select(m.c.id).where(m.c.organisation_id == organisation_id, SHOWN)


def _listed_groups(organisation_id: UUID) -> Select[Any]:
    return select(g.c.id).where(g.c.organisation_id == organisation_id)


USERS: Final = Kind(_users, _listed_users, m.c.id, "membership", USER, USER_LOOKUPS)
GROUPS: Final = Kind(_scim_groups, _listed_groups, g.c.id, "scimgroup", GROUP, GROUP_LOOKUPS)


@dataclass(frozen=True, slots=True)
class Search:
    """What a directory looks for: a filter, an order by an attribute, and a page that begins at `first`, from 0."""

    filter: FilterNode | None = None
    sort_by: str | None = None
    descending: bool = False
    first: int = 0
    size: int = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search looks at of one kind: all of it, or the `keys` that an index has found; and its condition."""

    kind: Kind
    matching: ColumnElement[bool] | None
    keys: frozenset[UUID] | None
    size: int


async def find_scopes(tx: Transaction, organisation_id: UUID, kinds: Sequence[Kind], search: Search) -> list[Scope]:
    """Return what a search has to look at. Filters that name somebody are looked up first, and all else is counted."""
    scopes = []
    for kind in kinds:
        node = search.filter
        matching = None if node is None else condition_of(node, kind.attributes, lenient=len(kinds) > 1)
        lookups = None if node is None else lookups_of(node, kind.lookups, kind.prefix)
        if lookups is not None:
            keys = await _looked_up(tx, organisation_id, lookups)
            scopes.append(Scope(kind, matching, keys, len(keys)))
        elif node is not None or search.sort_by is not None:
            counted = select(func.count()).select_from(kind.listed(organisation_id).subquery())
            scopes.append(Scope(kind, matching, None, int(await tx.scalar(counted))))
        else:
            scopes.append(Scope(kind, None, None, 0))
    return scopes


async def _looked_up(tx: Transaction, organisation_id: UUID, lookups: Sequence[LookUp]) -> frozenset[UUID]:
    found = {UUID(value) for named, values in lookups if named is None for value in values}
    asked = [select(keys_matching(organisation_id, named, values)) for named, values in lookups if named and values]
    rows = await tx.all(union_all(*asked)) if asked else ()
    return frozenset(found | {row[0] for row in rows})


async def list_found(
    tx: Transaction, organisation_id: UUID, scopes: Sequence[Scope], search: Search
) -> tuple[list[tuple[Kind, Any]], int]:
    """Return a page of what a search finds in these scopes, each with its kind, and how many there are in all."""
    looked_at = [(number, scope) for number, scope in enumerate(scopes) if scope.keys is None or scope.keys]
    if not looked_at:
        return [], 0
    found = union_all(*(_matching(number, scope, organisation_id, search) for number, scope in looked_at))
    listed = found.subquery("found")
    total = int(await tx.scalar(select(func.count()).select_from(listed)))
    order = listed.c.position.desc().nulls_last() if search.descending else listed.c.position.asc().nulls_last()
    ordered = [listed.c.id] if len(looked_at) == 1 else [listed.c.kind, listed.c.id]
    page = select(listed.c.kind, listed.c.id).order_by(*([] if search.sort_by is None else [order]), *ordered)
    chosen = await tx.all(page.offset(search.first).limit(search.size)) if search.size and search.first < total else []
    rows: dict[UUID, Any] = {}
    for number, scope in looked_at:
        keys = [row.id for row in chosen if row.kind == number]
        if keys:
            read = scope.kind.read(organisation_id).where(among(scope.kind.key, keys))
            rows |= {row.id: row for row in await tx.all(read)}
    return [(scopes[row.kind].kind, rows[row.id]) for row in chosen if row.id in rows], total


def _matching(number: int, scope: Scope, organisation_id: UUID, search: Search) -> Select[Any]:
    """What a search finds of one kind. A list without filter and order reads nothing but keys."""
    kind, shown = scope.kind, [literal(number).label("kind"), scope.kind.key.label("id")]
    if search.sort_by is None and scope.matching is None:
        return kind.listed(organisation_id).with_only_columns(*shown, cast(null(), Text()).label("position"))
    position = order_of(search.sort_by, kind.attributes) if search.sort_by is not None else None
    position = null() if position is None else position
    listed = kind.read(organisation_id).with_only_columns(*shown, cast(position, Text()).collate("C").label("position"))
    if scope.keys is not None:
        listed = listed.where(among(kind.key, sorted(scope.keys)))
    return listed if scope.matching is None else listed.where(scope.matching)


async def find_user(tx: Transaction, organisation_id: UUID, membership_id: UUID, *, held: bool = False) -> Any:
    """One person of the organisation, or None; `held`: the membership stays as it is until the end of the act."""
    if held:
        await tx.first(select(memberships.c.id).where(memberships.c.id == membership_id).with_for_update())
    return await tx.first(_users(organisation_id).where(m.c.id == membership_id))


async def find_group(tx: Transaction, organisation_id: UUID, group_id: UUID, *, held: bool = False) -> Any:
    """One group of the directory, or None; `held` as for `find_user`."""
    if held:
        await tx.first(select(scim_groups.c.id).where(scim_groups.c.id == group_id).with_for_update())
    return await tx.first(_scim_groups(organisation_id).where(g.c.id == group_id))


async def find_taken(
    tx: Transaction, organisation_id: UUID, user_name: str, email: str, external_id: str | None, but: UUID | None
) -> str | None:
    """Which of these another member of the organisation has, in the spelling of SCIM; strangers are not looked at."""
    others = _users(organisation_id).where(m.c.id.is_distinct_from(but)).with_only_columns(literal(1)).limit(1)
    at_home = u.c.home_organisation_id == organisation_id
    questions = {
        "userName": (Named.USER_NAME, user_name, folded(USER_NAME) == folded(user_name)),
        "externalId": (Named.EXTERNAL_ID, external_id, s.c.external_id == external_id),
        "emails": (Named.ADDRESS, email, at_home & (folded(u.c.email) == folded(email))),
    }
    for attribute, (named, value, question) in questions.items():
        if value is None:
            continue
        known = m.c.id == matching(organisation_id, named, [value])
        if await tx.first(others.where(known, question)) is not None:
            return attribute
    return None


async def find_group_taken(tx: Transaction, organisation_id: UUID, external_id: str | None, but: UUID | None) -> bool:
    """Does another group of the organisation have this external ID?"""
    if external_id is None:
        return False
    others = select(g.c.id).where(g.c.organisation_id == organisation_id, g.c.id.is_distinct_from(but))
    return await tx.first(others.where(g.c.external_id == external_id).limit(1)) is not None


async def find_former(tx: Transaction, organisation_id: UUID, email: str) -> Any:
    """Return the membership of a person of this home who was removed and has this address, locked, or None."""
    found = await tx.first(
        select(memberships)
        .join(users, users.c.id == memberships.c.user_id)
        .where(
            memberships.c.organisation_id == organisation_id,
            memberships.c.id == matching(organisation_id, Named.ADDRESS, [email]),
            memberships.c.status == MembershipStatus.REMOVED.value,
            users.c.home_organisation_id == organisation_id,
            folded(users.c.email) == folded(email),
        )
        .with_for_update(of=memberships)
    )
    return found if found is not None and is_same_address(found.email, email) else None


async def list_given(tx: Transaction, membership_ids: Collection[UUID]) -> dict[UUID, list[Any]]:
    """Return the groups of each of these members, with their roles, who gave each (`given_by`), and who put the person
    in (`added_by`)."""
    found = (
        select(gm.c.membership_id, gm.c.added_by, g.c.roles, g.c.given_by)
        .join(g, g.c.id == gm.c.group_id)
        .where(among(gm.c.membership_id, membership_ids))
    )
    given: dict[UUID, list[Any]] = {}
    for row in await tx.all(found):
        given.setdefault(row.membership_id, []).append(row)
    return given


async def find_credential_maker(tx: Transaction, credential_id: UUID) -> UUID | None:
    """Return who made the credential by which a directory acts."""
    maker: UUID | None = await tx.scalar(
        select(scim_credentials.c.created_by).where(scim_credentials.c.id == credential_id)
    )
    return maker


async def lock_active(tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID]) -> Sequence[Any]:
    """Those of these members who are active, locked in order."""
    mine = (memberships.c.organisation_id == organisation_id) & (among(memberships.c.id, membership_ids))
    active = memberships.c.status == MembershipStatus.ACTIVE.value
    return await tx.all(select(memberships).where(mine, active).order_by(memberships.c.id).with_for_update())


async def lock_credential(tx: Transaction, organisation_id: UUID, credential_id: UUID) -> Any:
    """One credential of the organisation, locked, or None. Acts that come by it are over, and none begins."""
    own = select(scim_credentials).where(
        scim_credentials.c.id == credential_id, scim_credentials.c.organisation_id == organisation_id
    )
    found = await tx.first(own)
    if found is not None:
        await tx.first(select(func.pg_advisory_xact_lock(func.hashtextextended(found.token_hash, 0))))
    return await tx.first(own.with_for_update())


async def count_live_credentials(tx: Transaction, organisation_id: UUID) -> int:
    """How many credentials of the organisation can be used now."""
    live = select(func.count()).where(
        scim_credentials.c.organisation_id == organisation_id,
        scim_credentials.c.revoked_at.is_(None),
        scim_credentials.c.expires_at > tx.now,
    )
    return int(await tx.scalar(live))


def _keys() -> Any:
    return ARRAY(Uuid())
