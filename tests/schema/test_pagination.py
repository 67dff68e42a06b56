"""Pages: cursors are positions, both directions give the same rows, counts count what is left."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.schema.errors import BadInput, PageTooLarge
from accord.schema.pagination import Span, cursor_of, page_of, position_of, span
from tests.schema.conftest import Asking
from tests.world import World

ACCOUNTS = """
query Accounts($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $search: String) {
  organisation(id: $id) {
    accounts(first: $first, after: $after, last: $last, before: $before, search: $search) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { label } }
    }
  }
}
"""


@given(st.integers(0, 2**128 - 1))
def test_a_cursor_gives_its_position_back(position: int) -> None:
    assert position_of(cursor_of(position)) == position


def read(cursor: str) -> int | None:
    try:
        return position_of(cursor)
    except BadInput:
        return None


@given(st.text(max_size=40))
def test_a_cursor_that_nobody_made_is_refused(text: str) -> None:
    position = read(text)
    assert position is None or cursor_of(position) == text


@pytest.mark.parametrize("cursor", ["", "=", "MTox", cursor_of(7) + "=", cursor_of(7)[:-1], "1:" + "0" * 16, "é"])
def test_malformed_cursors(cursor: str) -> None:
    with pytest.raises(BadInput):
        span(after=cursor)


def test_the_size_of_a_page() -> None:
    assert span() == Span(size=25)
    assert span(first=100) == Span(size=100)
    assert span(last=3, before=cursor_of(9)) == Span(size=3, before=9, backward=True)
    with pytest.raises(PageTooLarge) as refused:
        span(first=101)
    assert refused.value.extensions == {"code": "PAGE_TOO_LARGE", "limit": 100, "actual": 101}
    for first, last in ((-1, None), (None, -1), (1, 1)):
        with pytest.raises(BadInput):
            span(first=first, last=last)


def test_one_row_more_than_asked_for_means_there_is_more() -> None:
    assert page_of([1, 2, 3], Span(size=2)).rows == [1, 2]
    assert page_of([1, 2, 3], Span(size=2)).has_next
    backward = page_of([3, 2, 1], Span(size=2, backward=True))
    assert (backward.rows, backward.has_previous, backward.has_next) == ([2, 3], True, False)
    assert not page_of([1, 2], Span(size=2)).has_next
    assert page_of([], Span(size=0)).rows == []


async def walk(asking: Asking, person: Any, forward: bool, size: int, **given: Any) -> list[str]:
    """Every label, page by page."""
    labels: list[str] = []
    cursor = None
    for _ in range(20):
        arguments = {"first": size, "after": cursor} if forward else {"last": size, "before": cursor}
        answer = await asking.ask(person, ACCOUNTS, **arguments, **given)
        page = answer["organisation"]["accounts"]
        found = [edge["node"]["label"] for edge in page["edges"]]
        labels = labels + found if forward else found + labels
        info = page["pageInfo"]
        assert page["totalCount"] == 7
        assert [info["startCursor"], info["endCursor"]] == [page["edges"][0]["cursor"], page["edges"][-1]["cursor"]]
        cursor = info["endCursor"] if forward else info["startCursor"]
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return labels
    raise AssertionError("no end")


async def test_walking_both_ways(world: World, asking: Asking) -> None:
    host = await world.organisation()
    owner, other = await world.person(host), await world.person(host)
    labels = [f"Account {number}" for number in range(7)]
    for label in labels:
        await world.account(owner, label=label)
        await world.account(other, label=f"Foreign {label}")
    key = global_id("organisation", host.id)
    for size in (1, 2, 3, 7, 10):
        assert await walk(asking, owner, True, size, id=key) == labels
        assert await walk(asking, owner, False, size, id=key) == labels
    none = await asking.ask(owner, ACCOUNTS, id=key, first=0)
    assert none["organisation"]["accounts"]["edges"] == []
    assert none["organisation"]["accounts"]["pageInfo"]["startCursor"] is None
    assert none["organisation"]["accounts"]["pageInfo"]["hasNextPage"]


async def test_a_search_never_matches_what_the_viewer_would_not_be_shown(world: World, asking: Asking) -> None:
    host = await world.organisation()
    owner, admin = await world.person(host), await world.person(host, Role.ORG_ADMIN)
    await world.account(owner, label="Secret plan")
    await world.account(owner, label="100% of it_all")
    key = global_id("organisation", host.id)
    for person, search, count in ((owner, "secret", 1), (admin, "secret", 0), (owner, "%", None), (owner, "0%", 1)):
        if count is None:
            assert await asking.codes(person, ACCOUNTS, id=key, search=search) == ["BAD_USER_INPUT"]
            continue
        answer = await asking.ask(person, ACCOUNTS, id=key, search=search)
        assert answer["organisation"]["accounts"]["totalCount"] == count


@pytest.mark.parametrize(
    ("given", "code"),
    [({"first": 101}, "PAGE_TOO_LARGE"), ({"after": "nonsense"}, "BAD_USER_INPUT"), ({"first": -1}, "BAD_USER_INPUT")],
)
async def test_refused_pages_have_a_code(world: World, asking: Asking, given: dict[str, Any], code: str) -> None:
    person = await world.person(await world.organisation())
    key = global_id("organisation", person.organisation.id)
    assert await asking.codes(person, ACCOUNTS, id=key, **given) == [code]
