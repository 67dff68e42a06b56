"""How people become members: invited by mail, joined by the link (S47, model 4.4.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import Condition
from accord.access.permissions import Action
from accord.access.principal import Identity, Principal
from accord.database.engine import Transaction
from accord.database.queries.member import (
    find_by_email,
    find_invited,
    get_person,
    get_session,
    hold_members,
    lock_invited,
    lock_own_membership,
)
from accord.database.queries.outbox import new_keys
from accord.database.queries.partnership import holds_role
from accord.database.tables.organisation import memberships, users
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.contact import ContactStatus
from accord.domain.errors import Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.organisation import (
    INVITATION_LIFE,
    MEMBERSHIP,
    MemberPreset,
    MembershipEvent,
    MembershipStatus,
    OrganisationStatus,
    Role,
    new_token,
    token_hash,
)
from accord.domain.partnership import PartnershipState
from accord.services.activity import Event, record
from accord.services.digest import tell_change
from accord.services.invitation_claim import Link, waits_for_confirmation
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.partnerships.link import begin_links
from accord.services.people.identity import CLAIMED, AlreadyBound, bind_identity
from accord.services.people.leading_roles import write_member
from accord.services.people.membership import (
    member_event,
    refuse_invited_roles,
    refuse_own_people,
    refuse_protected,
    require_giving,
    require_managing,
    stored,
    with_preset,
)

__all__ = ["accept_membership", "invite_member"]

OTHER_PERSON: Final = "You sign in as somebody else already: use the sign-in of this organisation."


async def invite_member(
    tx: Transaction,
    *,
    organisation_id: UUID,
    email: str,
    display_name: str,
    roles: Collection[Role] = (Role.MEMBER,),
    delegated_admin: bool = False,
    preset: MemberPreset | None = None,
) -> UUID:
    """Mail somebody a link by which to join; until it is followed, signed in, there is no right (4.4.5).

    An invitation that still waits is replaced: its old link is void.
    """
    require_managing(tx, organisation_id)
    given, delegated = with_preset(preset, roles, delegated_admin)
    roles, delegated_admin = given or roles, bool(delegated)
    email = text.address("email", email)
    display_name = text.name("displayName", display_name)
    await refuse_own_people(tx, email, roles, delegated_admin=delegated_admin)
    organisation = await hold_members(tx, organisation_id)
    await require_giving(tx, organisation_id, roles, to_oneself=False)
    token = new_token()
    values = {
        "email": email,
        "display_name": display_name,
        "roles": stored(roles),
        "delegated_admin": delegated_admin,
        "invited_by": tx.person_id,
        "invited_in": tx.principal.acting.session_id if tx.principal.acting else None,
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
    await tell_change(tx, organisation_id, f"invited {display_name} as a member")
    data = {"name": display_name, "roles": stored(roles), "delegatedAdmin": delegated_admin}
    await record(tx, member_event(EventType.MEMBER_INVITED, organisation_id, membership_id, None, data))
    return membership_id


async def _write_invitation(tx: Transaction, organisation_id: UUID, email: str, values: Mapping[str, Any]) -> UUID:
    """A new membership, or the one that waits already. Whoever was removed comes back by a fresh one."""
    known = {MembershipStatus(row.status): row for row in await find_by_email(tx, organisation_id, email)}
    for status in (MembershipStatus.ACTIVE, MembershipStatus.DEACTIVATED):
        if status in known:
            raise InvalidState(status, MEMBERSHIP.events(status), ("email",))
    if (waiting := known.get(MembershipStatus.INVITED)) is not None:
        await refuse_protected(tx, waiting)
        status = MEMBERSHIP.move(MembershipStatus.INVITED, MembershipEvent.INVITE_AGAIN)
        await write_member(tx, waiting, status=status.value, **values)
        membership_id: UUID = waiting.id
        return membership_id
    return await tx.insert(
        memberships, organisation_id=organisation_id, status=MembershipStatus.INVITED.value, **values
    )


async def accept_membership(tx: Transaction, *, token: str) -> UUID | None:
    """Join an organisation by the link of its mail (4.4.5); NotFound for every link that leads nowhere any more.

    The link is good for whoever signs in with the invited address, vouched for by the issuer. For anybody else the
    answer is None: nothing has changed but that the organisation is asked to confirm this person. Somebody the platform
    does not know yet gets this organisation as home, and the identity is bound for good.
    """
    invited = await _invited(tx, token)
    await _refuse_caller(tx, invited)
    if await waits_for_confirmation(tx, _link(invited)):
        return None
    if invited.unclaimed:
        return await _claim(tx, invited)
    organisation_id: UUID = invited.organisation_id
    person = await _person(tx, invited)
    own = await lock_own_membership(tx, organisation_id, person.id)
    membership_id = await _join(tx, invited, own, person)
    data = {"membership": global_id("membership", membership_id), "user": global_id("user", person.id)}
    joined = Event(type=EventType.MEMBER_JOINED, streams=(organisation_id,), data=data | {"roles": invited.roles})
    begun = await begin_links(tx, organisation_id) if Role.ORG_ADMIN in invited.roles else []
    await record(tx, joined, *begun)
    return membership_id


def _link(invited: Any) -> Link:
    by_member = invited.invited_by if invited.invited_in is None else None
    return Link(
        invited.organisation_id,
        invited.token_hash,
        invited.email,
        invited.roles,
        membership_id=invited.id,
        inviter_id=by_member,
        by_operator=invited.invited_by is None and not invited.unclaimed,
    )


async def _refuse_caller(tx: Transaction, invited: Any) -> None:
    """Raise what stands in the caller's way, whatever address the invitation went to.

    Somebody who signs in as a person already, where the directory made another; a colleague of who acts here (model
    4.9); somebody who is a member; and who would give oneself a role that nobody gives to oneself (model 4.2).
    """
    person_id = tx.principal.person_id
    if invited.unclaimed:
        if person_id is not None:
            raise ValidationError("token", OTHER_PERSON)
        return
    await _refuse_partner(tx, invited)
    own = None if person_id is None else await lock_own_membership(tx, invited.organisation_id, person_id)
    if own is not None:
        MEMBERSHIP.move(MembershipStatus(own.status), MembershipEvent.INVITE_AGAIN)
    by_oneself = tx.principal.identity.operator if invited.invited_by is None else invited.invited_by == person_id
    await refuse_invited_roles(tx, invited, to_oneself=by_oneself)


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
    waits = row is not None and (
        row.unclaimed or MEMBERSHIP.permits(MembershipStatus(row.status), MembershipEvent.ACCEPT)
    )
    if not waits or row.token_expires_at <= tx.now or organisation.status != OrganisationStatus.ACTIVE:
        raise NotFound(("token",))
    if row.invited_in is None:
        stands = row.invited_by is None or await holds_role(tx, row.organisation_id, row.invited_by, [Role.ORG_ADMIN])
    else:
        session = await get_session(tx, row.invited_in)
        stands = session.basis_state in (PartnershipState.ACTIVE, ContactStatus.ACTIVE)
    if not stands:
        raise NotFound(("token",))
    return row


async def _claim(tx: Transaction, made: Any) -> UUID:
    """Bind a sign-in to somebody whom the directory made a member; one that is somebody's already binds to nobody."""
    try:
        await bind_identity(tx, made.user_id)
    except AlreadyBound:
        raise ValidationError("token", OTHER_PERSON) from None
    await write_member(tx, made, **CLAIMED)
    tx.principal = Principal(tx.principal.identity, made.user_id, made.display_name, made.organisation_id)
    data = {"membership": global_id("membership", made.id), "user": global_id("user", made.user_id)}
    joined = Event(type=EventType.MEMBER_JOINED, streams=(made.organisation_id,), data=data | {"roles": made.roles})
    await record(tx, joined)
    return made.id  # type: ignore[no-any-return]


async def _refuse_partner(tx: Transaction, invited: Any) -> None:
    """Nobody comes in by a colleague who acts there, whatever address the invitation went to (model 4.9)."""
    if invited.invited_in is None:
        return
    session = await get_session(tx, invited.invited_in)
    if session.home_id in tx.principal.organisations | {tx.principal.home_organisation_id}:
        raise Forbidden(Action.MEMBERSHIP_ACCEPT, Condition.PROTECTED_ACTION)


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
            await bind_identity(tx, user_id)
    except IntegrityError:
        raise ValidationError("token", "Somebody of this organisation has your e-mail address already.") from None
    except AlreadyBound:
        raise ValidationError("token", "You have joined already: sign in again.") from None
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
        await write_member(tx, invited, **joined, **spent, user_id=person.id)
        return invited.id  # type: ignore[no-any-return]
    MEMBERSHIP.move(MembershipStatus(own.status), MembershipEvent.INVITE_AGAIN)
    await write_member(tx, invited, status=MembershipStatus.REMOVED.value, **spent)
    given = {
        "roles": invited.roles,
        "delegated_admin": invited.delegated_admin,
        "invited_by": invited.invited_by,
        "invited_in": invited.invited_in,
        "vouched_by": None,
    }
    await write_member(tx, own, **joined, **given)
    return own.id  # type: ignore[no-any-return]
