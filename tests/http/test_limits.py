"""What a document may ask for: each limit from both sides, linear time, and no way round it."""

import time
from typing import Any

import httpx2
import pytest
from graphql import OperationDefinitionNode, parse

from accord.http.limits import Limits, Measure, Survey
from accord.http.responses import accepted
from tests.http.toy import Query, Schema, Toy

SCHEMA = Schema(Query)._schema
CHAIN = "fragment F{} on Thing {{ friend {{ ...F{} ...F{} }} }}"


def measured(text: str, variables: dict[str, Any] | None = None) -> Measure:
    document = parse(text)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return Survey(SCHEMA, document, operation, variables or {}, Limits()).measure()


def nested(levels: int) -> str:
    return "{ thing {" + "friend {" * (levels - 2) + "name" + "}" * (levels - 2) + "} }"


def doubling(times: int) -> str:
    chain = "".join(CHAIN.format(n, n + 1, n + 1) for n in range(times))
    return f"{{ thing {{ ...F0 }} }} {chain} fragment F{times} on Thing {{ name }}"


def repeated(form: str, count: int) -> str:
    return "".join(form.format(n) for n in range(count))


def fanned(count: int) -> str:
    fragments = repeated("fragment F{} on Thing {{ friend {{ name }} }} ", count)
    return f"{{ thing {{ {repeated('...F{} ', count)} }} }} {fragments}"


def rooted(count: int) -> str:
    return f"{{ {repeated('a{}: viewer ', count)} }}"


def paged(first: object) -> str:
    return f"{{ thing {{ things(first: {first}) {{ edges {{ node {{ name }} }} }} }} }}"


async def code(http: httpx2.AsyncClient, query: str, **variables: Any) -> tuple[str | None, Any, Any]:
    answer = (await http.post("/graphql", json={"query": query, "variables": variables})).json()
    if "errors" not in answer:
        return None, None, None
    assert "data" not in answer
    facts = answer["errors"][0]["extensions"]
    return facts["code"], facts.get("limit"), facts.get("actual")


@pytest.mark.parametrize(
    ("within", "over", "expected"),
    [
        (nested(15), nested(16), ("QUERY_TOO_DEEP", 15, 16)),
        (rooted(10), f"{{ thing {{ {repeated('a{}: name ', 31)} }} }}", ("TOO_MANY_ALIASES", 30, 31)),
        ("{ thing {" + "name " * 31 + "} }", "{ thing {" + "name " * 32 + "} }", ("TOO_MANY_ALIASES", 30, 31)),
        (rooted(20), rooted(21), ("TOO_MANY_ROOT_FIELDS", 20, 21)),
        (
            "mutation {" + "".join(f"a{n}: wait(seconds: 0) " for n in range(10)) + "}",
            "mutation {" + "".join(f"a{n}: wait(seconds: 0) " for n in range(11)) + "}",
            ("TOO_MANY_ROOT_FIELDS", 10, 11),
        ),
        (paged(100), paged(101), ("PAGE_TOO_LARGE", 100, 101)),
        (paged(1), paged("9" * 4000), ("PAGE_TOO_LARGE", 100, 2**31)),
        ("{ viewer }" + " " * 32_000, "{ viewer }" + " " * 33_000, ("QUERY_TOO_LARGE", 32 * 1024, 33_010)),
        ("{ viewer }" + "# c\n" * 100, "{ viewer }" + "# c\n" * 101, ("QUERY_TOO_LARGE", 100, 101)),
        ("{ viewer }", "{ thing {" + "name " * 1996 + "} }", ("QUERY_TOO_LARGE", 2000, 2001)),
    ],
)  # fmt: skip
async def test_each_limit_from_both_sides(
    http: httpx2.AsyncClient, within: str, over: str, expected: tuple[str, int, int]
) -> None:
    assert await code(http, within) == (None, None, None)
    assert await code(http, over) == expected


PAGE = "query($n: Int) { thing { things(first: $n) { edges { node { name } } } } }"
DEFAULT = "query($n: Int = 500) { thing { things(first: $n) { edges { node { name } } } } }"


@pytest.mark.parametrize("size", [101, 10**6, 10**60, 101.0])
async def test_a_page_in_a_variable(http: httpx2.AsyncClient, size: float) -> None:
    assert (await code(http, PAGE, n=size))[0] == "PAGE_TOO_LARGE"
    assert await code(http, PAGE, n=100) == (None, None, None)


async def test_a_default_counts_only_when_nothing_is_given(http: httpx2.AsyncClient) -> None:
    assert await code(http, DEFAULT) == ("PAGE_TOO_LARGE", 100, 500)
    assert await code(http, DEFAULT, n=5) == (None, None, None)


async def test_a_list_of_ids_is_a_page(http: httpx2.AsyncClient) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { name } }"
    assert await code(http, query, ids=["a"] * 100) == (None, None, None)
    assert await code(http, query, ids=["a"] * 101) == ("PAGE_TOO_LARGE", 100, 101)
    listed = "{ nodes(ids: [" + '"a" ' * 101 + "]) { name } }"
    assert await code(http, listed) == ("PAGE_TOO_LARGE", 100, 101)


async def test_pages_multiply(http: httpx2.AsyncClient) -> None:
    inner = "things(first: 100) { edges { node { name } } }"
    both = f"{{ thing {{ things(first: 100) {{ edges {{ node {{ {inner} }} }} }} }} }}"
    assert await code(http, both) == ("QUERY_TOO_COMPLEX", 10_000, 10_100)


async def test_cost_is_in_the_answer_and_in_the_refusal(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": paged(20)})
    assert answer.json()["extensions"]["cost"] == 4  # thing, things and 20 names at a tenth
    inner = "things(first: 50) { edges { node { friend { name } } } }"
    costly = f"{{ thing {{ things(first: 100) {{ edges {{ node {{ {inner} }} }} }} }} }}"
    assert await code(http, costly) == ("QUERY_TOO_COMPLEX", 5_000, 5_602)


async def test_lists_without_a_page_are_not_free() -> None:
    one = measured("{ thing { parts { name } } }")
    two = measured("{ thing { parts { parts { name } } } }")
    assert (one.nodes, two.nodes) == (10, 110)
    assert two.cost > one.cost


@pytest.mark.parametrize(
    "query",
    [
        doubling(150),
        "{ thing { ...A } } fragment A on Thing { friend { ...B } } fragment B on Thing { friend { ...A } }",
        "{ thing { ...A } } fragment A on Thing { ...A }",
        "{ thing { " + "... { " * 190 + "name" + " }" * 190 + " } }",
        "{ thing { " + "friend { " * 190 + "name" + " }" * 190 + " } }",
        "{ thing { " + "friend { " * 600 + "name" + " }" * 600 + " } }",
        "{ thing { " + "friend { name } " * 480 + "} }",
        "{ thing { " + "...A " * 600 + "} } fragment A on Thing { friend { name } }",
        "{ echo(text: " + "[" * 900 + "]" * 900 + ") }",
        fanned(150),
        "{ thing { name " + "@include(if: true) " * 300 + "} }",
        "query(" + "".join(f"$v{n}: Int " for n in range(400)) + ") { viewer }",
    ],
    ids=lambda query: query[:40],
)  # fmt: skip
async def test_hostile_documents_are_answered_quickly(http: httpx2.AsyncClient, query: str) -> None:
    started = time.process_time()
    answer = await http.post("/graphql", json={"query": query})
    assert time.process_time() - started < 1
    assert answer.status_code == 200
    assert "data" in answer.json() or answer.json()["errors"][0]["extensions"]["code"]


def test_the_analysis_is_linear_in_the_document() -> None:
    """A spread costs nothing to count again: with fifteen doublings there are 32,768 fields, and few steps."""
    document = parse(doubling(15))
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    survey = Survey(SCHEMA, document, operation, {}, Limits())
    steps = 0
    walk = survey.selections

    def counted(*given: Any) -> Measure:
        nonlocal steps
        steps += 1
        return walk(*given)

    survey.selections = counted  # type: ignore[method-assign, assignment]
    measure = survey.measure()
    assert measure.cost >= 2**15
    assert steps < 100


async def test_introspection_is_refused_where_it_is_off() -> None:
    closed = Toy(introspection=False)
    transport = httpx2.ASGITransport(closed.app)
    headers = {"authorization": f"Bearer {closed.token()}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example", headers=headers) as http:
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'):
            assert (await code(http, query))[0] == "GRAPHQL_VALIDATION_FAILED"
        assert await code(http, "{ __typename }") == (None, None, None)


async def test_introspection_that_multiplies_is_refused(http: httpx2.AsyncClient) -> None:
    deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    assert (await code(http, deep))[0] == "GRAPHQL_VALIDATION_FAILED"


async def test_a_document_has_no_more_fragments_than_the_limit(http: httpx2.AsyncClient) -> None:
    """Validation compares each with all others."""
    assert "errors" not in (await http.post("/graphql", json={"query": fanned(50)})).json()
    (error,) = (await http.post("/graphql", json={"query": fanned(51)})).json()["errors"]
    found = {name: error["extensions"][name] for name in ("code", "limit", "actual")}
    assert found == {"code": "QUERY_TOO_LARGE", "limit": 50, "actual": 51}


def test_a_long_accept_header_counts_as_none() -> None:
    assert accepted("text/html") is None
    assert accepted("text/html," * 1_000) == accepted(None)


async def test_texts_are_kept_but_not_without_end(toy: Toy, http: httpx2.AsyncClient) -> None:
    for number in range(300):
        await code(http, f"{{ viewer }} # {number}")
    assert len(toy.documents.kept) <= 256


async def test_two_operations_need_a_name(http: httpx2.AsyncClient) -> None:
    two = "query A { viewer } query B { thing { name } }"
    assert (await code(http, two))[0] == "BAD_REQUEST"
    answer = await http.post("/graphql", json={"query": two, "operationName": "B"})
    assert answer.json()["data"] == {"thing": {"name": "thing"}}
    answer = await http.post("/graphql", json={"query": two, "operationName": "C"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
