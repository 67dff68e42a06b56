"""What people do for themselves: join an organisation that invited them, change their name, read their notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Principal
from accord.database.engine import Transaction, check_version
from accord.database.queries.member import (
    find_invited,
    get_person,
    hold_members,
    lock_invited,
    lock_own_membership,
)
from accord.database.queries.outbox import new_keys
from accord.database.tables.organisation import identities, memberships, users
from accord.database.tables.outbox import notifications
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import MEMBERSHIP, MembershipEvent, MembershipStatus, OrganisationStatus, token_hash
from accord.services.activity import Event, record
from accord.services.share import BULK

__all__ = ["accept_membership", "mark_notifications_read", "update_profile"]


async def accept_membership(tx: Transaction, *, token: str) -> UUID:
    """Join an organisation by the link of its mail (4.4.5); NotFound for every link that leads nowhere any more.

    Whoever shows the token, signed in, is the member: the address proves nothing. Somebody the platform does not know
    yet gets this organisation as home, and the identity is bound for good.
    """
    invited = await _invited(tx, token)
    organisation_id: UUID = invited.organisation_id
    person = await _person(tx, invited)
    own = await lock_own_membership(tx, organisation_id, person.id)
    membership_id = await _join(tx, invited, own, person)
    data = {"membership": global_id("membership", membership_id), "user": global_id("user", person.id)}
    joined = Event(type=EventType.MEMBER_JOINED, streams=(organisation_id,), data=data | {"roles": invited.roles})
    await record(tx, joined)
    return membership_id


async def _invited(tx: Transaction, token: str) -> Any:
    """The membership that waits behind a token, locked, with its organisation held; the act is in there from now on."""
    digest = token_hash(token)
    await tx.present(token=digest)
    found = await find_invited(tx, digest)
    if found is None:
        raise NotFound(("token",))
    await tx.enter(found.organisation_id)
    organisation = await hold_members(tx, found.organisation_id)
    row = await lock_invited(tx, digest)
    waits = row is not None and MEMBERSHIP.permits(MembershipStatus(row.status), MembershipEvent.ACCEPT)
    if not waits or row.token_expires_at <= tx.now or organisation.status == OrganisationStatus.CLOSED:
        raise NotFound(("token",))
    return row


async def _person(tx: Transaction, invited: Any) -> Any:
    """Who is signed in; somebody unknown becomes a person whose home is the inviting organisation."""
    if tx.principal.person_id is not None:
        return await get_person(tx, tx.principal.person_id)
    identity = tx.principal.identity
    email = identity.email if identity.email and identity.email_verified else invited.email
    (user_id,) = await new_keys(tx.connection, 1)
    try:
        async with tx.connection.begin_nested():
            await tx.add(
                users,
                id=user_id,
                email=email,
                display_name=invited.display_name,
                home_organisation_id=invited.organisation_id,
            )
            await tx.add(identities, issuer=identity.issuer, subject=identity.subject, user_id=user_id)
    except IntegrityError:
        raise ValidationError("token", "Somebody of this organisation has your e-mail address already.") from None
    tx.principal = Principal(identity, user_id, invited.display_name, invited.organisation_id)
    return await get_person(tx, user_id)


async def _join(tx: Transaction, invited: Any, own: Any, person: Any) -> UUID:
    """Make the invitation the person's membership; whoever was a member once gets that membership back instead."""
    status = MEMBERSHIP.move(MembershipStatus(invited.status), MembershipEvent.ACCEPT)
    spent = {"token_hash": None, "token_expires_at": None}
    joined = {
        "status": status.value,
        "email": person.email,
        "display_name": person.display_name,
        "joined_at": tx.now,
    }
    if own is None:
        await tx.update(memberships, invited.id, **joined, **spent, user_id=person.id)
        return invited.id  # type: ignore[no-any-return]
    MEMBERSHIP.move(MembershipStatus(own.status), MembershipEvent.INVITE_AGAIN)
    await tx.update(memberships, invited.id, status=MembershipStatus.REMOVED.value, **spent)
    given = {"roles": invited.roles, "delegated_admin": invited.delegated_admin, "invited_by": invited.invited_by}
    await tx.update(memberships, own.id, **joined, **given)
    return own.id  # type: ignore[no-any-return]


async def update_profile(tx: Transaction, *, display_name: str, expected_version: int | None = None) -> UUID:
    """Change the own name, which belongs to the home organisation whatever one acts in (S16)."""
    require(tx.principal, Action.PROFILE_UPDATE, Target(), now=tx.now)
    home = tx.principal.home_organisation_id
    if home is None or home not in tx.principal.organisations:
        raise Forbidden(Action.PROFILE_UPDATE, "MEMBER_INACTIVE", "You have left your home organisation.")
    await tx.enter(home)
    row = await get_person(tx, tx.person_id)
    check_version(row, expected_version, None)
    display_name = text.name("displayName", display_name)
    if display_name == row.display_name:
        return tx.person_id
    await tx.update(users, tx.person_id, display_name=display_name)
    own = update(memberships).where(memberships.c.user_id == tx.person_id)
    await tx.execute(own.values(display_name=display_name, version=memberships.c.version + 1))
    tx.principal = replace(tx.principal, display_name=display_name)
    data = {"user": global_id("user", tx.person_id), "display_name": {"from": row.display_name, "to": display_name}}
    await record(tx, Event(type=EventType.MEMBER_UPDATED, streams=(home,), data=data))
    return tx.person_id


async def mark_notifications_read(tx: Transaction, *, notification_ids: Sequence[UUID]) -> list[UUID]:
    """Mark own notices as read, all of them or, where one is not the caller's, none (4.11)."""
    require(tx.principal, Action.NOTIFICATION_READ, Target(), now=tx.now)
    wanted = list(dict.fromkeys(notification_ids))
    if not 0 < len(wanted) <= BULK:
        raise ValidationError("notificationIds", f"1 to {BULK} notices, these are {len(wanted)}.")
    own = notifications.c.id.in_(wanted) & (notifications.c.user_id == tx.person_id)
    found = {row.id for row in await tx.all(select(notifications.c.id).where(own))}
    if found != set(wanted):
        raise NotFound(("notificationIds",))
    await tx.execute(update(notifications).where(own, notifications.c.read_at.is_(None)).values(read_at=tx.now))
    return wanted
