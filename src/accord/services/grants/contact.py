"""External contacts: a person of elsewhere gets roles of a host without any partnership (S109, Q26, model 4.2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import LEADING
from accord.database.engine import Transaction, check_version
from accord.database.queries.contact import (
    find_invited_contact,
    is_contact,
    list_with_address,
    lock_connected,
    lock_contact,
    lock_invited_contact,
)
from accord.database.queries.member import hold_members
from accord.database.queries.partnership import holds_role
from accord.database.tables.contact import external_contacts
from accord.domain import text
from accord.domain.activity import EventType
from accord.domain.contact import CONTACT, ContactEvent, ContactStatus
from accord.domain.delegation import DelegatedRole, spoken
from accord.domain.errors import InvalidState, NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.notice import Template
from accord.domain.organisation import INVITATION_LIFE, OrganisationStatus, new_token, token_hash
from accord.services.activity import Event, record
from accord.services.grants.acting import revoked_events
from accord.services.grants.personal import convert_contacts, end_contact_sessions
from accord.services.invitation_claim import Link, waits_for_confirmation
from accord.services.outbox import Mail, Recipient, enqueue

__all__ = ["accept_contact", "add_external_contact", "remove_external_contact"]

SPENT: Mapping[str, Any] = {"token_hash": None, "token_expires_at": None}


async def add_external_contact(
    tx: Transaction, *, organisation_id: UUID, email: str, roles: Collection[DelegatedRole]
) -> UUID:
    """Mail somebody a link by which to become a contact; the address alone gives nobody the roles.

    An invitation of this address that still waits is replaced: its link is void. Whoever is a contact already stays as
    they are, InvalidState: other roles are a new contact, after the end of the old one.
    """
    _require(tx, organisation_id)
    email = text.address("email", email)
    if not roles:
        raise ValidationError("roles", "At least one role is needed.")
    host = await hold_members(tx, organisation_id)
    for known in await list_with_address(tx, organisation_id, email):
        if known.status != ContactStatus.INVITED:
            raise InvalidState(known.status, CONTACT.events(ContactStatus(known.status)), ("email",))
        await _remove(tx, known)
    token, given = new_token(), sorted(set(roles))
    contact_id = await tx.insert(
        external_contacts,
        host_id=organisation_id,
        email=email,
        roles=[role.value for role in given],
        status=ContactStatus.INVITED.value,
        invited_by=tx.person_id,
        token_hash=token_hash(token),
        token_expires_at=tx.now + INVITATION_LIFE,
    )
    mail = Mail(
        template=Template.CONTACT_INVITED,
        organisation_id=organisation_id,
        recipients=(Recipient(email),),
        facts={"actor": tx.principal.display_name, "host": host.name, "roles": spoken(given)},
        secret=token,
        external=True,
    )
    await enqueue(tx, mail)
    await record(tx, _event(EventType.CONTACT_INVITED, organisation_id, contact_id, given))
    return contact_id


async def accept_contact(tx: Transaction, *, token: str) -> UUID | None:
    """Become a contact by the link of the mail, signed in; NotFound for every link that is of no use to the caller.

    It is good for whoever signs in with the invited address, vouched for by the issuer. For anybody else the answer is
    None: nothing has changed but that the host is asked to confirm this person. The link works once, for 72 hours, for
    an active member of a home other than the host, while whoever made it still leads the host. Where the person's home
    is the host's partner already, the contact is converted at once.
    """
    home_id, row, partnership = await _invited(tx, token)
    given = {"contact_id": row.id, "inviter_id": row.invited_by}
    if await waits_for_confirmation(tx, Link(row.host_id, row.token_hash, row.email, row.roles, **given)):
        return None
    state = CONTACT.move(ContactStatus(row.status), ContactEvent.ACCEPT)
    accepted = {"status": state.value, "user_id": tx.person_id, "home_id": home_id, "accepted_at": tx.now}
    await tx.update(external_contacts, row.id, **accepted, **SPENT)
    events = [_event(EventType.CONTACT_ACCEPTED, row.host_id, row.id, row.roles, user_id=tx.person_id)]
    if partnership is not None:
        events += await convert_contacts(tx, partnership)
    await record(tx, *events)
    return row.id  # type: ignore[no-any-return]


async def _invited(tx: Transaction, token: str) -> tuple[UUID, Any, Any]:
    """The caller's home, the contact that waits behind a token, and the partnership that joins home and host, if any.

    The rows are locked, and the act is at both organisations from now on.
    """
    digest, home_id = token_hash(token), tx.principal.home_organisation_id
    await tx.present(token=digest)
    found = await find_invited_contact(tx, digest)
    if found is None or home_id is None or home_id not in tx.principal.in_active_organisations.works_in:
        raise NotFound(("token",))
    await tx.enter(found.host_id, home_id)
    host = await hold_members(tx, found.host_id)
    partnership = await lock_connected(tx, found.host_id, home_id)
    row = await lock_invited_contact(tx, digest)
    usable = (
        row is not None
        and row.token_expires_at > tx.now
        and host.status == OrganisationStatus.ACTIVE
        and row.host_id not in tx.principal.organisations
        and await holds_role(tx, row.host_id, row.invited_by, LEADING)
        and not await is_contact(tx, row.host_id, tx.person_id)
    )
    if not usable:
        raise NotFound(("token",))
    return home_id, row, partnership


async def remove_external_contact(
    tx: Transaction,
    *,
    organisation_id: UUID,
    contact_id: UUID,
    expected_version: int | None = None,
    reason: str | None = None,
) -> UUID:
    """End a contact, or void the link of one that was only invited; what has ended already is InvalidState."""
    row = await lock_contact(tx, organisation_id, contact_id)
    _require(tx, organisation_id, ends=True)
    check_version(row, expected_version, row.status)
    reason = text.note("reason", reason)
    await _remove(tx, row)
    sessions = await end_contact_sessions(tx, [row.id])
    removed = _event(
        EventType.CONTACT_REMOVED,
        organisation_id,
        row.id,
        row.roles,
        user_id=row.user_id,
        partnership=row if row.partnership_id else None,
        reason=reason,
    )
    await record(tx, removed, *revoked_events(sessions))
    return contact_id


async def _remove(tx: Transaction, row: Any) -> None:
    status = ContactStatus(row.status)
    if row.ended_at is not None:
        raise InvalidState(status)
    state = CONTACT.move(status, ContactEvent.REMOVE)
    await tx.update(external_contacts, row.id, status=state.value, ended_at=tx.now, **SPENT)


def _require(tx: Transaction, organisation_id: UUID, *, ends: bool = False) -> None:
    target = Target(organisation_id=organisation_id)
    require(tx.principal, Action.CONTACT_MANAGE, target, now=tx.now, acting_for=tx.acting_for, ends=ends)


def _event(
    event: EventType,
    host_id: UUID,
    contact_id: UUID,
    roles: Collection[str],
    *,
    user_id: UUID | None = None,
    partnership: Any = None,
    reason: str | None = None,
) -> Event:
    """In the host's stream, and in that of the person's home once the contact is under their partnership."""
    data: dict[str, Any] = {"contact": global_id("contact", contact_id), "roles": sorted(roles)}
    if user_id is not None:
        data["user"] = global_id("user", user_id)
    return Event(
        type=event,
        streams=(host_id,) if partnership is None else (host_id, partnership.home_id),
        host_id=host_id,
        guest_id=None if partnership is None else partnership.home_id,
        partnership_id=None if partnership is None else partnership.partnership_id,
        reason=reason,
        private_to=frozenset({host_id}),
        data=data,
    )
