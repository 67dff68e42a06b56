"""What callers have spent and what they have under way, for all gateways of one database together."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, BigInteger, Column, Double, Table, Text, text

from accord.database.tables.metadata import metadata

allowances: Final = Table(
    "allowances",
    metadata,
    Column("key", Text(), primary_key=True),
    Column("minute", Double(), nullable=False),
    Column("hour", Double(), nullable=False),
    Column("at", Double(), nullable=False),
    Column("running", ARRAY(BigInteger()), nullable=False, server_default=text("'{}'")),
    prefixes=["UNLOGGED"],
    postgresql_with={"fillfactor": 50},
)
"""Points spent when it was `at` (seconds since 1970), and a token for each request under way: when it is over at the
latest, in 1024ths of a microsecond. Not logged: a crash of PostgreSQL forgives everybody."""
