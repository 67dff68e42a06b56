"""What an organisation's directory does to people: it makes, changes, deactivates and removes members (S65, S66).

A directory changes memberships of its own organisation, and name and address of people whose home that is; whoever is
at home elsewhere keeps both. Acts are those of `member.py`, with the directory as the actor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from accord.database.engine import Transaction
from accord.database.queries.callers.scim import find_former, find_taken, find_user
from accord.database.queries.member import (
    find_by_email,
    hold_members,
    hold_partnerships_with,
    hold_person,
)
from accord.database.queries.outbox import new_keys
from accord.database.queries.recipients import admins_of, names_of
from accord.database.tables.organisation import memberships, users
from accord.database.tables.scim import scim_users
from accord.domain import text
from accord.domain.activity import EventType, Outcome, counted
from accord.domain.callers.scim import TOLD_AGAIN, NotUnique, SaidUser
from accord.domain.errors import NotFound
from accord.domain.notice import Template
from accord.domain.organisation import MEMBERSHIP, MembershipEvent, MembershipStatus, MemberSource, Role
from accord.services.activity import Event, record
from accord.services.outbox import Mail, enqueue
from accord.services.pair import addressed
from accord.services.people.claim import claim_link
from accord.services.people.departure import cut_access, depart, refuse_meanwhile
from accord.services.people.group_roles import give_group_roles, leave_scim_groups
from accord.services.people.leading_roles import find_kept_roles, write_member
from accord.services.people.membership import member_event, require_provisioning, stored

__all__ = ["Written", "change_user", "create_user", "delete_user", "leave"]

INVITE_AGAIN, ACCEPT = MembershipEvent.INVITE_AGAIN, MembershipEvent.ACCEPT
ENDS = {
    MembershipEvent.DEACTIVATE: EventType.MEMBER_DEACTIVATED,
    MembershipEvent.REMOVE: EventType.MEMBER_REMOVED,
}
KEPT_NOTICES = {
    Role.ORG_ADMIN: Template.LAST_ADMIN_REFUSED,
    Role.LEGAL_REPRESENTATIVE: Template.LAST_LEGAL_REPRESENTATIVE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Written:
    """A membership after the act. `last_admin`: it should have ended and stays, as that of the last admin or the last
    legal representative, while all other access has ended."""

    id: UUID
    last_admin: bool = False


async def create_user(tx: Transaction, said: SaidUser) -> Written:
    """Make somebody an active member at once; NotUnique where a member of the organisation has the name or address.

    Whoever has the address at another organisation is a stranger here: this is a new person, at home here. Somebody of
    this home who was removed comes back, as a plain member.
    """
    organisation_id = require_provisioning(tx)
    said = _checked(said)
    await hold_members(tx, organisation_id)
    await _refuse_taken(tx, organisation_id, said, None)
    former = await find_former(tx, organisation_id, said.email)
    membership_id, user_id = await _place(tx, organisation_id, said, former)
    await _keep(tx, organisation_id, membership_id, said)
    data = {"name": said.display_name, "roles": [Role.MEMBER.value], "active": said.active}
    await record(tx, member_event(EventType.MEMBER_PROVISIONED, organisation_id, membership_id, user_id, data))
    return Written(membership_id)


async def change_user(tx: Transaction, membership_id: UUID, edit: Callable[[Any], SaidUser]) -> Written:
    """Make a person what `edit` says of the row as it stands, locked; what it raises changes nothing."""
    organisation_id = require_provisioning(tx, ends=True)
    row = await _held(tx, organisation_id, membership_id)
    said = _checked(edit(row))
    require_provisioning(tx, ends=not said.active)
    if not row.at_home:
        said = replace(said, email=row.email, display_name=row.display_name, profile=row.profile)
    await _refuse_taken(tx, organisation_id, said, membership_id)
    events = await _rewrite(tx, row, said)
    await _keep(tx, organisation_id, membership_id, said)
    if row.status == MembershipStatus.ACTIVE and not said.active:
        return await _end(tx, row, MembershipEvent.DEACTIVATE, events)
    if row.status == MembershipStatus.DEACTIVATED and said.active:
        events += await _reactivate(tx, row, said)
    await record(tx, *events)
    return Written(membership_id)


async def leave(tx: Transaction, membership_id: UUID, ends: Callable[[Any], bool]) -> Written | None:
    """Deactivate a person where `ends` says so of the row, and nothing else; None where there is nothing to end."""
    organisation_id = require_provisioning(tx, ends=True)
    row = await _held(tx, organisation_id, membership_id)
    if row.status != MembershipStatus.ACTIVE or not ends(row):
        return None
    return await _end(tx, row, MembershipEvent.DEACTIVATE, [])


async def delete_user(tx: Transaction, membership_id: UUID, check: Callable[[Any], None]) -> Written:
    """Remove a person from the organisation, with all access as somebody of it (S66, 4.10); `check` may refuse."""
    organisation_id = require_provisioning(tx, ends=True)
    row = await _held(tx, organisation_id, membership_id)
    check(row)
    return await _end(tx, row, MembershipEvent.REMOVE, [])


def _checked(said: SaidUser) -> SaidUser:
    return replace(
        said,
        user_name=text.name("userName", said.user_name),
        display_name=text.name("displayName", said.display_name),
        email=text.address("emails", said.email),
        external_id=text.optional_name("externalId", said.external_id),
    )


async def _refuse_taken(tx: Transaction, organisation_id: UUID, said: SaidUser, but: UUID | None) -> None:
    taken = await find_taken(tx, organisation_id, said.user_name, said.email, said.external_id, but)
    if taken is not None:
        raise NotUnique(taken)


async def _held(tx: Transaction, organisation_id: UUID, membership_id: UUID) -> Any:
    """Lock a person and the partnerships in which there is a part; raise NotFound where there is nobody."""
    found = await find_user(tx, organisation_id, membership_id)
    if found is None:
        raise NotFound
    await hold_person(tx, found.user_id)
    await hold_members(tx, organisation_id)
    await hold_partnerships_with(tx, organisation_id, found.user_id)
    row = await find_user(tx, organisation_id, membership_id, held=True)
    if row is None:
        raise NotFound
    await hold_partnerships_with(tx, organisation_id, row.user_id)
    return row


async def _place(tx: Transaction, organisation_id: UUID, said: SaidUser, former: Any) -> tuple[UUID, UUID]:
    """The new membership and its person; an invitation that waits for this address is void."""
    for waiting in await find_by_email(tx, organisation_id, said.email):
        if waiting.status == MembershipStatus.INVITED:
            ended = MEMBERSHIP.move(MembershipStatus.INVITED, MembershipEvent.REMOVE)
            await write_member(tx, waiting, status=ended.value, token_hash=None, token_expires_at=None)
    unclaimed = former is None or former.unclaimed
    values: dict[str, Any] = {
        "email": said.email,
        "display_name": said.display_name,
        "roles": stored([Role.MEMBER]),
        "directory_roles": [],
        "source": MemberSource.SCIM.value,
        "status": (MembershipStatus.ACTIVE if said.active else MembershipStatus.DEACTIVATED).value,
        "unclaimed": unclaimed,
        "joined_at": tx.now,
        "invited_by": None,
        "invited_in": None,
        **(await _claim(tx, organisation_id, said) if unclaimed and said.active else {}),
    }
    if former is not None:
        # invited and accepted in one step
        MEMBERSHIP.move(MEMBERSHIP.move(MembershipStatus(former.status), INVITE_AGAIN), ACCEPT)
        await tx.update(users, former.user_id, display_name=said.display_name)
        await write_member(tx, former, **values)
        return former.id, former.user_id
    (user_id,) = await new_keys(tx.connection, 1)
    person = {"email": said.email, "display_name": said.display_name, "home_organisation_id": organisation_id}
    await tx.add(users, id=user_id, **person)
    membership_id = await tx.insert(memberships, organisation_id=organisation_id, user_id=user_id, **values)
    return membership_id, user_id


async def _claim(tx: Transaction, organisation_id: UUID, said: SaidUser) -> Mapping[str, Any]:
    return await claim_link(tx, organisation_id, said.email, said.display_name)


async def _rewrite(tx: Transaction, row: Any, said: SaidUser) -> list[Event]:
    """Change name and address of somebody at home here (S16); the event, if there is a change of anything."""
    wanted = {"display_name": said.display_name, "email": said.email}
    changed = {name: value for name, value in wanted.items() if value != getattr(row, name)}
    if changed:
        await tx.update(users, row.user_id, **changed)
        await write_member(tx, row, **changed)
    words = {**changed, "user_name": said.user_name, "external_id": said.external_id, "profile": dict(said.profile)}
    named = {name for name, value in words.items() if value != getattr(row, name)}
    data = {name: {"from": getattr(row, name), "to": value} for name, value in changed.items()}
    if not named:
        return []
    directory = sorted(named - changed.keys())
    told = data | ({"directory": directory} if directory else {})
    return [member_event(EventType.MEMBER_UPDATED, row.organisation_id, row.id, row.user_id, told)]


async def _keep(tx: Transaction, organisation_id: UUID, membership_id: UUID, said: SaidUser) -> None:
    """Keep what the directory says of the person beside name, address and status."""
    values = {"user_name": said.user_name, "external_id": said.external_id, "profile": dict(said.profile)}
    made = insert(scim_users).values(id=membership_id, organisation_id=organisation_id, **values)
    await tx.execute(made.on_conflict_do_update(index_elements=["id"], set_=values))


async def _reactivate(tx: Transaction, row: Any, said: SaidUser) -> list[Event]:
    """Let a deactivated member in again: what has ended stays so, groups count from what is said of them since."""
    status = MEMBERSHIP.move(MembershipStatus(row.status), MembershipEvent.REACTIVATE)
    await refuse_meanwhile(tx, row)
    values = {"status": status.value, "roles": stored([Role.MEMBER]), "directory_roles": [], "joined_at": tx.now}
    if row.unclaimed:
        values |= await _claim(tx, row.organisation_id, said)
    await write_member(tx, row, **values)
    told = member_event(EventType.MEMBER_REACTIVATED, row.organisation_id, row.id, row.user_id, {})
    return [told, *await give_group_roles(tx, row.organisation_id, [row.id])]


async def _end(tx: Transaction, row: Any, event: MembershipEvent, events: list[Event]) -> Written:
    """End a membership with its cascade (4.10); of a last admin or legal representative everything ends but that."""
    active = row.status == MembershipStatus.ACTIVE
    if kept := await find_kept_roles(tx, row):
        return await _keep_last(tx, row, kept, ENDS[event], events)
    status = MEMBERSHIP.move(MembershipStatus(row.status), event)
    values: dict[str, Any] = {"status": status.value, "directory_roles": [], "delegated_admin": False}
    values |= {"token_hash": None, "token_expires_at": None}
    counts: dict[str, int] = {}
    if active:
        departure = await depart(tx, row, ENDS[event], values)
        counts, events = counted(asdict(departure.receipt)), [*events, *departure.events]
    else:
        await write_member(tx, row, **values)
    await leave_scim_groups(tx, row.id, for_good=event is MembershipEvent.REMOVE)
    await record(tx, member_event(ENDS[event], row.organisation_id, row.id, row.user_id, counts), *events)
    return Written(row.id)


async def _keep_last(
    tx: Transaction, row: Any, kept: frozenset[Role], event: EventType, events: list[Event]
) -> Written:
    """End all that the last holder of a role has but the membership with that role, and tell the admins of both sides
    (4.10). Every other role that somebody may be without ends too."""
    cut = await cut_access(tx, row.organisation_id, row.user_id, event)
    inherited = stored(kept & frozenset(map(Role, row.directory_roles)))
    await write_member(tx, row, delegated_admin=False, roles=stored(kept), directory_roles=inherited)
    hosts = {host for told in cut.events for host in told.streams} - {row.organisation_id}
    if hosts or row.refused_at is None or row.refused_at + TOLD_AGAIN <= tx.now:
        await _tell_kept(tx, row, kept, hosts)
    data = (
        counted(asdict(cut.receipt)) | {"kept": stored(kept)} | ({"lastAdmin": True} if Role.ORG_ADMIN in kept else {})
    )
    refused = member_event(event, row.organisation_id, row.id, row.user_id, data)
    await record(tx, replace(refused, outcome=Outcome.DENIED), *events, *cut.events)
    return Written(row.id, last_admin=True)


async def _tell_kept(tx: Transaction, row: Any, kept: frozenset[Role], hosts: set[UUID]) -> None:
    if not row.adopted:
        await _keep(tx, row.organisation_id, row.id, SaidUser(row.user_name, row.display_name, row.email))
    await tx.update(scim_users, row.id, refused_at=tx.now)
    names = await names_of(tx, row.organisation_id)
    facts = {"organisation": names[row.organisation_id], "member": row.display_name}
    told = [person for side in (row.organisation_id, *sorted(hosts)) for person in await admins_of(tx, side)]
    # one mail says enough: the first admin is often the legal representative too
    role = Role.ORG_ADMIN if Role.ORG_ADMIN in kept else Role.LEGAL_REPRESENTATIVE
    await enqueue(tx, Mail(KEPT_NOTICES[role], row.organisation_id, addressed(told), facts))
