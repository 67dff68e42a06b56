"""Who asks: how PostgreSQL is told, how the caller's rights are read, and what the predicates ask about the caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from accord.access.principal import (
    OWN_ISSUER,
    Acting,
    ApiClient,
    Client,
    ClientProof,
    Directory,
    Identity,
    Principal,
    Standing,
)
from accord.access.scopes import kept
from accord.domain.delegation import DelegatedRole
from accord.domain.ids import global_id
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import PLATFORM, OrganisationStatus, Role

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

PLATFORM_PRINCIPAL: Final = Principal(
    Identity(OWN_ISSUER, "platform", None, False, "Accord", False, "", datetime.max.replace(tzinfo=UTC), Client()),
    None,
    "Accord",
    None,
)
"""The actor of what nobody does: lapsing and expiring."""


def viewer_binds(principal: Principal, now: datetime) -> dict[str, Any]:
    """What the visibility predicates ask about the caller; IDs as text, see `visibility.py`."""

    def texts(keys: Iterable[UUID]) -> list[str]:
        return [str(key) for key in keys]

    return {
        "viewer": str(principal.person_id) if principal.person_id else None,
        "member_of": texts(principal.organisations),
        "works_in": texts(principal.works_in),
        "admin_of": texts(principal.admin_of),
        "leads": texts(principal.leads),
        "legal_in": texts(principal.legal_in),
        "audits": texts(principal.audits),
        "delegated_in": texts(principal.delegated_in),
        **_session_binds(principal.acting),
        "client": str(principal.api_client.client_id) if principal.api_client else None,
        "operator": principal.operator,
        "mfa": principal.identity.mfa,
        "now": now,
    }


def _session_binds(acting: Acting | None) -> dict[str, Any]:
    """The organisation acted in, once for each thing that the session lets its user see there."""
    level = None if acting is None else acting.level
    manages = level is DataAccessLevel.MANAGE
    decides = acting is not None and acting.role_key is DelegatedRole.DECISION_MAKER
    given = {
        "acts_in": acting is not None,
        "acts_reading": level is not None or decides,
        "acts_managing": manages or decides,
        "acts_settings": manages or (acting is not None and acting.role_key is not None),
        "acts_billing": decides or (acting is not None and acting.bills),
        "acts_on_all_accounts": manages and acting is not None and acting.complete,
        "acts_on_shared_accounts": manages,
    }
    host = [str(acting.host_id)] if acting is not None else []
    under = acting.partnership_id if acting is not None else None
    return {name: host if holds else [] for name, holds in given.items()} | {
        "acts_under": [str(under)] if under is not None else [],
        "acts_from": [str(acting.home_id)] if acting is not None else [],
    }


def literal(value: str) -> str:
    """A string as an SQL expression that holds nothing but hexadecimal digits, for statements without parameters."""
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"


def settings(**values: str) -> str:
    """A statement that tells PostgreSQL these values until the transaction ends."""
    listed = ", ".join(f"set_config('accord.{name}', {literal(value)}, true)" for name, value in values.items())
    return f"SELECT {listed}"


def told(identity: Identity, *, acting: bool = False) -> str:
    """The statement that tells PostgreSQL who asks; whoever acts elsewhere is no staff meanwhile."""
    proof = identity.api_client
    operator = identity.operator and not acting and proof is None
    said = {"issuer": identity.issuer, "subject": identity.subject, "operator": "on" if operator else "off"}
    if proof is not None:
        said |= {"client": str(proof.client_id), "organisations": str(proof.organisation_id)}
    return settings(**said)


ENTERED: Final = """
WITH mine AS MATERIALIZED ({mine})
SELECT mine.*, entered.organisations FROM (
  SELECT set_config('accord.organisations', concat_ws(',', $1::text, string_agg(organisation_id::text, ',')), true)
    AS organisations
  FROM mine
) entered LEFT JOIN mine ON true ORDER BY mine.membership_id
"""
"""Reads the caller's memberships and lets the policies admit the rows of their organisations from here on, and of $1:
one row at least, and for somebody unknown or dead one without a person."""

RIGHTS: Final = ENTERED.format(
    mine="""
SELECT u.id AS person_id, u.display_name, u.home_organisation_id,
       m.id AS membership_id, m.organisation_id, m.roles, m.delegated_admin,
       (SELECT o.status FROM accord.organisations o WHERE o.id = m.organisation_id) AS organisation_status
FROM accord.users u
LEFT JOIN accord.memberships m ON m.user_id = u.id AND m.status = 'ACTIVE' AND (m.vouched_by IS NULL
  OR (m.vouched_by = $2
      AND (SELECT o.handle FROM accord.organisations o WHERE o.id = m.organisation_id) = ANY ($3::text[])))
WHERE u.id = (SELECT accord.person())
"""
)
"""Who is a member on an issuer's word is one for as long as that issuer, and this token, says so."""

HOLD_RIGHTS: Final = """
SELECT pg_advisory_xact_lock(hashtextextended((SELECT accord.person())::text, 0));
SELECT id FROM accord.memberships WHERE user_id = (SELECT accord.person()) AND status = 'ACTIVE' ORDER BY id FOR SHARE
"""
"""The caller's memberships stay as they are during an act. Row locks alone would let somebody who acts without pause
keep an end away for ever: shared ones are given past whoever waits. The lock on the person is given in turn. It is no
shared one: acts of one person that change their own rows (name, roles, an end) would each wait for what the other only
holds, and one person's acts take turns at the chain of events anyway."""


HOLD_CREDENTIAL: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))"
CREDENTIAL: Final = """
SELECT id, organisation_id, label, expires_at FROM accord.scim_credentials
WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > $2 FOR SHARE
"""
"""A directory's credential stays as it is during an act; a revocation waits for the act, and is not kept waiting."""


CREDENTIAL_KNOWN: Final = "SELECT EXISTS (SELECT FROM accord.scim_credentials WHERE token_hash = $1)"
"""Was it ever one, whatever it is now?"""

ORGANISATION_STATUS: Final = "SELECT status FROM accord.organisations WHERE id = $1"


def directory_of(row: asyncpg.Record, client: Client, status: str) -> Principal:
    """The directory behind a credential: an actor with a name, and no person; `status` is its organisation's."""
    name = f"{row['label']} (directory)"
    subject = global_id("scimcredential", row["id"])
    identity = Identity(OWN_ISSUER, subject, None, False, name, False, str(row["id"]), row["expires_at"], client)
    directory = Directory(row["id"], row["organisation_id"], status == OrganisationStatus.ACTIVE)
    return Principal(identity, None, name, None, directory=directory)


RIGHTS_OF_CLIENT: Final = ENTERED.format(
    mine="""
SELECT u.id AS person_id, u.display_name, c.organisation_id AS home_organisation_id,
       m.id AS membership_id, m.organisation_id, m.roles, m.delegated_admin, c.name, c.scopes,
       o.status AS organisation_status
FROM accord.api_clients c
JOIN accord.organisations o ON o.id = c.organisation_id AND o.status = 'ACTIVE'
JOIN accord.memberships m ON m.organisation_id = o.id AND m.user_id = c.owner_user_id AND m.status = 'ACTIVE'
JOIN accord.users u ON u.id = m.user_id
WHERE c.id = $2 AND c.status = 'ACTIVE' AND c.expires_at > $3
"""
)
"""An API client lives while it is neither revoked nor over, its organisation is active and its owner a member there."""

HOLD_CLIENT: Final = """
SELECT pg_advisory_xact_lock_shared(hashtextextended(accord.shown('client'), 0));
SELECT id FROM accord.api_clients WHERE id = accord.shown('client')::uuid FOR SHARE
"""
"""As HOLD_RIGHTS, for the client beside its owner: who revokes it waits for what is under way, in turn."""


async def hold(raw: Driver, identity: Identity) -> None:
    """What gives the caller rights stays as it is until the transaction ends: the person's first, as who leaves takes
    them, then the client's."""
    await raw.execute(HOLD_RIGHTS)
    if identity.api_client is not None:
        await raw.execute(HOLD_CLIENT)


async def rights_of(raw: Driver, identity: Identity, now: datetime) -> Principal:
    """The caller with the rights of this instant, by the settings that were told; the policies then admit the rows of
    the caller's organisations, and staff the platform's."""
    proof = identity.api_client
    if proof is None:
        platform = str(PLATFORM) if identity.operator else None
        rows = await raw.fetch(RIGHTS, platform, identity.issuer, list(identity.speaks_for))
        return principal_of(identity, rows)
    return client_principal(identity, proof, await raw.fetch(RIGHTS_OF_CLIENT, None, proof.client_id, now))


def client_principal(identity: Identity, proof: ClientProof, rows: Sequence[asyncpg.Record]) -> Principal:
    """The client as its owner in its organisation alone; one that is dead has nothing."""
    name, scopes = rows[0]["name"] or "", kept(rows[0]["scopes"] or ())
    narrowed = scopes if proof.scopes is None else scopes & proof.scopes
    return replace(principal_of(identity, rows), api_client=ApiClient(proof.client_id, name, narrowed))


def principal_of(identity: Identity, rows: Sequence[asyncpg.Record]) -> Principal:
    """The caller, from the rows of `RIGHTS`; somebody unknown has none."""
    first = rows[0]
    if first["person_id"] is None:
        return Principal(identity, None, identity.name or identity.subject, None)
    standings = tuple(
        Standing(
            row["membership_id"],
            row["organisation_id"],
            frozenset(map(Role, row["roles"])),
            row["delegated_admin"],
            row["organisation_status"] == OrganisationStatus.ACTIVE,
        )
        for row in rows
        if row["membership_id"] is not None
    )
    return Principal(identity, first["person_id"], first["display_name"], first["home_organisation_id"], standings)


async def enter(raw: Driver, organisations: Iterable[UUID]) -> None:
    """Let the policies admit the rows of these organisations until the transaction ends."""
    listed = ",".join(sorted(map(str, organisations)))
    await raw.execute("SELECT set_config('accord.organisations', $1, true)", listed)
