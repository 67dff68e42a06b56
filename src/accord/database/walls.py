"""Puts grants and policies up where they differ from those of this version, beside a system that is in use.

What was put up is remembered as a digest for each part, of the statements and of what the catalogue holds after them,
in a comment on the table of the schema's version. A part that somebody changed by hand therefore differs, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from accord.database import queue
from accord.database.caller import Driver
from accord.database.failures import Busy, Lost, Translated

PREPARING: Final = 0x6163636F7264
"""The advisory lock under which one process at a time prepares a database."""

PATIENCE: Final = 120.0
"""Seconds for which a step is tried again that others keep from its locks."""

LOCK_WAITS: Final = (0.25, 0.5, 1.0)
"""Seconds for which a try waits for its lock, longer each time: whoever comes meanwhile waits as well."""
PAUSES: Final = (0.25, 0.5, 1.0, 2.0)

GRANTED: Final = "all grants"
MARKED: Final = "SELECT obj_description(to_regclass('accord.alembic_version'), 'pg_class')"
FORGOTTEN_POLICIES: Final = "SELECT policyname FROM pg_policies WHERE schemaname = 'accord' AND tablename = $1"

POLICIES_NOW: Final = """
SELECT c.relname AS part, concat_ws(' ', c.oid, c.relrowsecurity, string_agg(
    concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck),
    E'\n' ORDER BY p.polname
)) AS found
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relnamespace = to_regnamespace('accord') AND c.relkind = 'r'
GROUP BY c.oid
"""
GRANTS_NOW: Final = """
SELECT string_agg(found, E'\n' ORDER BY found COLLATE "C") FROM (
    SELECT concat_ws(' ', 'relation', c.oid, c.relname, c.relacl) AS found FROM pg_class c
    WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'S', 'v', 'p')
    UNION ALL
    SELECT concat_ws(' ', 'column', a.attrelid, a.attname, a.attacl) FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = ANY ($1) AND a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT concat_ws(' ', 'function', p.oid, p.prosecdef, p.proconfig, md5(p.prosrc), p.proacl)
    FROM pg_proc p WHERE p.pronamespace = ANY ($1)
    UNION ALL
    SELECT concat_ws(' ', 'schema', n.oid, n.nspacl) FROM pg_namespace n WHERE n.oid = ANY ($1)
) parts
"""
SCHEMAS: Final = ("accord", queue.SCHEMA)
OURS: Final = "SELECT array_agg(oid) FROM pg_namespace WHERE nspname = ANY ($1)"


class InUse(RuntimeError):
    """Others kept a step of the preparation from its locks for as long as it may be tried; the message says which."""


class Walls:
    """The policies by table, and the rights: the grants, and the functions made with them.

    `roles` are the roles that have nothing but these.
    """

    def __init__(
        self, driver: Driver, policies: Mapping[str, Sequence[str]], grants: Sequence[str], roles: Sequence[str]
    ) -> None:
        self.driver = driver
        self.policies = policies
        self.grants = grants
        self.roles = roles

    async def differing(self) -> list[str]:
        """The parts that are not as this version makes them: tables, and last the grants. Takes no lock on a table."""
        marks, found = await self._marks(), await self._found()
        parts = [*self.policies, *sorted(set(found) - set(self.policies) - {GRANTED}), GRANTED]
        return [part for part in parts if marks.get(part) != self._digest(part, found)]

    async def raise_part(self, part: str) -> None:
        """Make one part as it is to be, in one transaction that locks at most one table, and remember it."""
        async with self.driver.transaction():
            if part == GRANTED:
                await self._grant()
            else:
                await self._guard(part)
            marks, found = await self._marks(), await self._found()
            marks = {name: mark for name, mark in marks.items() if name in found}
            marks[part] = self._digest(part, found)
            await self.driver.execute(f"COMMENT ON TABLE accord.alembic_version IS '{json.dumps(marks)}'")

    async def _guard(self, table: str) -> None:
        await self.driver.execute(f'LOCK TABLE accord."{table}" IN ACCESS EXCLUSIVE MODE')
        for policy in await self.driver.fetch(FORGOTTEN_POLICIES, table):
            await self.driver.execute(f'DROP POLICY "{policy["policyname"]}" ON accord."{table}"')
        for statement in self.policies.get(table, ()):
            await self.driver.execute(statement)

    async def _grant(self) -> None:
        for role in self.roles:
            for schema in SCHEMAS:
                await self.driver.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}")
                await self.driver.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}")
        for statement in self.grants:
            await self.driver.execute(statement)

    async def _marks(self) -> dict[str, str]:
        said = await self.driver.fetchval(MARKED)
        try:
            marks = json.loads(said) if said else {}
        except ValueError:
            return {}
        return marks if isinstance(marks, dict) else {}

    async def _found(self) -> dict[str, str]:
        found = {row["part"]: row["found"] for row in await self.driver.fetch(POLICIES_NOW)}
        found.pop("alembic_version", None)
        found[GRANTED] = await self.driver.fetchval(GRANTS_NOW, await self.driver.fetchval(OURS, SCHEMAS) or []) or ""
        return found

    def _digest(self, part: str, found: Mapping[str, str]) -> str:
        wanted = self.grants if part == GRANTED else self.policies.get(part, ())
        text = "\n".join([*wanted, found.get(part, "")])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Patience:
    """How long, and how, a step waits for locks that others hold. A lock that is waited for stops whoever comes after,
    so that no wait is long."""

    def __init__(self, driver: Driver, within: float) -> None:
        self.driver = driver
        self.ends = time.monotonic() + within

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Within this, no other process prepares the database."""
        await self.try_until_done(self._take, "the preparation")
        try:
            yield
        finally:
            if not self.driver.is_closed():
                await self.driver.execute(f"SELECT pg_advisory_unlock({PREPARING})")

    async def try_until_done(self, act: Callable[[], Awaitable[None]], what: str) -> None:
        """Do a step that is whole or nothing, again where it did not get its locks in time; InUse."""
        tries = 0
        while True:
            wait = LOCK_WAITS[min(tries, len(LOCK_WAITS) - 1)]
            await self.driver.execute(f"SET lock_timeout = {int(wait * 1000)}")
            try:
                with Translated():
                    return await act()
            except Lost:
                raise
            except Busy as busy:
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                if time.monotonic() + pause > self.ends:
                    raise InUse(f"{what} is in use by others, and could not be locked in time") from busy
                await asyncio.sleep(pause)
            tries += 1

    async def _take(self) -> None:
        await self.driver.execute(f"SELECT pg_advisory_lock({PREPARING})")
