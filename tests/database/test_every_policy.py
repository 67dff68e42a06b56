"""Every policy of the second wall alone: nothing else refuses in the database of these tests, and nothing helps.

No constraint, trigger or narrower grant stands in it, so that what is refused is refused by the policy. Each row of
`policy_rows.py` is read, made, changed and deleted by everybody: the forged ones and, beside them, the permitted ones.
Changes are tried blindly: each row is found, so that no policy for reading hides what one for changing lets through.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final, TypeAlias

import asyncpg
import pytest

from accord.database.policies import GATEWAY, POLICIES
from accord.database.tables.metadata import metadata
from tests.database.policy_rows import (
    CLAIMED,
    FOREIGN,
    FRESH,
    HOST,
    ISSUER,
    OTHERS,
    PEOPLE,
    PERSONAS,
    ROWS,
    TAKEN,
    THIRD,
    VOUCHED,
)
from tests.servers import DatabaseURLs

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
STRIPPED: Final = """
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
        WHERE connamespace = 'accord'::regnamespace AND contype IN ('c', 'f', 'u', 'x') ORDER BY contype = 'u' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', found.owner, found.conname);
    END LOOP;
    FOR found IN SELECT indexrelid::regclass AS name FROM pg_index JOIN pg_class c ON c.oid = indrelid
        WHERE c.relnamespace = 'accord'::regnamespace AND indisunique AND NOT indisprimary LOOP
        EXECUTE format('DROP INDEX %s', found.name);
    END LOOP;
    FOR found IN SELECT a.attrelid::regclass AS owner, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        WHERE c.relnamespace = 'accord'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND a.attnotnull
          AND a.attidentity = ''
          AND NOT EXISTS (SELECT FROM pg_index i
                          WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))
        LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', found.owner, found.attname);
    END LOOP;
    FOR found IN SELECT oid::regclass AS owner FROM pg_class
        WHERE relnamespace = 'accord'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', found.owner);
        EXECUTE format('GRANT ALL ON %s TO accord_gateway', found.owner);
    END LOOP;
END $$
"""
MEMBERS: Final[list[dict[str, Any]]] = [
    # whom an identity can be bound to, and whom it cannot
    {"user_id": CLAIMED, "organisation_id": HOST, "unclaimed": True, "token_hash": "claim"},
    {"user_id": OTHERS, "organisation_id": HOST, "unclaimed": True, "token_hash": "another"},
    {"user_id": TAKEN, "organisation_id": HOST, "unclaimed": False, "token_hash": "claim"},
    {"user_id": VOUCHED, "organisation_id": HOST, "unclaimed": False},
]
HOMES: Final = {FRESH: HOST, FOREIGN: THIRD, CLAIMED: HOST, OTHERS: HOST, TAKEN: HOST, VOUCHED: HOST}
COMPUTED: Final = {"visible_guest_id"}
COMMANDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
STARTS: Final = {"SELECT": "SELECT 1", "DELETE": "DELETE"}
SAID: Final = re.compile(r"(?<![.\w])[a-z_]+\b")


class Wall:
    """The stripped database: its superuser, and one connection of the gateway's."""

    def __init__(self, owner: Connection, gateway: Connection, places: dict[tuple[str, int], str]) -> None:
        self.owner = owner
        self.gateway = gateway
        self.places = places

    async def may(self, persona: str, table: str, command: str) -> set[int]:
        """On which rows of the table do the policies let somebody do this? Nothing of it stays."""
        told = ", ".join(f"set_config('accord.{name}', '{value}', true)" for name, value in PERSONAS[persona].items())
        wanted = [n for n, row in enumerate(ROWS[table]) if getattr(row, command.lower()) is not None]
        transaction = self.gateway.transaction()
        await transaction.start()
        try:
            await self.gateway.execute(f"SELECT {told}")
            return {number for number in wanted if await self._did(table, number, command)}
        finally:
            await transaction.rollback()

    async def _did(self, table: str, number: int, command: str) -> bool:
        step = self.gateway.transaction()
        await step.start()
        try:
            return await self._changed(table, number, command)
        except asyncpg.InsufficientPrivilegeError as error:
            if "row-level security" not in str(error):
                raise
            return False
        except asyncpg.UniqueViolationError:
            return True
        finally:
            await step.rollback()

    async def _changed(self, table: str, number: int, command: str) -> bool:
        if command == "INSERT":
            await insert(self.gateway, table, ROWS[table][number].values)
            return True
        at = f"ctid = '{self.places[table, number]}'::tid"
        if command == "UPDATE":
            statement = f"UPDATE accord.{table} SET {harmless(table)} = NULL WHERE {at}"
        else:
            statement = f"{STARTS[command]} FROM accord.{table} WHERE {at}"
        return str(await self.gateway.execute(statement)).endswith(" 1")


async def insert(connection: Connection, table: str, values: dict[str, Any], *, where: bool = False) -> str:
    """Make a row of nothing but these columns; its place where that is asked for."""
    columns, given = ", ".join(values), ", ".join(f"${number}" for number in range(1, len(values) + 1))
    statement = f"INSERT INTO accord.{table} ({columns}) VALUES ({given})"
    if where:
        return str(await connection.fetchval(f"{statement} RETURNING ctid::text", *values.values()))
    await connection.execute(statement, *values.values())
    return ""


def named_in(table: str) -> set[str]:
    """The columns of a table that its policies for the gateway name."""
    text = " ".join(
        " ".join(rows) if isinstance(rows, tuple) else rows for _, rows, role in POLICIES[table] if role == GATEWAY
    )
    return set(SAID.findall(text.replace(f"{table}.", ""))) & set(metadata.tables[f"accord.{table}"].columns.keys())


def harmless(table: str) -> str:
    """A column that no policy looks at."""
    columns = metadata.tables[f"accord.{table}"].columns
    return next(
        column.name
        for column in columns
        if not column.primary_key and column.computed is None and column.name not in named_in(table) | {"told_guest"}
    )


@pytest.fixture(scope="module")
async def wall(module_database_urls: DatabaseURLs) -> AsyncIterator[Wall]:
    owner = await asyncpg.connect(module_database_urls.superuser)
    gateway = await asyncpg.connect(module_database_urls.gateway)
    await owner.execute(STRIPPED)
    for key, home in HOMES.items():
        await insert(owner, "users", {"id": key, "home_organisation_id": home})
    for member in MEMBERS:
        await insert(owner, "memberships", member)
    for subject, key in PEOPLE.items():
        if subject not in {"ada", "zoe"}:
            await insert(owner, "identities", {"issuer": ISSUER, "subject": subject, "user_id": key})
    places = {}
    for table, rows in ROWS.items():
        await owner.execute(
            f"DELETE FROM accord.{table}" if table in {"chain_heads", "activity_events"} else "SELECT 1"
        )
        for number, row in enumerate(rows):
            if row.select is not None:
                places[table, number] = await insert(owner, table, row.values, where=True)
    yield Wall(owner, gateway, places)
    await gateway.close()
    await owner.close()


def said(table: str, command: str) -> dict[str, set[int]]:
    """On which rows each persona may do this, by the list."""
    cells = [(n, cell) for n, row in enumerate(ROWS[table]) if (cell := getattr(row, command.lower())) is not None]
    return {persona: {number for number, cell in cells if persona in cell} for persona in PERSONAS}


async def found(wall: Wall, table: str, command: str) -> dict[str, set[int]]:
    """As `said`, by the policies."""
    return {persona: await wall.may(persona, table, command) for persona in PERSONAS}


@pytest.mark.parametrize("table", ROWS)
async def test_who_reads(wall: Wall, table: str) -> None:
    assert await found(wall, table, "SELECT") == said(table, "SELECT")


@pytest.mark.parametrize("table", ROWS)
async def test_who_makes(wall: Wall, table: str) -> None:
    assert await found(wall, table, "INSERT") == said(table, "INSERT")


@pytest.fixture(scope="module")
async def blind(wall: Wall) -> AsyncIterator[Wall]:
    """The wall with every row to be found: what is left are the policies for changing."""
    for table in ROWS:
        await wall.owner.execute(f"CREATE POLICY found ON accord.{table} FOR SELECT TO accord_gateway USING (true)")
    yield wall
    for table in ROWS:
        await wall.owner.execute(f"DROP POLICY found ON accord.{table}")


@pytest.mark.parametrize("table", ROWS)
async def test_who_changes(blind: Wall, table: str) -> None:
    assert await found(blind, table, "UPDATE") == said(table, "UPDATE")


@pytest.mark.parametrize("table", ROWS)
async def test_who_deletes(blind: Wall, table: str) -> None:
    assert await found(blind, table, "DELETE") == said(table, "DELETE")


def test_each_policy_is_tried_on_both_sides() -> None:
    """Each command that the gateway has on a table is tried with a row that somebody may, and one that somebody not."""
    assert ROWS.keys() == POLICIES.keys()
    for table, entries in POLICIES.items():
        for command in {command for command, _, role in entries if role == GATEWAY}:
            cells = [set(cell) for row in ROWS[table] if (cell := getattr(row, command.lower())) is not None]
            assert any(cells), f"{command} on {table}: nobody may"
            if (table, command) != ("terms_versions", "SELECT"):
                assert any(cell != set(PERSONAS) for cell in cells), f"{command} on {table}: everybody may"


def test_what_no_policy_admits_nobody_does() -> None:
    """Where a table has no policy for a command, no row of it says that somebody may."""
    for table, rows in ROWS.items():
        had = {command for command, _, role in POLICIES[table] if role == GATEWAY}
        for command in set(COMMANDS) - had:
            assert not any(getattr(row, command.lower()) for row in rows) or command == "DELETE", (table, command)


@pytest.mark.parametrize("table", ROWS)
def test_each_column_that_a_policy_names_is_tried_with_two_values(table: str) -> None:
    for column in named_in(table) - COMPUTED:
        assert len({str(row.values.get(column)) for row in ROWS[table]}) > 1, column
