"""Alembic's entry: the connection is handed over, so that migrations also run inside an event loop."""

from __future__ import annotations

from alembic import context

from accord.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema="accord",
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
