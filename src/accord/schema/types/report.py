"""The dashboard of an organisation, and reports over its activity (S26, S27)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import strawberry
from strawberry import ID

from accord.access.permissions import Action
from accord.database.queries.read import report as read
from accord.domain.errors import ValidationError
from accord.domain.report import EXPIRING_WITHIN, SERIES, UNUSED_AFTER, Period, types_of
from accord.schema.context import Info
from accord.schema.decisions import demand_in_organisation
from accord.schema.errors import BadInput
from accord.schema.permissions import guarded
from accord.schema.types.enums import PartnershipState, ReportGrouping, ReportName

LONGEST_REPORT: Final = 500
"""Rows that an answer has at most; the CSV has all."""


@guarded(Action.DASHBOARD_READ)
@strawberry.type(description="How many partnerships are in a state.")
class PartnershipCount:
    state: PartnershipState
    count: int


@guarded(Action.DASHBOARD_READ)
@strawberry.type(description="How often on one day, by UTC.")
class DayCount:
    day: date
    count: int


@guarded(Action.DASHBOARD_READ)
@strawberry.type(
    description="Figures of an organisation. For its leaders they count everything; for who acts in it, what concerns "
    "the partnership acted under."
)
class Dashboard:
    partnerships: list[PartnershipCount] = strawberry.field(description="Those that have not ended, as host or guest.")
    accounts_shared_out: int = strawberry.field(description="Own accounts that a partner has now.")
    accounts_shared_in: int = strawberry.field(description="Accounts of others that this organisation has now.")
    people_with_access: int = strawberry.field(
        description="Partners' people with a grant, an effective level, a delegated role or a contact's."
    )
    requests_waiting: int = strawberry.field(description="Partnerships that wait for this organisation's decision.")
    access_requests_waiting: int = strawberry.field(description="People that partners ask access for.")
    grants_unused: int = strawberry.field(description="Grants that nobody has used for 60 days.")
    grants_expiring: int = strawberry.field(description="Grants that end within 30 days.")
    sign_ins_per_day: list[DayCount] = strawberry.field(description="The last 30 days, to the platform and accounts.")


@guarded(Action.REPORT_READ)
@strawberry.type(description="From an instant on until before another.")
class ReportPeriod:
    from_: datetime = strawberry.field(name="from")
    to: datetime


@strawberry.input(description="At most 400 days.")
class ReportPeriodInput:
    from_: datetime = strawberry.field(name="from", description="From this instant on.")
    to: datetime = strawberry.field(description="Before this instant.")


@guarded(Action.REPORT_READ)
@strawberry.type(description="What was gathered under one key.")
class ReportRow:
    key: ID | None = strawberry.field(description="Null: without it, or not for the viewer to know (Q31).")
    label: str | None
    count: int


@guarded(Action.REPORT_READ)
@strawberry.type(description="Events counted by what they have in common, most first; /exports/report.csv has it too.")
class Report:
    name: ReportName
    period: ReportPeriod
    group_by: ReportGrouping
    total: int = strawberry.field(description="All events of the report.")
    row_count: int = strawberry.field(description=f"All rows of the report; here stand {LONGEST_REPORT} at most.")
    rows: list[ReportRow]


async def dashboard_of(info: Info, key: str) -> Dashboard:
    """The figures of now."""
    demand_in_organisation(info, key, Action.DASHBOARD_READ)
    now, loaders = info.context.now, info.context.loaders
    first = now.astimezone(UTC).date() - timedelta(days=SERIES.days - 1)
    bounds = {"unused_since": now - UNUSED_AFTER, "expiring_until": now + EXPIRING_WITHIN}
    (figures,) = await loaders.grouped(read.DASHBOARD, **bounds).load(key)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    days = {row.day: row["count"] for row in await loaders.grouped(read.SIGN_INS, since=since).load(key)}
    live = await loaders.live_partnerships_by_organisation.load(key)
    return Dashboard(
        partnerships=[PartnershipCount(state=PartnershipState(row.state), count=row["count"]) for row in live],
        accounts_shared_out=figures.accounts_shared_out,
        accounts_shared_in=figures.accounts_shared_in,
        people_with_access=figures.people_with_access,
        requests_waiting=figures.requests_waiting,
        access_requests_waiting=figures.access_requests_waiting,
        grants_unused=figures.grants_unused,
        grants_expiring=figures.grants_expiring,
        sign_ins_per_day=[
            DayCount(day=day, count=days.get(day, 0)) for day in (first + timedelta(days=n) for n in range(SERIES.days))
        ],
    )


async def report_of(
    info: Info, key: str, name: ReportName, period: ReportPeriodInput, group_by: ReportGrouping
) -> Report:
    """One report over a period."""
    demand_in_organisation(info, key, Action.REPORT_READ)
    try:
        wanted = Period(period.from_, period.to)
    except ValidationError as error:
        raise BadInput(error.message) from None
    bounds: dict[str, Any] = {"since": wanted.since, "until": wanted.until, "size": LONGEST_REPORT}
    query = read.REPORTS[group_by]
    rows = await info.context.loaders.grouped(query, types=types_of(name), **bounds).load(key)
    return Report(
        name=name,
        period=ReportPeriod(from_=wanted.since, to=wanted.until),
        group_by=group_by,
        total=rows[0].total if rows else 0,
        row_count=rows[0].rows if rows else 0,
        rows=[ReportRow(key=row["key"], label=row.label, count=row["count"]) for row in rows],
    )
