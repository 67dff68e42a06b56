"""/exports: the activity list and reports as files, with the rights of both (S89, model 4.12, 4.15)."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from graphql import GraphQLError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accord.access.decision import may_ever, refusal, require
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Identity
from accord.database.engine import AccessRevoked, Busy, Database, SessionOver, TimedOut, Transaction
from accord.database.queries.read.activity import EventRow
from accord.database.queries.read.export import (
    PAGE_SIZE,
    count_events,
    get_head_sequence,
    get_report,
    reads_any_event,
    stream_events,
)
from accord.domain.activity import EventType, Outcome
from accord.domain.errors import Forbidden, NotFound, OrganisationContextMismatch, ValidationError
from accord.domain.ids import global_id, parse_id
from accord.domain.organisation import PLATFORM
from accord.domain.report import Period, ReportGrouping, ReportName, types_of
from accord.http.acting import acting_session, over
from accord.http.authentication import Authenticator
from accord.http.csv import line
from accord.http.exchange import exchange_of
from accord.http.files import whole_file
from accord.http.rates import EXPORT, Price, Rates
from accord.http.responses import HttpError, busy
from accord.http.slots import Slot
from accord.schema.scalars import parse_instant
from accord.services.activity import record_export

Word = TypeVar("Word")
COLUMNS: Final = (
    *("Time", "Event", "Account", "App", "User", "Location", "OS", "Device"),
    *("Partner", "On behalf of", "Session", "Reason", "Sequence", "Hash"),
)
REPORT_COLUMNS: Final = ("Key", "Label", "Count")
REPORT_PARAMETERS: Final = ("organisationId", "name", "from", "to", "groupBy")
AT_ONCE: Final = 100
"""Lines that are written before others get their turn, the next page among them."""

PAGES_IN_MEMORY: Final = 6 * PAGE_SIZE
"""Bytes that an export keeps: two pages, and each character of a text may take four."""
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
        rates: Rates,
        longest: int = 1_000_000,
    ) -> None:
        self.database = database
        self.authenticator = authenticator
        self.longest = longest
        self.rates = rates

    def routes(self) -> list[Route]:
        return [Route("/exports/activity.csv", self.activity), Route("/exports/report.csv", self.report)]

    async def activity(self, request: Request) -> Response:
        """The visible events of one organisation's stream, newest first; the export is an event itself."""
        return await self.answered(request, self.export)

    async def report(self, request: Request) -> Response:
        """Every row of one report, most first; the export is an event of the organisation itself."""
        return await self.answered(request, self.export_report)

    async def answered(
        self, request: Request, export: Callable[[Identity, UUID | None, QueryParams], Awaitable[Response]]
    ) -> Response:
        identity = await self.authenticator.identify(request)
        try:
            slot = await self.acquire(request, identity)
            response = await export(identity, acting_session(request), request.query_params)
        except NotFound as error:
            raise HttpError(404, error.code, error.message) from None
        except Forbidden as error:
            raise HttpError(403, error.code, error.message, action=error.action, condition=error.condition) from None
        except OrganisationContextMismatch as error:
            raise HttpError(403, error.code, error.message, expected=error.expected, actual=error.actual) from None
        except (AccessRevoked, SessionOver) as error:
            raise over(error) from None
        except Busy:
            raise busy() from None
        except TimedOut:
            raise HttpError(504, "TIMEOUT", "The export took too long. Ask for a shorter time.") from None
        response.headers.update(slot.headers())
        return response

    async def acquire(self, request: Request, identity: Identity) -> Slot:
        """A slot that counts among the exports too, until the file is written; raises RATE_LIMITED or BUSY."""
        slot = await self.rates.acquire(identity, Price(EXPORT))
        exchange = exchange_of(request)
        exchange.hold(slot, self.rates.release)
        exchange.memory = PAGES_IN_MEMORY
        await self.authenticator.arrive(identity)
        await self.rates.begin_export(slot)
        return slot

    async def export(self, identity: Identity, session: UUID | None, query: QueryParams) -> Response:
        given = parameters(query, PARAMETERS)
        organisation_id = organisation(given, identity)
        filters = bound_filters(given)
        rows = await count_events(self.database, identity, session, organisation_id, filters)
        if rows > self.longest:
            raise HttpError(413, "EXPORT_TOO_LARGE", "Ask for a shorter time.", limit=self.longest, actual=rows)
        head, before = await self.record(identity, session, organisation_id, given)
        name = f"activity-{self.database.clock():%Y%m%dT%H%M%SZ}.csv"
        headers = {"accord-activity-head": head, "content-disposition": f'attachment; filename="{name}"'}
        return await whole_file(COLUMNS, self.lines(identity, organisation_id, filters, before), headers, least=rows)

    async def record(
        self, identity: Identity, session: UUID | None, organisation_id: UUID, given: dict[str, str]
    ) -> tuple[str, int]:
        """The head of the stream before the export, and the number of the export's own event."""

        async def act(tx: Transaction) -> tuple[str, int]:
            await require_export(tx, organisation_id)
            head = await record_export(tx, organisation_id=organisation_id, filters=given)
            return head, await get_head_sequence(tx, organisation_id)

        named = None if organisation_id == PLATFORM else organisation_id
        return await self.database.write(identity, named, act, session)

    async def lines(
        self, identity: Identity, organisation_id: UUID, filters: dict[str, Any], before: int
    ) -> AsyncGenerator[Sequence[bytes]]:
        """The lines of the events, some at a time."""
        async with aclosing(stream_events(self.database, identity, organisation_id, filters, before)) as pages:
            async for page in pages:
                for start in range(0, len(page.rows), AT_ONCE):
                    yield [line(cells(row, page.names)) for row in page.rows[start : start + AT_ONCE]]
                    await sleep(0)

    async def export_report(self, identity: Identity, session: UUID | None, query: QueryParams) -> Response:
        given = parameters(query, REPORT_PARAMETERS)
        organisation_id, name, grouping, period = report_wanted(given)
        bounds = {"since": period.since, "until": period.until, "types": types_of(name), "size": self.longest}
        rows = await get_report(self.database, identity, session, organisation_id, grouping, **bounds)
        if rows and rows[0].rows > self.longest:
            raise HttpError(413, "EXPORT_TOO_LARGE", "Ask for a shorter time.", limit=self.longest, actual=rows[0].rows)

        async def act(tx: Transaction) -> str:
            target = Target(organisation_id=organisation_id)
            require(tx.principal, Action.REPORT_READ, target, now=tx.now, acting_for=tx.acting_for)
            return await record_export(tx, organisation_id=organisation_id, filters=given)

        head = await self.database.write(identity, organisation_id, act, session)
        file = f"report-{name.lower()}-{self.database.clock():%Y%m%dT%H%M%SZ}.csv"
        headers = {"accord-activity-head": head, "content-disposition": f'attachment; filename="{file}"'}
        return await whole_file(REPORT_COLUMNS, report_lines(rows), headers, least=len(rows))


async def report_lines(rows: Sequence[Any]) -> AsyncGenerator[Sequence[bytes]]:
    """The lines of a report, some at a time."""
    for start in range(0, len(rows), AT_ONCE):
        yield [line((row["key"], row.label, row["count"])) for row in rows[start : start + AT_ONCE]]
        await sleep(0)


def report_wanted(given: dict[str, str]) -> tuple[UUID, ReportName, ReportGrouping, Period]:
    """The organisation, the report, its grouping and its period; BAD_USER_INPUT where one of them lacks."""
    for name in REPORT_PARAMETERS:
        if name not in given:
            raise bad_input(name)
    organisation_id = parse_id("organisation", given["organisationId"])
    since, until = instant(given, "from"), instant(given, "to")
    try:
        period = Period(since, until) if since and until else None
    except ValidationError:
        period = None
    if period is None:
        raise bad_input("to")
    return organisation_id, only(given, "name", ReportName), only(given, "groupBy", ReportGrouping), period


def only(given: dict[str, str], name: str, kind: Callable[[str], Word]) -> Word:
    try:
        return kind(given[name])
    except ValueError:
        raise bad_input(name) from None


async def require_export(tx: Transaction, organisation_id: UUID) -> None:
    """Raise Forbidden unless the caller may export and can read at least one event of this organisation's stream."""
    standing = tx.principal.standing_in(organisation_id)
    within = replace(tx.principal, standings=(standing,) if standing else ())
    if not may_ever(within, Action.ACTIVITY_EXPORT) or not await reads_any_event(tx, organisation_id):
        raise Forbidden(Action.ACTIVITY_EXPORT, refusal(within, Action.ACTIVITY_EXPORT))


def cells(row: EventRow, names: Mapping[str, str]) -> tuple[object, ...]:
    """One event in the order of `COLUMNS`, from a row of `IN_FILE`."""
    _, number, occurred_at, type, account, app, person, client, *rest = row
    location, system, device, partner_id, host_id, session, reason, digest, _ = rest
    occurred = occurred_at.isoformat().replace("+00:00", "Z")
    user = f"{person} ({client})" if client else person
    what = (occurred, type, account, app, user, location, system, device)
    acted_in = session and global_id("session", session)
    return (*what, names.get(partner_id), names.get(host_id), acted_in, reason, number, digest)


def parameters(query: QueryParams, names: Sequence[str]) -> dict[str, str]:
    """Raises BAD_USER_INPUT for a name that is unknown or given twice."""
    for name in query:
        if name not in names or len(query.getlist(name)) > 1:
            raise bad_input(name if name in names else "query")
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
        return parse_instant(given[name])
    except GraphQLError as error:
        raise HttpError(400, "BAD_USER_INPUT", error.message, field=name) from None


def storable(given: dict[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and ("\x00" in value or not value.isprintable()):
        raise bad_input(name)
    return value


def bad_input(name: str) -> HttpError:
    return HttpError(400, "BAD_USER_INPUT", f"`{name}` is not usable.", field=name)
