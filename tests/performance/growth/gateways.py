"""A data set with a gateway on it, ready to be measured."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncpg
import httpx2

from accord.database.embedded import EmbeddedPostgres
from tests.performance import peers
from tests.performance.dataset import ISSUER_OF_ALL, Progress
from tests.performance.growth.meter import LONGEST, Meter
from tests.performance.growth.scene import OPERATOR, Scene
from tests.performance.growth.tenants import Grown, Named, provide_grown
from tests.servers import DatabaseURLs

MEASURED: Final = {"shared_preload_libraries": "pg_stat_statements"}
"""What a server needs so that statements are counted."""

GATEWAY: Final = {
    "ACCORD_POOL_SIZE": "4",
    "ACCORD_IN_FLIGHT_OF_PERSON": "3",
    "ACCORD_IN_FLIGHT_OF_ORGANISATION": "3",
    "ACCORD_OPERATORS": f"{ISSUER_OF_ALL} {OPERATOR}",
    "ACCORD_EXPORT_ROWS": "10000000",
    "ACCORD_WORKER_INSIDE": "false",
}
"""One request at a time needs few connections; a file may have the whole stream."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What is asked, and what measures it."""

    scene: Scene
    meter: Meter
    owner: asyncpg.Connection[asyncpg.Record]
    http: httpx2.AsyncClient


@asynccontextmanager
async def ready(server: EmbeddedPostgres, grown: Grown, folder: Path, progress: Progress) -> AsyncIterator[Ready]:
    """Provide the data set of this size and start a gateway on it."""
    urls = await provide_grown(server, grown, progress)
    async with gateway(urls, grown, folder) as found:
        yield found


@asynccontextmanager
async def gateway(
    urls: DatabaseURLs, grown: Grown, folder: Path, *, watched: bool = False, **given: str
) -> AsyncIterator[Ready]:
    """Start a gateway on this database, one whose event loop is watched if wanted; `given` are more of its settings."""
    state = peers.fresh(folder / str(grown.partners))
    owner = await asyncpg.connect(urls.superuser)
    try:
        named = await Named.read(owner)
        asker = peers.Asker(
            named.keys["user:p1@brand0.example"], named.keys["organisation:brand-0"], "p1@brand0.example"
        )
        peer = peers.gateway(f"{grown.partners} partners", urls, asker, state, **{**GATEWAY, **given})
        if watched:
            peer = replace(peer, command=(sys.executable, "-m", "tests.performance.growth.watched", "serve"))
        async with peers.started(peer, state / "gateway.log") as running:
            url = f"http://127.0.0.1:{running.port}"
            async with httpx2.AsyncClient(base_url=url, timeout=LONGEST) as http:
                scene = Scene(grown, named, state)
                await scene.sign_in(http)
                yield Ready(scene, Meter(running.process_id, owner, http), owner, http)
    finally:
        await owner.close()
