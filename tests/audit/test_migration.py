"""Chains that an older version wrote are hashed again, and every organisation gets a first event."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from typing import Any
from uuid import UUID

from alembic.script import ScriptDirectory

from accord.database.roles import prepare
from tests.servers import DatabaseURLs
from tests.services.scene import set_scene
from tests.world import Owner, open_world

OLD = (
    *("stream_id", "sequence", "occurred_at", "type", "outcome", "actor_user_id", "actor_name"),
    *("actor_home_organisation_id", "host_id", "guest_id", "partnership_id", "account_id", "account_label", "app"),
    *("location", "os", "device", "ip", "reason", "data"),
)


MADE = (
    (re.compile(r"^CREATE TABLE (accord\.\w+)", re.MULTILINE), "DROP TABLE {0}"),
    (re.compile(r"^CREATE (?:UNIQUE )?INDEX (\w+)", re.MULTILINE), "DROP INDEX IF EXISTS accord.{0}"),
    (re.compile(r"^CREATE FUNCTION (accord\.\w+)", re.MULTILINE), "DROP FUNCTION {0} CASCADE"),
    (re.compile(r"^ALTER TABLE (accord\.\w+) ADD COLUMN (\w+)", re.MULTILINE), "ALTER TABLE {0} DROP COLUMN {1}"),
    (re.compile(r"^DROP INDEX (?:accord\.)?(\w+)", re.MULTILINE), "CREATE INDEX {0} ON accord.users (id)"),
)
"""What migrations after 0025 make, and how it is unmade; of an index that one of them drops, the name comes back."""


async def unmake(owner: Owner, script: str) -> None:
    for found, statement in MADE:
        for match in found.finditer(script):
            await owner.execute(statement.format(*match.groups()))


async def age(owner: Owner) -> None:
    """Make a database what it was before migration 0023, its chains in the older format."""
    versions = resources.files("accord.database") / "migrations" / "versions"
    texts = {path.name: path.read_text() for path in versions.iterdir() if path.name.endswith(".sql")}
    for name in sorted(texts, reverse=True):
        if name > "0026":
            await unmake(owner, texts[name])
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(
        "DELETE FROM accord.activity_events e USING accord.chain_heads h"
        " WHERE h.stream_id = e.stream_id AND h.sequence = 1 AND e.type = 'chain.started'"
    )
    for stream in await owner.fetch("SELECT stream_id FROM accord.chain_heads"):
        await _hash_as_before(owner, stream["stream_id"])
    await owner.execute("SET session_replication_role = origin")
    functions = await owner.fetch(
        "SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'accord' AND p.proname = ANY ($1)",
        [
            *("may_erase", "lock_gone_person", "literal_pattern", "words_pattern", "redacted", "mentions", "fact_of"),
            *("erase_facts", "names_of", "addresses_of", "erase_from_events", "erase_from_texts", "erase_rows"),
            *("erase_person", "only_erases", "keep_event", "note_removal", "vitals", "redacted_json", "is_of_others"),
        ],
    )
    for function in functions:
        await owner.execute(f"DROP FUNCTION {function['name']} CASCADE")
    await owner.execute(
        "DROP TYPE accord.gone_person; ALTER TABLE accord.memberships DROP COLUMN removed_at;"
        "DROP INDEX accord.ix_notifications_created_at; DROP INDEX accord.ix_mails_waiting;"
        "ALTER TABLE accord.activity_events DROP COLUMN facts, DROP COLUMN salt, DROP COLUMN fact_keys,"
        " DROP COLUMN erased, DROP CONSTRAINT ck_activity_events_sequence_counts;"
        "ALTER TABLE accord.chain_heads DROP COLUMN anchored;"
        "DROP TRIGGER keep_activity ON accord.activity_events;"
        "CREATE TRIGGER keep_activity BEFORE UPDATE OR DELETE OR TRUNCATE ON accord.activity_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION accord.keep_activity();"
    )
    scripts = ScriptDirectory(str(resources.files("accord.database") / "migrations"))
    await owner.execute(
        "UPDATE accord.alembic_version SET version_num = $1", scripts.get_revision("0023").down_revision
    )


async def _hash_as_before(owner: Owner, stream: UUID) -> None:
    rows = await owner.fetch("SELECT * FROM accord.activity_events WHERE stream_id = $1 ORDER BY sequence", stream)
    previous = "0" * 64
    for number, row in enumerate(rows, 1):
        covered: dict[str, Any] = {**row, "sequence": number, "data": json.loads(row["data"])}
        text = json.dumps({name: str(covered[name]) for name in OLD}, sort_keys=True)
        digest = hashlib.sha256((previous + text).encode()).hexdigest()
        change = "UPDATE accord.activity_events SET sequence = $2, previous_hash = $3, hash = $4 WHERE id = $1"
        await owner.execute(change, row["id"], number, previous, digest)
        previous = digest
    head = "UPDATE accord.chain_heads SET sequence = $2, hash = $3 WHERE stream_id = $1"
    await owner.execute(head, stream, len(rows), previous)


async def test_older_chains_verify_after_the_migration(database_urls: DatabaseURLs) -> None:
    async with open_world(database_urls) as world:
        scene = await set_scene(world)
        quiet = await world.organisation()
        await age(world.owner)
        before = await world.owner.fetch("SELECT id, type, actor_name, ip FROM accord.activity_events ORDER BY id")
        assert before
        await prepare(database_urls.owner)
        assert not (await world.verify()).faults
        kept = "SELECT id, type, actor_name, ip FROM accord.activity_events WHERE id = ANY ($1) ORDER BY id"
        after = await world.owner.fetch(kept, [row["id"] for row in before])
        assert [tuple(row) for row in after] == [tuple(row) for row in before]
        first = "SELECT type FROM accord.activity_events WHERE stream_id = $1"
        assert await world.owner.fetchval(first, quiet.id) == "chain.started"
        await scene.share()
        assert not (await world.verify()).faults
