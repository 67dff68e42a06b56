"""Filters of lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from accord.schema.connections import key_of, names
from accord.schema.types.enums import Outcome


@strawberry.input(description="Which events; a filter never matches what the viewer would not be shown.")
class ActivityFilter:
    from_: datetime | None = strawberry.field(default=None, name="from", description="From this instant on.")
    to: datetime | None = strawberry.field(default=None, description="Before this instant.")
    types: list[str] | None = None
    account_id: ID | None = None
    app: str | None = None
    user_id: ID | None = None
    partner_organisation_id: ID | None = None
    session_id: ID | None = None
    outcome: Outcome | None = None


def event_filter(given: ActivityFilter | None) -> dict[str, Any]:
    """The filter as the statement's bound values."""
    wanted = given or ActivityFilter()
    return {
        "since": wanted.from_,
        "until": wanted.to,
        "types": names(wanted.types),
        "account": _key("account", wanted.account_id),
        "app": wanted.app,
        "person": _key("user", wanted.user_id),
        "partner": _key("organisation", wanted.partner_organisation_id),
        "session": _key("session", wanted.session_id),
        "outcome": wanted.outcome,
    }


def _key(kind: str, given: ID | None) -> str | None:
    return None if given is None else key_of(kind, given)
