"""Directories of large organisations: a look-up reads what it finds, and a change costs what it changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.database.engine import Transaction
from accord.http.body import BodyLimits, read_object, read_slowly
from accord.http.responses import HttpError
from accord.http.scim.models import SCANNED
from tests.scale import count
from tests.scim.bench import Bench, group, open_bench, patch
from tests.services.scene import set_scene
from tests.world import World

PEOPLE: Final = SCANNED + 500
"""More than a filter may look at."""

MEMBERS: Final = 2_000
CROWD: Final = """
WITH made AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'p' || n || '@crowd.example', 'Person ' || n, $1 FROM generate_series(1, $2::int) n
  RETURNING id, email, display_name
), member AS (
  INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status)
  SELECT $1, id, email, display_name, '{MEMBER}', 'ACTIVE' FROM made RETURNING id, email
)
INSERT INTO accord.scim_users (id, organisation_id, user_name, external_id, profile)
SELECT id, $1, 'Name of ' || email, 'key of ' || email, jsonb_build_object('emails', jsonb_build_array(
  jsonb_build_object('value', email, 'type', 'work', 'primary', true),
  jsonb_build_object('value', 'Second.' || email, 'type', 'home')))
FROM member WHERE email NOT LIKE 'p7@%'
"""
"""All but one as a directory has said them."""


@pytest.fixture(scope="module")
async def crowd(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A guest with more people than a filter may look at, and another organisation with people of the same names."""
    plenty = {"points_per_minute": 1_000_000, "points_per_hour": 1_000_000}
    async with open_bench(await set_scene(world), Path(tmp_path_factory.mktemp("crowd")), **plenty) as opened:
        await world.owner.execute(CROWD, opened.scene.guest.id, PEOPLE)
        await world.owner.execute(CROWD, opened.scene["ada"].organisation.id, 20)
        await world.owner.execute("ANALYZE accord.users, accord.memberships, accord.scim_users")
        yield opened


async def keys(bench: Bench, count: int) -> list[str]:
    sql = "SELECT id FROM accord.memberships WHERE organisation_id = $1 AND email LIKE 'p%@crowd.example' ORDER BY id"
    rows = await bench.scene.world.owner.fetch(f"{sql} LIMIT {count}", bench.scene.guest.id)
    return [f"membership_{row['id']}" for row in rows]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each statement of an act has read."""
    read: list[int] = []
    every, first = Transaction.all, Transaction.first

    async def all(tx: Transaction, statement: Any) -> Any:
        found = await every(tx, statement)
        read.append(len(found))
        return found

    async def one(tx: Transaction, statement: Any) -> Any:
        read.append(1)
        return await first(tx, statement)

    monkeypatch.setattr(Transaction, "all", all)
    monkeypatch.setattr(Transaction, "first", one)
    return read


LOOKUPS: Final = (
    'userName eq "name OF P4@crowd.example"',
    'userName eq "p7@crowd.example"',
    'externalId eq "key of p4@crowd.example"',
    'emails.value eq "P4@crowd.example"',
    'emails eq "second.p4@crowd.example"',
    'emails[type eq "home"].value eq "second.p4@crowd.example"',
    'emails[type eq "home" and value eq "second.p4@crowd.example"]',
    'active eq true and userName eq "name of p4@crowd.example"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "name of p4@crowd.example"',
)


@pytest.mark.parametrize("filter", LOOKUPS)
async def test_a_look_up_finds_one_person_among_any_number(crowd: Bench, rows: list[int], filter: str) -> None:
    """Refused before, since everybody would have been looked at."""
    (found,) = await crowd.guest.find("/Users", filter)
    assert found["displayName"] in ("Person 4", "Person 7")
    assert sum(rows) <= 20, rows
    (theirs,) = await crowd.host.find("/Users", filter)
    assert theirs["id"] != found["id"], "each directory finds its own"


async def test_look_ups_are_joined_and_find_nobody(crowd: Bench) -> None:
    key = (await keys(crowd, 1))[0]
    either = f'id eq "{key}" or userName eq "name of p9@crowd.example" or externalId eq "none"'
    assert len(await crowd.guest.find("/Users", either)) == 2
    for nobody in ('userName eq "nobody"', f'id eq "{key}" and userName eq "nobody"', 'id eq "membership_x"'):
        assert await crowd.guest.find("/Users", nobody) == []
    assert await crowd.guest.find("/Users", 'emails[type eq "work"].value eq "second.p4@crowd.example"') == []


@pytest.mark.parametrize(
    "filter", ['userName co "p4"', 'not (userName eq "x")', 'userName ne "x"', 'userName eq "x" or active eq true']
)
async def test_what_no_index_finds_is_refused_as_before(crowd: Bench, filter: str) -> None:
    """The negative control: these would look at everybody."""
    await crowd.guest.refused(400, "GET", "/Users", scim_type="tooMany", params={"filter": filter})


@pytest.mark.parametrize("named", ["username", "sent address", "external id", "membership address"])
async def test_a_look_up_touches_few_blocks(crowd: Bench, named: str) -> None:
    """What it reads does not grow with the organisation; all of them would be hundreds of blocks."""
    owner, organisation = crowd.scene.world.owner, crowd.scene.guest.id
    value = {"username": "name of p4@crowd.example", "external id": "key of p4@crowd.example"}.get(
        named, "p4@crowd.example"
    )
    ask = f"SELECT accord.directory_matches('{organisation}', '{named}', ARRAY['{value}'])"
    async with owner.transaction():
        await owner.execute(f"SELECT set_config('accord.organisations', '{organisation}', true)")
        await owner.fetch(ask)
        plan = json.loads(await owner.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {ask}"))[0]["Plan"]
    assert plan["Actual Rows"] >= 1
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60


async def test_a_new_person_is_compared_with_whoever_could_be_the_same(crowd: Bench, rows: list[int]) -> None:
    made = await crowd.guest.create("newcomer@crowd.example")
    assert sum(rows) <= 60, rows
    second = {"userName": "Other", "emails": [{"value": "P4@crowd.example"}]}
    await crowd.guest.refused(409, "POST", "/Users", second, "uniqueness")
    await crowd.guest.refused(409, "POST", "/Users", second | {"userName": "NAME of p4@crowd.example"}, "uniqueness")
    assert await crowd.guest.ok("DELETE", f"/Users/{made['id']}", status=204) is None


async def test_a_page_far_behind_and_a_count_alone(crowd: Bench, rows: list[int]) -> None:
    page = await crowd.guest.ok("GET", "/Users", params={"startIndex": str(PEOPLE - 5), "count": "3"})
    assert (page["itemsPerPage"], page["startIndex"]) == (3, PEOPLE - 5)
    assert page["totalResults"] >= PEOPLE
    assert sum(rows) <= 15
    counted = await crowd.guest.ok("GET", "/Users", params={"count": "0"})
    assert (counted["totalResults"], counted["Resources"]) == (page["totalResults"], [])


@pytest.fixture
async def large(crowd: Bench) -> AsyncIterator[tuple[str, list[str]]]:
    """A large group: its path, and its people."""
    people = await keys(crowd, MEMBERS)
    made = await crowd.guest.ok("POST", "/Groups?excludedAttributes=members", group("Everybody", *people), 201)
    assert "members" not in made
    yield f"/Groups/{made['id']}", people
    await crowd.guest.ok("DELETE", f"/Groups/{made['id']}", status=204)


async def test_one_member_more_costs_one_member(crowd: Bench, large: tuple[str, list[str]], rows: list[int]) -> None:
    path, people = large
    carla = crowd.key("carla")
    for op, left in (("Add", MEMBERS + 1), ("Remove", MEMBERS)):
        del rows[:]
        change = patch({"op": op, "path": "members", "value": [{"$ref": None, "value": carla}]})
        answer = await crowd.guest.send("PATCH", path, change)
        assert (answer.status_code, answer.content) == (204, b"")
        assert sum(rows) <= 40, "the others are not read"
        shown = await crowd.guest.send("GET", path, params={"excludedAttributes": "members"})
        assert sum(rows) <= 50
        assert shown.headers["etag"] == answer.headers["etag"] == shown.json()["meta"]["version"]
        assert "members" not in shown.json()
        whole = await crowd.guest.ok("GET", path)
        members = {one["value"] for one in whole["members"]}
        assert len(members) == len(whole["members"]) == left
        assert members - {carla} == set(people)


async def test_what_an_answer_shows_can_be_said(crowd: Bench, large: tuple[str, list[str]]) -> None:
    path, people = large
    change = patch({"op": "add", "path": "members", "value": [{"value": people[0]}]})
    whole = await crowd.guest.ok("PATCH", path, change, params={"attributes": "members"})
    assert len(whole["members"]) == MEMBERS
    lean = await crowd.guest.ok("PATCH", path, change, params={"excludedAttributes": "members"})
    assert lean["displayName"] == "Everybody"
    assert "members" not in lean
    for shown in ({"excludedAttributes": "members"}, {"attributes": "displayName"}):
        listed = await crowd.guest.ok("GET", "/Groups", params={"filter": 'displayName eq "everybody"', **shown})
        assert len(json.dumps(listed)) < 1_000
    assert len(await crowd.guest.find("/Groups", f'members.value eq "{people[1]}"', attributes="id")) == 1
    assert len(await crowd.guest.find("/Groups", f'members[value eq "{people[1]}"]', attributes="id")) == 1
    assert await crowd.guest.find("/Groups", f'members eq "{crowd.key("carla")}"', attributes="id") == []


async def test_a_version_says_who_is_in_a_group(crowd: Bench, large: tuple[str, list[str]]) -> None:
    path, people = large

    async def version() -> str:
        return str((await crowd.guest.send("GET", path, params={"attributes": "id"})).headers["etag"])

    before = await version()
    out = patch({"op": "remove", "path": f'members[value eq "{people[0]}"]'})
    await crowd.guest.ok("PATCH", path, out, 204, headers={"if-match": before})
    assert await version() != before
    await crowd.guest.refused(412, "PATCH", path, out, headers={"if-match": before})
    back = patch({"op": "add", "path": "members", "value": [{"value": people[0]}]})
    await crowd.guest.ok("PATCH", path, back, 204, headers={"if-match": await version()})
    assert await version() == before
    answer = await crowd.guest.send("GET", path, headers={"if-none-match": before})
    assert (answer.status_code, answer.content) == (304, b"")
    held = await crowd.scene.world.owner.fetchrow(
        "SELECT g.member_count, g.members_digest, count(*) AS people,"
        " bit_xor(hashtextextended(m.membership_id::text, 0)) AS digest"
        " FROM accord.scim_groups g JOIN accord.scim_group_members m ON m.group_id = g.id"
        " WHERE 'scimgroup_' || g.id = $1 GROUP BY g.id",
        path.rpartition("/")[2],
    )
    assert (held["member_count"], held["members_digest"]) == (held["people"], held["digest"])


async def test_a_whole_group_is_put_whatever_its_size(crowd: Bench, large: tuple[str, list[str]]) -> None:
    """Refused with 413 before: the body is larger than any other request's."""
    path, _ = large
    others = (await keys(crowd, 6_000))[MEMBERS - 100 :]
    said = group("Everybody", *others)
    said["members"] = [{**one, "display": "Somebody of the crowd", "type": "User"} for one in said["members"]]
    assert len(json.dumps(said)) > 400_000
    await crowd.guest.ok("PUT", path, said, params={"excludedAttributes": "members"})
    whole = await crowd.guest.ok("GET", path)
    assert {one["value"] for one in whole["members"]} == set(others)
    await crowd.guest.refused(400, "PUT", path, said | {"members": [*said["members"], {"value": "x"}]}, "invalidValue")
    gone = await crowd.guest.ok("GET", path)
    assert gone["members"] == whole["members"], "a PUT that names nobody changes nobody else"


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9_000),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=12), inner, max_size=12),
    max_leaves=60,
)  # fmt: skip
BODIES: Final = count(test=50, check=200, prove=20_000)
LARGE: Final = BodyLimits(size=10**9, values=10**6)


@settings(max_examples=BODIES, deadline=None)
@given(st.dictionaries(st.text(max_size=12), JSON, max_size=20), st.sampled_from([None, 1]), st.booleans())
def test_a_large_body_is_read_as_a_small_one(said: dict[str, Any], indent: int | None, plain: bool) -> None:
    body = json.dumps(said, indent=indent, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    assert told(read_slowly, body) == told(read_object, body)


@settings(max_examples=BODIES, deadline=None)
@given(st.dictionaries(st.text(max_size=12), JSON, max_size=6), st.data())
def test_a_body_that_is_none_is_refused_by_both(said: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps(said).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + 1] = data.draw(st.binary(max_size=3))
    assert told(read_slowly, bytes(body)) == told(read_object, bytes(body))


def told(read: Any, body: bytes) -> Any:
    try:
        return read(body, LARGE)
    except HttpError as error:
        return str(error)


@pytest.mark.parametrize("body", [b'{"a": ' * 40 + b"1" + b"}" * 40, b'{"a": "\\ud800' + b"x" * 9_000 + b'"}', b"[1]"])
def test_no_large_body_is_a_trap(body: bytes) -> None:
    for read in (read_slowly, read_object):
        with pytest.raises(HttpError):
            read(body, LARGE)


def test_a_large_body_has_at_most_so_many_values() -> None:
    body = json.dumps({"members": [{"value": n, "type": "User"} for n in range(5_000)]}).encode()
    for read in (read_slowly, read_object):
        with pytest.raises(HttpError, match="too many values"):
            read(body, BodyLimits(size=10**9, values=9_000))
