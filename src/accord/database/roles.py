"""What each of the three roles may touch, and the whole preparation of a database: migrate, grant, put the walls up.

Grants and policies are not migrations: they are made again from `policies.py` wherever they differ from what this
version made, so that no state of the past can survive in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from accord.database import queue, versions
from accord.database.caller import Driver
from accord.database.connections import connect
from accord.database.policies import GATEWAY, WORKER, policies_of
from accord.database.tables import metadata
from accord.database.tables.outbox import COUNTED
from accord.database.walls import PATIENCE, Patience, Walls

COUNTED_COLUMNS: Final = ", ".join(COUNTED)
CLAIM_COLUMNS: Final = "state, decided_by, decided_at, expires_at, version"
CASCADE_COLUMNS: Final = "id, organisation_id, actor_user_id, kind, subject_id, total, done, created_at, finished_at"
"""What the gateway reads of a cascade: neither who is named in its events nor why it was begun."""
READ_ONLY: Final = (
    "organisation_policies",
    "partner_links",
    "identities",
    "memberships",
    "organisations",
    "users",
    "accounts",
    "account_ownerships",
)
FIXED: Final = frozenset(
    {
        *("organisation_id", "host_id", "guest_id", "partnership_id", "attempt_id", "share_id", "account_id"),
        *("request_id", "user_id", "member_user_id", "requested_by", "home_organisation_id", "created_for_id"),
        *("created_by_user_id", "created_at", "handle", "number", "path", "submitted_at", "granted_at", "shared_at"),
        *("modified_at", "issued_at", "audience", "mfa", "origin", "customer_id", "partner_id", "by_guest"),
        *("home_id", "basis", "role_key", "role_group_id", "contact_id", "started_at", "ends_at", "acting_session_id"),
        *("side", "kind", "terms_before", "terms_after", "opens_everything", "proposed_by", "proposed_at"),
        *("key", "currency", "amount_minor", "issued_on", "due_on", "member_count", "members_digest"),
    }
)
"""Columns that say what a row is about: they never change, whoever asks."""

BOUND_LATER: Final = frozenset(
    {
        ("memberships", "user_id"),
        *(("external_contacts", name) for name in ("user_id", "home_id", "partnership_id")),
    }
)
"""Whose place an invitation is, is known when it is accepted; under which partnership, when that begins."""
FIXED_THERE: Final = frozenset(
    {
        *(("external_contacts", name) for name in ("email", "roles", "invited_by")),
        ("memberships", "removed_at"),
        *(("api_clients", name) for name in ("owner_user_id", "name", "secret_hash", "scopes", "expires_at")),
    }
)
"""What a contact or an API client may do is said once, when somebody of the organisation makes it. When a membership
ended is noted by the database."""


def changeable(table: str) -> str:
    """The columns of a table that an act may change."""
    return ", ".join(
        column.name
        for column in metadata.tables[f"accord.{table}"].columns
        if not column.primary_key
        and column.computed is None
        and (column.name not in FIXED or (table, column.name) in BOUND_LATER)
        and (table, column.name) not in FIXED_THERE
    )


BOTH: Final = (GATEWAY, WORKER)
FUNCTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(("new_id", "shown", "mine", "operating", "person", "myself"), BOTH),
        # how texts are compared, in look-ups and in indexes
        **dict.fromkeys(("fold", "fold_beyond_ascii", "sent_addresses"), BOTH),
        # what policies of the gateway ask
        **dict.fromkeys(("approached", "belongs", "contact_of", "has_contacts_with", "kin"), (GATEWAY,)),
        **dict.fromkeys(("linked", "meets", "shared_with_us", "signs_in"), (GATEWAY,)),
        # what its acts and reads call
        **dict.fromkeys([f"reachable_{kind}" for kind in ("accounts", "organisations", "people")], (GATEWAY,)),
        **dict.fromkeys(("count_customers", "partner_directory", "published_address", "requestable"), (GATEWAY,)),
        "directory_matches": (GATEWAY,),
        **dict.fromkeys(("rename_organisation", "sign_out_browsers"), (GATEWAY,)),
        **dict.fromkeys(("admit", "charge", "renew", "release", "note_failure", "count_own_clients"), (GATEWAY,)),
        **dict.fromkeys(("begin_export", "end_exports", "vitals"), (GATEWAY,)),
        **dict.fromkeys(("lock_gone_person", "erase_person"), BOTH),
        # what triggers ask, with the rights of who changes the row
        "only_erases": BOTH,
        # what these call with the rights of their owner
        **dict.fromkeys(("hold_allowance", "holder", "person_key", "spent"), ()),
        **dict.fromkeys(("may_erase", "literal_pattern", "words_pattern", "redacted", "mentions", "fact_of"), ()),
        **dict.fromkeys(("erase_facts", "names_of", "addresses_of", "erase_from_events", "erase_from_texts"), ()),
        **dict.fromkeys(("redacted_json", "is_of_others"), ()),
        "erase_rows": (),
    }
)
"""Who may call each function of ours, beside the owner: nobody whom this table does not name, PUBLIC least of all.
Functions of triggers need no right to be called by them."""


def _execution() -> tuple[str, ...]:
    """Take the right to call a function from everybody, then give it to those who need it."""
    ours = {("accord", name): granted for name, granted in FUNCTIONS.items()}
    theirs = {(queue.SCHEMA, name): granted for name, granted in queue.functions_for(GATEWAY, WORKER).items()}
    everybody = ", ".join(("PUBLIC", *BOTH))
    return (
        *(f"REVOKE ALL ON ALL ROUTINES IN SCHEMA {schema} FROM {everybody}" for schema in ("accord", queue.SCHEMA)),
        *(
            f"GRANT EXECUTE ON FUNCTION {schema}.{name} TO {', '.join(granted)}"
            for (schema, name), granted in {**ours, **theirs}.items()
            if granted
        ),
    )


GRANTS: Final = (
    f"GRANT USAGE ON SCHEMA accord TO {GATEWAY}, {WORKER}",
    *(
        f"GRANT SELECT, INSERT, UPDATE ({changeable(table)}) ON accord.{table} TO {GATEWAY}"
        for table in (
            "organisations",
            "users",
            "memberships",
            "partnerships",
            "attempts",
            "amendments",
            "invitations",
            "accounts",
            "shares",
            "grants",
            "access_items",
            "role_delegations",
            "role_groups",
            "role_group_members",
            "acting_sessions",
            "api_clients",
            "customer_assignments",
            "external_contacts",
            "tickets",
            "chain_heads",
            "organisation_policies",
            "directory_entries",
            "partner_links",
            "organisation_settings",
            "organisation_features",
            "invoices",
            "wallets",
            "scim_users",
            "scim_groups",
        )
    ),
    f"GRANT SELECT, INSERT, UPDATE (arguments_hash, result, created_at, expires_at) ON accord.retries TO {GATEWAY}",
    f"GRANT SELECT, DELETE ON accord.retries, accord.allowances TO {WORKER}",
    f"GRANT SELECT, INSERT ON accord.wallet_entries TO {GATEWAY}",
    f"GRANT SELECT ({CASCADE_COLUMNS}), INSERT ON accord.cascades TO {GATEWAY}",
    f"GRANT UPDATE (status, ended_at, version) ON accord.partner_links TO {WORKER}",
    f"GRANT SELECT, INSERT, UPDATE (facts, author, done, position, failed, finished_at) ON accord.cascades TO {WORKER}",
    f"GRANT INSERT ON accord.acting_changes TO {GATEWAY}",
    f"GRANT SELECT, DELETE ON accord.acting_changes TO {WORKER}",
    f"GRANT SELECT, INSERT, UPDATE (read_at) ON accord.notifications TO {GATEWAY}",
    f"GRANT SELECT, INSERT ON accord.identities, accord.sign_ins TO {GATEWAY}",
    f"GRANT SELECT, INSERT, UPDATE (user_id, used_at, ended_at) ON accord.browser_sessions TO {GATEWAY}",
    f"GRANT SELECT, INSERT, DELETE ON accord.sign_in_attempts TO {GATEWAY}",
    f"GRANT SELECT, INSERT ON accord.terms_versions, accord.terms_acceptances TO {GATEWAY}",
    f"GRANT SELECT, INSERT ON accord.activity_events TO {GATEWAY}",
    f"GRANT SELECT, INSERT, DELETE ON accord.account_ownerships TO {GATEWAY}",
    f"GRANT SELECT, INSERT, UPDATE (revoked_at, version) ON accord.scim_credentials TO {GATEWAY}",
    f"GRANT SELECT, INSERT, DELETE ON accord.scim_group_members TO {GATEWAY}",
    f"GRANT DELETE ON accord.scim_users, accord.scim_groups TO {GATEWAY}",
    f"GRANT SELECT, INSERT, UPDATE ({CLAIM_COLUMNS}) ON accord.invitation_claims TO {GATEWAY}",
    f"GRANT INSERT ON accord.mails TO {GATEWAY}",
    f"GRANT SELECT ({COUNTED_COLUMNS}) ON accord.mails TO {GATEWAY}",
    f"GRANT SELECT ON accord.alembic_version TO {GATEWAY}, {WORKER}",
    *(f"GRANT SELECT ON accord.{table} TO {WORKER}" for table in READ_ONLY),
    *(
        f"GRANT SELECT, UPDATE ({changeable(table)}) ON accord.{table} TO {WORKER}"
        for table in (
            "partnerships",
            "attempts",
            "amendments",
            "invitations",
            "shares",
            "grants",
            "access_items",
            "role_delegations",
            "role_groups",
            "role_group_members",
            "acting_sessions",
            "customer_assignments",
            "external_contacts",
            "tickets",
        )
    ),
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON accord.mails TO {WORKER}",
    f"GRANT SELECT, DELETE ON accord.notifications TO {WORKER}",
    f"GRANT SELECT, INSERT, UPDATE (until, count, waiting) ON accord.mail_turns TO {GATEWAY}",
    f"GRANT INSERT ON accord.held_mails TO {GATEWAY}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON accord.mail_turns, accord.held_mails TO {WORKER}",
    f"GRANT SELECT, UPDATE ({changeable('chain_heads')}) ON accord.chain_heads TO {WORKER}",
    f"GRANT INSERT ON accord.activity_events, accord.notifications TO {WORKER}",
    f"GRANT SELECT, DELETE ON accord.sign_ins, accord.browser_sessions, accord.sign_in_attempts TO {WORKER}",
    *queue.grants(GATEWAY, WORKER),
    *_execution(),
)


RIGHTS: Final = (*queue.functions(), *GRANTS)
"""The functions that are made with the grants, and the grants."""


async def prepare(owner_url: str, within: float = PATIENCE) -> None:
    """Bring a database to the newest schema, with the grants and policies of this version.

    Safe to run twice, in parallel and beside gateways that serve: where nothing is to be done no lock is taken,
    otherwise each step waits a moment for its locks and is tried again for `within` seconds. Raises
    versions.NewerDatabase and walls.InUse.
    """
    connection = await connect(owner_url)
    try:
        walls = Walls(connection, policies_of(), RIGHTS, BOTH)
        if await versions.is_current(connection) and not await walls.differing():
            return
        patience = Patience(connection, within)
        async with patience.alone():
            await versions.migrate(owner_url, connection, patience)
            for part in await walls.differing():
                await patience.try_until_done(lambda part=part: walls.raise_part(part), part)  # type: ignore[misc]
    finally:
        await connection.close()


async def unguarded_tables(raw: Driver) -> list[str]:
    """Tables of ours without row-level security; a contract test and the start of the gateway look at them."""
    rows = await raw.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'accord' AND c.relkind = 'r' AND NOT c.relrowsecurity AND c.relname <> 'alembic_version'"
    )
    return sorted(row["relname"] for row in rows)
