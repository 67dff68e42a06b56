"""What the platform's staff does for organisations: create them, enable Partners, publish terms (S45, S46, S63)."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from accord.access.decision import require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.database.engine import Transaction, check_version
from accord.database.queries.mail_caps import BUDGET_COLUMNS
from accord.database.queries.member import find_never_joined
from accord.database.queries.partnership import get_organisation, hold_organisation, list_namesakes
from accord.database.tables.activity import chain_heads
from accord.database.tables.organisation import organisations
from accord.database.tables.partnership import terms_versions
from accord.domain.activity import EventType
from accord.domain.chain import FIRST_HASH
from accord.domain.errors import Conflict, Forbidden, NotFound, ValidationError
from accord.domain.mail_budget import MOST_PER_DAY, MailBudget
from accord.domain.organisation import PLATFORM, Role, new_handle
from accord.domain.text import address, country, required_note
from accord.domain.text import name as single_line
from accord.services.activity import Event, record
from accord.services.people.first_admin import invite_first_admin, write_first_invitation

__all__ = ["create_organisation", "publish_terms", "set_mail_budget", "set_partners_enabled"]


async def create_organisation(
    tx: Transaction,
    *,
    name: str,
    country_code: str,
    admin_email: str,
    admin_display_name: str,
    partners_enabled: bool = False,
    created_for_organisation_id: UUID | None = None,
) -> UUID:
    """Make an organisation; its first person is invited as admin and legal representative (model 4.2, S46).

    Until somebody has joined, to make the same organisation again for the same address is no second one: its first
    admin gets another link, and the older one is void.
    """
    _require_operator(tx, Action.ORGANISATION_OPERATE)
    name = single_line("name", name)
    country_code = country("countryCode", country_code)
    admin_email = address("adminEmail", admin_email)
    admin_display_name = single_line("adminDisplayName", admin_display_name)
    if created_for_organisation_id and await get_organisation(tx, created_for_organisation_id) is None:
        raise NotFound(("createdForOrganisationId",))
    known = await list_namesakes(tx, name, country_code, created_for_organisation_id)
    await tx.enter(PLATFORM, *known)
    if (made := await find_never_joined(tx, known, admin_email)) is not None:
        await tx.enter(PLATFORM)
        return await invite_first_admin(tx, organisation_id=made, email=admin_email, display_name=admin_display_name)
    await tx.enter(PLATFORM)
    organisation_id = await tx.insert(
        organisations,
        handle=new_handle(),
        name=name,
        country_code=country_code,
        partners_enabled=partners_enabled,
        created_for_id=created_for_organisation_id,
    )
    await tx.add(chain_heads, stream_id=organisation_id, sequence=0, hash=FIRST_HASH)
    await tx.enter(PLATFORM, organisation_id)
    organisation = await get_organisation(tx, organisation_id)
    roles = [Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE]
    await write_first_invitation(tx, organisation, admin_email, admin_display_name, roles)
    streams = (organisation_id, PLATFORM)
    data = {"organisation": f"organisation_{organisation_id}", "name": name}
    await record(tx, Event(type=EventType.ORGANISATION_CREATED, streams=streams, data=data))
    return organisation_id


async def set_partners_enabled(
    tx: Transaction, *, organisation_id: UUID, enabled: bool, expected_version: int | None = None
) -> UUID:
    """Switch the Partners feature of an organisation on or off; off ends nothing that runs (S45, model 4.2)."""
    await _hold(tx, organisation_id, expected_version)
    await tx.update(organisations, organisation_id, partners_enabled=enabled)
    data = {"organisation": f"organisation_{organisation_id}", "partnersEnabled": enabled}
    event = EventType.ORGANISATION_PARTNER_CHANGED
    await record(tx, Event(type=event, streams=(organisation_id, PLATFORM), data=data))
    return organisation_id


async def set_mail_budget(
    tx: Transaction,
    *,
    organisation_id: UUID,
    budget: MailBudget,
    per_day: int | None = None,
    expected_version: int | None = None,
) -> UUID:
    """Set how many mails a day an organisation may send to people who have not asked; None is the deployment's number.

    Raises ValidationError for less than one a day: suspending the organisation is an act of its own.
    """
    row = await _hold(tx, organisation_id, expected_version)
    if per_day is not None and not 0 < per_day <= MOST_PER_DAY:
        raise ValidationError("perDay", f"1 to {MOST_PER_DAY:,} mails a day.")
    column = BUDGET_COLUMNS[budget].name
    await tx.update(organisations, organisation_id, **{column: per_day})
    change = {"budget": budget.value, "from": getattr(row, column), "to": per_day}
    data = {"organisation": f"organisation_{organisation_id}", **change}
    event = EventType.ORGANISATION_MAIL_BUDGET_SET
    await record(tx, Event(type=event, streams=(organisation_id, PLATFORM), data=data))
    return organisation_id


async def _hold(tx: Transaction, organisation_id: UUID, expected_version: int | None) -> Any:
    """Lock an organisation for an act of the operator and return it; raise NotFound, Forbidden or Conflict."""
    _require_operator(tx, Action.ORGANISATION_OPERATE)
    if organisation_id in tx.principal.organisations:
        raise Forbidden(Action.ORGANISATION_OPERATE, "NO_GRANT", "Staff does not act on an organisation of its own.")
    row = await hold_organisation(tx, organisation_id)
    if row is None:
        raise NotFound(("organisationId",))
    check_version(row, expected_version, row.status)
    return row


async def publish_terms(tx: Transaction, *, version: str, text: str, code: str = "partner-terms") -> UUID:
    """Publish terms of service; acceptances ask for the newest from now on (S63)."""
    _require_operator(tx, Action.TERMS_PUBLISH)
    code, version = single_line("code", code), single_line("version", version)
    body = required_note("text", text)
    digest = hashlib.sha256(body.encode()).hexdigest()
    try:
        async with tx.connection.begin_nested():
            terms_id = await tx.insert(
                terms_versions, code=code, version=version, text=body, text_hash=digest, published_at=tx.now
            )
    except IntegrityError:
        raise Conflict(1, version, ("version",), message="This version is published already.") from None
    data = {"code": code, "version": version, "textHash": digest}
    await record(tx, Event(type=EventType.TERMS_PUBLISHED, streams=(PLATFORM,), data=data))
    return terms_id


def _require_operator(tx: Transaction, action: Action) -> None:
    require(tx.principal, action, Target(), now=tx.now)
