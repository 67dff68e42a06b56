"""Tenants grow by SQL: what would take an hour by acts stands in seconds, with the rows that acts would have made."""

from __future__ import annotations

from uuid import UUID

from tests.services.scene import Scene
from tests.world import begin_chains

MEMBERS = """
WITH people AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'n' || n || '.' || $1::uuid || '@people.example', 'Member ' || n, $1 FROM generate_series(1, $2) n
  RETURNING id, email, display_name
)
INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status, joined_at)
SELECT $1, id, email, display_name, '{MEMBER}', 'ACTIVE', $3 FROM people RETURNING user_id
"""
SHARES = """
WITH made AS (
  INSERT INTO accord.accounts (host_id, kind, app, label, launch_url)
  SELECT $1, 'ACCOUNT', 'Desk', 'Desk ' || n, 'https://desk.example/' || n FROM generate_series(1, $4) n RETURNING id
), shared AS (
  INSERT INTO accord.shares (partnership_id, account_id, host_id, guest_id, shared_by, state, shared_at)
  SELECT $5, id, $1, $2, $3, 'ACTIVE', $6 FROM made RETURNING *
)
INSERT INTO accord.grants
  (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin, granted_by, granted_at)
SELECT id, partnership_id, account_id, host_id, guest_id, member, 'COLLABORATOR', 'ACTIVE', 'SHARE', $3, $6
FROM shared, unnest($7::uuid[]) AS member
"""
ACCOUNTS = """
WITH made AS (
  INSERT INTO accord.accounts (host_id, kind, app, label, launch_url)
  SELECT $1, 'ACCOUNT', 'Desk', 'Own ' || n, 'https://desk.example/' || n FROM generate_series(1, $3) n RETURNING id
)
INSERT INTO accord.account_ownerships (account_id, user_id, host_id) SELECT id, $2, $1 FROM made
"""
ORGANISATIONS = """
WITH made AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT $1 || '-' || n, 'Company ' || n, 'NO', true FROM generate_series(1, $2) n RETURNING id, handle
), heads AS (
  INSERT INTO accord.chain_heads (stream_id, sequence, hash) SELECT id, 0, repeat('0', 64) FROM made
), people AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'admin@' || handle || '.example', 'Admin of ' || handle, id FROM made
  RETURNING id, email, display_name, home_organisation_id
)
INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status, joined_at)
SELECT home_organisation_id, id, email, display_name, '{ORG_ADMIN}', 'ACTIVE', $3 FROM people
RETURNING organisation_id, user_id
"""
PARTNERSHIPS = """
INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, representative_user_id, purposes, starts_at,
  granted_level, level_changed_by, level_changed_at)
SELECT host, guest, true, 'HOST_REQUEST', 'ACTIVE', owner, owner, owner, representative, '{MANAGEMENT}', $5,
  'MANAGE', owner, $5
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS given (host, guest, owner, representative)
RETURNING id
"""


async def grow_members(scene: Scene, number: int) -> list[UUID]:
    """Let so many plain members join the guest; return their keys."""
    world = scene.world
    rows = await world.owner.fetch(MEMBERS, scene.guest.id, number, world.clock.now)
    return [row["user_id"] for row in rows]


async def grow_shares(scene: Scene, number: int, members: list[UUID]) -> None:
    """Share so many accounts of the host with the guest, each of them with all these members."""
    given = scene.host.id, scene.guest.id, scene["mia"].id
    await scene.world.owner.execute(SHARES, *given, number, scene.partnership, scene.world.clock.now, members)


async def grow_accounts(scene: Scene, owner: str, number: int) -> None:
    """Let somebody of the host own so many accounts alone."""
    await scene.world.owner.execute(ACCOUNTS, scene.host.id, scene[owner].id, number)


async def grow_partners(scene: Scene, number: int, *, customers: bool, person: str) -> list[UUID]:
    """Let so many organisations be customers of the guest, or partners of the host; return the partnerships.

    Each of them has one admin. `person` represents the guest in each partnership, or owns each of the host's.
    """
    world = scene.world
    own = scene.guest if customers else scene.host
    rows = await world.owner.fetch(ORGANISATIONS, f"{own.handle}-p", number, world.clock.now)
    others, admins = [row["organisation_id"] for row in rows], [row["user_id"] for row in rows]
    await begin_chains(world.owner, others, world.clock.now)
    ours, persons = [own.id] * number, [scene[person].id] * number
    sides = (others, ours, admins, persons) if customers else (ours, others, persons, admins)
    made = await world.owner.fetch(PARTNERSHIPS, *sides, world.clock.now)
    return [row["id"] for row in made]
