"""One tenant of any size, written as sets: a host with many partners, accounts, shares and events, a partner with many
customers, a partner to whom much is shared, and a partner with many people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from accord.access.principal import Identity
from accord.domain.ids import global_id
from tests.world import ISSUER, Owner, identify

MADE: Final = "'2025-01-01Z'::timestamptz"
ORGANISATIONS: Final = """
CREATE TEMP TABLE o ON COMMIT DROP AS SELECT accord.new_id() AS id, kind, n FROM (
  SELECT kind, 0 AS n FROM unnest('{host,fat,crowd,msp}'::text[]) kind
  UNION ALL SELECT kind, n FROM unnest('{guest,customer}'::text[]) kind, generate_series(1, %(size)s) n) x;
INSERT INTO accord.organisations (id, handle, name, country_code, partners_enabled, created_at, partner_program,
  partner_status)
SELECT id, kind || '-' || n || '-%(size)s', initcap(kind) || ' ' || n, 'NO', true, MADE,
  CASE WHEN kind = 'msp' THEN 'MSP' ELSE 'NONE' END, CASE WHEN kind = 'msp' THEN 'ACTIVE' ELSE 'NONE' END FROM o;
"""
PEOPLE: Final = """
CREATE TEMP TABLE u ON COMMIT DROP AS SELECT accord.new_id() AS id, o.id AS org, kind, n, k
FROM o, LATERAL generate_series(1, CASE kind WHEN 'crowd' THEN 10 * %(size)s WHEN 'host' THEN 8 WHEN 'fat' THEN 6
  WHEN 'msp' THEN 24 ELSE 2 END) k;
CREATE INDEX ON u (kind, n, k);
INSERT INTO accord.users (id, email, display_name, home_organisation_id, created_at)
SELECT id, concat(kind, '-', n, '-', k, '-%(size)s@people.example'), initcap(kind) || ' person ' || k, org, MADE FROM u;
INSERT INTO accord.identities (issuer, subject, user_id)
SELECT 'ISSUER', email, u.id FROM u JOIN accord.users x USING (id) WHERE k <= 24;
INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, delegated_admin, status,
  joined_at, created_at)
SELECT u.org, u.id, x.email, x.display_name, CASE WHEN k = 1 THEN '{ORG_ADMIN}' ELSE '{MEMBER}' END::text[],
  kind = 'msp' AND k BETWEEN 3 AND 22, 'ACTIVE', MADE, MADE FROM u JOIN accord.users x USING (id);
"""
PARTNERSHIPS: Final = """
CREATE TEMP TABLE p ON COMMIT DROP AS SELECT accord.new_id() AS id, kind, n, host, guest FROM (
  SELECT g.kind, g.n, h.id AS host, g.id AS guest FROM o h, o g
  WHERE h.kind = 'host' AND g.kind IN ('guest', 'fat', 'crowd')
  UNION ALL SELECT 'msp', c.n, c.id, m.id FROM o c, o m WHERE c.kind = 'customer' AND m.kind = 'msp') x;
INSERT INTO accord.partnerships (id, host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, representative_user_id, purposes, starts_at, created_at, granted_level, level_changed_by,
  level_changed_at)
SELECT p.id, host, guest, true, 'HOST_REQUEST', 'ACTIVE', a.id, a.id, a.id, r.id, '{MANAGEMENT}', MADE, MADE,
  CASE WHEN p.kind = 'msp' THEN 'MANAGE' ELSE 'NONE' END, CASE WHEN p.kind = 'msp' THEN a.id END,
  CASE WHEN p.kind = 'msp' THEN MADE END
FROM p JOIN u a ON a.org = host AND a.k = CASE WHEN p.kind = 'guest' AND p.n %% 2 = 1 THEN 3 ELSE 1 END
JOIN u r ON r.org = guest AND r.k = 2;
INSERT INTO accord.customer_assignments (partnership_id, host_id, guest_id, user_id, assigned_by, assigned_at)
SELECT p.id, host, guest, t.id, a.id, MADE FROM p JOIN u t ON t.org = guest AND t.k = 3 + p.n %% 20
JOIN u a ON a.org = guest AND a.k = 1 WHERE p.kind = 'msp';
"""
ACCOUNTS: Final = """
CREATE TEMP TABLE a ON COMMIT DROP AS SELECT accord.new_id() AS id, kind, n, host, k FROM (
  SELECT 'pool' AS kind, i AS n, id AS host, 1 AS k FROM o, generate_series(1, %(size)s) i WHERE kind = 'host'
  UNION ALL SELECT 'own', i, id, 3 FROM o, generate_series(1, 3) i WHERE kind = 'host'
  UNION ALL SELECT 'quiet', i, id, 4 FROM o, generate_series(1, 3) i WHERE kind = 'host'
  UNION ALL SELECT 'fat', i, id, 1 FROM o, generate_series(1, %(size)s) i WHERE kind = 'host'
  UNION ALL SELECT 'customer', n, id, 1 FROM o WHERE kind = 'customer') x;
CREATE INDEX ON a (kind, n);
INSERT INTO accord.accounts (id, host_id, kind, app, label, launch_url, created_at)
SELECT id, host, 'ACCOUNT', 'Ledger', kind || ' ' || n, 'https://ledger.example/', MADE FROM a;
INSERT INTO accord.account_ownerships (account_id, user_id, host_id, created_at)
SELECT a.id, u.id, host, MADE FROM a JOIN u ON u.org = host AND u.k = a.k;
CREATE TEMP TABLE s ON COMMIT DROP AS SELECT accord.new_id() AS id, p.id AS p, p.kind, p.n, host, guest, x.a FROM (
  SELECT p.id AS p, a.id AS a FROM p JOIN a ON a.kind = 'pool' AND a.n = p.n WHERE p.kind = 'guest'
  UNION ALL SELECT p.id, a.id FROM p, a WHERE p.kind = 'fat' AND a.kind = 'fat'
  UNION ALL SELECT p.id, a.id FROM p, a WHERE p.kind = 'crowd' AND a.kind = 'pool' AND a.n = 1
  UNION ALL SELECT p.id, a.id FROM p JOIN a ON a.kind = 'customer' AND a.n = p.n WHERE p.kind = 'msp') x
JOIN p ON p.id = x.p;
INSERT INTO accord.shares (id, partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)
SELECT s.id, p, host, guest, a, u.id, 'ACTIVE', MADE FROM s JOIN u ON u.org = host AND u.k = 1;
INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT s.id, s.p, s.a, s.host, s.guest, u.id, 'ACCOUNT_MANAGER', 'ACTIVE', 'SHARE', h.id, MADE
FROM s JOIN u h ON h.org = s.host AND h.k = 1 JOIN u ON u.org = s.guest AND CASE s.kind WHEN 'fat' THEN u.k <= 4
  WHEN 'crowd' THEN u.k <= 30 ELSE u.k = 2 END;
INSERT INTO accord.access_items (request_id, share_id, partnership_id, account_id, host_id, guest_id, member_user_id,
  requested_by, role, state, created_at, lapses_at)
SELECT accord.new_id(), s.id, s.p, s.a, s.host, s.guest, u.id, r.id, 'COLLABORATOR', 'PENDING', now(),
  now() + interval '14 days'
FROM s JOIN u r ON r.org = s.guest AND r.k = 1 JOIN u ON u.org = s.guest AND u.k BETWEEN 31 AND 30 + %(size)s
WHERE s.kind = 'crowd';
"""
EVENTS: Final = """
INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_user_id, actor_name,
  actor_home_organisation_id, host_id, guest_id, partnership_id, account_id, account_label, app, data,
  previous_hash, hash)
SELECT p.host, q, now() - interval '300 days' + q * (interval '300 days' / last),
  CASE WHEN rare THEN 'partnership.suspended' ELSE (ARRAY['share.added', 'signin.account'])[1 + q %% 2] END,
  CASE WHEN rare THEN 'DENIED' ELSE 'SUCCESS' END, m.id, 'Somebody', m.org, p.host, p.guest, p.id, a.id, a.kind,
  CASE WHEN rare THEN 'Rare' ELSE 'Ledger' END, '{}', '', ''
FROM (SELECT q, last, q IN (2, last / 2, last - 100) AS rare FROM (SELECT 100 * %(size)s AS last) l,
  generate_series(1, last) q) q
JOIN p ON p.kind = 'guest' AND p.n = CASE WHEN rare THEN 1 ELSE 2 + q %% (%(size)s - 1) END
JOIN a ON a.kind = CASE WHEN rare THEN 'own' ELSE 'pool' END AND a.n = CASE WHEN rare THEN 1 ELSE 1 + q %% %(size)s END
JOIN u m ON m.org = p.guest AND m.k = 2;
"""
NAMES: Final = """
SELECT kind || ' ' || n AS name, 'organisation' AS type, id FROM o WHERE n <= 1
UNION ALL SELECT kind || ' ' || n, 'partnership', id FROM p WHERE n <= 1
UNION ALL SELECT kind || ' ' || n, 'account', id FROM a WHERE n <= 1
UNION ALL SELECT concat(kind, ' ', n, ' ', k), 'user', id FROM u WHERE n <= 1 AND k <= 24
"""


@dataclass(frozen=True)
class Tenant:
    """A tenant of this size; `ids` are the global IDs of its first things, by type and name."""

    size: int
    ids: dict[tuple[str, str], str]

    def id(self, kind: str, name: str) -> str:
        """The global ID of a thing, such as ("partnership", "fat 0")."""
        return self.ids[kind, name]

    def identity(self, organisation: str, number: int, n: int = 0) -> Identity:
        """Who this person of an organisation of this kind signs in as."""
        return identify(f"{organisation}-{n}-{number}-{self.size}@people.example")


async def grow(owner: Owner, size: int) -> Tenant:
    """Make a tenant with so many partners, and statistics of all that there is."""
    async with owner.transaction():
        for part in (ORGANISATIONS, PEOPLE, PARTNERSHIPS, ACCOUNTS, EVENTS):
            await owner.execute((part % {"size": size}).replace("MADE", MADE).replace("'ISSUER'", f"'{ISSUER}'"))
        rows = await owner.fetch(NAMES)
    await owner.execute("VACUUM ANALYZE")
    return Tenant(size, {(row["type"], row["name"]): _global(row) for row in rows})


def _global(row: asyncpg.Record) -> str:
    key: UUID = row["id"]
    return global_id(row["type"], key)
