"""What acts of a directory read: its people and groups as it sees them, and the roles that groups give."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, any_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from accord.database.engine import Transaction
from accord.database.tables.organisation import memberships, users
from accord.database.tables.scim import scim_credentials, scim_group_members, scim_groups, scim_users
from accord.domain.organisation import MembershipStatus

m, u, s = memberships.alias("m"), users.alias("u"), scim_users.alias("s")
g, gm = scim_groups.alias("g"), scim_group_members.alias("gm")
SHOWN: Final = m.c.status.in_([MembershipStatus.ACTIVE.value, MembershipStatus.DEACTIVATED.value])
USER_NAME: Final = func.coalesce(s.c.user_name, u.c.email)
USER_COLUMNS: Final[dict[str, ColumnElement[Any]]] = {
    "userName": func.lower(USER_NAME),
    "externalId": s.c.external_id,
    "emails.value": func.lower(u.c.email),
}
"""What a directory looks people up by, in the form in which it is compared."""
GROUP_COLUMNS: Final[dict[str, ColumnElement[Any]]] = {
    "displayName": func.lower(g.c.display_name),
    "externalId": g.c.external_id,
}
CASELESS: Final = frozenset({"userName", "emails.value", "displayName"})


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
            u.c.email,
            u.c.display_name,
            at_home,
            USER_NAME.label("user_name"),
            s.c.external_id,
            func.coalesce(s.c.profile, cast({}, JSONB)).label("profile"),
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
    return select(g, _members()).where(g.c.organisation_id == organisation_id)


def _is(columns: dict[str, ColumnElement[Any]], looked_up: tuple[str, str]) -> ColumnElement[bool]:
    attribute, value = looked_up
    return columns[attribute] == (value.lower() if attribute in CASELESS else value)


async def list_users(
    tx: Transaction, organisation_id: UUID, looked_up: tuple[str, str] | None, first: int, size: int
) -> tuple[Sequence[Any], int]:
    """People of the organisation in the order in which they came, and how many there are in all.

    `looked_up` is an attribute of `USER_COLUMNS` and its value; `first` counts from 0.
    """
    listed = _users(organisation_id)
    if looked_up is not None:
        listed = listed.where(_is(USER_COLUMNS, looked_up))
    total = await tx.scalar(select(func.count()).select_from(listed.with_only_columns(m.c.id).subquery()))
    return await tx.all(listed.order_by(m.c.id).offset(first).limit(size)), int(total)


async def list_groups(
    tx: Transaction, organisation_id: UUID, looked_up: tuple[str, str] | None, first: int, size: int
) -> tuple[Sequence[Any], int]:
    """As `list_users`, the groups of the directory by an attribute of `GROUP_COLUMNS`."""
    listed = _scim_groups(organisation_id)
    if looked_up is not None:
        listed = listed.where(_is(GROUP_COLUMNS, looked_up))
    total = await tx.scalar(select(func.count()).select_from(listed.with_only_columns(g.c.id).subquery()))
    return await tx.all(listed.order_by(g.c.id).offset(first).limit(size)), int(total)


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
        "userName": func.lower(USER_NAME) == user_name.lower(),
        **({} if external_id is None else {"externalId": s.c.external_id == external_id}),
        "emails": at_home & (func.lower(u.c.email) == email.lower()),
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
    """The membership of a person of this home who was removed and has this address, locked, or None."""
    return await tx.first(
        select(memberships)
        .join(users, users.c.id == memberships.c.user_id)
        .where(
            memberships.c.organisation_id == organisation_id,
            memberships.c.status == MembershipStatus.REMOVED.value,
            users.c.home_organisation_id == organisation_id,
            func.lower(users.c.email) == email.lower(),
        )
        .with_for_update(of=memberships)
    )


async def list_given(tx: Transaction, membership_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """The roles that their groups give to these members."""
    found = (
        select(gm.c.membership_id, g.c.roles)
        .join(g, g.c.id == gm.c.group_id)
        .where(gm.c.membership_id == any_(cast(list(membership_ids), _keys())))
    )
    given: dict[UUID, frozenset[str]] = {}
    for row in await tx.all(found):
        given[row.membership_id] = given.get(row.membership_id, frozenset()) | frozenset(row.roles)
    return given


async def lock_active(tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID]) -> Sequence[Any]:
    """Those of these members who are active, locked in order."""
    mine = (memberships.c.organisation_id == organisation_id) & (
        memberships.c.id == any_(cast(list(membership_ids), _keys()))
    )
    active = memberships.c.status == MembershipStatus.ACTIVE.value
    return await tx.all(select(memberships).where(mine, active).order_by(memberships.c.id).with_for_update())


async def list_known(tx: Transaction, organisation_id: UUID, membership_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these keys that are people of the organisation."""
    known = select(m.c.id).where(
        m.c.organisation_id == organisation_id,
        SHOWN,
        m.c.user_id.is_not(None),
        m.c.id == any_(cast(list(membership_ids), _keys())),
    )
    return frozenset(row.id for row in await tx.all(known))


async def list_people_of(tx: Transaction, group_id: UUID) -> frozenset[UUID]:
    """The memberships that are in a group."""
    inside = select(gm.c.membership_id).where(gm.c.group_id == group_id)
    return frozenset(row.membership_id for row in await tx.all(inside))


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
