"""Connections: `Database.snapshot` for reads, `Database.transaction` and `Database.write` for changes.

Nobody else makes a connection. Each of the two begins by telling PostgreSQL who asks, so that row-level security
applies to every statement after it, and reads the caller's rights from the same instant as the data.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import CursorResult, Executable, Table, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from accord.access.principal import Client, Identity, Principal
from accord.database import acting, caller
from accord.database.acting import AccessRevoked, SessionOver
from accord.database.caller import PLATFORM_PRINCIPAL, Driver, viewer_binds
from accord.database.commit import commit
from accord.database.connections import SessionLimits, borrowed, open_engine
from accord.database.failures import (
    Busy,
    Committing,
    CredentialOver,
    CredentialRefused,
    Deadlock,
    Lost,
    OutcomeUnknown,
    SnapshotClosed,
    TimedOut,
    Translated,
)
from accord.database.query import Query, Row
from accord.database.server_clock import ServerClock
from accord.database.snapshot import Snapshot, driver_of
from accord.database.tables.acting import acting_sessions
from accord.domain.errors import Conflict, Forbidden, OrganisationContextMismatch
from accord.domain.mail_budget import DEFAULT_PER_DAY, DEFAULT_PER_HOUR, MailBudget
from accord.domain.organisation import PLATFORM

__all__ = ["AccessRevoked", "Busy", "Database", "Lost", "OutcomeUnknown", "Query", "Row", "SessionOver", "Snapshot"]
__all__ += ["SnapshotClosed", "TimedOut", "Transaction", "check_version"]

Result = TypeVar("Result")
First = Callable[[Driver, datetime], Awaitable[None]]
"""What a transaction does once PostgreSQL knows who asks, before it locks or reads anything."""

WRITE_TRIES: Final = 12
LONGEST_PAUSE: Final = 50
"""Milliseconds before an act runs again: at most this, times the tries, so that two do not meet again and again."""


class Transaction:
    """One write transaction. `acting_for` is the organisation in whose name the caller acts, None for the operator."""

    def __init__(
        self,
        connection: AsyncConnection,
        driver: Driver,
        principal: Principal,
        now: datetime,
        mails_per_day: Mapping[MailBudget, int] = DEFAULT_PER_DAY,
        mails_per_hour: int = DEFAULT_PER_HOUR,
    ) -> None:
        self.connection = connection
        self.driver = driver
        self.principal = principal
        self.now = now
        self.mails_per_day = mails_per_day
        self.mails_per_hour = mails_per_hour
        self.acting_for: UUID | None = None

    @property
    def person_id(self) -> UUID:
        """The acting person; acts that need one are behind a permission that only known people have."""
        if self.principal.person_id is None:
            raise Forbidden("person", "MEMBER_INACTIVE")
        return self.principal.person_id

    async def fetch(self, query: Query, **given: Any) -> list[Any]:
        """The rows of a compiled query, under the caller's visibility."""
        binds = viewer_binds(self.principal, self.now) | given
        with Translated():
            rows: list[Any] = await self.driver.fetch(query.sql, *query.arguments(binds), record_class=query.record)
        return rows

    async def all(self, statement: Executable) -> Sequence[Any]:
        """Every row of a Core statement."""
        with Translated():
            return (await self.connection.execute(statement)).all()

    async def first(self, statement: Executable) -> Any:
        """The first row of a Core statement, or None."""
        with Translated():
            return (await self.connection.execute(statement)).first()

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        with Translated():
            return (await self.connection.execute(statement)).scalar()

    async def insert(self, table: Table, **values: Any) -> UUID:
        """A new row, made at this transaction's instant; its key."""
        made: UUID = await self.scalar(insert(table).values(self._dated(table, values)).returning(table.c.id))
        return made

    async def add(self, table: Table, **values: Any) -> None:
        """A new row that the caller may not be able to read back."""
        await self.execute(insert(table).inline().values(self._dated(table, values)))

    def _dated(self, table: Table, values: dict[str, Any]) -> dict[str, Any]:
        return {"created_at": self.now, **values} if "created_at" in table.c else values

    async def update(self, table: Table, row_id: UUID, **values: Any) -> None:
        """Change one row by its key and count its version up; exactly one row changes."""
        if "version" in table.c:
            values["version"] = table.c.version + 1
        await self.mark(table, row_id, **values)

    async def mark(self, table: Table, row_id: UUID, **values: Any) -> None:
        """Note something on one row that is no change of it to those who read it; exactly one row changes."""
        changed = await self.execute(update(table).where(table.c.id == row_id).values(**values))
        if changed != 1:
            raise LookupError(f"{table.name}: {changed} rows changed instead of one")

    async def execute(self, statement: Executable) -> int:
        """Run a Core statement; how many rows it touched."""
        with Translated():
            result: CursorResult[Any] = await self.connection.execute(statement)
        return result.rowcount

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Do something that may be refused: what it changed is undone where it raises, and the transaction goes on."""
        with Translated():
            async with self.connection.begin_nested():
                yield

    async def present(self, **values: str) -> None:
        """Show the database a secret or exact name that its policies admit rows by (`handle`, `token`, `ticket`)."""
        with Translated():
            await self.driver.execute(caller.settings(**values))

    async def enter(self, *organisations: UUID) -> None:
        """Act within these organisations from here on; the caller has shown the right to."""
        with Translated():
            await caller.enter(self.driver, organisations)


Act: TypeAlias = Callable[[Transaction], Awaitable[Result]]


class Database:
    """The gateway's pool. `clock` tells the time of every operation, PostgreSQL's own where none is given; if not
    `durable`, a crash forgets a little."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_wait: float = 2.0,
        statement_timeout: float = 5.0,
        lock_timeout: float = 2.0,
        idle_timeout: float = 10.0,
        durable: bool = True,
        clock: Callable[[], datetime] | None = None,
        mails_per_day: Mapping[MailBudget, int] = DEFAULT_PER_DAY,
        mails_per_hour: int = DEFAULT_PER_HOUR,
    ) -> None:
        self.server_clock = ServerClock()
        self.clock = clock or self.server_clock
        self.mails_per_day = mails_per_day
        self.mail_caps = (mails_per_day, mails_per_hour)
        limits = SessionLimits(statement_timeout, lock_timeout, idle_timeout, durable)
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": pool_wait}
        self.engine = open_engine(url, limits, self.server_clock, **pool)

    def snapshot(self, identity: Identity, session: UUID | None = None) -> Snapshot:
        """The reads of one operation; close it. `session`: the acting session that it names."""
        return Snapshot(self.engine, identity, self.clock(), session)

    @asynccontextmanager
    async def transaction(
        self,
        identity: Identity,
        organisation_id: UUID | None = None,
        session: UUID | None = None,
        first: First | None = None,
    ) -> AsyncIterator[Transaction]:
        """One write in the name of an organisation where the caller is an active member, or acts; committed at the end.

        The caller's memberships and session stay locked until then, so that their end waits for it or stops it (S17,
        S65).
        """
        with Translated():
            async with borrowed(self.engine) as connection:
                work = await connection.begin()
                tx = await self._begin(connection, identity, session, first)
                await self._name(tx, organisation_id)
                yield tx
                with Committing():
                    await commit(work)

    async def write(
        self,
        identity: Identity,
        organisation_id: UUID | None,
        act: Act[Result],
        session: UUID | None = None,
        first: First | None = None,
    ) -> Result:
        """Run one act in a transaction, again where PostgreSQL picked it to resolve a deadlock."""
        return await self._tried(lambda: self.transaction(identity, organisation_id, session, first), act)

    async def provision(self, digest: str, client: Client, act: Act[Result]) -> Result:
        """As `write`, for the directory whose credential has this hash, within its organisation and nowhere else.

        The credential stays locked until the end, so that its revocation waits or stops the act. CredentialRefused
        where it is unknown, over or revoked.
        """
        return await self._tried(lambda: self._provisioning(digest, client), act)

    async def recognise(self, digest: str) -> Identity:
        """Return the directory whose credential has this hash; raise CredentialRefused as above, and CredentialOver for
        one that was good once."""
        try:
            async with self._provisioning(digest, Client()) as tx:
                return tx.principal.identity
        except OutcomeUnknown as error:
            raise Lost from error  # it changes nothing, so that nothing can have been changed

    async def _tried(self, begin: Callable[[], AbstractAsyncContextManager[Transaction]], act: Act[Result]) -> Result:
        for tries in range(1, WRITE_TRIES + 1):
            try:
                async with begin() as tx:
                    return await act(tx)
            except Deadlock:
                if tries == WRITE_TRIES:
                    raise Busy from None
                await asyncio.sleep(secrets.randbelow(LONGEST_PAUSE * tries) / 1000)
        raise Busy

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Driver]:
        """A connection for one statement that needs no caller and commits by itself."""
        with Translated():
            async with borrowed(self.engine) as connection:
                yield await driver_of(connection)

    @asynccontextmanager
    async def _provisioning(self, digest: str, client: Client) -> AsyncIterator[Transaction]:
        with Translated():
            async with borrowed(self.engine) as connection:
                work = await connection.begin()
                await connection.exec_driver_sql(caller.settings(credential=digest))
                raw, now = await driver_of(connection), self.clock()
                await raw.execute(caller.HOLD_CREDENTIAL, digest)
                row = await raw.fetchrow(caller.CREDENTIAL, digest, now)
                if row is None:
                    known = await raw.fetchval(caller.CREDENTIAL_KNOWN, digest)
                    raise CredentialOver if known else CredentialRefused
                await caller.enter(raw, [row["organisation_id"]])
                status = await raw.fetchval(caller.ORGANISATION_STATUS, row["organisation_id"])
                tx = Transaction(connection, raw, caller.directory_of(row, client, status), now, *self.mail_caps)
                tx.acting_for = row["organisation_id"]
                yield tx
                with Committing():
                    await commit(work)

    async def note_use(self, identity: Identity, session: UUID) -> None:
        """Keep when a session was last used, so that an idle one ends (model 4.4.5)."""
        used = update(acting_sessions).where(acting_sessions.c.id == session, acting_sessions.c.ended_at.is_(None))
        with Translated():
            async with borrowed(self.engine) as connection:
                work = await connection.begin()
                await connection.exec_driver_sql(caller.told(identity, acting=True))
                await connection.execute(used.values(used_at=self.clock()))
                await commit(work)

    @asynccontextmanager
    async def system(self, *organisations: UUID) -> AsyncIterator[AsyncConnection]:
        """A transaction of the platform itself, within these organisations; without any, by the role's policies."""
        with Translated():
            async with borrowed(self.engine) as connection:
                work = await connection.begin()
                await connection.exec_driver_sql("SELECT 1")
                await caller.enter(await driver_of(connection), organisations)
                yield connection
                await commit(work)

    @asynccontextmanager
    async def as_client(self, client_id: UUID, *organisations: UUID) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one API client's row, to tell whether its secret or token still stands."""
        async with self.system(*organisations) as connection:
            await (await driver_of(connection)).execute(caller.settings(client=str(client_id)))
            yield connection

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Transaction]:
        """A transaction in which the platform itself acts: for what time alone brings about, and for what an act has
        left to the worker, which then names who acted."""
        async with self.system() as connection:
            yield Transaction(
                connection, await driver_of(connection), PLATFORM_PRINCIPAL, self.clock(), *self.mail_caps
            )

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def _begin(
        self, connection: AsyncConnection, identity: Identity, session: UUID | None, first: First | None
    ) -> Transaction:
        await connection.exec_driver_sql(caller.told(identity, acting=session is not None))
        raw = await driver_of(connection)
        if first is not None:
            await first(raw, self.clock())
        await caller.hold(raw, identity)
        if session is not None:
            await raw.execute(acting.HOLD_SESSION, session)
        now = self.clock()
        principal = await caller.rights_of(raw, identity, now)
        if session is not None:
            principal = await acting.resolve(raw, principal, session, now)
        return Transaction(connection, raw, principal, now, *self.mail_caps)

    async def _name(self, tx: Transaction, organisation_id: UUID | None) -> None:
        if organisation_id is None:
            await tx.enter(*({PLATFORM} if tx.principal.operator else ()))
            return
        if organisation_id not in tx.principal.acts_for:
            home = tx.principal.acting.host_id if tx.principal.acting else tx.principal.home_organisation_id
            raise OrganisationContextMismatch(
                f"organisation_{organisation_id}", f"organisation_{home}" if home else None
            )
        tx.acting_for = organisation_id
        await tx.enter(organisation_id)


def check_version(row: Any, expected: int | None, current: str | None) -> None:
    """Is the row what the caller read? Conflict with what stands now otherwise."""
    if expected is not None and expected != row.version:
        raise Conflict(row.version, current, message="This has changed since you read it.")
