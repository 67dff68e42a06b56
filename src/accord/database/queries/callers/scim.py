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
    any_,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from accord.database.engine import Transaction
from accord.database.queries.callers.scim_search import (
    GROUP,
    GROUP_MODIFIED,
    PROFILE,
    USER,
    USER_MODIFIED,
    USER_NAME,
    Attribute,
    condition_of,
    g,
    gm,
    m,
    order_of,
    s,
    u,
)
from accord.database.sets import among
from accord.database.tables.metadata import folded
from accord.database.tables.organisation import memberships, users
from accord.database.tables.scim import scim_credentials, scim_group_members, scim_groups
from accord.domain.organisation import MembershipStatus, Role
from accord.domain.text import is_same_address

SHOWN: Final = m.c.status.in_([MembershipStatus.ACTIVE.value, MembershipStatus.DEACTIVATED.value])


def _groups() -> ColumnElement[Any]:
    listed = func.jsonb_build_object("id", g.c.id, "display", g.c.display_name)
    found = select(func.jsonb_agg(aggregate_order_by(listed, g.c.id))).select_from(gm).join(g, g.c.id == gm.c.group_id)
    return func.coalesce(found.where(gm.c.membership_id == m.c.id).scalar_subquery(), cast([], JSONB)).label("groups")


def _members() -> ColumnElement[Any]:
    found = select(func.jsonb_agg(aggregate_order_by(gm.c.membership_id, gm.c.membership_id)))
    return func.coalesce(found.where(gm.c.group_id == g.c.id).scalar_subquery(), cast([], JSONB)).label("members")


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
    shown = select(*columns, GROUP_MODIFIED.label("modified_at"), _members())
    return shown.where(g.c.organisation_id == organisation_id)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Users or groups, as a search reads them."""

    read: Callable[[UUID], Select[Any]]
    key: ColumnElement[Any]
    attributes: Mapping[str, Attribute]


USERS: Final = Kind(_users, m.c.id, USER)
GROUPS: Final = Kind(_scim_groups, g.c.id, GROUP)


@dataclass(frozen=True, slots=True)
class Search:
    """What a directory looks for: a filter, an order by an attribute, and a page that begins at `first`, from 0."""

    filter: FilterNode | None = None
    sort_by: str | None = None
    descending: bool = False
    first: int = 0
    size: int = 100


async def list_found(
    tx: Transaction, organisation_id: UUID, kinds: Sequence[Kind], search: Search
) -> tuple[list[tuple[Kind, Any]], int]:
    """Return a page of what a search finds among these kinds, each with its kind, and how many there are in all."""
    matching = [_matching(number, kind, organisation_id, search, len(kinds) > 1) for number, kind in enumerate(kinds)]
    found = union_all(*matching).subquery("found")
    total = int(await tx.scalar(select(func.count()).select_from(found)))
    order = found.c.position.desc().nulls_last() if search.descending else found.c.position.asc().nulls_last()
    page = select(found.c.kind, found.c.id).order_by(order, found.c.kind, found.c.id)
    chosen = await tx.all(page.offset(search.first).limit(search.size)) if search.size and search.first < total else []
    rows: dict[UUID, Any] = {}
    for number, kind in enumerate(kinds):
        keys = [row.id for row in chosen if row.kind == number]
        if keys:
            read = kind.read(organisation_id).where(among(kind.key, keys))
            rows |= {row.id: row for row in await tx.all(read)}
    return [(kinds[row.kind], rows[row.id]) for row in chosen if row.id in rows], total


def _matching(number: int, kind: Kind, organisation_id: UUID, search: Search, several: bool) -> Select[Any]:
    position = order_of(search.sort_by, kind.attributes) if search.sort_by is not None else null()
    if position is None:
        position = null()
    listed = kind.read(organisation_id).with_only_columns(
        literal(number).label("kind"), kind.key.label("id"), cast(position, Text()).collate("C").label("position")
    )
    if search.filter is not None:
        listed = listed.where(condition_of(search.filter, kind.attributes, lenient=several))
    return listed


async def count_searched(tx: Transaction, organisation_id: UUID, kinds: Sequence[Kind]) -> int:
    """Return how many people and groups a filter or an order has to look at."""
    counted = [
        select(func.count()).select_from(kind.read(organisation_id).with_only_columns(kind.key).subquery())
        for kind in kinds
    ]
    return sum([int(await tx.scalar(one)) for one in counted])


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
        "userName": folded(USER_NAME) == folded(user_name),
        **({} if external_id is None else {"externalId": s.c.external_id == external_id}),
        "emails": at_home & (folded(u.c.email) == folded(email)),
    }
    for attribute, question in questions.items():
        if await tx.first(others.where(question)) is not None:
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


async def list_known(tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these keys that are people of the organisation."""
    known = select(m.c.id).where(
        m.c.organisation_id == organisation_id,
        SHOWN,
        m.c.user_id.is_not(None),
        among(m.c.id, membership_ids),
    )
    return frozenset(row.id for row in await tx.all(known))


async def list_people_of(tx: Transaction, group_id: UUID) -> frozenset[UUID]:
    """The memberships that are in a group."""
    inside = select(gm.c.membership_id).where(gm.c.group_id == group_id)
    return frozenset(row.membership_id for row in await tx.all(inside))


async def list_inheriting(
    tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID], role: Role
) -> frozenset[UUID]:
    """Return those of these members who have a role by groups of the directory alone."""
    theirs = among(memberships.c.id, membership_ids)
    inherits = literal(role.value) == any_(memberships.c.directory_roles)
    found = select(memberships.c.id).where(memberships.c.organisation_id == organisation_id, theirs, inherits)
    return frozenset(row.id for row in await tx.all(found))


async def put_in(
    tx: Transaction, organisation_id: UUID, group_id: UUID, members: Collection[UUID], added_by: UUID | None
) -> None:
    """Put people into a group, however many there are, in one short statement; `added_by` made the credential."""
    entering = func.unnest(cast(sorted(members), _keys())).table_valued("id", name="entering").render_derived()
    rows = select(literal(group_id), entering.c.id, literal(organisation_id), literal(added_by, Uuid()))
    columns = ["group_id", "membership_id", "organisation_id", "added_by"]
    await tx.execute(insert(scim_group_members).from_select(columns, rows))


async def take_out(tx: Transaction, group_id: UUID, members: Collection[UUID]) -> None:
    """Take people out of a group."""
    theirs = among(scim_group_members.c.membership_id, members)
    await tx.execute(delete(scim_group_members).where(scim_group_members.c.group_id == group_id, theirs))


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
