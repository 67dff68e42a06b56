"""No input of a directory, an app or a browser ends as 500: nasty values at every place outside GraphQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.scim.bench import GROUP, MEDIA_TYPE, PATCH, SEARCH, USER, Bench, group, open_bench, user
from tests.services.scene import set_scene
from tests.world import World

TEXTS: Final = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ufffe",
    "\u202e",
    "x" * 2_000,
    "9" * 30,
    "-1",
    "1e400",
    "NaN",
    "\U0001f600",
    "%",
    "%zz",
    "'",
    '"',
    "\\",
    '\\"',
    "(" * 40,
    "[",
    "null",
    "true",
    "2026-01-01",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-14:00",
    "membership_x",
    "membership_" + "f" * 36,
    "0001-01-01T00:00:00+14:00",
    "a,b",
    "İ",
    "ß" * 150,
    "e\u0301",
    "xn--a",
    "@",
    "a@b",
]
VALUES: Final[list[Any]] = [
    *TEXTS,
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    2**64,
    10**60,
    1.5,
    1e308,
    -0.0,
    [],
    [None],
    [[]],
    {},
    {"value": None},
    ["x"] * 30,
    {"a": {"b": {"c": [1, {"d": None}]}}},
    [{"value": "x", "primary": True}] * 3,
    {"$ref": 7},
    [{"value": {"x": 1}}],
]
FILTERS: Final = [
    r'userName eq "\u0000"',
    r'userName eq "\ud800"',
    r'emails.value eq "\udfff@x"',
    "userName eq 99999999999999999999",
    'meta.lastModified gt "0001-01-01T00:00:00+14:00"',
    'meta.created lt "9999-12-31T23:59:60Z"',
    'meta.created co "2020"',
    'meta.lastModified eq "2020-01-01"',
    "meta pr",
    "emails pr",
    "groups pr",
    "name eq null",
    "userName co null",
    "active gt true",
    'emails[value eq "\u0130@x"]',
    "emails[type pr and not (primary eq true)]",
    'groups.value sw "scim"',
    "not not id pr",
    'id eq "x" or id eq "x" and (id ne "x")',
    "schemas pr",
    'schemas eq "x"',
    'meta.version eq "x"',
    'meta.location sw "h"',
    'groups.$ref eq "x"',
    'userName gt "\U0010ffff"',
    'externalId le ""',
    'emails eq "x"',
    "password pr",
    "( id pr",
    "id",
    "",
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x"',
    "urn:x:y eq 1",
    'emails.primary eq "true"',
    "id pr " * 300,
]
REST: Final = {
    "/exports/activity.csv": [
        "organisationId",
        "from",
        "to",
        "types",
        "outcome",
        "accountId",
        "app",
        "userId",
        "sessionId",
        "partnerOrganisationId",
        "nothing",
    ],
    "/exports/report.csv": ["organisationId", "name", "groupBy", "from", "to"],
    "/auth/sign-in": ["issuer", "return_to"],
    "/auth/callback": ["code", "state", "iss", "error"],
    "/auth/issuers": ["x"],
    "/.well-known/jwks.json": ["x"],
    "/live": ["x"],
    "/ready": ["x"],
    "/dev/people": ["x"],
}
FORMS: Final = {"/oauth/token": ["grant_type", "client_id", "client_secret", "scope"]}
BODIES: Final = {"/tickets/redeem": ["ticket"], "/dev/token": ["email", "name"], "/auth/sign-out": ["x"]}
HEADERS: Final = [
    "authorization",
    "cookie",
    "content-type",
    "accept",
    "if-match",
    "if-none-match",
    "accord-acting-session",
    "user-agent",
    "x-request-id",
    "origin",
    "idempotency-key",
    "x-forwarded-for",
    "content-encoding",
    "host",
    "accept-language",
]
RAW: Final = [
    b"\x00",
    b"\xff\xfe",
    b"[]",
    b"7",
    b"null",
    b"{",
    b'{"a":' * 500,
    b'{"x": "\\ud800"}',
    b"{}" * 9,
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 70 + b"}",
    b"a=%ff&a=%00",
    b"grant_type=%ED%A0%80",
    b"&&&==",
    b"x" * 9_000,
]


@pytest.fixture
async def bench(world: World, tmp_path: Path) -> AsyncIterator[Bench]:
    """Directories that may ask as often as this takes."""
    plenty = {"points_per_minute": 1_000_000, "points_per_hour": 1_000_000}
    async with open_bench(await set_scene(world), tmp_path, **plenty) as opened:
        yield opened


class Asked:
    """Requests, each of which has to be answered by a refusal or a success, and never by 500."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.count = 0
        self.broken: list[str] = []

    async def ask(self, method: str, path: str, token: str | None = None, **given: Any) -> None:
        self.count += 1
        if self.count % 20 == 0:
            await self.bench.scene.world.owner.execute("TRUNCATE accord.allowances")
        headers = {"content-type": MEDIA_TYPE, "authorization": f"Bearer {token or self.bench.guest.token}"}
        given["headers"] = {
            name: value for name, value in (headers | given.get("headers", {})).items() if value is not None
        }
        answer = await self.bench.http.request(method, path, **given)
        if answer.status_code >= 500 and answer.status_code != 503:
            self.broken.append(f"{answer.status_code} {method} {path[:200]} {str(given)[:300]}")


def some(values: list[Any], turn: int) -> list[Any]:
    """A third of the values, another one each time."""
    return values[turn % 3 :: 3]


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body where a value stands."""
    if path:
        yield path
    if isinstance(body, dict):
        for name in body:
            yield from places(body[name], (*path, name))
    elif isinstance(body, list):
        for number in range(len(body)):
            yield from places(body[number], (*path, number))


def altered(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The body with another value at a place."""
    copied = json.loads(json.dumps(body))
    at = copied
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copied


async def test_no_question_of_a_directory_ends_as_500(bench: Bench) -> None:
    asked = Asked(bench)
    for path in ("/Users", "/Groups"):
        for text in [*FILTERS, *TEXTS]:
            await asked.ask("GET", f"/scim/v2{path}?filter={quote(text, safe='')}")
        for name in ("sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes"):
            for text in some(TEXTS, asked.count):
                await asked.ask("GET", f"/scim/v2{path}?{name}={quote(text, safe='')}")
        for text in TEXTS:
            await asked.ask("GET", f"/scim/v2{path}/{quote(text, safe='')}")
    for raw in (
        "filter=%",
        "filter=%ff%fe",
        "filter=%ED%A0%80",
        "startIndex=1&startIndex=2",
        "&&=&=",
        "attributes=" + "a," * 999,
    ):
        await asked.ask("GET", f"/scim/v2/Users?{raw}")
    whole = {
        "schemas": [SEARCH],
        "filter": "id pr",
        "sortBy": "id",
        "sortOrder": "ascending",
        "startIndex": 1,
        "count": 1,
    }
    whole |= {"attributes": ["userName"]}
    for place in places(whole):
        for value in some(VALUES, asked.count):
            await asked.ask("POST", "/scim/v2/.search", json=altered(whole, place, value))
    for text in FILTERS:
        await asked.ask("POST", "/scim/v2/.search", json=whole | {"filter": text})
    assert not asked.broken, "\n".join(asked.broken[:20])
    assert asked.count > 350


async def test_no_body_of_a_directory_ends_as_500(bench: Bench) -> None:
    asked = Asked(bench)
    carla, made = bench.key("carla"), await bench.guest.ok("POST", "/Groups", group("G", bench.key("carla")), 201)
    person = user(
        bench.scene["carla"].email, displayName="C", externalId="1", name={"givenName": "C", "formatted": "C D"}
    )
    crowd = group("G", bench.key("dan"), externalId="2")
    change = {
        "schemas": [PATCH],
        "Operations": [
            {"op": "replace", "path": "displayName", "value": "x"},
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x@y.example"},
            {"op": "replace", "value": {"userName": "x", "name": {"givenName": "x"}, USER: {"active": False}}},
        ],
    }
    out = {
        "schemas": [PATCH],
        "Operations": [
            {"op": "remove", "path": "members", "value": [{"value": bench.key("eva"), "$ref": None}]},
            {"op": "add", "path": f"{GROUP}:members", "value": [{"value": carla}]},
        ],
    }
    bodies = [
        ("POST", "/Users", person),
        ("PUT", f"/Users/{carla}", person),
        ("PATCH", f"/Users/{carla}", change),
        ("POST", "/Groups", crowd),
        ("PUT", f"/Groups/{made['id']}", crowd),
        ("PATCH", f"/Groups/{made['id']}", out),
    ]
    for method, path, body in bodies:
        for place in places(body):
            for value in some(VALUES, asked.count):
                await asked.ask(method, f"/scim/v2{path}", json=altered(body, place, value))
        for raw in RAW:
            await asked.ask(method, f"/scim/v2{path}", content=raw)
    assert not asked.broken, "\n".join(asked.broken[:20])
    assert asked.count > 700
    assert not (await bench.scene.world.verify()).faults


async def signed_in(bench: Bench) -> str:
    """The token of an admin of the guest, whom the issuer of the development server signs in."""
    issuer, gustav = bench.app.state.gateway.development, bench.scene["gustav"]
    known = "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)"
    await bench.scene.world.owner.execute(known, issuer.name, gustav.email.lower(), gustav.id)
    return str(issuer.token(gustav.email))


def query(fields: dict[str, str]) -> str:
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())


async def test_no_parameter_ends_as_500(bench: Bench) -> None:
    asked, token = Asked(bench), await signed_in(bench)
    own = {"organisationId": f"organisation_{bench.scene.guest.id}", "from": "2020-01-01", "to": "2030-01-01"}
    own |= {"name": "PARTNER_ACTIVITY", "groupBy": "PARTNER"}
    for path, names in REST.items():
        for name in names:
            base = {key: value for key, value in own.items() if key in names and key != name}
            for text in TEXTS:
                await asked.ask("GET", f"{path}?{query(base | {name: text})}", token)
            await asked.ask("GET", f"{path}?{name}=%ff%00&{name}=%", token)
    assert not asked.broken, "\n".join(asked.broken[:20])
    assert asked.count > 700


async def test_no_body_of_an_app_or_a_browser_ends_as_500(bench: Bench) -> None:
    asked, token = Asked(bench), await signed_in(bench)
    fields = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    form = {"content-type": "application/x-www-form-urlencoded", "authorization": None}
    for path, name, text in ((path, name, text) for path, names in FORMS.items() for name in names for text in TEXTS):
        await asked.ask("POST", path, content=query(fields | {name: text}).encode(), headers=form)
    for path, name, value in (
        (path, name, value) for path, names in BODIES.items() for name in names for value in VALUES
    ):
        await asked.ask("POST", path, token, json={name: value}, headers={"content-type": "application/json"})
    for path in (*FORMS, *BODIES):
        for raw in RAW:
            for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain; charset=\u00fc", ""):
                await asked.ask("POST", path, token, content=raw, headers={"content-type": kind.encode("latin-1")})
    assert not asked.broken, "\n".join(asked.broken[:20])
    assert asked.count > 400


async def test_no_header_ends_as_500(bench: Bench) -> None:
    asked, token = Asked(bench), await signed_in(bench)
    export = f"/exports/activity.csv?organisationId=organisation_{bench.scene.guest.id}"
    for header in HEADERS:
        for raw in (
            b"",
            b"\xff\xfe",
            b"x" * 5_000,
            b"a, b;q=9",
            b"Basic \xff",
            b'"',
            b"W/",
            b"Bearer " + b"." * 50,
            b"=;=;",
        ):
            for path, by in ((export, token), ("/scim/v2/Users", None), ("/auth/callback", None)):
                await asked.ask("GET", path, by, headers={header: raw})
    assert not asked.broken, "\n".join(asked.broken[:20])
    assert asked.count > 300
