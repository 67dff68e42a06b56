"""Lists that grow with a tenant come in pages, for many parents in one statement (record 101)."""

from __future__ import annotations

from typing import Any, Final

import pytest
from graphql import OperationDefinitionNode, parse

from accord.domain.ids import global_id
from accord.http.limits import Limits, Survey
from accord.schema.schema import schema
from tests.schema.conftest import Asking
from tests.schema.test_statements import with_partners
from tests.world import Person, World

MANY: Final = 60
ACCOUNTS: Final = """
WITH account AS (
  INSERT INTO accord.accounts (host_id, kind, app, label, launch_url)
  SELECT $1, 'ACCOUNT', p.id, 'More', 'https://ledger.example/'
  FROM accord.partnerships p, generate_series(1, $4::int) n WHERE p.host_id = $1 RETURNING id, app
), shared AS (
  INSERT INTO accord.shares (partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)
  SELECT p.id, $1, p.guest_id, a.id, $2, 'ACTIVE', $3
  FROM account a JOIN accord.partnerships p ON p.id::text = a.app RETURNING *
)
INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT s.id, p.id, s.account_id, $1, s.guest_id, p.representative_user_id, 'COLLABORATOR', 'ACTIVE', 'SHARE', $2, $3
FROM shared s JOIN accord.partnerships p ON p.id = s.partnership_id
"""
ATTEMPTS: Final = """
INSERT INTO accord.attempts (partnership_id, host_id, guest_id, number, submitted_by, submitted_at, host_decision,
  lapses_at, terms)
SELECT p.id, $1, p.guest_id, n, $2, $3, 'SKIPPED', $3, jsonb_build_object('purposes', '["MANAGEMENT"]'::jsonb,
  'accounts', (SELECT jsonb_agg(jsonb_build_object('account', a.id, 'role', 'COLLABORATOR', 'label', a.id, 'app', '-',
    'category', NULL)) FROM accord.accounts a WHERE a.app = p.id::text))
FROM accord.partnerships p, generate_series(2, $4::int + 1) n WHERE p.host_id = $1
"""
DELEGATIONS: Final = """
WITH delegation AS (
  INSERT INTO accord.role_delegations (partnership_id, host_id, guest_id, role, state, notify_addresses, granted_by,
    granted_at, ended_at)
  SELECT p.id, $1, p.guest_id, 'PHONE_MANAGER', 'REVOKED', '{office@people.example}', $2, $3, $3
  FROM accord.partnerships p, generate_series(1, $4::int) n WHERE p.host_id = $1 RETURNING *
)
INSERT INTO accord.role_groups (delegation_id, partnership_id, host_id, guest_id, role, state)
SELECT id, partnership_id, host_id, guest_id, role, group_state FROM delegation
"""
PEOPLE: Final = """
WITH person AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'more-' || n || '@people.example', 'More', p.guest_id
  FROM accord.partnerships p, generate_series(1, $4::int) n WHERE p.host_id = $1 RETURNING id, home_organisation_id
), member AS (
  INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status)
  SELECT home_organisation_id, id, 'more@people.example', 'More', '{MEMBER}', 'ACTIVE' FROM person
), first AS (
  SELECT DISTINCT ON (s.partnership_id) s.* FROM accord.shares s WHERE s.host_id = $1 ORDER BY s.partnership_id, s.id
), item AS (
  INSERT INTO accord.access_items (request_id, share_id, partnership_id, account_id, host_id, guest_id, member_user_id,
    requested_by, role, state, lapses_at)
  SELECT s.id, s.id, s.partnership_id, s.account_id, $1, s.guest_id, person.id, $2, 'COLLABORATOR', 'LAPSED', $3
  FROM first s JOIN person ON person.home_organisation_id = s.guest_id
)
INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT s.id, s.partnership_id, s.account_id, $1, s.guest_id, person.id, 'COLLABORATOR', 'ACTIVE', 'SHARE', $2, $3
FROM first s JOIN person ON person.home_organisation_id = s.guest_id
"""

PARTNERSHIPS: Final = """query Q($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  organisation(id: $id) { partnerships(side: HOST, first: 3) { edges { node { %s } } } } }"""
PAGE: Final = """(first: $first, after: $after, last: $last, before: $before) {
  totalCount pageInfo { hasNextPage startCursor endCursor } edges { node { %s } } }"""
LISTS: Final = {
    "attempts": ("attempts" + PAGE % "number", MANY + 1),
    "delegations": ("delegations" + PAGE % "id", MANY),
    "listed accounts": ("attempts(last: 1) { edges { node { listedAccounts" + PAGE % "label" + " } } }", MANY),
    "a member's grants": ("members(first: 1) { edges { node { grants" + PAGE % "id" + " } } }", MANY + 1),
    "a share's grants": ("shares(first: 1) { edges { node { grants" + PAGE % "id" + " } } }", MANY + 1),
    "a share's requests": ("shares(first: 1) { edges { node { accessRequests" + PAGE % "id" + " } } }", MANY),
}
"""Each list with the way to it from a partnership, and how many items it has there."""


async def with_much(world: World, partners: int) -> tuple[str, Person]:
    """A host of so many partnerships, each with `MANY` of everything."""
    host, owner = await with_partners(world, partners)
    for statement in (ACCOUNTS, ATTEMPTS, DELEGATIONS, PEOPLE):
        await world.owner.execute(statement, host.id, owner.id, world.clock.now, MANY)
    return global_id("organisation", host.id), owner


def connection_in(found: Any) -> Any:
    """The connection of `LISTS` below a partnership: the one with a count."""
    while "totalCount" not in found:
        (found,) = [edge["node"] for edge in found["edges"]] if "edges" in found else found.values()
    return found


async def connections(asking: Asking, owner: Person, organisation: str, read: str, **given: Any) -> list[Any]:
    """The connection under each partnership."""
    answer = await asking.ask(owner, PARTNERSHIPS % read, id=organisation, **given)
    return [connection_in(edge["node"]) for edge in answer["organisation"]["partnerships"]["edges"]]


def items(connection: Any) -> list[str]:
    return [str(next(iter(edge["node"].values()))) for edge in connection["edges"]]


async def test_each_list_is_read_page_by_page_in_both_directions(world: World, asking: Asking) -> None:
    organisation, owner = await with_much(world, 1)
    for name, (read, total) in LISTS.items():
        (first,) = await connections(asking, owner, organisation, read)
        assert (len(first["edges"]), first["totalCount"]) == (25, total), name
        forward: list[str] = []
        given: dict[str, Any] = {"first": 17}
        while True:
            (page,) = await connections(asking, owner, organisation, read, **given)
            forward += items(page)
            if not page["pageInfo"]["hasNextPage"]:
                break
            given["after"] = page["pageInfo"]["endCursor"]
        assert len(set(forward)) == len(forward) == total, name
        (last,) = await connections(asking, owner, organisation, read, last=9)
        assert items(last) == forward[-9:], name
        (before,) = await connections(asking, owner, organisation, read, last=9, before=last["pageInfo"]["startCursor"])
        assert items(before) == forward[-18:-9], name


async def test_pages_under_many_parents_are_one_statement(world: World, asking: Asking, sent: list[str]) -> None:
    """As many statements for three parents as for one, and each parent has its own page."""
    for name, (read, total) in LISTS.items():
        counts = []
        for partners in (1, 3):
            rename = "UPDATE accord.organisations SET handle = 'old-' || id WHERE handle LIKE 'guest-%'"
            await world.owner.execute(rename)
            organisation, owner = await with_much(world, partners)
            sent.clear()
            found = await connections(asking, owner, organisation, read, first=5)
            counts.append(len(sent))
            assert [len(one["edges"]) for one in found] == [5] * partners, name
            assert len({item for one in found for item in items(one)}) >= (5 if name == "attempts" else 5 * partners)
            assert [one["totalCount"] for one in found] == [total] * partners
        assert counts[0] == counts[1], name


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_priced_by_its_page(name: str) -> None:
    """A page of a hundred costs more than one of ten; a list without pages had one price for any length."""
    read, _ = LISTS[name]
    document = parse(PARTNERSHIPS % read)
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))

    def nodes(size: int) -> int:
        return Survey(schema._schema, document, operation, {"first": size}, Limits()).measure().nodes

    assert nodes(100) - nodes(10) >= 90
