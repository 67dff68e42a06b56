"""The chain's format with commitments: every chain is hashed again, and one without an event gets its first.

Heads that exports had on record are kept as `formerHead`: they belong to the format before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy.util import await_only

from accord.domain.chain import FIRST_HASH, first_event, sealed

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
WITHOUT_EVENT = """
SELECT h.stream_id, coalesce(o.created_at, (SELECT min(created_at) FROM accord.organisations)) AS at
FROM accord.chain_heads h LEFT JOIN accord.organisations o ON o.id = h.stream_id
WHERE NOT EXISTS (SELECT FROM accord.activity_events e WHERE e.stream_id = h.stream_id)
"""
HASHED_AGAIN = """
UPDATE accord.activity_events SET data = $2, facts = $3, salt = $4, previous_hash = $5, hash = $6 WHERE id = $1
"""


def upgrade() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    await_only(driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")))
    await_only(driver.execute("ALTER TABLE accord.activity_events DISABLE TRIGGER keep_activity"))
    await_only(driver.execute("ALTER TABLE accord.chain_heads DISABLE TRIGGER keep_head"))
    for head in await_only(driver.fetch("SELECT stream_id FROM accord.chain_heads")):
        _hash_again(driver, head["stream_id"])
    for head in await_only(driver.fetch(WITHOUT_EVENT)):
        if head["at"] is not None:
            _begin(driver, head["stream_id"], head["at"])
    await_only(driver.execute("ALTER TABLE accord.activity_events ENABLE TRIGGER keep_activity"))
    await_only(driver.execute("ALTER TABLE accord.chain_heads ENABLE TRIGGER keep_head"))


def _hash_again(driver: Any, stream_id: Any) -> None:
    sequence, previous = 0, FIRST_HASH
    page = "SELECT * FROM accord.activity_events WHERE stream_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"
    while rows := await_only(driver.fetch(page, stream_id, sequence, AT_ONCE)):
        changed = []
        for row in rows:
            data = row["data"]
            if row["type"] == "export.created" and "head" in data:
                data["formerHead"] = data.pop("head")
            made = sealed({**row, "data": data}, previous)
            changed.append(
                (made["id"], json.dumps(data), made["facts"], made["salt"], made["previous_hash"], made["hash"])
            )
            sequence, previous = row["sequence"], made["hash"]
        await_only(driver.executemany(HASHED_AGAIN, changed))
    if sequence:
        await_only(driver.execute("UPDATE accord.chain_heads SET hash = $2 WHERE stream_id = $1", stream_id, previous))


def _begin(driver: Any, stream_id: Any, at: Any) -> None:
    row = first_event(stream_id, at)
    record = [json.dumps(value) if name == "data" else value for name, value in row.items()]
    await_only(
        driver.copy_records_to_table("activity_events", schema_name="accord", columns=list(row), records=[record])
    )
    head = "UPDATE accord.chain_heads SET sequence = 1, hash = $2 WHERE stream_id = $1"
    await_only(driver.execute(head, stream_id, row["hash"]))


def downgrade() -> None:
    raise NotImplementedError("The format before can't be made again without rewriting every chain.")
