"""How many statements an operation costs: as many as its document has links, whatever the size of the page (P4)."""

from __future__ import annotations

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from tests.schema.conftest import Asking
from tests.world import Organisation, Person, World

PARTNERS_VIEW = """
query Partners($id: ID!) { organisation(id: $id) { partnerships(side: HOST, first: 100) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { cursor node {
    id state viewerCan hiddenShareCount owner { displayName } guest { name handle }
    shares(first: 20) { totalCount edges { node {
      id state account { id label badge viewerRole viewerCan owners { displayName } }
      grants { edges { node { id role user { displayName email } } } }
    } } }
    members(first: 20) { totalCount edges { node {
      isRepresentative user { displayName } grants { edges { node { id } } } } } }
    attempts { edges { node { number reason submittedBy { displayName } } } }
  } }
} } }
"""

PARTNERED = """
WITH guest AS (
  INSERT INTO accord.organisations (handle, name, country_code, partners_enabled)
  SELECT 'guest-' || n, 'Guest ' || n, 'NO', true FROM generate_series(1, $4::int) n RETURNING id
), person AS (
  INSERT INTO accord.users (email, display_name, home_organisation_id)
  SELECT 'someone@people.example', 'Somebody', id FROM guest RETURNING id, home_organisation_id
), member AS (
  INSERT INTO accord.memberships (organisation_id, user_id, email, display_name, roles, status)
  SELECT home_organisation_id, id, 'someone@people.example', 'Somebody', '{ORG_ADMIN}', 'ACTIVE' FROM person
), made AS (
  INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
    owner_user_id, representative_user_id, purposes, starts_at)
  SELECT $1, home_organisation_id, true, 'HOST_REQUEST', 'ACTIVE', $2, $2, $2, id, '{MANAGEMENT}', $3 FROM person
  RETURNING id, guest_id, representative_user_id
), attempt AS (
  INSERT INTO accord.attempts (partnership_id, host_id, guest_id, number, terms, submitted_by, submitted_at,
    host_decision, lapses_at)
  SELECT id, $1, guest_id, 1, '{"purposes": ["MANAGEMENT"], "expiresAt": null}', $2, $3, 'SKIPPED', $3 FROM made
), account AS (
  INSERT INTO accord.accounts (host_id, kind, app, label, launch_url)
  SELECT $1, 'ACCOUNT', 'Ledger', 'Account of ' || id, 'https://ledger.example/' FROM made RETURNING id, label
), owned AS (
  INSERT INTO accord.account_ownerships (account_id, user_id, host_id) SELECT id, $2, $1 FROM account
), shared AS (
  INSERT INTO accord.shares (partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)
  SELECT made.id, $1, made.guest_id, account.id, $2, 'ACTIVE', $3
  FROM made JOIN account ON account.label = 'Account of ' || made.id
  RETURNING id, partnership_id, account_id, guest_id
)
INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT shared.id, shared.partnership_id, shared.account_id, $1, shared.guest_id, made.representative_user_id,
  'COLLABORATOR', 'ACTIVE', 'SHARE', $2, $3 FROM shared JOIN made ON made.id = shared.partnership_id
"""


async def with_partners(world: World, count: int) -> tuple[Organisation, Person]:
    """A host whose one member owns so many partnerships, each with a share and a grant."""
    host = await world.organisation()
    owner = await world.person(host, Role.ORG_ADMIN)
    await world.owner.execute(PARTNERED, host.id, owner.id, world.clock.now, count)
    return host, owner


async def test_the_partners_view_costs_the_same_for_2_and_for_100(
    world: World, asking: Asking, sent: list[str]
) -> None:
    counts = []
    for partners in (2, 100):
        await world.owner.execute("UPDATE accord.organisations SET handle = 'old-' || id WHERE handle LIKE 'guest-%'")
        host, owner = await with_partners(world, partners)
        sent.clear()
        answer = await asking.ask(owner, PARTNERS_VIEW, id=global_id("organisation", host.id))
        listed = answer["organisation"]["partnerships"]
        assert listed["totalCount"] == len(listed["edges"]) == partners
        assert all(len(edge["node"]["shares"]["edges"]) == 1 for edge in listed["edges"])
        assert all(edge["node"]["members"]["edges"][0]["node"]["isRepresentative"] for edge in listed["edges"])
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[1] <= 25
