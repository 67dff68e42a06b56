"""Organisations, partnerships, sharing, activity and the outbox: what source 002 needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy.util import await_only

from accord.database import queue

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NEWEST_WITHOUT_UUIDV7 = 17
NATIVE = "SELECT pg_catalog.uuidv7()"
BY_HAND = """
SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid
"""
NEW_ID = "CREATE FUNCTION accord.new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ {body} $$"


def upgrade() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    version = await_only(driver.fetchval("SHOW server_version_num"))
    body = BY_HAND if int(version) // 10_000 <= NEWEST_WITHOUT_UUIDV7 else NATIVE
    await_only(driver.execute(NEW_ID.format(body=body)))
    await_only(driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")))
    queue.install(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("The first migration is not taken back: drop the database instead.")
