"""What happened, as far as the viewer sees it."""

from __future__ import annotations

from accord.access.principal import Principal
from accord.database.queries.read.activity import EVENTS
from accord.domain.organisation import PLATFORM
from accord.schema.connections import listing
from accord.schema.context import Info
from accord.schema.pagination import Connection, span
from accord.schema.types.activity import ActivityEvent
from accord.schema.types.filters import ActivityFilter, event_filter
from accord.schema.types.viewer import acted_in


def activity(
    info: Info,
    filter: ActivityFilter | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[ActivityEvent] | None:
    """The events of the organisation acted in, newest first; the operator's are the platform's."""
    wanted = span(first, after, last, before)
    return listing(info, EVENTS, stream_of(info.context.principal), wanted, **event_filter(filter))


def stream_of(principal: Principal) -> str:
    """Whose stream the caller reads: that of the organisation acted in, without any the platform's."""
    return str(acted_in(principal) if principal.standings or principal.acting else PLATFORM)
