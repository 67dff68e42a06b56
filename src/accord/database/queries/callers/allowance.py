"""What callers have left: taken, and given back, in one statement each that commits by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from accord.database.engine import Database

ADMIT: Final = "SELECT * FROM accord.admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
RELEASE: Final = "SELECT accord.release($1, $2, $3, $4, $5, $6, $7, $8)"
NOTE_FAILURE: Final = "SELECT accord.note_failure($1, $2, $3)"
CHARGE: Final = "SELECT * FROM accord.charge($1, $2, $3, $4, $5, $6, $7, $8, $9)"
BEGIN_EXPORT: Final = "SELECT accord.begin_export($1, $2, $3, $4, $5, $6, $7)"
END_EXPORTS: Final = "SELECT accord.end_exports($1, $2, $3, $4, $5)"
RENEW: Final = "SELECT accord.renew($1, $2, $3, $4, $5, $6, $7)"

Reason: TypeAlias = Literal[
    "POINTS", "GUESSES", "PERSON", "ORGANISATION", "EXPORTS_OF_PERSON", "EXPORTS_OF_ORGANISATION"
]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Points and guesses that come back within a minute and an hour, requests at once, and the seconds after which one
    that nobody ended is over."""

    per_minute: int = 2_000
    per_hour: int = 5_000
    guesses: int = 30
    of_person: int = 8
    of_organisation: int = 16
    exports_of_person: int = 2
    exports_of_organisation: int = 8
    lease: float = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request of somebody: what it costs, and how often it guesses."""

    issuer: str
    subject: str
    points: float
    guesses: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A request under way, the points that it cost beyond what was taken, and whether it counts among the exports."""

    issuer: str
    subject: str
    organisation_id: UUID | None
    token: int
    points: float = 0.0
    exports: bool = False


async def admit(database: Database, wanted: Wanted, limits: RateLimits, at: float | None) -> Any:
    """Take what is wanted, all of it or nothing: `refused` says why not, a Reason, `waits` for how many seconds.

    `at` is the time in seconds, PostgreSQL's own without one.
    """
    async with database.statement() as raw:
        return await raw.fetchrow(
            ADMIT,
            wanted.issuer,
            wanted.subject,
            wanted.points,
            wanted.guesses,
            limits.per_minute,
            limits.per_hour,
            limits.guesses,
            limits.of_person,
            limits.of_organisation,
            limits.lease,
            at,
        )


async def release(database: Database, leases: Sequence[Lease], limits: RateLimits, at: float | None) -> None:
    """Give back what these requests held."""
    columns = zip(
        *((one.issuer, one.subject, one.organisation_id, one.token, one.points) for one in leases), strict=True
    )
    async with database.statement() as raw:
        await raw.execute(RELEASE, *map(list, columns), limits.per_minute, limits.per_hour, at)


async def charge(database: Database, wanted: Wanted, paid: float, limits: RateLimits, at: float | None) -> Any:
    """Take more for a request that has a slot and has paid so many points: as `admit`, without a place for it."""
    async with database.statement() as raw:
        return await raw.fetchrow(
            CHARGE,
            wanted.issuer,
            wanted.subject,
            paid,
            wanted.points,
            wanted.guesses,
            limits.per_minute,
            limits.per_hour,
            limits.guesses,
            at,
        )


async def begin_export(database: Database, lease: Lease, limits: RateLimits, at: float | None) -> Reason | None:
    """Count a request among the exports of its person and organisation; return which of them has too many."""
    async with database.statement() as raw:
        bounds = (limits.exports_of_person, limits.exports_of_organisation)
        held = (lease.issuer, lease.subject, lease.organisation_id, lease.token)
        refused: Reason | None = await raw.fetchval(BEGIN_EXPORT, *held, *bounds, at)
        return refused


async def end_exports(database: Database, leases: Sequence[Lease], at: float | None) -> None:
    """Count these requests among the exports no longer."""
    columns = zip(*((one.issuer, one.subject, one.organisation_id, one.token) for one in leases), strict=True)
    async with database.statement() as raw:
        await raw.execute(END_EXPORTS, *map(list, columns), at)


async def renew(database: Database, leases: Sequence[Lease], limits: RateLimits, at: float | None) -> Sequence[int]:
    """Let these requests last for another lease; return the tokens that replace theirs, in the same order."""
    columns = zip(
        *((one.issuer, one.subject, one.organisation_id, one.token, one.exports) for one in leases), strict=True
    )
    async with database.statement() as raw:
        renewed: Sequence[int] = await raw.fetchval(RENEW, *map(list, columns), limits.lease, at)
        return renewed


async def note_failure(database: Database, keys: Sequence[tuple[str, int]], at: float | None) -> list[float]:
    """Note one failure under each key, with how many a minute allows, unless one has no more: then under none.

    Returns for each key in how many seconds the next would be, none above 0 where it was noted.
    """
    async with database.statement() as raw:
        names, most = zip(*keys, strict=True)
        waits: list[float] = await raw.fetchval(NOTE_FAILURE, list(names), list(most), at)
        return waits
