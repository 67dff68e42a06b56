"""The data set of the benchmark, made by set-based SQL as the owner and kept between runs.

Organisations stand in a ring: each is the host of the next ones and shares accounts of its own with each of them. The
sizes and the SQL are in the name of the database, so that another size or another shape is another database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import asyncpg

from accord.database.embedded import EmbeddedPostgres
from accord.database.roles import prepare
from tests.servers import DatabaseURLs, administer, has_database

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

STARTED: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""When everything began: the same in each data set, whenever it is made."""

AT_ONCE: Final = 250_000
"""Events in one statement, so that progress can be shown and no statement takes minutes."""


@dataclass(frozen=True, slots=True)
class Size:
    """`events` is the length of each organisation's stream; `streams` how many organisations have one."""

    organisations: int
    partnerships: int = 20
    shares: int = 10
    people: int = 10
    events: int = 0
    streams: int = 0

    @property
    def all_shares(self) -> int:
        return self.organisations * self.partnerships * self.shares

    @property
    def all_events(self) -> int:
        return self.streams * self.events


PARTNERS: Final = Size(organisations=2_000, events=500, streams=2_000)
"""2,000 organisations, 400,000 shares, 1,000,000 events."""

ISSUER_OF_ALL: Final = "http://127.0.0.1:1/dev/issuer"
"""Whose tokens the people of a data set show."""

NUMBERED: Final = (
    "CREATE TEMP TABLE organisation AS SELECT n, accord.new_id() AS id FROM generate_series(1, $1::int) n",
    (
        "CREATE TEMP TABLE person AS SELECT o.n, o.id AS home, k, accord.new_id() AS id"
        " FROM organisation o, generate_series(1, $1::int) k ORDER BY o.n, k"
    ),
    (
        "CREATE TEMP TABLE pair AS SELECT h.n, h.id AS host, g.n AS guest_n, g.id AS guest, p, accord.new_id() AS id"
        " FROM organisation h, generate_series(1, $1::int) p, organisation g"
        " WHERE g.n = (h.n + p - 1) % $2::int + 1 ORDER BY h.n, p"
    ),
    (
        "CREATE TEMP TABLE sharing AS SELECT pair.*, s, accord.new_id() AS share, accord.new_id() AS account"
        " FROM pair, generate_series(1, $1::int) s ORDER BY pair.n, p, s"
    ),
)
"""The keys of everything, before anything is written: parents know their children by number."""

INDEXED: Final = (
    "CREATE INDEX ON person (n, k)",
    "CREATE INDEX ON pair (n, p)",
    "ANALYZE organisation, person, pair, sharing",
)

FILLED: Final = (
    (
        "organisations",
        (
            "INSERT INTO accord.organisations (id, handle, name, country_code, partners_enabled, created_at)"
            " SELECT id, 'org-' || n, 'Organisation ' || n, 'NO', true, $1 FROM organisation"
        ),
    ),
    (
        "chain heads",
        (
            "INSERT INTO accord.chain_heads (stream_id, sequence, hash) SELECT id, 0, repeat('0', 64)"
            " FROM organisation WHERE $1::timestamptz IS NOT NULL"
        ),
    ),
    (
        "people",
        (
            "INSERT INTO accord.users (id, email, display_name, home_organisation_id, created_at)"
            " SELECT id, 'p' || k || '@org-' || n || '.example', 'Person ' || k || ' of ' || n, home, $1 FROM person"
        ),
    ),
    (
        "identities",
        (
            "INSERT INTO accord.identities (issuer, subject, user_id, created_at)"
            f" SELECT '{ISSUER_OF_ALL}', 'p' || k || '@org-' || n || '.example', id, $1 FROM person"
        ),
    ),
    (
        "memberships",
        (
            "INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status, joined_at,"
            " created_at) SELECT home, id, 'p' || k || '@org-' || n || '.example', 'Person ' || k || ' of ' || n,"
            " CASE WHEN k <= 2 THEN '{ORG_ADMIN}'::text[] ELSE '{MEMBER}' END, 'ACTIVE', $1, $1 FROM person"
        ),
    ),
    (
        "partnerships",
        (
            "INSERT INTO accord.partnerships (id, host_id, guest_id, told_guest, path, state, created_by_user_id,"
            " requester_user_id, owner_user_id, purposes, starts_at, created_at)"
            " SELECT pair.id, host, guest, true, 'HOST_REQUEST', 'ACTIVE', a.id, a.id, a.id, '{MANAGEMENT}', $1, $1"
            " FROM pair JOIN person a ON a.n = pair.n AND a.k = 1"
        ),
    ),
    (
        "accounts",
        (
            "INSERT INTO accord.accounts (id, host_id, kind, app, label, launch_url, created_at)"
            " SELECT account, host, 'ACCOUNT', (ARRAY['Ledger', 'Payroll', 'Tax'])[1 + s % 3],"
            " 'Account ' || n || '.' || p || '.' || s, 'https://ledger.example/sign-in', $1 FROM sharing"
        ),
    ),
    (
        "account owners",
        (
            "INSERT INTO accord.account_ownerships (account_id, user_id, host_id, created_at)"
            " SELECT account, a.id, host, $1 FROM sharing JOIN person a ON a.n = sharing.n AND a.k = 1"
        ),
    ),
    (
        "shares",
        (
            "INSERT INTO accord.shares (id, partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)"
            " SELECT share, sharing.id, host, guest, account, a.id, 'ACTIVE', $1"
            " FROM sharing JOIN person a ON a.n = sharing.n AND a.k = 1"
        ),
    ),
    (
        "grants",
        (
            "INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state,"
            " origin, granted_by, granted_at)"
            " SELECT share, s.id, account, host, guest, m.id, 'COLLABORATOR', 'ACTIVE', 'SHARE', a.id, $1"
            " FROM sharing s JOIN person a ON a.n = s.n AND a.k = 1"
            " JOIN person m ON m.n = s.guest_n AND m.k = (s.s - 1) % (SELECT max(k) FROM person) + 1"
        ),
    ),
)

EVENTS: Final = """
INSERT INTO accord.activity_events (stream_id, sequence, occurred_at, type, outcome, actor_user_id, actor_name,
  actor_home_organisation_id, host_id, guest_id, partnership_id, account_id, account_label, app, location, os, device,
  ip, reason, data, previous_hash, hash)
SELECT o.id, q, $1::timestamptz + q * interval '1 second',
  (ARRAY['share.added', 'signin.account', 'grant.role_changed', 'access_request.filed'])[1 + q % 4], 'SUCCESS',
  m.id, 'Person ' || m.k || ' of ' || m.n, m.home, pair.host, pair.guest, pair.id, s.account,
  'Account ' || s.n || '.' || s.p || '.' || s.s, 'Ledger', 'Oslo, Norway', 'Linux', 'Desktop', '192.0.2.7',
  CASE WHEN q % 10 = 0 THEN 'The year is over.' END, jsonb_build_object('number', q),
  encode(sha256((o.id::text || (q - 1))::bytea), 'hex'), encode(sha256((o.id::text || q)::bytea), 'hex')
FROM generate_series($2::bigint, $3::bigint) i
CROSS JOIN LATERAL (SELECT i / $4::bigint + 1 AS n, i % $4::bigint + 1 AS q) at
JOIN organisation o ON o.n = at.n
JOIN pair ON pair.n = at.n AND pair.p = q % $5::int + 1
JOIN sharing s ON s.id = pair.id AND s.s = q % $6::int + 1
JOIN person m ON m.n = pair.guest_n AND m.k = q % $7::int + 1
"""
"""Events i from $2 to $3 of all. Their hashes look like a chain and are none: nothing measured here reads them."""

HEADS: Final = """
UPDATE accord.chain_heads h SET sequence = $1, hash = encode(sha256((h.stream_id::text || $1::bigint)::bytea), 'hex')
FROM organisation o WHERE o.id = h.stream_id AND o.n <= $2
"""


def fingerprint(size: Size) -> str:
    """What tells one data set from another."""
    said = repr((astuple(size), NUMBERED, FILLED, EVENTS, HEADS))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


class Progress:
    """Says on one line of the terminal what goes on; silent for a test."""

    def __init__(self, say: Any = None) -> None:
        self.say = say

    def __call__(self, what: str) -> None:
        if self.say is not None:
            self.say(what)


async def provide(server: EmbeddedPostgres, size: Size, progress: Progress) -> DatabaseURLs:
    """The database of this size, made where it is missing, with the grants and policies of today."""
    return await provide_named(server, f"bench_{fingerprint(size)}", lambda made: fill(made, size, progress))


async def provide_named(
    server: EmbeddedPostgres, name: str, filling: Callable[[DatabaseURLs], Awaitable[None]]
) -> DatabaseURLs:
    """Return the database of this name, made and filled where it is missing, with the grants and policies of today."""
    urls = DatabaseURLs.of(server, name)
    if not await has_database(server, name):
        workshop = f"{name}_new"
        await administer(server, f"DROP DATABASE IF EXISTS {workshop} WITH (FORCE)")
        await administer(server, f"CREATE DATABASE {workshop} OWNER accord_owner")
        made = DatabaseURLs.of(server, workshop)
        await prepare(made.owner)
        await filling(made)
        await administer(server, f"ALTER DATABASE {workshop} RENAME TO {name}")
    await prepare(urls.owner)
    return urls


async def fill(urls: DatabaseURLs, size: Size, progress: Progress) -> None:
    """Write everything; foreign keys hold by construction and are not asked again."""
    owner = await asyncpg.connect(urls.superuser)
    try:
        await owner.execute("SET session_replication_role = replica; SET work_mem = '256MB'; SET jit = off")
        given = ((size.organisations,), (size.people,), (size.partnerships, size.organisations), (size.shares,))
        for statement, values in zip(NUMBERED, given, strict=True):
            await owner.execute(statement, *values)
        for statement in (*INDEXED, "CREATE INDEX ON sharing (id, s)"):
            await owner.execute(statement)
        for what, statement in FILLED:
            progress(f"data set: {what}")
            await owner.execute(statement, STARTED)
        await fill_events(owner, size, progress)
        progress("data set: vacuum")
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


async def fill_events(owner: Owner, size: Size, progress: Progress) -> None:
    """The streams, piece by piece, and the heads of their chains."""
    for start in range(0, size.all_events, AT_ONCE):
        progress(f"data set: {start:,} of {size.all_events:,} events")
        end = min(start + AT_ONCE, size.all_events) - 1
        shape = (size.events, size.partnerships, size.shares, size.people)
        await owner.execute(EVENTS, STARTED, start, end, *shape)
    await owner.execute(HEADS, size.events, size.streams)
