"""Members of an organisation: inviting them, their roles, and their end (S47, model 4.2, 4.4.5, 4.10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Identity, Principal
from accord.database.engine import Transaction, check_version
from accord.database.queries.member import (
    count_holders,
    find_by_email,
    find_invited,
    find_membership,
    get_person,
    hold_members,
    hold_partnerships_with,
    lock_invited,
    lock_membership,
    lock_own_membership,
)
from accord.database.queries.outbox import new_keys
from accord.database.queries.partnership import holds_role
from accord.database.tables.organisation import identities, memberships, users
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState, LastAdmin, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.organisation import (
    INVITATION_LIFE,
    MEMBERSHIP,
    MembershipEvent,
    MembershipStatus,
    OrganisationStatus,
    Role,
    new_token,
    refused_roles,
    token_hash,
)
from accord.services.activity import Event, record
from accord.services.departure import MemberReceipt, depart
from accord.services.outbox import Mail, Recipient, enqueue

__all__ = [
    "Departed",
    "accept_membership",
    "deactivate_member",
    "invite_member",
    "reactivate_member",
    "remove_member",
    "update_member",
]


@dataclass(frozen=True, slots=True)
class Departed:
    """A membership that was deactivated or removed."""

    id: UUID
    receipt: MemberReceipt


async def invite_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    email: str,
    display_name: str,
    roles: Collection[Role] = (Role.MEMBER,),
    delegated_admin: bool = False,
) -> UUID:
    """Mail somebody a link by which to join; until it is followed, signed in, there is no right (4.4.5).

    An invitation that still waits is replaced: its old link is void.
    """
    _require(tx, organisation_id)
    email = text.address("email", email)
    display_name = text.name("displayName", display_name)
    organisation = await hold_members(tx, organisation_id)
    await _require_giving(tx, organisation_id, roles, to_oneself=False)
    token = new_token()
    values = {
        "email": email,
        "display_name": display_name,
        "roles": _stored(roles),
        "delegated_admin": delegated_admin,
        "invited_by": tx.person_id,
        "token_hash": token_hash(token),
        "token_expires_at": tx.now + INVITATION_LIFE,
    }
    membership_id = await _write_invitation(tx, organisation_id, email, values)
    mail = Mail(
        template=Template.MEMBER_INVITED,
        organisation_id=organisation_id,
        recipients=(Recipient(email, display_name=display_name),),
        facts={"actor": tx.principal.display_name, "organisation": organisation.name},
        secret=token,
        external=True,
    )
    await enqueue(tx, mail)
    data = {"name": display_name, "roles": _stored(roles), "delegatedAdmin": delegated_admin}
    await record(tx, _event(EventType.MEMBER_INVITED, organisation_id, membership_id, None, data))
    return membership_id


async def _write_invitation(tx: Transaction, organisation_id: UUID, email: str, values: Mapping[str, Any]) -> UUID:
    """A new membership, or the one that waits already. Whoever was removed comes back by a fresh one."""
    known = {MembershipStatus(row.status): row for row in await find_by_email(tx, organisation_id, email)}
    for status in (MembershipStatus.ACTIVE, MembershipStatus.DEACTIVATED):
        if status in known:
            raise InvalidState(status, MEMBERSHIP.events(status), ("email",))
    if (waiting := known.get(MembershipStatus.INVITED)) is not None:
        status = MEMBERSHIP.move(MembershipStatus.INVITED, MembershipEvent.INVITE_AGAIN)
        await tx.update(memberships, waiting.id, status=status.value, **values)
        membership_id: UUID = waiting.id
        return membership_id
    return await tx.insert(
        memberships, organisation_id=organisation_id, status=MembershipStatus.INVITED.value, **values
    )


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
    """The membership that waits behind a token, locked, with its organisation held; the act is in there from now on.

    An invitation falls with the admin who made it: whoever is removed has no way back that was prepared before.
    """
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
    if row.invited_by and not await holds_role(tx, row.organisation_id, row.invited_by, [Role.ORG_ADMIN]):
        raise NotFound(("token",))
    return row


async def _person(tx: Transaction, invited: Any) -> Any:
    """Who is signed in; somebody unknown becomes a person whose home is the inviting organisation."""
    if tx.principal.person_id is not None:
        return await get_person(tx, tx.principal.person_id)
    identity = tx.principal.identity
    (user_id,) = await new_keys(tx.connection, 1)
    try:
        async with tx.connection.begin_nested():
            await tx.add(
                users,
                id=user_id,
                email=_own_address(identity) or invited.email,
                display_name=invited.display_name,
                home_organisation_id=invited.organisation_id,
            )
            await tx.add(identities, issuer=identity.issuer, subject=identity.subject, user_id=user_id)
    except IntegrityError:
        raise ValidationError("token", "Somebody of this organisation has your e-mail address already.") from None
    tx.principal = Principal(identity, user_id, invited.display_name, invited.organisation_id)
    return await get_person(tx, user_id)


def _own_address(identity: Identity) -> str | None:
    """The address that the issuer vouches for, if it is one."""
    try:
        return text.address("email", identity.email or "") if identity.email_verified else None
    except ValidationError:
        return None


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


async def update_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    display_name: str | None = None,
    roles: Collection[Role] | None = None,
    delegated_admin: bool | None = None,
) -> UUID:
    """Change the roles of a member, and the name of one whose home this is (S16, model 4.2)."""
    row = await _held(tx, organisation_id, membership_id, expected_version)
    status = MEMBERSHIP.move(MembershipStatus(row.status), MembershipEvent.UPDATE)
    values: dict[str, Any] = {}
    if display_name is not None:
        values["display_name"] = text.name("displayName", display_name)
    if roles is not None:
        before = frozenset(map(Role, row.roles))
        own = row.user_id == tx.person_id
        await _require_giving(tx, organisation_id, roles, to_oneself=own, before=before)
        if Role.ORG_ADMIN in before - set(roles):
            await _require_another_admin(tx, organisation_id)
        values["roles"] = _stored(roles)
    if delegated_admin is not None:
        values["delegated_admin"] = delegated_admin
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if not changed:
        return membership_id
    if "display_name" in changed:
        await _rename(tx, organisation_id, row.user_id, changed["display_name"])
    await tx.update(memberships, membership_id, status=status.value, **changed)
    data = {name: {"from": getattr(row, name), "to": value} for name, value in changed.items()}
    await record(tx, _event(EventType.MEMBER_UPDATED, organisation_id, membership_id, row.user_id, data))
    return membership_id


async def _rename(tx: Transaction, organisation_id: UUID, user_id: UUID, display_name: str) -> None:
    """A person has one name, and only the home organisation changes it (S16)."""
    home = users.c.home_organisation_id == organisation_id
    renamed = users.update().where(users.c.id == user_id, home)
    if await tx.execute(renamed.values(display_name=display_name, version=users.c.version + 1)) != 1:
        raise Forbidden(Action.MEMBER_MANAGE, "NO_GRANT", "Only the person's home organisation changes the name.")


async def deactivate_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> Departed:
    """End a membership until somebody reactivates it; all partner access of the person ends for good (S66, 4.10)."""
    return await _end(tx, organisation_id, membership_id, expected_version, reason, MembershipEvent.DEACTIVATE)


async def remove_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> Departed:
    """End a membership for good, or void the link of one that was only invited (4.4.5, 4.10)."""
    return await _end(tx, organisation_id, membership_id, expected_version, reason, MembershipEvent.REMOVE)


ENDS = {
    MembershipEvent.DEACTIVATE: EventType.MEMBER_DEACTIVATED,
    MembershipEvent.REMOVE: EventType.MEMBER_REMOVED,
}


async def _end(
    tx: Transaction,
    organisation_id: UUID,
    membership_id: UUID,
    expected_version: int | None,
    reason: str | None,
    event: MembershipEvent,
) -> Departed:
    found = await find_membership(tx, organisation_id, membership_id)
    _require(tx, organisation_id)
    await hold_members(tx, organisation_id)
    await hold_partnerships_with(tx, organisation_id, found.user_id)
    row = await lock_membership(tx, organisation_id, membership_id)
    # once more: an act that held the membership until now may have given the person a part in another one
    held = await hold_partnerships_with(tx, organisation_id, row.user_id)
    check_version(row, expected_version, row.status)
    status = MEMBERSHIP.move(MembershipStatus(row.status), event)
    reason = text.note("reason", reason)
    values = {"status": status.value, "token_hash": None, "token_expires_at": None, "delegated_admin": False}
    receipt, further = MemberReceipt(), list[Event]()
    if row.status == MembershipStatus.ACTIVE:
        if Role.ORG_ADMIN in row.roles:
            await _require_another_admin(tx, organisation_id)
        departure = await depart(tx, row, held, ENDS[event], values)
        receipt, further = departure.receipt, [*departure.events]
    else:
        await tx.update(memberships, membership_id, **values)
    counts = {_camel(name): count for name, count in asdict(receipt).items()}
    told = _event(ENDS[event], organisation_id, membership_id, row.user_id, counts, reason)
    await record(tx, told, *further)
    return Departed(membership_id, receipt)


async def reactivate_member(
    tx: Transaction, *, organisation_id: UUID, membership_id: UUID, expected_version: int | None = None
) -> UUID:
    """Let a deactivated member in again, as a plain one: no role, grant or group comes back (4.4.5, invariant 6)."""
    row = await _held(tx, organisation_id, membership_id, expected_version)
    status = MEMBERSHIP.move(MembershipStatus(row.status), MembershipEvent.REACTIVATE)
    plain = _stored([Role.MEMBER])
    await tx.update(memberships, membership_id, status=status.value, roles=plain, joined_at=tx.now)
    await record(tx, _event(EventType.MEMBER_REACTIVATED, organisation_id, membership_id, row.user_id, {}))
    return membership_id


async def _held(tx: Transaction, organisation_id: UUID, membership_id: UUID, expected_version: int | None) -> Any:
    """The membership, locked: visible (else NotFound), permitted (else Forbidden), as it was read (else Conflict)."""
    await find_membership(tx, organisation_id, membership_id)
    _require(tx, organisation_id)
    await hold_members(tx, organisation_id)
    row = await lock_membership(tx, organisation_id, membership_id)
    check_version(row, expected_version, row.status)
    return row


def _require(tx: Transaction, organisation_id: UUID) -> None:
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.MEMBER_MANAGE, target, now=tx.now, acting_for=tx.acting_for)


async def _require_giving(
    tx: Transaction,
    organisation_id: UUID,
    roles: Collection[Role],
    *,
    to_oneself: bool,
    before: frozenset[Role] = frozenset(),
) -> None:
    """May the caller give these roles? At least one is needed; Forbidden names those that others have to give."""
    if not roles:
        raise ValidationError("roles", "A member has at least one role.")
    refused = refused_roles(
        frozenset(roles) - before,
        giver=tx.principal.roles_in(organisation_id),
        to_oneself=to_oneself,
        legal_representatives=await count_holders(tx, organisation_id, Role.LEGAL_REPRESENTATIVE),
    )
    if refused:
        hint = f"Somebody else has to give {', '.join(sorted(refused))}."
        raise Forbidden(Action.MEMBER_MANAGE, "NO_GRANT", hint, ("roles",))


async def _require_another_admin(tx: Transaction, organisation_id: UUID) -> None:
    """Is one active admin left without this one? The organisation is held, so nobody else goes meanwhile."""
    if await count_holders(tx, organisation_id, Role.ORG_ADMIN) < 2:
        raise LastAdmin


def _stored(roles: Collection[Role]) -> list[str]:
    return sorted({role.value for role in roles})


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _event(
    event: EventType,
    organisation_id: UUID,
    membership_id: UUID,
    user_id: UUID | None,
    data: Mapping[str, Any],
    reason: str | None = None,
) -> Event:
    subject: dict[str, Any] = {"membership": global_id("membership", membership_id)}
    if user_id is not None:
        subject["user"] = global_id("user", user_id)
    return Event(type=event, streams=(organisation_id,), reason=reason, data=subject | dict(data))
