"""Two organisations with an admin each, written by the owner of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from accord.access.principal import Client, Identity
from accord.domain.notice import Template
from accord.services.outbox import Mail, Recipient

ISSUER = "https://issuer.example"
SECRET = "one-time-token"
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation and its admin."""

    organisation_id: UUID
    admin_id: UUID
    name: str
    email: str
    identity: Identity

    @property
    def admin(self) -> Recipient:
        return Recipient(self.email, self.admin_id, f"Admin of {self.name}")


async def found(owner: Owner, name: str) -> Tenant:
    """Write an organisation with one active admin."""
    handle, email = name.lower(), f"admin@{name.lower()}.example"
    organisation = await owner.fetchval(
        "INSERT INTO accord.organisations (handle, name, country_code, partners_enabled) VALUES ($1, $2, 'NO', true)"
        " RETURNING id",
        handle,
        name,
    )
    person = await owner.fetchval(
        "INSERT INTO accord.users (email, display_name, home_organisation_id) VALUES ($1, $2, $3) RETURNING id",
        email,
        f"Admin of {name}",
        organisation,
    )
    await owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)", ISSUER, email, person
    )
    await owner.execute(
        "INSERT INTO accord.memberships (user_id, organisation_id, roles, status, email, display_name)"
        " VALUES ($1, $2, $3, 'ACTIVE', $4, $5)",
        person,
        organisation,
        ["ORG_ADMIN"],
        email,
        f"Admin of {name}",
    )
    expires = datetime.now(UTC) + timedelta(hours=1)
    identity = Identity(ISSUER, email, email, True, None, True, "token", expires, Client())
    return Tenant(organisation, person, name, email, identity)


def reminder(host: Tenant, *recipients: Recipient, external: bool = False) -> Mail:
    """A mail without a link."""
    facts = {"requester": "Ida Lund", "host": host.name, "guest": "Kestrel"}
    return Mail(Template.REMINDER, host.organisation_id, recipients, facts, external=external)


def invitation(host: Tenant, *recipients: Recipient, **facts: str) -> Mail:
    """An external mail with a one-time link."""
    words = {"host": host.name, "guest": "Kestrel"} | facts
    return Mail(Template.INVITATION, host.organisation_id, recipients, words, secret=SECRET, external=True)
