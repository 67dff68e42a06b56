"""What would make the second wall or a commit worthless; the gateway looks before it serves."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.database import versions
from accord.database.caller import Driver
from accord.database.snapshot import driver_of

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
      CASE WHEN has_table_privilege(to_regclass('accord.alembic_version'), 'SELECT') THEN 'readable' END AS prepared,
      current_setting('synchronous_commit') = 'off' AS forgets,
      current_setting('server_version_num')::int AS version
    """
)
OLDEST: Final = 160_000


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
    dangers = [reason for reason, applies in reasons.items() if applies]
    if not found.unprepared and found.prepared is None:
        dangers.append("the database was prepared by an older version; run `accord migrate`")
    elif not dangers:
        dangers += await _of_version(await driver_of(connection))
    return dangers


async def _of_version(driver: Driver) -> list[str]:
    try:
        current = await versions.is_current(driver)
    except versions.NewerDatabase as error:
        return [str(error)]
    return [] if current else ["the database has an older schema; run `accord migrate`"]
