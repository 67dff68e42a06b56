"""What would make the second wall or a commit worthless; the gateway looks before it serves."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DANGERS: Final = text(
    """
    SELECT
      (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS passes_walls,
      EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('accord', 'queue') AND pg_has_role(current_user, c.relowner, 'USAGE')
      ) AS owns_tables,
      (
        SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'accord' AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
          AND c.relname <> 'alembic_version'
      ) AS unguarded,
      to_regclass('accord.partnerships') IS NULL AS unprepared,
      current_setting('synchronous_commit') = 'off' AS forgets,
      current_setting('server_version_num')::int AS version
    """
)
OLDEST: Final = 160_000


async def probe(connection: AsyncConnection) -> None:
    """Raise unless the database answers, and has our tables."""
    await connection.execute(text("SELECT 1 FROM accord.partnerships LIMIT 1"))


async def list_dangers(connection: AsyncConnection) -> list[str]:
    """Why this database, with this role, must not be served; empty when it may."""
    found = (await connection.execute(DANGERS)).one()
    reasons = {
        "the database is not prepared; run `accord migrate`": found.unprepared,
        "the role of DATABASE_URL passes row-level security by": found.passes_walls,
        "the role of DATABASE_URL owns tables, or belongs to a role that does": found.owns_tables,
        "tables are without row-level security; run `accord migrate`": found.unguarded,
        "synchronous_commit is off: a confirmed change could be lost": found.forgets,
        "PostgreSQL is older than 16": found.version < OLDEST,
    }
    return [reason for reason, applies in reasons.items() if applies]
