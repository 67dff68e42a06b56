"""The data sets of the growth benchmark: one tenant of each kind, each grown with the number of partners.

`tenants.sql` writes them as sets. Its chain is the shortcut of the other data set: hashes that look like a chain and
are none, since nothing that is measured verifies them; heads and numbers are right, so that acts append as ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from accord.database.embedded import EmbeddedPostgres
from accord.domain.ids import global_id
from accord.domain.organisation import token_hash
from tests.performance.dataset import ISSUER_OF_ALL, STARTED, Progress, provide_named
from tests.servers import DatabaseURLs, administer

WRITTEN: Final = (Path(__file__).parent / "tenants.sql").read_text(encoding="utf-8")
DIRECTORY_TOKEN: Final = "accord_scim_of_the_growth_benchmark"
"""The credential of the crowd's directory."""


@dataclass(frozen=True, slots=True)
class Grown:
    """How large the tenants are; everything follows from the number of partners."""

    partners: int

    @property
    def people(self) -> int:
        """Members of the largest organisation."""
        return 10 * self.partners

    @property
    def events(self) -> int:
        """Events in the brand's stream."""
        return 200 * self.partners

    @property
    def few(self) -> int:
        """What there is two fifths as much of as of partners: accounts of one owner, grants of one person."""
        return max(8, self.partners * 2 // 5)

    def counts(self) -> dict[str, int]:
        """The columns of the table `size`."""
        return asdict(self) | {
            "people": self.people,
            "events": self.events,
            "owned": self.few,
            "resellers": max(2, self.partners // 10),
            "delegated": max(2, self.partners * 6 // 100),
            "admins": max(2, self.partners // 25),
            "granted": max(4, self.partners // 10),
            "notices": max(4, self.partners * 8 // 100),
        }

    def __str__(self) -> str:
        return f"{self.partners:,} partners, {self.people:,} people, {self.events:,} events"


class Named:
    """The rows of a data set that are asked for, by the names that `tenants.sql` gives them."""

    def __init__(self, keys: dict[str, UUID]) -> None:
        self.keys = keys

    def __call__(self, name: str) -> str:
        """Return the global ID of `kind:name`."""
        return global_id(name.partition(":")[0], self.keys[name])

    @classmethod
    async def read(cls, owner: asyncpg.Connection[asyncpg.Record]) -> Named:
        """Read all names."""
        return cls({row["name"]: row["id"] for row in await owner.fetch("SELECT name, id FROM public.named")})


def month() -> str:
    """The month of the data: its times count from the day it is made, so that it is made again in the next one."""
    return f"{datetime.now(UTC):%Y%m}"


def name_of(grown: Grown) -> str:
    """The name of the database, which tells sizes, months and versions of the SQL apart."""
    said = repr((month(), sorted(grown.counts().items()), WRITTEN))
    return f"growth_{grown.partners}_{hashlib.sha256(said.encode()).hexdigest()[:12]}"


async def provide_grown(server: EmbeddedPostgres, grown: Grown, progress: Progress) -> DatabaseURLs:
    """Return the database of this size, made where it is missing; older ones of its size are dropped."""
    name = name_of(grown)
    for older in await databases(server, f"growth\\_{grown.partners}\\_%"):
        if older != name:
            await administer(server, f"DROP DATABASE {older} WITH (FORCE)")
    return await provide_named(server, name, lambda made: fill(made, grown, progress))


async def databases(server: EmbeddedPostgres, like: str) -> list[str]:
    """Return the names of the databases that are like this."""
    connection = await asyncpg.connect(server.url("superuser", "postgres"))
    try:
        found = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", like)
    finally:
        await connection.close()
    return [row["datname"] for row in found]


def statements() -> list[str]:
    """Return the statements of `tenants.sql`, without its comments."""
    lines = (line for line in WRITTEN.splitlines() if not line.startswith("--"))
    return [one.strip() for one in "\n".join(lines).split("\n\n") if one.strip()]


async def fill(urls: DatabaseURLs, grown: Grown, progress: Progress) -> None:
    """Write everything; foreign keys hold by construction and are not asked again."""
    counts = grown.counts()
    columns = ", ".join(f"{number} AS {name}" for name, number in counts.items())
    owner = await asyncpg.connect(urls.superuser)
    try:
        await owner.execute(
            f"CREATE TEMP TABLE size AS SELECT {columns}, '{STARTED.isoformat()}'::timestamptz AS began,"
            f" '{ISSUER_OF_ALL}' AS issuer, '{token_hash(DIRECTORY_TOKEN)}' AS directory_token_hash"
        )
        for number, statement in enumerate(listed := statements()):
            progress(f"{grown.partners:,} partners: statement {number + 1} of {len(listed)}")
            await owner.execute(statement)
    finally:
        await owner.close()
