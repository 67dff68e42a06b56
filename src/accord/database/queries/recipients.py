"""Who is told: people with the address that mails to them go to (model 4.11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, any_, func, literal, or_, select, union

from accord.database.engine import Transaction
from accord.database.sets import among
from accord.database.tables.contact import external_contacts
from accord.database.tables.delegation import role_group_members
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import account_ownerships, grants
from accord.domain.organisation import MembershipStatus, Role
from accord.domain.sharing import GrantState

ACTIVE: Final = memberships.c.status == MembershipStatus.ACTIVE.value


def _people() -> Select[Any]:
    return select(users.c.id.label("user_id"), users.c.email, users.c.display_name)


async def admins_of(tx: Transaction, organisation_id: UUID) -> Sequence[Any]:
    """The active admins of an organisation, the longest-standing first."""
    return await holders_of(tx, organisation_id, Role.ORG_ADMIN)


async def holders_of(tx: Transaction, organisation_id: UUID, role: Role) -> Sequence[Any]:
    """The active people with a role in an organisation, the longest-standing first."""
    has_role = literal(role.value) == any_(memberships.c.roles)
    return await tx.all(
        _people()
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(memberships.c.organisation_id == organisation_id, ACTIVE, has_role)
        .order_by(memberships.c.joined_at, memberships.c.id)
    )


async def people(tx: Transaction, user_ids: Iterable[UUID]) -> Sequence[Any]:
    """These people."""
    return await tx.all(_people().where(among(users.c.id, user_ids)).order_by(users.c.id))


async def owners_of(tx: Transaction, account_id: UUID) -> Sequence[Any]:
    """The active owners of an account."""
    owned = (account_ownerships.c.user_id == users.c.id) & (account_ownerships.c.account_id == account_id)
    active = (memberships.c.user_id == users.c.id) & (memberships.c.organisation_id == account_ownerships.c.host_id)
    return await tx.all(
        _people().join(account_ownerships, owned).join(memberships, active).where(ACTIVE).order_by(users.c.id)
    )


async def list_affected(tx: Transaction, partnership_id: UUID) -> Sequence[UUID]:
    """Return the people of the guest who have access by a partnership: grants, role groups and contacts."""
    live = GrantState.ACTIVE.value
    ways = [
        select(grants.c.user_id).where(grants.c.partnership_id == partnership_id, grants.c.state == live),
        select(role_group_members.c.user_id).where(
            role_group_members.c.partnership_id == partnership_id, role_group_members.c.ended_at.is_(None)
        ),
        select(external_contacts.c.user_id).where(
            external_contacts.c.partnership_id == partnership_id, external_contacts.c.ended_at.is_(None)
        ),
    ]
    return [row.user_id for row in await tx.all(union(*ways)) if row.user_id is not None]


async def count_concerned(tx: Transaction, organisation_id: UUID, keys: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many of these partnerships concern each person of one side, by the person's key: its admins all, the
    owners and co-owners theirs, and the members those by which they have access."""
    p, m = partnerships, memberships
    of_these, live = among(p.c.id, keys), GrantState.ACTIVE.value
    side = or_(m.c.organisation_id == p.c.host_id, m.c.organisation_id == p.c.guest_id)
    admin = and_(side, m.c.organisation_id == organisation_id, ACTIVE, literal(Role.ORG_ADMIN.value) == any_(m.c.roles))
    owners = func.unnest(func.array_append(p.c.co_owner_ids, p.c.owner_user_id), type_=Uuid())
    ways = [
        select(p.c.id.label("partnership"), m.c.user_id.label("person")).where(of_these, admin),
        select(p.c.id, owners).where(of_these, p.c.host_id == organisation_id),
    ]
    for held, home, still in (
        (grants, grants.c.guest_id, grants.c.state == live),
        (role_group_members, role_group_members.c.guest_id, role_group_members.c.ended_at.is_(None)),
        (external_contacts, external_contacts.c.home_id, external_contacts.c.ended_at.is_(None)),
    ):
        theirs = and_(among(held.c.partnership_id, keys), home == organisation_id, still)
        ways.append(select(held.c.partnership_id, held.c.user_id).where(theirs))
    told = union(*ways).subquery()
    person = told.c.person
    known = select(person, func.count()).where(person.is_not(None)).group_by(person).order_by(person)
    return {row[0]: row[1] for row in await tx.all(known)}


async def names_of(tx: Transaction, *organisation_ids: UUID) -> dict[UUID, str]:
    """The names of organisations, for mails and events."""
    rows = await tx.all(
        select(organisations.c.id, organisations.c.name).where(among(organisations.c.id, organisation_ids))
    )
    return {row.id: row.name for row in rows}
