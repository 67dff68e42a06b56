"""What acts on members read: organisation and membership under lock, and what a person who goes leaves behind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, any_, bindparam, exists, func, literal, or_, select

from accord.database.clock import partnership_state
from accord.database.engine import Query, Transaction
from accord.database.queries.lookup import Named, matching
from accord.database.sets import among
from accord.database.tables.acting import acting_sessions
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.database.tables.delegation import role_group_members
from accord.database.tables.metadata import folded
from accord.database.tables.organisation import memberships, organisations, users
from accord.database.tables.partnership import partnerships
from accord.database.tables.sharing import access_items, account_ownerships, accounts, grants
from accord.database.visibility import sees_membership
from accord.domain.errors import NotFound, ValidationError
from accord.domain.organisation import MembershipStatus, Role
from accord.domain.partnership import NAMED, OPEN, PartnershipState
from accord.domain.sharing import AccessItemState, AccountStatus, GrantState
from accord.domain.text import is_same_address

VISIBLE: Final = Query(
    select(memberships).where(
        memberships.c.id == bindparam("wanted", type_=Uuid()),
        memberships.c.organisation_id == bindparam("organisation", type_=Uuid()),
        sees_membership(),
    )
)
OPEN_NAMES: Final = [state.value for state in OPEN]
ACTIVE: Final = memberships.c.status == MembershipStatus.ACTIVE.value
STANDING: Final = (memberships.c.joined_at, memberships.c.id)
"""The longest-standing first (model 4.4)."""


async def hold_person(tx: Transaction, user_id: UUID | None) -> None:
    """Nobody acts as this person until the end of the act: what is under way comes first, all else after it.

    Take it before any other lock of the act.
    """
    if user_id is not None:
        key = func.hashtextextended(str(user_id), 0)
        await tx.first(select(func.pg_advisory_xact_lock(key)))


async def hold_members(tx: Transaction, organisation_id: UUID) -> Any:
    """The organisation; acts that change who its members are, or their roles, take turns from here on."""
    held = select(organisations).where(organisations.c.id == organisation_id).with_for_update(key_share=True)
    return await tx.first(held)


async def find_membership(tx: Transaction, organisation_id: UUID, membership_id: UUID) -> Any:
    """A membership of this organisation that the caller may see; NotFound otherwise."""
    found = await tx.fetch(VISIBLE, wanted=membership_id, organisation=organisation_id)
    if not found:
        raise NotFound(("membershipId",))
    return found[0]


async def lock_membership(tx: Transaction, organisation_id: UUID, membership_id: UUID) -> Any:
    """As `find_membership`, locked: nobody is granted anything as this member until the end of the act."""
    await tx.first(select(memberships.c.id).where(memberships.c.id == membership_id).with_for_update())
    return await find_membership(tx, organisation_id, membership_id)


async def find_invited(tx: Transaction, token_hash: str) -> Any:
    """The membership that a mailed token invites to, or None; the token has been shown to the database."""
    return await tx.first(select(memberships).where(memberships.c.token_hash == token_hash))


async def lock_invited(tx: Transaction, token_hash: str) -> Any:
    """As `find_invited`, locked."""
    return await tx.first(select(memberships).where(memberships.c.token_hash == token_hash).with_for_update())


async def find_by_email(tx: Transaction, organisation_id: UUID, email: str) -> Sequence[Any]:
    """Return the memberships of an organisation with this address, whatever their status.

    Raises ValidationError where somebody has another address that can't be told from this one.
    """
    named = matching(organisation_id, Named.MEMBERSHIP_ADDRESS, [email])
    same = (memberships.c.id == named) & (folded(memberships.c.email) == folded(email))
    found = await tx.all(select(memberships).where(memberships.c.organisation_id == organisation_id, same))
    others = [row for row in found if not is_same_address(row.email, email)]
    if any(row.status != MembershipStatus.REMOVED.value for row in others):
        raise ValidationError("email", "Somebody here has an address that can't be told from this one.")
    return [row for row in found if row not in others]


async def list_invited_by_operator(tx: Transaction, organisation_id: UUID) -> Sequence[Any]:
    """Return the invitations of an organisation that wait and that no member of it made, locked."""
    waiting = and_(
        memberships.c.organisation_id == organisation_id,
        memberships.c.status == MembershipStatus.INVITED.value,
        memberships.c.invited_by.is_(None),
    )
    return await tx.all(select(memberships).where(waiting).order_by(memberships.c.id).with_for_update())


async def find_never_joined(tx: Transaction, organisation_ids: Collection[UUID], email: str) -> UUID | None:
    """Return that one of these organisations which nobody has joined, its first admin invited at this address."""
    joined = memberships.alias()
    waiting = and_(
        among(memberships.c.organisation_id, organisation_ids),
        memberships.c.status == MembershipStatus.INVITED.value,
        memberships.c.invited_by.is_(None),
        folded(memberships.c.email) == folded(email),
        ~exists().where(joined.c.organisation_id == memberships.c.organisation_id, joined.c.user_id.is_not(None)),
    )
    wanted = select(memberships.c.organisation_id, memberships.c.email).where(waiting)
    found = await tx.all(wanted.order_by(memberships.c.organisation_id))
    return next((row.organisation_id for row in found if is_same_address(row.email, email)), None)


async def lock_own_membership(tx: Transaction, organisation_id: UUID, user_id: UUID) -> Any:
    """A person's membership in an organisation, locked, whatever its status, or None."""
    own = and_(memberships.c.organisation_id == organisation_id, memberships.c.user_id == user_id)
    return await tx.first(select(memberships).where(own).with_for_update())


async def get_person(tx: Transaction, user_id: UUID) -> Any:
    """One person, locked."""
    return await tx.first(select(users).where(users.c.id == user_id).with_for_update(key_share=True))


async def count_holders(tx: Transaction, organisation_id: UUID, role: Role, but: UUID | None = None) -> int:
    """Return how many active members hold a role, without the membership `but`.

    Somebody whom a directory made and who has never come does not count: nobody could act for the organisation.
    """
    holds = literal(role.value) == any_(memberships.c.roles)
    there = and_(memberships.c.organisation_id == organisation_id, ACTIVE, ~memberships.c.unclaimed, holds)
    others = there if but is None else and_(there, memberships.c.id != but)
    return int(await tx.scalar(select(func.count()).select_from(memberships).where(others)))


async def had_holder(tx: Transaction, organisation_id: UUID, role: Role) -> bool:
    """Is there, or was there ever, a member of this organisation with this role? Invitations do not count."""
    holds = literal(role.value) == any_(memberships.c.roles)
    member = (memberships.c.organisation_id == organisation_id) & memberships.c.user_id.is_not(None)
    return await tx.first(select(memberships.c.id).where(member, holds).limit(1)) is not None


async def list_roles(tx: Transaction, organisation_id: UUID, user_id: UUID | None) -> frozenset[Role]:
    """Return the roles of somebody who is an active member of the organisation, and none of anybody else."""
    own = and_(memberships.c.organisation_id == organisation_id, memberships.c.user_id == user_id, ACTIVE)
    found = await tx.first(select(memberships.c.roles).where(own))
    return frozenset(map(Role, found.roles)) if found is not None else frozenset()


async def owns_partnerships(tx: Transaction, organisation_id: UUID, user_id: UUID | None) -> bool:
    """Is this person Partnership Owner or co-owner of anything that has not ended?"""
    theirs = or_(partnerships.c.owner_user_id == user_id, any_(partnerships.c.co_owner_ids) == user_id)
    open_ = and_(partnerships.c.host_id == organisation_id, partnerships.c.ended_at.is_(None))
    return await tx.first(select(partnerships.c.id).where(open_, theirs).limit(1)) is not None


async def is_known_in(tx: Transaction, organisation_id: UUID, email: str) -> bool:
    """Does this address belong to somebody of an organisation, whoever asks?"""
    known = and_(
        memberships.c.organisation_id == organisation_id,
        folded(memberships.c.email) == folded(email),
        memberships.c.status != MembershipStatus.REMOVED.value,
    )
    return await tx.first(select(memberships.c.id).where(known).limit(1)) is not None


async def get_session(tx: Transaction, session_id: UUID) -> Any:
    """The acting session in which somebody was invited, with the state of what it rested on: of its partnership, or of
    the contact without one."""
    of_partnership = partnership_state(partnerships, literal(tx.now))
    state = func.coalesce(of_partnership, external_contacts.c.status).label("basis_state")
    return await tx.first(
        select(acting_sessions, state)
        .outerjoin(partnerships, partnerships.c.id == acting_sessions.c.partnership_id)
        .outerjoin(external_contacts, external_contacts.c.id == acting_sessions.c.contact_id)
        .where(acting_sessions.c.id == session_id)
    )


async def list_invited_under(tx: Transaction, partnership_id: UUID) -> Sequence[Any]:
    """Who was invited into the host by people who acted under a partnership, and is or may become a member; the first
    hundred of them."""
    standing = memberships.c.status.in_([MembershipStatus.INVITED.value, MembershipStatus.ACTIVE.value])
    return await tx.all(
        select(memberships.c.id, memberships.c.display_name)
        .join(acting_sessions, acting_sessions.c.id == memberships.c.invited_in)
        .where(acting_sessions.c.partnership_id == partnership_id, standing)
        .order_by(memberships.c.id)
        .limit(NAMED)
    )


async def list_standing(tx: Transaction, organisation_id: UUID, *, leaving: UUID) -> Sequence[Any]:
    """The active members other than the one who leaves, the longest-standing first."""
    stays = and_(memberships.c.organisation_id == organisation_id, memberships.c.user_id != leaving, ACTIVE)
    return await tx.all(select(memberships.c.user_id, memberships.c.roles).where(stays).order_by(*STANDING))


async def lock_departures(tx: Transaction, organisation_id: UUID) -> None:
    """Let nobody leave an organisation, and nothing pass to its people from those who have left, until this transaction
    ends, but by itself."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"leave {organisation_id}", 0))))


async def is_at_work(tx: Transaction, organisation_id: UUID, user_id: UUID) -> bool:
    """Is this person an active member of the organisation?"""
    member = and_(memberships.c.organisation_id == organisation_id, memberships.c.user_id == user_id, ACTIVE)
    return await tx.first(select(memberships.c.id).where(member)) is not None


async def hold_partnerships_with(tx: Transaction, organisation_id: UUID, user_id: UUID | None) -> None:
    """Lock the partnerships not yet ended in which a person has a part on this side, in order of their keys.

    Nobody in particular has none.
    """
    if user_id is None:
        return
    is_open = partnerships.c.state.in_(OPEN_NAMES)
    part = or_(_part_at_host(organisation_id, user_id), _part_at_guest(organisation_id, user_id))
    await tx.all(select(partnerships.c.id).where(is_open, part).order_by(partnerships.c.id).with_for_update())


class Parts(NamedTuple):
    """In how many partnerships a person is the owner, represents the guest, or waits for the host's answer."""

    owned: int
    represented: int
    waiting: int


async def count_parts(tx: Transaction, organisation_id: UUID, user_id: UUID, held: Collection[UUID]) -> Parts:
    """Count the parts that somebody of an organisation has in these partnerships."""
    p = partnerships
    ours, theirs = p.c.host_id == organisation_id, p.c.guest_id == organisation_id
    numbers = (
        func.count().filter(ours, p.c.owner_user_id == user_id, ~_waits(user_id)),
        func.count().filter(theirs, p.c.representative_user_id == user_id),
        func.count().filter(ours, _waits(user_id)),
    )
    return Parts(*await tx.first(select(*numbers).where(among(p.c.id, held), p.c.ended_at.is_(None))))


def _waits(user_id: UUID) -> ColumnElement[bool]:
    """Is this the person's own request, which still waits for the host?"""
    waiting = partnerships.c.state == PartnershipState.AWAITING_HOST_APPROVAL.value
    return and_(waiting, partnerships.c.requester_user_id == user_id)


async def list_parts(
    tx: Transaction, organisation_id: UUID, user_id: UUID, after: UUID | None, at_most: int | None
) -> Sequence[UUID]:
    """Return the keys of the next open partnerships after a key, in order, in which somebody of an organisation has a
    part that somebody else has to take, locked."""
    represents = (partnerships.c.guest_id == organisation_id) & (partnerships.c.representative_user_id == user_id)
    part = or_(_part_at_host(organisation_id, user_id), represents)
    chosen = select(partnerships.c.id).where(partnerships.c.state.in_(OPEN_NAMES), part)
    if after is not None:
        chosen = chosen.where(partnerships.c.id > after)
    return [row.id for row in await tx.all(chosen.order_by(partnerships.c.id).limit(at_most).with_for_update())]


def _part_at_host(organisation_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    return and_(
        partnerships.c.host_id == organisation_id,
        or_(
            partnerships.c.owner_user_id == user_id,
            partnerships.c.requester_user_id == user_id,
            any_(partnerships.c.co_owner_ids) == user_id,
        ),
    )


def _part_at_guest(organisation_id: UUID, user_id: UUID) -> ColumnElement[bool]:
    granted = exists().where(
        grants.c.partnership_id == partnerships.c.id,
        grants.c.user_id == user_id,
        grants.c.state == GrantState.ACTIVE.value,
    )
    asked = exists().where(
        access_items.c.partnership_id == partnerships.c.id,
        or_(access_items.c.member_user_id == user_id, access_items.c.requested_by == user_id),
        access_items.c.state == AccessItemState.PENDING.value,
    )
    in_group = exists().where(
        role_group_members.c.partnership_id == partnerships.c.id,
        role_group_members.c.user_id == user_id,
        role_group_members.c.ended_at.is_(None),
    )
    personal = [
        exists().where(
            table.c.partnership_id == partnerships.c.id, table.c.user_id == user_id, table.c.ended_at.is_(None)
        )
        for table in (external_contacts, customer_assignments)
    ]
    part = or_(partnerships.c.representative_user_id == user_id, granted, asked, in_group, *personal)
    return and_(partnerships.c.guest_id == organisation_id, part)


async def list_owned_accounts(tx: Transaction, organisation_id: UUID, user_id: UUID) -> Sequence[Any]:
    """The active accounts that a person owns, each with whether another active member owns it too, locked."""
    other = account_ownerships.alias("other")
    shared = exists().where(
        other.c.account_id == accounts.c.id,
        other.c.user_id != user_id,
        memberships.c.organisation_id == other.c.host_id,
        memberships.c.user_id == other.c.user_id,
        ACTIVE,
    )
    owned = (account_ownerships.c.account_id == accounts.c.id) & (account_ownerships.c.user_id == user_id)
    return await tx.all(
        select(accounts, shared.label("owned_by_others"))
        .join(account_ownerships, owned)
        .where(accounts.c.host_id == organisation_id, accounts.c.status == AccountStatus.ACTIVE.value)
        .order_by(accounts.c.id)
        .with_for_update(key_share=True, of=accounts)
    )
