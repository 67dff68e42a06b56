"""First sign-ins: who becomes a member on the word of an issuer that the deployment trusts (model 4.4.5).

The settings of the deployment say for which organisations an issuer speaks, and for whose people; an address alone
never makes anybody somebody.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError

from accord.access.principal import Principal, Standing
from accord.database.engine import Transaction
from accord.database.queries.callers.signin import find_at_home, find_by_handle, is_known, list_places
from accord.database.queries.member import hold_members
from accord.database.queries.outbox import new_keys
from accord.database.tables.organisation import memberships, users
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.callers.signin import FirstSignIn, first_sign_in
from accord.domain.errors import ValidationError
from accord.domain.organisation import MembershipStatus, Role
from accord.services.activity import Event
from accord.services.people.identity import CLAIMED, AlreadyBound, bind_identity
from accord.services.people.membership import member_event, stored
from accord.services.people.signin import note_sign_in

__all__ = ["arrive"]

log = structlog.stdlib.get_logger("accord.signin")


async def arrive(tx: Transaction) -> bool:
    """Somebody signs in: known, or known from now on by the issuer's word; has the sign-in left its event?

    Somebody of whom nobody speaks stays unknown, and can still follow the link of an invitation.
    """
    events = [] if tx.principal.person_id is not None else await _introduced(tx)
    return await note_sign_in(tx, *events)


async def _introduced(tx: Transaction) -> list[Event]:
    """The event of a stranger who becomes a member, or none. One organisation must be meant, and one address."""
    identity = tx.principal.identity
    email = _vouched_address(identity.email) if identity.email_verified else None
    if len(identity.speaks_for) != 1 or email is None:
        return []
    (handle,) = identity.speaks_for
    await tx.present(handle=handle)
    organisation = await find_by_handle(tx, handle)
    if organisation is None:
        log.warning("an issuer speaks for an organisation that is not active", issuer=identity.issuer, handle=handle)
        return []
    await tx.enter(organisation.id)
    await hold_members(tx, organisation.id)
    if await is_known(tx):
        return []
    places = await list_places(tx, organisation.id, email)
    person = await find_at_home(tx, organisation.id, email)
    statuses = [MembershipStatus(place.status) for place in places]
    known = {"at_home": person is not None, "bound": person is not None and person.bound}
    decided = first_sign_in(statuses, **known, provisions=identity.provisions)
    event = None
    if decided is FirstSignIn.MATCH and places[0].user_id == person.id:
        event = await _match(tx, organisation.id, person)
    elif decided is FirstSignIn.PROVISION:
        event = await _provision(tx, organisation.id, email)
    if event is None:
        log.info("a first sign-in makes nobody a member", issuer=identity.issuer, handle=handle)
    return [event] if event is not None else []


def _vouched_address(email: str | None) -> str | None:
    try:
        return text.address("email", email or "")
    except ValidationError:
        return None


async def _provision(tx: Transaction, organisation_id: UUID, email: str) -> Event | None:
    """A new person, at home in the organisation and a plain member of it; None where somebody else was faster."""
    identity = tx.principal.identity
    name = _name(identity.name, email)
    (user_id,) = await new_keys(tx.connection, 1)
    try:
        async with tx.connection.begin_nested():
            person = {"email": email, "display_name": name, "home_organisation_id": organisation_id}
            await tx.add(users, id=user_id, **person)
            await bind_identity(tx, user_id)
            member = {"email": email, "display_name": name, "roles": stored([Role.MEMBER]), "joined_at": tx.now}
            membership_id = await tx.insert(
                memberships,
                organisation_id=organisation_id,
                user_id=user_id,
                status=MembershipStatus.ACTIVE.value,
                vouched_by=identity.issuer,
                **member,
            )
    except (IntegrityError, AlreadyBound):
        return None
    _become(tx, user_id, name, Standing(membership_id, organisation_id, frozenset({Role.MEMBER})))
    data = {"name": name, "roles": stored([Role.MEMBER]), "issuer": identity.issuer}
    return member_event(EventType.MEMBER_PROVISIONED, organisation_id, membership_id, user_id, data)


async def _match(tx: Transaction, organisation_id: UUID, person: Any) -> Event | None:
    """Somebody whom the organisation's directory made; None where the caller became somebody else meanwhile."""
    await tx.present(vouched_in=str(organisation_id))
    try:
        await bind_identity(tx, person.id)
    except AlreadyBound:
        return None
    identity = tx.principal.identity
    await tx.update(memberships, person.membership_id, vouched_by=identity.issuer, **CLAIMED)
    roles = frozenset(map(Role, person.roles))
    standing = Standing(person.membership_id, organisation_id, roles, person.delegated_admin)
    _become(tx, person.id, person.display_name, standing)
    data = {"identity": {"from": None, "to": identity.issuer}}
    return member_event(EventType.MEMBER_UPDATED, organisation_id, person.membership_id, person.id, data)


def _become(tx: Transaction, user_id: UUID, name: str, standing: Standing) -> None:
    tx.principal = Principal(tx.principal.identity, user_id, name, standing.organisation_id, (standing,))


def _name(said: str | None, email: str) -> str:
    """The name that the issuer says, else what stands before the @."""
    try:
        return text.name("displayName", said or email.partition("@")[0])
    except ValidationError:
        return email.partition("@")[0]
