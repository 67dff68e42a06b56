"""The demo world: organisations, people and some months of partnerships, lived through the services.

Nothing is written past the rules: every row comes of an act that its person was allowed at that time, by a clock that
the story sets. Its mails count as sent; none leaves.
"""

from __future__ import annotations

from datetime import UTC, datetime

from accord.database.engine import Database
from accord.database.loading import loading
from accord.database.queries.read.demo import is_empty, mark_all_sent
from accord.demo.cast import WELCOME
from accord.demo.stage import Clock, Stage
from accord.demo.story import tell
from accord.settings import Settings

__all__ = ["WELCOME", "NotEmpty", "load", "load_world"]


class NotEmpty(RuntimeError):
    """The demo world goes into an empty database only."""


async def load(settings: Settings) -> None:
    """Load the demo world into the database of these settings, for people of their development issuer.

    Raises NotEmpty where there is an organisation already, AlreadyLoading where another process is at it. A load that
    is interrupted leaves its mark: `forget_interrupted` empties the database again.
    """
    if settings.database_url is None or settings.worker_url is None or settings.owner_url is None:
        raise ValueError("the demo world needs OWNER_URL, DATABASE_URL and WORKER_URL")
    issuer = f"{settings.public_url}/dev/issuer"
    gateway, worker = settings.database_url.get_secret_value(), settings.worker_url.get_secret_value()
    async with loading(settings.owner_url.get_secret_value()):
        await load_world(gateway, worker, issuer)


async def load_world(gateway_url: str, worker_url: str, issuer: str, today: datetime | None = None) -> Stage:
    """As `load`, by URLs; the stage says which key belongs to whom. `today` is the day at which the story ends."""
    clock = Clock(today or datetime.now(UTC))
    gateway = Database(gateway_url, pool_size=1, durable=False, clock=clock)
    worker = Database(worker_url, pool_size=1, durable=False, clock=clock)
    try:
        if not await is_empty(worker):
            raise NotEmpty("there is an organisation already")
        stage = Stage(gateway, worker, clock, issuer)
        await tell(stage)
        await mark_all_sent(worker)
    finally:
        await gateway.close()
        await worker.close()
    return stage
