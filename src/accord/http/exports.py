"""/exports/activity.csv: the activity list as a file, with the rights of the list (S89, model 4.12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from accord.access.decision import Condition, may_ever
from accord.access.permissions import Action
from accord.access.principal import Identity, Principal
from accord.database.engine import AccessRevoked, Busy, Database, SessionOver, TimedOut, Transaction
from accord.database.queries.export import count_events, get_head_sequence, stream_events
from accord.database.queries.read.activity import EventRow
from accord.domain.activity import EventType, Outcome
from accord.domain.errors import Forbidden, NotFound, OrganisationContextMismatch
from accord.domain.ids import global_id, parse_id
from accord.domain.organisation import PLATFORM
from accord.http.acting import acting_session, over
from accord.http.authentication import Authenticator
from accord.http.csv import line
from accord.http.rates import EXPORT, Rates
from accord.http.responses import HttpError
from accord.services.activity import record_export

COLUMNS: Final = (
    *("Time", "Event", "Account", "App", "User", "Location", "OS", "Device"),
    *("Partner", "On behalf of", "Session", "Reason", "Sequence", "Hash"),
)
PARAMETERS: Final = (
    *("organisationId", "from", "to", "types", "outcome", "accountId", "app", "userId", "partnerOrganisationId"),
    "sessionId",
)


class ExportRoutes:
    """`longest`: rows that one file may have."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        longest: int = 1_000_000,
        rates: Rates | None = None,
    ) -> None:
        self.database = database
        self.authenticator = authenticator
        self.longest = longest
        self.rates = rates or Rates()

    def routes(self) -> list[Route]:
        return [Route("/exports/activity.csv", self.activity)]

    async def activity(self, request: Request) -> Response:
        """The visible events of one organisation's stream, newest first; the export is an event itself."""
        identity = await self.authenticator.identify(request)
        try:
            with self.rates.admitted(identity):
                self.rates.spend(identity, EXPORT)
                return await self.export(identity, acting_session(request), request.query_params)
        except NotFound as error:
            raise HttpError(404, error.code, error.message) from None
        except Forbidden as error:
            raise HttpError(403, error.code, error.message, action=error.action, condition=error.condition) from None
        except OrganisationContextMismatch as error:
            raise HttpError(403, error.code, error.message, expected=error.expected, actual=error.actual) from None
        except (AccessRevoked, SessionOver) as error:
            raise over(error) from None
        except Busy:
            raise HttpError(
                503, "BUSY", "The service is busy. Please try again.", headers={"retry-after": "1"}
            ) from None
        except TimedOut:
            raise HttpError(504, "TIMEOUT", "The export took too long. Ask for a shorter time.") from None

    async def export(self, identity: Identity, session: UUID | None, query: QueryParams) -> Response:
        given = parameters(query)
        organisation_id = organisation(given, identity)
        filters = bound_filters(given)
        rows = await count_events(self.database, identity, session, organisation_id, filters)
        if rows > self.longest:
            raise HttpError(413, "EXPORT_TOO_LARGE", "Ask for a shorter time.", limit=self.longest, actual=rows)
        head, before = await self.record(identity, session, organisation_id, given)
        name = f"activity-{self.database.clock():%Y%m%dT%H%M%SZ}.csv"
        headers = {"accord-activity-head": head, "content-disposition": f'attachment; filename="{name}"'}
        content = self.content(identity, organisation_id, filters, before)
        return StreamingResponse(content, headers=headers, media_type="text/csv; charset=utf-8")

    async def record(
        self, identity: Identity, session: UUID | None, organisation_id: UUID, given: dict[str, str]
    ) -> tuple[str, int]:
        """The head of the stream before the export, and the number of the export's own event."""

        async def act(tx: Transaction) -> tuple[str, int]:
            require_export(tx.principal, organisation_id)
            head = await record_export(tx, organisation_id=organisation_id, filters=given)
            return head, await get_head_sequence(tx, organisation_id)

        named = None if organisation_id == PLATFORM else organisation_id
        return await self.database.write(identity, named, act, session)

    async def content(
        self, identity: Identity, organisation_id: UUID, filters: dict[str, Any], before: int
    ) -> AsyncIterator[bytes]:
        yield line(COLUMNS)
        async with aclosing(stream_events(self.database, identity, organisation_id, filters, before)) as pages:
            async for page in pages:
                yield b"".join(line(cells(*told)) for told in page)


def require_export(principal: Principal, organisation_id: UUID) -> None:
    """May this person export the activity of this organisation? Raises Forbidden."""
    standing = principal.standing_in(organisation_id)
    within = replace(principal, standings=(standing,) if standing else ())
    if not may_ever(within, Action.ACTIVITY_EXPORT):
        raise Forbidden(Action.ACTIVITY_EXPORT, Condition.NO_GRANT)


def cells(row: EventRow, partner: str | None, on_behalf_of: str | None) -> tuple[object, ...]:
    occurred = row.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    what = (occurred, row.type, row.account_label, row.app, row.user_name, row.location, row.os, row.device)
    session = row.acting_session_id and global_id("session", row.acting_session_id)
    return (*what, partner, on_behalf_of, session, row.reason, row.sequence, row.hash)


def parameters(query: QueryParams) -> dict[str, str]:
    """Raises BAD_USER_INPUT for a name that is unknown or given twice."""
    for name in query:
        if name not in PARAMETERS or len(query.getlist(name)) > 1:
            raise bad_input(name if name in PARAMETERS else "query")
    return {name: value for name, value in query.items() if value}


def organisation(given: dict[str, str], identity: Identity) -> UUID:
    """Whose stream; the operator's own is the platform's."""
    if "organisationId" not in given and identity.operator:
        return PLATFORM
    if "organisationId" not in given:
        raise bad_input("organisationId")
    return parse_id("organisation", given["organisationId"])


def bound_filters(given: dict[str, str]) -> dict[str, Any]:
    """The bound values of the list's filters; those not given admit all."""

    def key(name: str, kind: str) -> str | None:
        return str(parse_id(kind, given[name])) if name in given else None

    return {
        "since": instant(given, "from"),
        "until": instant(given, "to"),
        "types": chosen(given, "types", EventType),
        "outcome": next(iter(chosen(given, "outcome", Outcome) or ()), None),
        "account": key("accountId", "account"),
        "app": storable(given, "app"),
        "person": key("userId", "user"),
        "partner": key("partnerOrganisationId", "organisation"),
        "session": key("sessionId", "session"),
    }


def chosen(given: dict[str, str], name: str, kind: Callable[[str], Any]) -> list[str] | None:
    try:
        return [str(kind(word)) for word in given[name].split(",")] if name in given else None
    except ValueError:
        raise bad_input(name) from None


def instant(given: dict[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        read = datetime.fromisoformat(given[name])
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_input(name) from None


def storable(given: dict[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and ("\x00" in value or not value.isprintable()):
        raise bad_input(name)
    return value


def bad_input(name: str) -> HttpError:
    return HttpError(400, "BAD_USER_INPUT", f"`{name}` is not usable.", field=name)
