"""One operation after another in process, each with its SQL statements counted where they leave the gateway."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from sqlalchemy import event
from strawberry.extensions import ParserCache, ValidationCache

from accord.access.principal import Client, Identity
from accord.database.caller import Driver
from accord.database.engine import Database
from accord.schema.context import Context, Support
from accord.schema.schema import build_schema
from tests.performance.dataset import ISSUER_OF_ALL, STARTED
from tests.schema.conftest import NoTickets

WARM: Final = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement as it left: prepared with its values, as a list for many rows of them, or as it is without any."""

    sql: str
    values: Sequence[Any]

    async def to(self, connection: Driver) -> None:
        if isinstance(self.values, list):
            await connection.executemany(self.sql, self.values)
        elif self.values:
            await connection.fetch(self.sql, *self.values)
        else:
            await connection.execute(self.sql)


class Probe:
    """A schema on one connection, asked as one person unless another is named."""

    def __init__(self, database: Database, subject: str, sent: list[Sent]) -> None:
        self.schema = build_schema((ParserCache, ValidationCache))
        self.database = database
        self.subject = subject
        self.sent = sent

    async def ask(self, document: str, given: Mapping[str, Any], subject: str | None = None) -> dict[str, Any]:
        """The data; raises the first error."""
        who = Identity(ISSUER_OF_ALL, subject or self.subject, None, False, None, False, "", STARTED, Client())
        context = Context(self.database, who, Support("S", "s@v.example"), NoTickets())
        result = await self.schema.execute(document, variable_values=dict(given), context_value=context)
        for error in result.errors or ():
            raise error
        assert result.data is not None
        return result.data

    async def statements(self, document: str, given: Mapping[str, Any]) -> int:
        """How many an operation sends that is not the first of its kind."""
        await self.ask(document, given)
        self.sent.clear()
        await self.ask(document, given)
        return len(self.sent)

    async def milliseconds(self, document: str, given: Mapping[str, Any], repeats: int) -> float:
        """The median of so many answers after the ones that warm up."""
        times = []
        for _ in range(WARM + repeats):
            began = time.perf_counter()
            await self.ask(document, given)
            times.append((time.perf_counter() - began) * 1e3)
        return median(times[WARM:])


@asynccontextmanager
async def probing(url: str, subject: str) -> AsyncIterator[Probe]:
    """A probe on this database; `subject` is known by the issuer of the data set. Statements are heard from SQLAlchemy
    where it has one set of values, from the driver else."""
    sent: list[Sent] = []
    database = Database(url, pool_size=1)
    engine = database.engine.sync_engine

    def opened(connection: Any, _: Any) -> None:
        driver: Driver = connection.driver_connection
        driver.add_query_logger(lambda said: sent.append(Sent(said.query, said.args)))

    def executed(_: Any, __: Any, sql: str, values: Any, ___: Any, many: bool) -> None:
        if not many:
            sent.append(Sent(sql, values))

    event.listen(engine, "connect", opened)
    event.listen(engine, "after_cursor_execute", executed)
    try:
        yield Probe(database, subject, sent)
    finally:
        await database.close()
