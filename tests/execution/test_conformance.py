"""The specification's chapter on execution (September 2025), a group of tests for each of its subsections.

Each class names the subsection; what it asserts is written from the text, not from what an executor does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from graphql import parse
from graphql.execution import Executor

from accord.execution.engine import BreadthFirst
from tests.execution.toy import ToyContext, toy_schema

SCHEMA = toy_schema(BreadthFirst)


async def run(document: str, **given: Any) -> Any:
    return await SCHEMA.execute(document, variable_values=given, context_value=ToyContext())


async def answer(document: str, **given: Any) -> Any:
    result = await run(document, **given)
    assert not result.errors, result.errors
    return result.data


async def messages(document: str, **given: Any) -> list[str]:
    return [error.message for error in (await run(document, **given)).errors or []]


class TestExecutingRequests:
    """6.1: the operation is found by its name, or is the only one."""

    DOCUMENT = "query A { thing { number } } query B { thing { text } }"

    async def test_a_named_operation_is_executed(self) -> None:
        result = await SCHEMA.execute(self.DOCUMENT, operation_name="B", context_value=ToyContext())
        assert result.data == {"thing": {"text": "thing 2"}}

    async def test_several_operations_without_a_name_are_a_request_error(self) -> None:
        built = Executor.build(SCHEMA._schema, parse(self.DOCUMENT))
        assert isinstance(built, list)

    async def test_a_name_that_there_is_not_is_a_request_error(self) -> None:
        built = BreadthFirst.build(SCHEMA._schema, parse(self.DOCUMENT), operation_name="C")
        assert isinstance(built, list)


class TestValidatingRequests:
    """6.1.1: only requests that pass validation are executed."""

    async def test_an_unknown_field_executes_nothing(self) -> None:
        context = ToyContext()
        result = await SCHEMA.execute('mutation { add(word: "a") { nope } }', context_value=context)
        assert result.data is None
        assert context.log == []


class TestCoercingVariableValues:
    """6.1.2."""

    async def test_a_default_holds_where_nothing_is_given(self) -> None:
        assert await answer("query ($n: Int = 7) { thing(number: $n) { number } }") == {"thing": {"number": 7}}

    async def test_a_given_null_is_no_default(self) -> None:
        assert await answer("query ($t: [Int] = [1]) { words(numbers: $t) }", t=None) == {"words": "default GREEN None"}

    async def test_a_required_variable_that_is_missing_or_null_is_a_request_error(self) -> None:
        for given in ({}, {"n": None}):
            result = await run("query ($n: Int!) { thing(number: $n) { number } }", **given)
            assert result.data is None
            assert len(result.errors) == 1

    async def test_a_value_that_cannot_be_coerced_is_a_request_error(self) -> None:
        assert await messages("query ($n: Int!) { thing(number: $n) { number } }", n="one")

    async def test_a_single_value_is_a_list_of_one(self) -> None:
        assert await answer("query ($p: [Int!]) { thing { times(plus: $p) } }", p=5) == {"thing": {"times": 11}}


class TestQuery:
    """6.2.1: the root fields are executed on the initial value, normally."""

    async def test_root_fields_are_answered_in_the_order_of_the_document(self) -> None:
        assert list(await answer("{ b: thing { number } a: thingHard { number } c: words }")) == ["b", "a", "c"]


class TestMutation:
    """6.2.2: in series."""

    async def test_an_act_ends_before_the_next_begins(self) -> None:
        data = await answer('mutation { a: add(word: "a") { number } b: add(word: "b") { number } log }')
        assert data["log"] == ["begin a", "end a", "begin b", "end b"]


class TestSubscription:
    """6.2.3: each event of the source stream is executed by itself, and ends with it."""

    async def test_a_response_for_each_event(self) -> None:
        stream: Any = await SCHEMA.subscribe(
            "subscription { counted(to: 3) { number nullHard failsHard } }", context_value=ToyContext()
        )
        assert isinstance(stream, AsyncIterator)
        results = [event async for event in stream]
        assert len(results) == 3
        assert [bool(event.errors) for event in results] == [True, True, False]
        assert results[2].data == {"counted": {"number": 2, "nullHard": 2, "failsHard": 2}}


class TestNormalAndSerialExecution:
    """6.3.1: in normal execution siblings may run in any order; the answer keeps that of the document."""

    async def test_a_slow_field_keeps_its_place(self) -> None:
        data = await answer("{ thing { slow number linked { number } text } }")
        assert list(data["thing"]) == ["slow", "number", "linked", "text"]

    async def test_siblings_wait_together(self) -> None:
        begun = asyncio.get_running_loop().time()
        await answer("{ a: thing { slow } b: thing { slow } c: things { slow } }")
        assert asyncio.get_running_loop().time() - begun < 5


class TestCollectingFields:
    """6.3.2: selections of one response key are merged; @skip and @include decide; conditions of fragments."""

    async def test_selections_of_one_key_are_merged_in_order_of_first_mention(self) -> None:
        data = await answer("{ thing { child { number } text child { text } } }")
        assert list(data["thing"]) == ["child", "text"]
        assert data["thing"]["child"] == {"number": 3, "text": None}

    async def test_skip_has_precedence(self) -> None:
        assert await answer("{ thing { number @skip(if: true) @include(if: true) text } }") == {
            "thing": {"text": "thing 2"}
        }

    async def test_a_fragment_is_spread_once(self) -> None:
        data = await answer("{ thing { ...F ...F } } fragment F on Thing { number }")
        assert data == {"thing": {"number": 2}}

    async def test_a_condition_is_the_type_an_interface_or_a_union_of_it(self) -> None:
        data = await answer(
            "{ thing { ... on Named { name ... on Other { itself { name } } } ... on Anything { __typename } } }"
        )
        assert data == {"thing": {"name": "name 2", "__typename": "Thing"}}

    async def test_nothing_selected_is_an_empty_object(self) -> None:
        assert await answer("{ thing { number @skip(if: true) } }") == {"thing": {}}


class TestExecutingFields:
    """6.4: an alias is the key, and a field that the type has not is none."""

    async def test_the_key_is_the_alias(self) -> None:
        assert await answer("{ thing { a: number b: number } }") == {"thing": {"a": 2, "b": 2}}

    async def test_the_type_name_is_a_field_of_every_object(self) -> None:
        assert await answer("{ __typename anything { __typename } }") == {
            "__typename": "Query",
            "anything": [{"__typename": name} for name in ("Thing", "Other", "Thing", "Other")],
        }


class TestCoercingFieldArguments:
    """6.4.1."""

    async def test_a_default_holds_where_the_argument_or_its_variable_is_missing(self) -> None:
        assert await answer("{ thing { times } }") == {"thing": {"times": 6}}
        assert await answer("query ($n: Int) { thing { times(by: $n) } }".replace("Int)", "Int = 4)")) == {
            "thing": {"times": 8}
        }

    async def test_null_for_a_non_null_argument_is_an_error_of_the_field(self) -> None:
        result = await run("query ($n: Int = 4) { thing { number times(by: $n) } words }", n=None)
        assert [error.path for error in result.errors] == [["thing", "times"]]
        assert result.data["words"] == "default GREEN None"

    async def test_input_objects_and_lists_are_coerced_deep_inside(self) -> None:
        data = await answer("query ($w: String!) { echo(wanted: {number: 1, words: [$w], inner: {number: 2}}) }", w="a")
        assert data == {"echo": "1 ['a'] RED (2 None RED (nothing))"}


class TestValueResolution:
    """6.4.2: a resolver may answer later, and what it raises is the field's error."""

    async def test_later_is_as_good_as_now(self) -> None:
        assert await answer("{ thing { slow text } }") == {"thing": {"slow": "thing 2", "text": "thing 2"}}

    async def test_a_list_may_come_as_a_stream(self) -> None:
        assert await answer("{ thing { streamed } }") == {"thing": {"streamed": [0, 1, 2]}}


class TestValueCompletion:
    """6.4.3."""

    async def test_a_list_is_completed_item_by_item(self) -> None:
        assert await answer("{ thing { grid numbers } }") == {
            "thing": {"grid": [[2, None], None, []], "numbers": [0, 1]}
        }

    async def test_what_is_no_list_is_an_error(self) -> None:
        assert "Expected Iterable" in (await messages("{ thing(number: 1) { badList } }"))[0]

    async def test_a_leaf_that_its_type_refuses_is_an_error(self) -> None:
        result = await run("{ thing(number: 1) { badNumber badColour large badRatio } }")
        assert result.data == {"thing": {"badNumber": None, "badColour": None, "large": None, "badRatio": None}}
        assert len(result.errors) == 4

    async def test_the_type_of_an_abstract_value_is_resolved(self) -> None:
        data = await answer("{ named { __typename name } other: named(other: true) { __typename name } }")
        assert data == {
            "named": {"__typename": "Thing", "name": "name 3"},
            "other": {"__typename": "Other", "name": "root"},
        }

    async def test_a_value_of_no_possible_type_is_an_error(self) -> None:
        result = await run("{ thing { strange { name } stranger { number } } }")
        assert result.data == {"thing": {"strange": None, "stranger": None}}
        assert len(result.errors) == 2

    async def test_selections_of_merged_fields_are_merged_again_below(self) -> None:
        data = await answer("{ thing { child { child { number } } child { child { text } } } }")
        assert data["thing"]["child"]["child"] == {"number": 4, "text": "thing 4"}


class TestHandlingExecutionErrors:
    """6.4.4: an error makes its place null, or the nearest above that may be, and only one is told for it."""

    async def test_a_nullable_field_is_null_and_the_rest_stands(self) -> None:
        result = await run("{ thing(number: 1) { number fails } }")
        assert result.data == {"thing": {"number": 1, "fails": None}}
        (error,) = result.errors
        assert error.path == ["thing", "fails"]
        assert error.formatted["locations"] == [{"line": 1, "column": 29}]

    async def test_a_non_null_field_takes_its_object(self) -> None:
        result = await run("{ thing { mixed { number failsHard } number } }")
        assert result.data == {"thing": {"mixed": [None, None, None, {"number": 4, "failsHard": 4}, None], "number": 2}}

    async def test_a_non_null_item_takes_its_list(self) -> None:
        result = await run("{ thing(number: 3) { hardGrid number } }")
        assert result.data == {"thing": {"hardGrid": None, "number": 3}}
        assert [error.path for error in result.errors] == [["thing", "hardGrid", 1, 1]]

    async def test_non_null_all_the_way_takes_everything(self) -> None:
        result = await run("{ thingHard(number: 1) { failsHard } words }")
        assert result.data is None
        assert [error.path for error in result.errors] == [["thingHard", "failsHard"]]

    async def test_of_several_errors_under_one_null_one_is_told(self) -> None:
        result = await run("{ thing(number: 1) { failsHard slowFailsHard badNumberHard deniedHard fails } }")
        assert result.data == {"thing": None}
        assert [error.path for error in result.errors] == [["thing", "failsHard"]]

    async def test_null_where_none_may_be_is_an_error(self) -> None:
        result = await run("{ thing(number: 3) { nullHard } }")
        assert result.data == {"thing": None}
        assert result.errors[0].message == "Cannot return null for non-nullable field Thing.nullHard."

    async def test_an_error_in_a_mutation_that_takes_everything_ends_the_series(self) -> None:
        context = ToyContext()
        result = await SCHEMA.execute(
            'mutation { breakOff { number } add(word: "a") { number } }', context_value=context
        )
        assert result.data is None
        assert context.log == ["break off"]
