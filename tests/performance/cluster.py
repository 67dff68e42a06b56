"""The PostgreSQL server of the benchmark, whose data sets stay between runs in the state folder of this checkout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accord.database.embedded import EmbeddedPostgres, default_state

SETTINGS: Final = {
    "shared_buffers": "1GB",
    "max_connections": "200",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",
}
"""What anybody sets for a server of this size; autovacuum would run during one round and not during another."""

FORGETFUL: Final = {"fsync": "off", "full_page_writes": "off"}
"""While data sets are made: one that a crash cuts off is made again."""


NOTHING: Final[dict[str, str]] = {}
"""No settings beside the others."""


def kept() -> Path:
    """Where the data sets live between runs."""
    return default_state() / "bench"


@contextmanager
def running(folder: Path, *, durable: bool = True, given: Mapping[str, str] = NOTHING) -> Iterator[EmbeddedPostgres]:
    """The server of this folder, durable as in production unless told otherwise; `given` are more of its settings."""
    with EmbeddedPostgres(folder, settings=SETTINGS | (NOTHING if durable else FORGETFUL) | dict(given)) as server:
        yield server
