"""What an act gave: read from the tables before and after it, without asking the product's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg

ROLE = """
SELECT 'member ' || m.id || ' ' || r FROM accord.memberships m, unnest(m.roles || m.directory_roles) r
    WHERE m.status = 'ACTIVE'
UNION ALL SELECT 'delegated admin ' || id FROM accord.memberships WHERE status = 'ACTIVE' AND delegated_admin
UNION ALL SELECT 'contact ' || id || ' ' || r FROM accord.external_contacts, unnest(roles) r WHERE status = 'ACTIVE'
UNION ALL SELECT 'group ' || id FROM accord.role_group_members WHERE ended_at IS NULL
UNION ALL SELECT 'delegation ' || id FROM accord.role_delegations WHERE state = 'ACTIVE'
UNION ALL SELECT 'owner ' || id || ' ' || o FROM accord.partnerships, unnest(owner_user_id || co_owner_ids) o
    WHERE ended_at IS NULL AND o IS NOT NULL
UNION ALL SELECT 'representative ' || id || ' ' || representative_user_id FROM accord.partnerships
    WHERE ended_at IS NULL AND representative_user_id IS NOT NULL
UNION ALL SELECT 'account owner ' || account_id || ' ' || user_id FROM accord.account_ownerships
"""
"""Who is what: each role that somebody has, on a line of its own."""

ACCESS = """
SELECT 'partnership ' || id || ' ' || access_mode FROM accord.partnerships WHERE state = 'ACTIVE'
UNION ALL SELECT 'level ' || id || ' ' || granted_level FROM accord.partnerships
    WHERE state IN ('ACTIVE', 'SUSPENDED') AND granted_level <> 'NONE'
UNION ALL SELECT 'share ' || id FROM accord.shares WHERE state = 'ACTIVE'
UNION ALL SELECT 'grant ' || id || ' ' || role FROM accord.grants WHERE state = 'ACTIVE'
UNION ALL SELECT 'assignment ' || id FROM accord.customer_assignments WHERE ended_at IS NULL
UNION ALL SELECT 'session ' || id FROM accord.acting_sessions WHERE ended_at IS NULL
UNION ALL SELECT 'ticket ' || id FROM accord.tickets WHERE redeemed_at IS NULL AND voided_at IS NULL
UNION ALL SELECT 'client ' || id FROM accord.api_clients WHERE status = 'ACTIVE'
UNION ALL SELECT 'directory ' || id FROM accord.scim_credentials WHERE revoked_at IS NULL
UNION ALL SELECT 'sign-in ' || issuer || ' ' || subject FROM accord.identities
UNION ALL SELECT 'thawed ' || id FROM accord.organisation_policies WHERE NOT frozen
UNION ALL SELECT 'open ' || id FROM accord.organisations WHERE status = 'ACTIVE'
UNION ALL SELECT 'until ' || id || ' ' || extract(epoch FROM expires_at) FROM accord.partnerships WHERE state = 'ACTIVE'
"""
"""What reaches something, or lets somebody in."""

MAIL = """
SELECT template || ' ' || id FROM accord.mails UNION ALL SELECT template || ' ' || id FROM accord.held_mails
"""
"""Mails that leave, and those that wait for a digest."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What stands: roles, accesses and mails."""

    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def gained(self, before: Effects) -> frozenset[str]:
        """The kinds of which something is there that was not there before; mails by their template."""
        more = {kind: held - before.facts[kind] for kind, held in self.facts.items()}
        mails = {f"mail {line.partition(' ')[0]}" for line in more.pop("mail")}
        return frozenset(mails | {kind for kind, lines in more.items() if lines})


async def read_effects(url: str) -> Effects:
    """Read what stands, as the superuser."""
    connection = await asyncpg.connect(url)
    try:
        found = {
            kind: frozenset(row[0] for row in await connection.fetch(statement))
            for kind, statement in (("role", ROLE), ("access", ACCESS), ("mail", MAIL))
        }
        return Effects(found)
    finally:
        await connection.close()
