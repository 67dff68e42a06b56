"""What the engine does less often than the stock executor, and when it gives way to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar

import pytest
from graphql import GraphQLError, parse
from graphql.execution import execute
from strawberry.extensions import ParserCache, SchemaExtension

from accord.execution import plans, resolving
from accord.execution.engine import BreadthFirst
from accord.execution.levels import Items, Places, Some, Under
from tests.execution.rows import Admitted
from tests.execution.toy import Query, ToyContext, ToySchema, toy_schema


class Stock(BreadthFirst):
    breadth_first: ClassVar[bool] = False


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The plans that were run by the engine."""
    ran: list[Any] = []
    run = BreadthFirst._run

    def noted(self: BreadthFirst, plan: Any, serially: bool) -> Any:
        ran.append(plan)
        return run(self, plan, serially)

    monkeypatch.setattr(BreadthFirst, "_run", noted)
    return ran


async def ask(document: str, executor: type[Any] | None = BreadthFirst, **given: Any) -> tuple[Any, ToyContext]:
    context = ToyContext()
    result = await toy_schema(executor).execute(document, variable_values=given, context_value=context)
    assert not result.errors, result.errors
    return result.data, context


async def test_a_level_of_a_link_is_one_batch_of_distinct_keys() -> None:
    data, context = await ask("{ things(count: 4) { linked { number } other: linked(by: 6) { number } } }")
    assert context.batches == [[1, 2, 3, 4, 6, 7, 8, 9]]
    assert [thing["linked"] for thing in data["things"]] == [{"number": number} for number in (1, 2, 3, 4)]


async def test_a_gate_is_asked_once_for_a_field_and_on_the_stock_executor_for_each_object() -> None:
    document = "{ things(count: 5) { admitted children { admitted } } }"
    asked = {}
    for name, executor in (("engine", BreadthFirst), ("stock", None)):
        context = ToyContext()
        await toy_schema(executor).execute(document, context_value=context)
        asked[name] = Counter(context.asked)["admitted"]
    assert asked == {"engine": 1, "stock": 15}


async def test_a_row_that_is_met_twice_is_completed_once_where_nobody_can_tell() -> None:
    data, _ = await ask("{ same { number text } }")
    first, _other, again, nothing, last = data["same"]
    assert first is again is last
    assert nothing is None
    data, _ = await ask("{ same { number place } }")
    assert [thing and thing["place"] for thing in data["same"]][::2] == ["same.0.place", "same.2.place", "same.4.place"]


async def test_a_gate_answers_true_or_false_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admitted, "has_permission", lambda *_, **__: "yes")
    result = await toy_schema(BreadthFirst).execute("{ thing { admitted number } }", context_value=ToyContext())
    assert result.data == {"thing": {"admitted": None, "number": 2}}
    assert "True or False" in (result.errors or [])[0].message


async def test_a_plan_is_made_once_for_each_choice_and_they_are_bounded(
    monkeypatch: pytest.MonkeyPatch, ran: list[Any]
) -> None:
    schema = ToySchema(Query, execution_context_class=BreadthFirst, extensions=[ParserCache])
    document = "query ($a: Boolean!, $n: Int) { thing(number: $n) { number @skip(if: $a) text } }"
    for a, n in ((True, 1), (True, 2), (False, 1), (False, 2)):
        await schema.execute(document, variable_values={"a": a, "n": n}, context_value=ToyContext())
    assert [ran[0] is plan for plan in ran] == [True, True, False, False]
    assert ran[2] is ran[3]
    monkeypatch.setattr(plans, "KEPT", 3)
    plans._known.clear()
    for number in range(6):
        await schema.execute(f"{{ thing(number: {number}) {{ number }} }}", context_value=ToyContext())
    assert len(plans._known) == 3


@pytest.mark.parametrize(
    ("executor", "engine_runs"),
    [(BreadthFirst, True), (Stock, False)],
)
async def test_the_switch(executor: type[Any], engine_runs: bool, ran: list[Any]) -> None:
    data, _ = await ask("{ thing { number } }", executor)
    assert data == {"thing": {"number": 2}}
    assert bool(ran) is engine_runs


async def test_resolvers_that_an_extension_wraps_run_on_the_stock_executor(ran: list[Any]) -> None:
    class Wrapping(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            return _next(root, info, *args, **kwargs)

    schema = ToySchema(Query, execution_context_class=BreadthFirst, extensions=[Wrapping])
    result = await schema.execute("{ thing { number } }", context_value=ToyContext())
    assert result.data == {"thing": {"number": 2}}
    assert not ran


async def test_a_document_whose_answer_comes_in_parts_runs_on_the_stock_executor(ran: list[Any]) -> None:
    core = toy_schema()._schema
    document = parse("{ thing { ... @defer { number } } }")
    with pytest.raises(GraphQLError, match="multiple payloads"):
        execute(core, document, context_value=ToyContext(), executor_class=BreadthFirst)
    assert not ran


async def test_errors_stand_in_document_order() -> None:
    document = "{ things { slowFailsHard: fails mixed { crashes fails } late: slow early: crashes } denied }"
    result = await toy_schema(BreadthFirst).execute(document, context_value=ToyContext())
    paths = [error.path or [] for error in result.errors or []]
    assert paths[0] == ["things", 0, "mixed", 0, "crashes"]
    assert paths[-1] == ["denied"]
    assert [path[1] for path in paths[:-1]] == sorted(path[1] for path in paths[:-1])


async def test_a_cancelled_operation_leaves_nothing_running() -> None:
    schema = toy_schema(BreadthFirst)
    before = asyncio.all_tasks()
    for turns in range(12):
        task = asyncio.ensure_future(
            schema.execute(
                "{ things { linked { linked { number } } slow loaded { text } } }", context_value=ToyContext()
            )
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for _ in range(12):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before


async def test_subscriptions_are_answered_event_by_event(ran: list[Any]) -> None:
    stream: Any = await toy_schema(BreadthFirst).subscribe(
        "subscription { counted(to: 2) { number children { number } } }", context_value=ToyContext()
    )
    events = [event.data async for event in stream]
    assert [event["counted"]["number"] for event in events] == [0, 1]
    assert len(ran) == 2


async def test_a_level_that_is_answered_with_too_few_values_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited = resolving._awaited_whole

    async def short(found: Any, count: int) -> list[Any]:
        return await awaited(_first(found), count)

    monkeypatch.setattr(resolving, "_awaited_whole", short)
    result = await toy_schema(BreadthFirst).execute("{ things { number leveled } }", context_value=ToyContext())
    assert [thing["leveled"] for thing in (result.data or {})["things"]] == [None, None, None]
    assert {error.message for error in result.errors or []} == {"A level of 3 rows was answered with 1 values."}


async def _first(found: Any) -> Any:
    return (await found)[:1]


def test_places_make_paths_when_they_are_asked() -> None:
    above = Under(Places(), "a", "Query")
    items = Items(above, [[1, 2], None, [], [3]])
    assert items.path(1).as_list() == ["a", 1]
    assert items.path(2).as_list() == ["a", 0]
    some = Some(items, [2])
    assert Under(some, "b", "Thing").path(0).as_list() == ["a", 0, "b"]
