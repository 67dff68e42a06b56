"""What the top level says: expected refusals as they are, everything else as INTERNAL with an id."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from graphql import GraphQLError
from sqlalchemy import text

from accord.database.engine import Busy, Query, Snapshot, TimedOut
from accord.domain.errors import NotFound
from accord.domain.ids import global_id
from accord.schema.scalars import format_period, parse_instant, parse_period
from tests.schema.conftest import Asking
from tests.world import World

NAME = "query Name($id: ID!) { organisation(id: $id) { name } }"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes every read but the caller's rights raise this."""

    def fail(error: Exception) -> None:
        async def fetch(self: Snapshot, query: Query, **given: Any) -> list[Any]:
            raise error

        monkeypatch.setattr(Snapshot, "fetch", fetch)

    return fail


async def test_an_unexpected_error_is_masked_and_logged_under_its_id(
    world: World, asking: Asking, failing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    person = await world.person(await world.organisation())
    failing(RuntimeError("password=hunter2 at 10.0.0.5"))
    data, errors = await asking.look(person, NAME, id=global_id("organisation", person.organisation.id))
    assert data == {"organisation": None}
    (error,) = errors
    assert error["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in str(error)
    assert [error["extensions"]["id"] in record.getMessage() for record in caplog.records] == [True]


async def test_a_graphql_error_of_the_library_is_masked_too(world: World, asking: Asking, failing: Any) -> None:
    person = await world.person(await world.organisation())
    failing(GraphQLError("Int cannot represent non-integer value: 'secret'"))
    _, errors = await asking.look(person, NAME, id=global_id("organisation", person.organisation.id))
    assert [error["extensions"]["code"] for error in errors] == ["INTERNAL"]
    assert "secret" not in str(errors)


@pytest.mark.parametrize(
    ("error", "code"), [(Busy(), "BUSY"), (TimedOut(), "TIMEOUT"), (NotFound(), "NOT_FOUND"), (OSError(), "BUSY")]
)
async def test_expected_errors_have_their_code_and_leave_no_trace(
    world: World, asking: Asking, failing: Any, caplog: pytest.LogCaptureFixture, error: Exception, code: str
) -> None:
    person = await world.person(await world.organisation())
    failing(error)
    with caplog.at_level(logging.ERROR):
        assert await asking.codes(person, NAME, id=global_id("organisation", person.organisation.id)) == [code]
    assert not caplog.records


async def test_a_denied_field_is_an_answer_and_not_an_incident(
    world: World, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    person = await world.person(await world.organisation())
    assert await asking.codes(person, "{ organisations { totalCount } }") == ["FORBIDDEN"]
    assert not caplog.records


async def test_a_database_that_is_gone_is_busy(world: World, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.person(await world.organisation())

    async def refuse(self: Snapshot) -> None:
        raise ConnectionRefusedError("connect call failed ('10.0.0.5', 5432)")

    monkeypatch.setattr(Snapshot, "principal", refuse)
    data, errors = await asking.look(person, NAME, id=global_id("organisation", person.organisation.id))
    assert data is None
    assert errors[0]["extensions"] == {"code": "BUSY"}
    assert "10.0.0.5" not in str(errors)


@pytest.mark.parametrize(
    "document", ['{ partnerLookup(handle: "a\\u0000b") { name } }', "{ viewer { usr } }", "{ viewer"]
)
async def test_errors_of_the_document_have_a_code(world: World, asking: Asking, document: str) -> None:
    person = await world.person(await world.organisation())
    (code,) = await asking.codes(person, document)
    assert code in {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}


@pytest.mark.parametrize("given", ["\x00", "a\ud800", "\udfff"])
async def test_no_variable_holds_nul_or_half_of_a_surrogate_pair(world: World, asking: Asking, given: str) -> None:
    person = await world.person(await world.organisation())
    look = "query Look($handle: String!) { partnerLookup(handle: $handle) { name } }"
    assert await asking.codes(person, look, handle=given) == ["BAD_USER_INPUT"]
    nested = "query Find($filter: ActivityFilter) { activity(filter: $filter) { totalCount } }"
    assert await asking.codes(person, nested, filter={"types": ["ok", given]}) == ["BAD_USER_INPUT"]


async def test_variables_suggest_nothing(world: World, asking: Asking) -> None:
    person = await world.person(await world.organisation())
    nested = "query Find($filter: ActivityFilter) { activity(filter: $filter) { totalCount } }"
    _, errors = await asking.look(person, nested, filter={"accountID": "x"})
    assert errors
    assert "Did you mean" not in str(errors)


async def test_nothing_stays_open_after_an_operation(world: World, asking: Asking, failing: Any) -> None:
    person = await world.person(await world.organisation())
    key = global_id("organisation", person.organisation.id)
    for _ in range(15):
        await asking.ask(person, NAME, id=key)
        await asking.look(person, 'mutation { updateProfile(input: { displayName: "" }) { errors { code } } }')
    failing(RuntimeError("late"))
    for _ in range(15):
        await asking.look(person, NAME, id=key)
    assert world.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    async with world.database.engine.connect() as connection:
        idle = await connection.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'")
        )
    assert idle == 0


async def test_one_snapshot_answers_a_whole_query(world: World, asking: Asking) -> None:
    """Rights and data are of one instant: nothing that happens meanwhile shows."""
    host = await world.organisation("Before")
    person = await world.person(host)
    context = asking.context(person)
    async with context.operation():
        assert host.id in context.principal.organisations
        await world.owner.execute("UPDATE accord.organisations SET name = 'After' WHERE id = $1", host.id)
        row = await context.loaders.organisation_by_id.load(str(host.id))
        assert row.name == "Before"


def test_instants_have_an_offset_and_durations_a_fixed_length() -> None:
    assert parse_instant("2026-01-31T10:30:00+01:00").isoformat() == "2026-01-31T09:30:00+00:00"
    for wrong in ("2026-01-31", "2026-01-31T10:30:00", "2026-02-30T10:30:00Z", "0001-01-01T00:00:00+14:00", 7, "now"):
        with pytest.raises(GraphQLError):
            parse_instant(wrong)
    for period in ("P30D", "PT15M", "P1DT2H3M4S", "P0D"):
        assert format_period(parse_period(period)) == period
    for wrong in ("P", "PT", "P1M", "P1Y", "15M", "P-1D", 7):
        with pytest.raises(GraphQLError):
            parse_period(wrong)
