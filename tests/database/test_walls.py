"""The second wall: row-level security on every table, as `visibility.py` says, and a gateway that can't get past it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest

from accord.database.policies import POLICIES, policies
from accord.database.roles import prepare, unguarded_tables
from accord.domain.organisation import Role
from tests.servers import DatabaseURLs
from tests.world import World, open_world

CATALOGUE: Final = (
    "SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies"
    " WHERE schemaname = 'accord' ORDER BY tablename, policyname"
)
NOBODYS: Final = {"terms_versions"}
"""What everybody with an account may read."""

WRITES: Final = {
    # what the gateway may do to each table beside reading and adding rows
    "organisations": "UPDATE",
    "users": "UPDATE",
    "identities": "",
    "memberships": "UPDATE",
    "organisation_policies": "UPDATE",
    "partner_links": "UPDATE",
    "partnerships": "UPDATE",
    "attempts": "UPDATE",
    "amendments": "UPDATE",
    "invitations": "UPDATE",
    "terms_versions": "",
    "terms_acceptances": "",
    "accounts": "UPDATE",
    "account_ownerships": "DELETE",
    "shares": "UPDATE",
    "grants": "UPDATE",
    "access_items": "UPDATE",
    "role_delegations": "UPDATE",
    "role_groups": "UPDATE",
    "role_group_members": "UPDATE",
    "acting_sessions": "UPDATE",
    "external_contacts": "UPDATE",
    "customer_assignments": "UPDATE",
    "directory_entries": "UPDATE",
    "tickets": "UPDATE",
    "activity_events": "",
    "chain_heads": "UPDATE",
    "mails": "",
    "notifications": "UPDATE",
    "sign_ins": "",
    "browser_sessions": "UPDATE",
    "sign_in_attempts": "DELETE",
    "organisation_settings": "UPDATE",
    "organisation_features": "UPDATE",
    "invoices": "UPDATE",
    "wallets": "UPDATE",
    "wallet_entries": "",
    "acting_changes": "",
    "cascades": "",
    "api_clients": "UPDATE",
    "scim_credentials": "UPDATE",
    "scim_users": "UPDATE DELETE",
    "scim_groups": "UPDATE DELETE",
    "scim_group_members": "DELETE",
    "retries": "UPDATE",
    "allowances": "",
    "invitation_claims": "UPDATE",
    "mail_turns": "UPDATE",
    "held_mails": "",
}
HIDDEN_COLUMNS: Final = {"secret", "facts", "display_name", "state", "last_error"}
FORBIDDEN: Final = {
    "rewrite activity": "UPDATE accord.activity_events SET reason = 'x'",
    "forget activity": "DELETE FROM accord.activity_events",
    "empty activity": "TRUNCATE accord.activity_events",
    "cut a chain": "DELETE FROM accord.chain_heads",
    "read what mails say": "SELECT facts FROM accord.mails",
    "read the tokens in mails": "SELECT secret FROM accord.mails",
    "rewrite a mail": "UPDATE accord.mails SET address = 'eve@people.example'",
    "forget a mail": "DELETE FROM accord.mails",
    "read what waits for a digest of notices": "SELECT facts FROM accord.held_mails",
    "forget what waits for a digest of notices": "DELETE FROM accord.held_mails",
    "rewrite who used an invitation": "UPDATE accord.invitation_claims SET subject = 'x'",
    "read the queue": "SELECT payload FROM queue.pgqueuer",
    "forget a job": "DELETE FROM queue.pgqueuer",
    "empty the queue": "TRUNCATE queue.pgqueuer",
    "rewrite a wallet's entry": "UPDATE accord.wallet_entries SET amount_minor = 1",
    "change what an invoice is over": "UPDATE accord.invoices SET amount_minor = 1",
    "change the currency of a wallet": "UPDATE accord.wallets SET currency = 'JPY'",
    "read what waits for the digest": "SELECT change FROM accord.acting_changes",
    "read whom a cascade names": "SELECT author FROM accord.cascades",
    "stop a cascade": "UPDATE accord.cascades SET finished_at = now()",
    "read what callers have left": "SELECT key FROM accord.allowances",
    "forgive a caller": "DELETE FROM accord.allowances",
    "change what a key was used for": "UPDATE accord.retries SET mutation = 'x'",
    "renew a credential": "UPDATE accord.scim_credentials SET expires_at = now()",
    "take a credential": "UPDATE accord.scim_credentials SET token_hash = 'x'",
    "rewrite terms": "UPDATE accord.terms_versions SET text = 'x'",
    "rewrite consent": "DELETE FROM accord.terms_acceptances",
    "take an identity": "UPDATE accord.identities SET subject = 'x'",
    "drop a policy": "DROP POLICY accord_gateway_select ON accord.users",
    "take the wall down": "ALTER TABLE accord.users DISABLE ROW LEVEL SECURITY",
    "take a trigger off": "ALTER TABLE accord.activity_events DISABLE TRIGGER ALL",
    "skip triggers": "SET session_replication_role = 'replica'",
    "become the owner": "SET ROLE accord_owner",
    "become the worker": "SET ROLE accord_worker",
    "make a table": "CREATE TABLE accord.mine ()",
    "make a table elsewhere": "CREATE TABLE public.mine ()",
    "make a function": "CREATE FUNCTION accord.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a schema": "CREATE SCHEMA mine",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "run a program": "COPY accord.users TO PROGRAM 'cat'",
}
WORKER_FORBIDDEN: Final = {
    "rewrite activity": "UPDATE accord.activity_events SET reason = 'x'",
    "forget activity": "DELETE FROM accord.activity_events",
    "read activity": "SELECT reason FROM accord.activity_events",
    "add a member": "INSERT INTO accord.memberships (email) VALUES ('x')",
    "make an admin": "UPDATE accord.memberships SET roles = '{ORG_ADMIN}'",
    "bind an identity": "INSERT INTO accord.identities VALUES ('a', 'b', NULL)",
    "become the owner": "SET ROLE accord_owner",
    "take the wall down": "ALTER TABLE accord.users DISABLE ROW LEVEL SECURITY",
}


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        host, guest = await made.organisation(), await made.organisation()
        owner = await made.person(host)
        await made.partnership(owner, await made.person(host, Role.ORG_ADMIN), await made.person(guest, Role.ORG_ADMIN))
        yield made


async def catalogue_of(world: World, statements: list[str]) -> tuple[list[Any], list[Any]]:
    """The policies that stand, and those that these statements would put up; nothing of it stays."""
    transaction = world.owner.transaction()
    await transaction.start()
    standing = await world.owner.fetch(CATALOGUE)
    for policy in standing:
        await world.owner.execute(f'DROP POLICY "{policy["policyname"]}" ON accord."{policy["tablename"]}"')
    for statement in statements:
        await world.owner.execute(statement)
    made = await world.owner.fetch(CATALOGUE)
    await transaction.rollback()
    return [tuple(row) for row in standing], [tuple(row) for row in made]


async def test_the_policies_are_those_of_visibility(world: World) -> None:
    standing, expected = await catalogue_of(world, policies())
    assert standing
    assert standing == expected


async def test_a_policy_that_differs_is_seen(world: World) -> None:
    name = "CREATE POLICY accord_gateway_select ON accord.notifications"
    assert any(statement.startswith(name) for statement in policies())
    open_to_all = [f"{name} FOR SELECT TO accord_gateway USING (true)" if s.startswith(name) else s for s in policies()]
    for changed in ([s for s in policies() if not s.startswith(name)], open_to_all):
        standing, other = await catalogue_of(world, changed)
        assert standing != other


async def test_preparing_again_puts_the_walls_back(world: World) -> None:
    before = await world.owner.fetch(CATALOGUE)
    await world.owner.execute("CREATE POLICY forgotten ON accord.users USING (true)")
    await world.owner.execute("GRANT UPDATE, DELETE ON accord.activity_events TO accord_gateway")
    await prepare(world.urls.owner)
    assert await world.owner.fetch(CATALOGUE) == before
    assert not await world.owner.fetchval(
        "SELECT has_table_privilege('accord_gateway', 'accord.activity_events', 'DELETE')"
    )


async def test_every_table_is_guarded(world: World) -> None:
    assert await unguarded_tables(world.owner) == []
    sql = "SELECT relname FROM pg_class WHERE relnamespace = 'accord'::regnamespace AND relkind = 'r'"
    tables = {row["relname"] for row in await world.owner.fetch(sql)} - {"alembic_version"}
    assert tables == POLICIES.keys() == WRITES.keys()


async def test_an_unguarded_table_is_seen(world: World) -> None:
    transaction = world.owner.transaction()
    await transaction.start()
    await world.owner.execute("ALTER TABLE accord.users DISABLE ROW LEVEL SECURITY")
    await world.owner.execute("CREATE TABLE accord.newcomer ()")
    assert await unguarded_tables(world.owner) == ["newcomer", "users"]
    await transaction.rollback()


async def test_there_is_no_way_around_the_policies(world: World) -> None:
    """No view, no materialised view, and reviewed functions alone with their owner's rights: one counts a partner's
    customers for the parent, which never learns who they are (Q28), the others answer whoever knows an exact handle,
    code or address, or looks for partners who let themselves be found, with a handle, a name, an address (Q19); one
    changes the caller's name; one signs out whoever is a member nowhere any more, and one says whether anybody signs in
    as somebody of the own people; one counts the live API clients of the caller. Seven keep what callers have left
    and how often strangers failed, and tell of one alone. Three say before a look-up by ID what the policies say row by
    row. One says how the deployment does, and of no row. Policies ask seven: whether something joins an organisation, a
    person or an account to the caller's."""
    views = "SELECT count(*) FROM pg_class WHERE relnamespace = 'accord'::regnamespace AND relkind IN ('v', 'm')"
    assert await world.owner.fetchval(views) == 0
    definers = "SELECT proname FROM pg_proc WHERE pronamespace = 'accord'::regnamespace AND prosecdef"
    reviewed = {"count_customers", "partner_directory", "published_address", "rename_organisation", "requestable"}
    reviewed |= {"directory_matches", "sign_out_browsers", "signs_in"}
    reviewed |= {"admit", "charge", "renew", "release", "begin_export", "end_exports", "note_failure"}
    reviewed |= {"count_own_clients", "note_group_change", "vitals"}
    reviewed |= {f"reachable_{kind}" for kind in ("accounts", "organisations", "people")}
    reviewed |= {"lock_gone_person", "erase_person"}
    reviewed |= {"linked", "approached", "belongs", "contact_of", "has_contacts_with", "meets", "shared_with_us"}
    assert {row["proname"] for row in await world.owner.fetch(definers)} == reviewed


@pytest.mark.parametrize("role", ["accord_gateway", "accord_worker"])
async def test_the_role_owns_nothing_and_has_no_attribute(world: World, role: str) -> None:
    row = await world.owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
    assert row is not None
    assert not any(row[name] for name in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"))
    owned = (
        "SELECT (SELECT count(*) FROM pg_class WHERE relowner = $1::regrole)"
        " + (SELECT count(*) FROM pg_proc WHERE proowner = $1::regrole)"
        " + (SELECT count(*) FROM pg_namespace WHERE nspowner = $1::regrole)"
        " + (SELECT count(*) FROM pg_database WHERE datdba = $1::regrole)"
        " + (SELECT count(*) FROM pg_auth_members WHERE member = $1::regrole)"
    )
    assert await world.owner.fetchval(owned, role) == 0


async def test_the_gateway_may_write_what_the_list_says(world: World) -> None:
    for table, listed in WRITES.items():
        changes = "SELECT has_any_column_privilege('accord_gateway', $1, 'UPDATE')"
        granted = {"UPDATE"} if await world.owner.fetchval(changes, f"accord.{table}") else set()
        for right in ("DELETE", "TRUNCATE", "TRIGGER"):
            sql = "SELECT has_table_privilege('accord_gateway', $1, $2)"
            if await world.owner.fetchval(sql, f"accord.{table}", right):
                granted.add(right)
        assert granted == set(listed.split()), table


@pytest.mark.parametrize("column", sorted(HIDDEN_COLUMNS))
async def test_the_gateway_reads_no_more_of_a_mail_than_it_counts(world: World, column: str) -> None:
    readable = "SELECT has_column_privilege('accord_gateway', 'accord.mails', $1, 'SELECT')"
    assert not await world.owner.fetchval(readable, column)


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_what_the_gateway_can_not_do(world: World, what: str) -> None:
    await assert_forbidden(world.urls.gateway, FORBIDDEN[what])


@pytest.mark.parametrize("what", WORKER_FORBIDDEN)
async def test_what_the_worker_can_not_do(world: World, what: str) -> None:
    await assert_forbidden(world.urls.worker, WORKER_FORBIDDEN[what])


async def assert_forbidden(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql)
    finally:
        await connection.close()


async def test_the_owner_could_all_that(world: World) -> None:
    """The statements are right: to the role that owns the tables they are no matter of privilege."""
    transaction = world.owner.transaction()
    await transaction.start()
    await world.owner.execute("SET LOCAL ROLE accord_owner")
    for what in ("cut a chain", "read what mails say", "forget a job", "drop a policy", "make a table"):
        await world.owner.execute(FORBIDDEN[what])
    await transaction.rollback()


async def test_without_a_name_the_gateway_sees_nothing(world: World) -> None:
    connection = await asyncpg.connect(world.urls.gateway)
    try:
        for table in sorted(POLICIES.keys() - NOBODYS - {"mails", "held_mails", "acting_changes", "allowances"}):
            assert await connection.fetchval(f"SELECT count(*) FROM accord.{table}") == 0, table
        assert await connection.fetchval("SELECT count(id) FROM accord.mails") == 0
    finally:
        await connection.close()
    assert await world.owner.fetchval("SELECT count(*) FROM accord.partnerships") > 0


@pytest.mark.parametrize("setting", ["", "not a uuid", "{}", "' OR true --"])
async def test_a_name_that_is_none_opens_nothing(world: World, setting: str) -> None:
    connection = await asyncpg.connect(world.urls.gateway)
    try:
        await connection.execute("SELECT set_config('accord.organisations', $1, false)", setting)
        try:
            assert await connection.fetchval("SELECT count(*) FROM accord.partnerships") == 0
        except asyncpg.InvalidTextRepresentationError:
            assert setting
    finally:
        await connection.close()
