"""Bodies that are none: each gets a 4xx with a code, quickly, and nothing of it is run or told."""

import json
import time
from collections.abc import AsyncIterator

import httpx2
import pytest

from accord.http.body import BodyLimits, read_object
from accord.http.responses import HttpError

JSON = "application/json"
QUERY = "{ viewer }"
SCALARS = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    "1e3",
    '""',
    '"query"',
    "[]",
    "[1,2]",
    "[{}]",
    '[{"query":"{viewer}"}]',
]
BROKEN = [
    "",
    " ",
    "{",
    "}",
    "{]",
    "[",
    '{"',
    '{"query"',
    '{"query":',
    '{"query":"',
    '{"query":"{viewer}"',
    '{"query":"{viewer}"}}',
    '{"query":"{viewer}"} x',
    '{"query":"{viewer}"}{"query":"{viewer}"}',
    "{'query':'{viewer}'}",
    "{query:1}",
    '{"query":"{viewer}",}',
    "// comment",
    '{"query":"{viewer}" /* */}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":0x10}',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":-Infinity}',
    '{"a":1e400}',
    '{"a":-1e400}',
    '{"a":tru}',
    '{"a":undefined}',
    '{"a":"\\x41"}',
    '{"a":"\\u12"}',
    '{"a":"tab\there"}',
    '{"a":"line\nfeed"}',
    '{"a":"nul\x00"}',
    "query=%7Bviewer%7D",
    "<query>{viewer}</query>",
    "{viewer}",
    "\ufeff" + json.dumps({"query": QUERY}),
]
NOT_UTF8 = [
    b"\xff",
    b"\xfe\xff",
    b"\x80",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b'{"query":"\xff"}',
    b'{"query":"\xc3"}',
    b'{"query":"\xe2\x82"}',
    b'{"query":"\xf0\x9f\x92"}',
    json.dumps({"query": QUERY}).encode("utf-16"),
    json.dumps({"query": QUERY}).encode("utf-16-le"),
    json.dumps({"query": QUERY}).encode("utf-32"),
    json.dumps({"query": "{ viewer } # é"}, ensure_ascii=False).encode("latin-1"),
]
SURROGATES = [
    '{"query":"\\ud800"}',
    '{"query":"\\udfff{viewer}"}',
    '{"query":"{viewer}","variables":{"a":"\\ud83d"}}',
    '{"\\udc00":1}',
]
DEEP = [
    "[" * 33,
    "[" * 100_000,
    "{" * 100_000,
    '{"a":' * 40 + "1" + "}" * 40,
    '{"a":' * 20_000,
    "[" * 40 + "]" * 40,
    '{"query":"{viewer}","variables":' + "[" * 32 + "]" * 32 + "}",
    '{"variables":' + '{"a":[' * 20 + "]}" * 20 + "}",
    '{"a":"' + '\\"' * 60_000,
    '"' * 100_000,
    "\\" * 100_000,
]
NUMBERS = [
    '{"a":' + "9" * 65 + "}",
    '{"a":' + "9" * 100_000 + "}",
    '{"a":-' + "9" * 64 + "}",
    '{"a":0.' + "1" * 100 + "}",
    '{"a":1e' + "9" * 100 + "}",
    '{"query":"{viewer}","variables":{"a":' + "1" * 5000 + "}}",
]
WRONG_TYPES: list[object] = [None, 0, 1.5, True, False, [], ["x"], {}, {"a": 1}, [[]], 10**30]
PARAMETERS = [
    *({"query": value} for value in [*WRONG_TYPES, ""]),
    *({"query": QUERY, "operationName": value} for value in WRONG_TYPES if value is not None),
    *(
        {"query": QUERY, "variables": value}
        for value in [*WRONG_TYPES, "x", "{}"]
        if not isinstance(value, dict | None)
    ),
    *(
        {"query": QUERY, "extensions": value}
        for value in [*WRONG_TYPES, "x", "{}"]
        if not isinstance(value, dict | None)
    ),
    {},
    {"Query": QUERY},
    {"qeury": QUERY},
    {"document": QUERY},
    {"documentId": "sha256:0"},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}},
    {"operations": json.dumps({"query": QUERY}), "map": "{}"},
]
DOCUMENTS = [
    *(
        "{",
        "}",
        "query",
        "{ }",
        "{ viewer",
        "viewer }",
        "{ viewer } }",
        "{ 1 }",
        "{ $a }",
        "\x00",
        "{ viewer\x00 }",
        "\u2028",
    ),
    *("fragment F on Query { viewer }", "{ ...F }", "{ ...F } fragment F on Query { ...F }", "type A { b: Int }"),
    *(
        "extend type Query { a: Int }",
        "schema { query: Q }",
        "directive @a on FIELD",
        "{ viewer @nope }",
        "{ viewer(a: 1) }",
    ),
    *(
        "{ viewer { a } }",
        "{ thing }",
        "query A { viewer } query A { viewer }",
        "query A { viewer } query B { viewer }",
    ),
    *(
        "subscription { viewer }",
        "mutation { viewer }",
        "{ echo }",
        "{ echo(text: 1) }",
        "{ echo(text: null) }",
        "{ echo(text: $t) }",
    ),
    *(
        "query($t: Nope) { echo(text: $t) }",
        "query($t: Int) { echo(text: $t) }",
        "query($t: String!) { echo(text: $t) }",
    ),
    *(
        "query($t: Thing) { viewer }",
        "{ __schema { nope } }",
        "{ __type }",
        "{ a: viewer a: thing { name } }",
        '{ echo(text: """) }',
    ),
    *(
        '{ echo(text: "\\uD800") }',
        '{ echo(text: "\\u{110000}") }',
        '{ echo(text: "\\q") }',
        "{ viewer @skip }",
        "{ viewer @skip(if: 1) }",
    ),
    *(
        "{ viewer @include(if: $x) }",
        "{ things(first: x) }",
        "{ nodes }",
        "{ nodes(ids: {}) { name } }",
        "{ slow(seconds: x) }",
    ),
]
TYPES = [
    *(
        "text/plain",
        "text/json",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ),
    *(
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "json",
        ";",
        "*/*",
        "a" * 2000,
    ),
    *(
        "application/json, text/plain",
        "application/octet-stream",
        "application/graphql-response+json",
        "text/event-stream",
        "",
    ),
]


async def refused(
    http: httpx2.AsyncClient, body: bytes | str, codes: set[str], content_type: str = JSON
) -> httpx2.Response:
    started = time.process_time()
    answer = await http.post("/graphql", content=body, headers={"content-type": content_type})
    assert time.process_time() - started < 1
    assert 400 <= answer.status_code < 500, answer.text
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] in codes, answer.text
    assert "data" not in answer.json()
    assert answer.json()["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return answer


@pytest.mark.parametrize("body", [*SCALARS, *BROKEN, *SURROGATES, *DEEP, *NUMBERS])
async def test_text_that_is_no_request(http: httpx2.AsyncClient, body: str) -> None:
    await refused(http, body.encode(), {"BAD_REQUEST"})


@pytest.mark.parametrize("body", NOT_UTF8)
async def test_bytes_that_are_no_text(http: httpx2.AsyncClient, body: bytes) -> None:
    await refused(http, body, {"BAD_REQUEST"})


@pytest.mark.parametrize("given", PARAMETERS, ids=json.dumps)
async def test_parameters_of_another_type(http: httpx2.AsyncClient, given: object) -> None:
    await refused(http, json.dumps(given), {"BAD_REQUEST"})


@pytest.mark.parametrize("content_type", TYPES)
async def test_content_types_that_are_not_json(http: httpx2.AsyncClient, content_type: str) -> None:
    answer = await refused(http, json.dumps({"query": QUERY}), {"UNSUPPORTED_MEDIA_TYPE"}, content_type)
    assert answer.status_code == 415


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("accept", [JSON, "application/graphql-response+json"])
async def test_documents_that_do_not_hold(http: httpx2.AsyncClient, document: str, accept: str) -> None:
    answer = await http.post("/graphql", json={"query": document}, headers={"accept": accept})
    assert answer.status_code in ((200, 400, 405) if accept == JSON else (400, 405))
    assert answer.json()["errors"]
    assert all(error["extensions"]["code"] for error in answer.json()["errors"])
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "document", ["{ viewr }", "{ echo(txt: 1) }", "query($t: Strin) { echo(text: $t) }", "{ ...on Thin { name } }"]
)
async def test_no_name_of_the_schema_is_suggested(http: httpx2.AsyncClient, document: str) -> None:
    answer = await http.post("/graphql", json={"query": document})
    assert "Did you mean" not in answer.text


@pytest.mark.parametrize("size", [256 * 1024 + 1, 300_000, 1_000_000])
async def test_a_body_over_the_limit(http: httpx2.AsyncClient, size: int) -> None:
    answer = await refused(http, b" " * size, {"BODY_TOO_LARGE"})
    assert answer.status_code == 413
    facts = answer.json()["errors"][0]["extensions"]
    assert (facts["limit"], facts["actual"]) == (256 * 1024, size)


async def test_a_body_that_lies_about_its_length(http: httpx2.AsyncClient) -> None:
    """Without a length it is counted as it arrives."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    answer = await http.post("/graphql", content=chunks(), headers={"content-type": JSON})
    assert answer.status_code == 413


async def test_a_compressed_body_is_not_taken(http: httpx2.AsyncClient) -> None:
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    answer = await http.post("/graphql", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415


async def test_what_stands_at_the_limits_is_taken(http: httpx2.AsyncClient) -> None:
    inner: object = "x"
    for _ in range(29):
        inner = [inner]
    given = {"query": QUERY, "variables": {"a": inner, "b": int("9" * 64), "c": "\U0001f6a2 [[[[{{{{" * 100}}
    answer = await http.post("/graphql", json=given)
    assert answer.json()["data"] == {"viewer": "person"}


def test_brackets_in_strings_are_no_nesting() -> None:
    text = json.dumps({"a": "[" * 1000 + '\\"{' * 100})
    assert read_object(text.encode(), BodyLimits())["a"].startswith("[[")


def test_values_are_counted_to_the_last() -> None:
    limits = BodyLimits(values=3)
    assert read_object(b'{"a":["x,,,,",1,2]}', limits)
    with pytest.raises(HttpError) as refusal:
        read_object(b'{"a":[0,1,2],"b":3}', limits)
    assert refusal.value.facts == {"limit": 3, "actual": 4}


def test_the_depth_is_counted_to_the_level() -> None:
    limits = BodyLimits(nesting=3)
    assert read_object(b'{"a":[[]]}', limits)
    with pytest.raises(HttpError):
        read_object(b'{"a":[[[]]]}', limits)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"{}," * 80_000 + b"0]}",
        b'"' + b'\\"' * 130_000,
        b"[" * 260_000,
        b'{"a":"' + b"\\" * 250_000,
        b"\\u" * 100_000,
    ],
)
def test_no_body_takes_the_loop_for_long(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(HttpError):
        read_object(body, BodyLimits())
    assert time.process_time() - started < 0.1
