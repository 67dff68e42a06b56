"""The first accepted use of a token is a sign-in (model 4.12); which tokens were seen, this process remembers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from accord.access.principal import Identity
from accord.database.engine import Busy, Database, OutcomeUnknown, TimedOut
from accord.http.responses import busy
from accord.services.people.arrival import arrive

KEPT: Final = 10_000
ASKED_AGAIN: Final = 30.0


class Arrivals:
    """Notes each token once. One that left no event, as of somebody not known yet, is asked about again later."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self.clock = clock
        self.seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def note(self, identity: Identity) -> None:
        """Raises 503 BUSY when the database can't be asked, or did not say whether the sign-in was noted.

        Nothing was done yet of what the caller asked for.
        """
        key = (identity.issuer, identity.token_id)
        if self.seen.get(key, float("-inf")) > self.clock():
            return
        try:
            noted = await self.database.write(identity, None, arrive)
        except (Busy, TimedOut, OutcomeUnknown, OSError):
            raise busy() from None
        lives = (identity.expires_at - self.database.clock()).total_seconds() if noted else ASKED_AGAIN
        self.seen[key] = self.clock() + lives
        if len(self.seen) > KEPT:
            self.seen.popitem(last=False)
