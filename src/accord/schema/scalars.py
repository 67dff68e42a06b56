"""Scalars of ours, and the strings that no field of any type accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NewType

import orjson
import strawberry
from graphql import GraphQLError, StringValueNode, ValidationRule
from strawberry.types.scalar import ScalarDefinition

from accord.schema.errors import BadInput

JSON = NewType("JSON", object)
BigInt = NewType("BigInt", int)

UNSTORABLE_CHARACTER: Final = re.compile("[\x00\ud800-\udfff]")
LARGEST_INTEGER: Final = 2**53 - 1
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
PERIOD: Final = re.compile(
    r"P(?=\d|T)(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?", re.ASCII
)


def parse_instant(value: object) -> datetime:
    """An instant with its offset, as UTC; a local time without one says nothing and is refused."""
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise GraphQLError("A DateTime is ISO 8601 with an offset, such as 2026-01-31T09:30:00Z.")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("This date does not exist.") from None


def format_instant(value: datetime) -> str:
    """ISO 8601 in UTC, with Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_day(value: object) -> date:
    """A day of the calendar."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise GraphQLError("A Date is ISO 8601, such as 2026-01-31.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise GraphQLError("This date does not exist.") from None


def parse_integer(value: object) -> int:
    """A whole number that every reader of JSON keeps exactly."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_INTEGER:
        raise GraphQLError(f"A BigInt is a whole number from -{LARGEST_INTEGER} to {LARGEST_INTEGER}.")
    return value


def parse_period(value: object) -> timedelta:
    """An ISO 8601 duration in days, hours, minutes and seconds; months and years have no fixed length."""
    match = PERIOD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise GraphQLError("A Duration is ISO 8601 in days or smaller, such as P30D or PT15M.")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_period(value: timedelta) -> str:
    """ISO 8601, whole seconds, such as P1DT2H."""
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    days = f"{value.days}D" if value.days or not clock else ""
    return f"P{days}T{clock}" if clock else f"P{days}"


def format_json(value: object) -> object:
    """The value that the column's JSON text stands for."""
    return orjson.loads(value) if isinstance(value, (str, bytes)) else value


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant, ISO 8601 in UTC.",
        serialize=format_instant,
        parse_value=parse_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day, ISO 8601.",
        serialize=date.isoformat,
        parse_value=parse_day,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of up to 53 bits.",
        serialize=int,
        parse_value=parse_integer,
    ),
    timedelta: strawberry.scalar(
        name="Duration",
        description="A length of time, ISO 8601.",
        serialize=format_period,
        parse_value=parse_period,
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value.", serialize=format_json),
}


def is_storable(text: str) -> bool:
    """Can the database hold this text? Not with NUL, nor with half of a surrogate pair."""
    return UNSTORABLE_CHARACTER.search(text) is None


class StorableStrings(ValidationRule):
    """No literal of a document holds NUL or half of a surrogate pair."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if not is_storable(node.value):
            error = GraphQLError(UNSTORABLE, node, extensions={"code": BadInput.code})
            self.report_error(error)


UNSTORABLE: Final = "Text must not hold NUL or half of a surrogate pair."


def refuse_unstorable(variables: object) -> None:
    """The same for variables, keys included; raises BadInput.

    Walks without recursion: how deep a body may nest is the edge's to say.
    """
    waiting = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if not is_storable(value):
                raise BadInput(UNSTORABLE)
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
