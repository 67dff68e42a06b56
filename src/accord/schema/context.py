"""What a resolver may reach: who asks, one snapshot of the database, its loaders and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar
from uuid import UUID

import strawberry

from accord.access.principal import Identity, Principal
from accord.database.engine import Busy, Database, Lost, Snapshot, TimedOut, Transaction
from accord.database.failures import GONE, OutcomeUnknown
from accord.domain.acting import NOTED_EVERY
from accord.domain.callers.api_client import CLIENTS
from accord.schema.loaders import Loaders
from accord.services.grants.ticket import TicketSigner
from accord.services.retry import Retry, Seal

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Support:
    """Whom the vendor names as contact (S6, S18)."""

    name: str
    email: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """The key that a client sent with its mutations, and what closes what is kept under it."""

    key: str
    seal: Seal


class Context:
    """One caller's view of one operation.

    The edge makes one per request or socket; the executor forks it for each operation and each event, so loaders and
    snapshot never outlive one. `principal`, `snapshot` and `loaders` exist inside `operation()` alone.
    """

    principal: Principal
    snapshot: Snapshot
    loaders: Loaders

    def __init__(
        self,
        database: Database,
        identity: Identity,
        support: Support,
        tickets: TicketSigner,
        session: UUID | None = None,
        *,
        support_by_default: bool = False,
        clients_of_person: int = CLIENTS,
        keyed: Keyed | None = None,
    ) -> None:
        self.database = database
        self.identity = identity
        self.support = support
        self.tickets = tickets
        self.session = session
        self.support_by_default = support_by_default
        self.clients_of_person = clients_of_person
        self.keyed = keyed

    @property
    def now(self) -> datetime:
        """The instant of the snapshot: one time for all that an operation reads."""
        return self.snapshot.now

    def fork(self) -> Context:
        """The same caller, nothing opened yet."""
        return Context(
            self.database,
            self.identity,
            self.support,
            self.tickets,
            self.session,
            support_by_default=self.support_by_default,
            clients_of_person=self.clients_of_person,
            keyed=self.keyed,
        )

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """Opens the snapshot, reads the caller's rights as its first statement, closes it whatever happens."""
        try:
            await self._renew()
            yield
        finally:
            await self.snapshot.close()
        await self._note_use()

    async def transact(
        self,
        act: Callable[[Transaction], Awaitable[Result]],
        organisation_id: UUID | None = None,
        retry: Retry | None = None,
    ) -> Result:
        """Runs an act in a transaction of its own, under a key once; what is read afterwards is what was committed.

        The snapshot goes first, so that an operation never holds two connections. The rights are read anew as well:
        an act may have changed them. OutcomeUnknown where the change was made, or may have been, and can't be read.
        """
        await self.snapshot.close()
        made = True
        lost = False
        try:
            if retry is None:
                return await self.database.write(self.identity, organisation_id, act, self.session)
            once = partial(retry.act, act=act)
            return await self.database.write(self.identity, organisation_id, once, self.session, retry.take_turn)
        except OutcomeUnknown:
            raise
        except BaseException as error:
            made, lost = False, isinstance(error, Lost)
            raise
        finally:
            await self._renew_after(made, lost)

    async def _renew_after(self, made: bool, lost: bool) -> None:
        """Read the rights again; where the database has just been lost, once somebody asks for anything."""
        if lost:
            self._forget()
            return
        try:
            await self._renew()
        except GONE as error:
            if made:
                raise OutcomeUnknown from error
            raise

    async def _renew(self) -> None:
        self._forget()
        self.principal = await self.snapshot.principal()

    def _forget(self) -> None:
        self.snapshot = self.database.snapshot(self.identity, self.session)
        self.loaders = Loaders(self.snapshot)

    async def _note_use(self) -> None:
        """Note that the acting session is in use, when that was not noted for a while."""
        acting = self.principal.acting
        if acting is not None and acting.used_at <= self.now - NOTED_EVERY:
            with suppress(Busy, TimedOut):
                await self.database.note_use(self.identity, acting.session_id)


Info: TypeAlias = strawberry.Info[Context, None]
