"""What the operator does where an organisation cannot help itself: a first admin, the next legal representative.

Staff learns nothing of the organisation's people by it, and does it on record: in the organisation's activity and in
the platform's, with a mail to whom it concerns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.member import count_holders, find_by_email, hold_members, list_invited_by_operator
from accord.database.queries.partnership import get_organisation
from accord.database.tables.organisation import memberships
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState, NotFound
from accord.domain.notice import Template
from accord.domain.organisation import (
    INVITATION_LIFE,
    MEMBERSHIP,
    PLATFORM,
    MembershipEvent,
    MembershipStatus,
    OrganisationStatus,
    Role,
    new_token,
    token_hash,
)
from accord.services.activity import Event, record
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.people.leading_roles import write_member
from accord.services.people.membership import member_event, stored

__all__ = ["invite_first_admin", "name_legal_representative", "write_first_invitation"]


async def invite_first_admin(tx: Transaction, *, organisation_id: UUID, email: str, display_name: str) -> UUID:
    """Invite a first admin again, of an organisation in which no active admin is left (model 4.2); by the operator.

    Links that the operator made before are void. Somebody who is an active member already becomes an admin at once.
    Raises InvalidState while an admin is active, or where the organisation is closed.
    """
    email, display_name = text.address("email", email), text.name("displayName", display_name)
    row = await _operated(tx, organisation_id)
    if await count_holders(tx, organisation_id, Role.ORG_ADMIN):
        raise InvalidState(MembershipStatus.ACTIVE)
    roles = [Role.ORG_ADMIN]
    if not await count_holders(tx, organisation_id, Role.LEGAL_REPRESENTATIVE):
        roles.append(Role.LEGAL_REPRESENTATIVE)
    known = {MembershipStatus(one.status): one for one in await find_by_email(tx, organisation_id, email)}
    if (member := known.get(MembershipStatus.ACTIVE)) is not None:
        await _void(tx, organisation_id, but=None)
        event = await _add_roles(tx, member, roles)
    else:
        event = await write_first_invitation(tx, row, email, display_name, roles)
    await record(tx, replace(event, streams=(organisation_id, PLATFORM)))
    return organisation_id


async def write_first_invitation(
    tx: Transaction, organisation: Any, email: str, display_name: str, roles: list[Role]
) -> Event:
    """Write and mail the invitation of a first admin, in place of those that the operator made before; the event to
    record."""
    known = await find_by_email(tx, organisation.id, email)
    waiting = next((one for one in known if one.status == MembershipStatus.INVITED), None)
    await _void(tx, organisation.id, but=None if waiting is None else waiting.id)
    token = new_token()
    values = {
        "email": email,
        "display_name": display_name,
        "roles": stored(roles),
        "delegated_admin": False,
        "status": MembershipStatus.INVITED.value,
        "invited_by": None,
        "invited_in": None,
        "token_hash": token_hash(token),
        "token_expires_at": tx.now + INVITATION_LIFE,
    }
    if waiting is not None:
        MEMBERSHIP.move(MembershipStatus(waiting.status), MembershipEvent.INVITE_AGAIN)
        membership_id = waiting.id
        await write_member(tx, waiting, **values)
    else:
        membership_id = await tx.insert(memberships, organisation_id=organisation.id, **values)
    mail = Mail(
        template=Template.ORGANISATION_CREATED,
        organisation_id=organisation.id,
        recipients=(Recipient(email, display_name=display_name),),
        facts={"organisation": organisation.name},
        secret=token,
    )
    await enqueue(tx, mail)
    data = {"name": display_name, "roles": stored(roles), "byOperator": True}
    return member_event(EventType.MEMBER_INVITED, organisation.id, membership_id, None, data)


async def name_legal_representative(tx: Transaction, *, organisation_id: UUID, email: str) -> UUID:
    """Give LEGAL_REPRESENTATIVE to the active member with this address; by the operator, where the last one can not.

    The ones that there are keep the role: with another one active, an admin or one of them may take it. Raises NotFound
    where no active member, or more than one, has the address.
    """
    email = text.address("email", email)
    await _operated(tx, organisation_id)
    active = [one for one in await find_by_email(tx, organisation_id, email) if one.status == MembershipStatus.ACTIVE]
    if len(active) != 1:
        raise NotFound(("email",))
    if Role.LEGAL_REPRESENTATIVE in active[0].roles:
        raise InvalidState(Role.LEGAL_REPRESENTATIVE, (), ("email",))
    event = await _add_roles(tx, active[0], [Role.LEGAL_REPRESENTATIVE])
    await record(tx, replace(event, streams=(organisation_id, PLATFORM)))
    return organisation_id


async def _operated(tx: Transaction, organisation_id: UUID) -> Any:
    """Return the organisation, with its members held; the act is at it and the platform from now on."""
    require(tx.principal, Action.ORGANISATION_OPERATE, Target(), now=tx.now)
    if organisation_id in tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    if await get_organisation(tx, organisation_id) is None:
        raise NotFound(("organisationId",))
    await tx.enter(PLATFORM, organisation_id)
    row = await hold_members(tx, organisation_id)
    if row.status == OrganisationStatus.CLOSED:
        raise InvalidState(row.status)
    return row


async def _add_roles(tx: Transaction, member: Any, roles: list[Role]) -> Event:
    given = stored({*map(Role, member.roles), *roles})
    await write_member(tx, member, roles=given)
    data = {"roles": {"from": sorted(member.roles), "to": given}, "byOperator": True}
    return member_event(EventType.MEMBER_UPDATED, member.organisation_id, member.id, member.user_id, data)


async def _void(tx: Transaction, organisation_id: UUID, *, but: UUID | None) -> None:
    """Make the links worthless that the operator sent before."""
    for waiting in await list_invited_by_operator(tx, organisation_id):
        if waiting.id != but:
            ended = MEMBERSHIP.move(MembershipStatus(waiting.status), MembershipEvent.REMOVE)
            await write_member(tx, waiting, status=ended.value, token_hash=None, token_expires_at=None)
