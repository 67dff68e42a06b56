"""Who may call the functions of the database: those whom `roles.FUNCTIONS` names, nobody else, PUBLIC least of all."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest

from accord.database import queue
from accord.database.policies import GATEWAY, WORKER
from accord.database.roles import FUNCTIONS, prepare
from tests.servers import DatabaseURLs

LISTED: Final = """
SELECT n.nspname || '.' || p.proname AS name, p.prosecdef AS as_owner, p.proconfig AS settings,
    pg_get_userbyid(p.proowner) AS owner, p.prorettype = 'trigger'::regtype AS of_trigger,
    ARRAY(
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END
        FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE a.grantee <> p.proowner ORDER BY 1
    )::text[] AS callers
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('accord', 'queue') ORDER BY 1
"""
NAMED: Final = {f"accord.{name}": callers for name, callers in FUNCTIONS.items()} | {
    f"queue.{name}": callers for name, callers in queue.functions_for(GATEWAY, WORKER).items()
}
AS_OWNER: Final = {
    f"accord.{name}": [GATEWAY]
    for name in (
        *("admit", "approached", "begin_export", "belongs", "charge", "contact_of", "count_customers"),
        *(
            "count_own_clients",
            "directory_matches",
            "end_exports",
            "has_contacts_with",
            "linked",
            "meets",
            "note_failure",
            "partner_directory",
            "published_address",
            "reachable_accounts",
            "renew",
        ),
        *("reachable_organisations", "reachable_people", "release", "rename_organisation", "requestable"),
        *("shared_with_us", "sign_out_browsers", "signs_in", "vitals"),
    )
} | {
    **{name: [GATEWAY, WORKER] for name in ("accord.lock_gone_person", "accord.erase_person", "queue.add_jobs")},
    "accord.note_group_change": [],
}
"""The functions that run with the rights of their owner, and their callers: written out, so that a new one is seen."""


async def listed(url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        return {row["name"]: row for row in await connection.fetch(LISTED)}
    finally:
        await connection.close()


def faults(found: dict[str, Any]) -> list[str]:
    """The functions that somebody may call who should not, or nobody has thought about."""
    expected = {name: [] if row["of_trigger"] else sorted(NAMED.get(name, ("?",))) for name, row in found.items()}
    return [name for name, row in found.items() if row["callers"] != expected[name]]


async def test_each_function_is_called_by_those_who_need_it(database_urls: DatabaseURLs) -> None:
    found = await listed(database_urls.owner)
    assert faults(found) == []
    assert NAMED.keys() <= found.keys()


async def test_what_runs_as_its_owner_is_known_and_looks_nowhere_else(database_urls: DatabaseURLs) -> None:
    found = {name: row for name, row in (await listed(database_urls.owner)).items() if row["as_owner"]}
    assert {name: row["callers"] for name, row in found.items()} == AS_OWNER
    assert {row["owner"] for row in found.values()} == {"accord_owner"}
    for name, row in found.items():
        schema, _, _ = name.partition(".")
        assert row["settings"] == [f"search_path={schema}, pg_temp"], name


async def test_a_new_function_is_found_until_it_is_named(database_urls: DatabaseURLs) -> None:
    """The negative control; and migrating again takes back what somebody has given."""
    owner = await asyncpg.connect(database_urls.owner)
    try:
        await owner.execute("CREATE FUNCTION accord.careless() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        await owner.execute("GRANT EXECUTE ON FUNCTION accord.linked TO PUBLIC")
        await owner.execute("GRANT SELECT ON queue.pgqueuer TO accord_gateway")
        assert faults(await listed(database_urls.owner)) == ["accord.careless", "accord.linked"]
        await owner.execute("DROP FUNCTION accord.careless()")
        await prepare(database_urls.owner)
        assert faults(await listed(database_urls.owner)) == []
        assert not await owner.fetchval("SELECT has_table_privilege('accord_gateway', 'queue.pgqueuer', 'SELECT')")
    finally:
        await owner.close()


async def test_a_role_of_somebody_else_calls_nothing(database_urls: DatabaseURLs) -> None:
    """Not even a function whose schema it may use."""
    may = "SELECT bool_or(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc WHERE oid = $1::regproc"
    superuser = await asyncpg.connect(database_urls.superuser)
    undone = superuser.transaction()
    await undone.start()
    try:
        await superuser.execute("CREATE ROLE passer_by; GRANT USAGE ON SCHEMA accord, queue TO passer_by")
        await superuser.execute("SET LOCAL ROLE passer_by")
        for name in (*AS_OWNER, "queue.enqueue"):
            assert await superuser.fetchval(may, name) is False, name
    finally:
        await undone.rollback()
        await superuser.close()


QUEUE_READS: Final = (
    "SELECT id FROM queue.pgqueuer",
    "SELECT dedupe_key FROM queue.pgqueuer",
    "SELECT count(*) FROM queue.pgqueuer",
    "SELECT job_id FROM queue.pgqueuer_log",
    "INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status) VALUES (0, 'mail', '', 'queued')",
    "INSERT INTO queue.pgqueuer_log (job_id, status, entrypoint, priority) VALUES (1, 'queued', 'mail', 0)",
    "SELECT nextval('queue.pgqueuer_id_seq')",
    "SELECT * FROM queue.enqueue('{0}', '{mail}', '{x}', '{0}', '{mail:x}', '{null}')",
)


@pytest.mark.parametrize("statement", QUEUE_READS)
async def test_the_gateway_has_no_right_to_the_rows_of_the_queue(database_urls: DatabaseURLs, statement: str) -> None:
    """Another tenant's job waits there; the gateway adds its own beside it and learns of neither."""
    gateway = await asyncpg.connect(database_urls.gateway)
    try:
        await queue.add_jobs(gateway, queue.MAIL, ["theirs"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.fetch(statement)
    finally:
        await gateway.close()


async def test_a_job_is_added_once_with_its_log(database_urls: DatabaseURLs) -> None:
    gateway, owner = await asyncpg.connect(database_urls.gateway), await asyncpg.connect(database_urls.owner)
    try:
        async with gateway.transaction():
            await queue.add_jobs(gateway, queue.MAIL, ["one", "two"])
            await queue.add_jobs(gateway, queue.MAIL, ["two", "three"])
            await queue.add_jobs(gateway, queue.MAIL, [])
        jobs = await owner.fetch("SELECT payload, dedupe_key, entrypoint, priority FROM queue.pgqueuer ORDER BY id")
        assert [tuple(job) for job in jobs] == [
            (key.encode(), f"mail:{key}", "mail", 0) for key in ("one", "two", "three")
        ]
        assert await owner.fetchval("SELECT count(*) FROM queue.pgqueuer_log WHERE status = 'queued'") == 3
    finally:
        await gateway.close()
        await owner.close()
