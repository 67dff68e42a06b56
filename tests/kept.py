"""A database whose rows can be put back: a copy of them stands beside the tables, in a schema of its own.

Connections, their prepared statements and their plans go on, which a new copy of the database would cost anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from tests.servers import DatabaseURLs

TABLES: Final = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
       string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '') AS columns
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY 1 ORDER BY 1
"""
SEQUENCES: Final = "SELECT schemaname || '.' || sequencename AS name, last_value FROM pg_sequences"
FUNCTION: Final = """
CREATE FUNCTION kept.restore() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica
AS $function$ BEGIN {} END $function$
"""


@asynccontextmanager
async def keeping(urls: DatabaseURLs) -> AsyncIterator[Kept]:
    """Keep the rows as they are now."""
    connection = await asyncpg.connect(urls.superuser)
    try:
        tables, sequences = await connection.fetch(TABLES), await connection.fetch(SEQUENCES)
        await connection.execute("CREATE SCHEMA kept")
        steps = []
        for number, table in enumerate(tables):
            name, columns = table["name"], table["columns"]
            await connection.execute(f"CREATE TABLE kept.t{number} AS SELECT {columns} FROM {name}")
            steps.append(f"DELETE FROM {name};")
            steps.append(f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM kept.t{number};")
        for name, last in sequences:
            steps.append(f"PERFORM setval('{name}', {last or 1}, {last is not None});")
        await connection.execute(FUNCTION.format(" ".join(steps)))
        yield Kept(connection)
    finally:
        await connection.close()


class Kept:
    """What `keeping` kept."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def restore(self) -> None:
        """Every table and sequence as it was; foreign keys and triggers have no say in it."""
        await self._connection.execute("SELECT kept.restore()")
