"""What the stories of delegated administration do again and again: links, levels, tabs in a customer's organisation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.walkthroughs.person import Person
from tests.walkthroughs.story import Story, nodes

LEVEL = "dataAccess { ceiling granted effective }"
LEVELS = """
dataAccess { ceiling granted effective }
delegations(first: 10) { edges { node { id version state role group { id members(first: 10) { totalCount } } } } }
"""
LINKS = "partnerLinks(first: 10) { totalCount edges { node { id version status ceiling } } }"
CUSTOMERS = """
query Customers($id: ID!) { organisation(id: $id) { partnerTree { customers(first: 50) { totalCount edges { node {
  customer { id name } partnership { id state } accountInfo { ceiling granted effective }
} } } } } }
"""
SUB_PARTNERS = """
query SubPartners($id: ID!) { organisation(id: $id) { partnerTree { subPartners(first: 50) { totalCount edges { node {
  partnerId name status program ceiling customerCount
} } } } } }
"""
DETAILS = """
query Details($id: ID!) { organisation(id: $id) { partnerLinks(first: 10) { totalCount edges { node {
  id version kind status ceiling partner { id name handle }
} } } } }
"""
SWITCHER = """
query Switcher($search: String, $first: Int, $after: String) { viewer {
  customers(search: $search, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    edges { node { organisation { id name } level bases { basis roleKey level } } } }
} }
"""
BANNER = """
{ viewer { user { id displayName email } homeOrganisation { id name } organisation { id name }
  actingSession { id level basis roleKey reason startedAt endsAt host { id name } } } }
"""
SESSION = "session { id level basis roleKey reason startedAt endsAt host { id name } }"
OVERVIEW = "query Overview($id: ID!) { organisation(id: $id) { name dashboard { __typename } } }"
REPORT = """
query Report($id: ID!, $from: DateTime!, $to: DateTime!) { organisation(id: $id) {
  report(name: ACTIVITY, period: { from: $from, to: $to }, groupBy: EVENT_TYPE) { name rows { key label count } }
} }
"""
LATELY = {name: (datetime.now(UTC) + timedelta(days=days)).isoformat() for name, days in (("from", -7), ("to", 7))}
"""The period of a report."""
USER_ACTIVITY = """
query UserActivity($id: ID!) { organisation(id: $id) { activity(first: 100) { totalCount edges { node {
  type userName reason userHome { id }
} } } } }
"""
SETTINGS = """
query Settings($id: ID!) { organisation(id: $id) { settings {
  id displayName locale timeZone notificationAddresses securityContact
} } }
"""
FEATURES = "query Features($id: ID!) { organisation(id: $id) { features { key name area enabled } } }"
STAFF = """
query Staff($id: ID!) { organisation(id: $id) { members(first: 50) { totalCount edges { node {
  id version displayName email roles status
} } } } }
"""
BILLS = """
query Bills($id: ID!) { organisation(id: $id) { invoices(first: 50) { totalCount edges { node {
  id number amount { amountMinor currency } state paidAt
} } } } }
"""
PURSE = "query Purse($id: ID!) { organisation(id: $id) { wallet { balance { amountMinor currency } } } }"


def make_partner(story: Story, name: str, program: str = "MSP", **given: object) -> None:
    """The vendor takes an organisation into its partner programme."""
    wish = {"organisationId": story.ids[name], "program": program, "status": "ACTIVE"}
    story.operator.does("setPartnerStatus", **(wish | given))


def link(story: Story, customer: str, partner: str, kind: str = "MSP", **given: object) -> str:
    """The vendor links a customer to its partner; keeps link and partnership, answers with the partnership's ID."""
    name = f"{customer}_{partner}"
    made = story.operator.does(
        "linkPartner", "link { id }", customerId=story.ids[customer], partnerId=story.ids[partner], kind=kind, **given
    )
    story.ids[f"{name}_link"] = made["link"]["id"]
    return keep(story, customer, partner)


def keep(story: Story, customer: str, partner: str) -> str:
    """Find the active partnership of two organisations; its ID is kept under their names."""
    name = f"{customer}_{partner}"
    admin = next(person for person in story.people.values() if person.organisation == story.ids[customer])
    read = """query Read($id: ID!) { organisation(id: $id) { partnerships(side: HOST, first: 50) {
      edges { node { id guest { id } state } } } } }"""
    for one in nodes(admin.ask(read, id=story.ids[customer])["organisation"]["partnerships"]):
        if one["guest"]["id"] == story.ids[partner] and one["state"] == "ACTIVE":
            story.ids[name] = one["id"]
    return story.ids[name]


def level(story: Story, person: Person, partnership: str) -> dict[str, str]:
    """The data-privacy setting of a partnership as this person reads it."""
    found: dict[str, str] = story.partnership(person, story.ids[partnership], LEVEL)["dataAccess"]
    return found


def grant(story: Story, person: Person, partnership: str, wish: str) -> dict[str, str]:
    """Somebody of the host sets the level; what stands afterwards."""
    sure = {"confirm": True} if wish == "MANAGE" else {}
    person.does("setDataAccess", partnershipId=story.ids[partnership], level=wish, **sure)
    return level(story, person, partnership)


def open_tab(story: Story, person: Person, host: str, **given: object) -> Person:
    """Choose an organisation and go on in it: the same person, with the header of the new session."""
    wish = {"hostId": story.ids[host], "basis": "LEVEL", "reason": "Ticket 4711"} | given
    session = person.does("switchOrganisation", SESSION, **wish)["session"]
    assert session["host"]["id"] == story.ids[host]
    return person.within(story.ids[host], session["id"])


def closed(tab: Person, document: str = BANNER, **variables: object) -> str:
    """The code with which a session that has ended answers everything."""
    answer = tab.look(document, **variables)
    assert not any((answer.data or {}).values()), answer
    (code,) = set(answer.codes)
    return code


def own_customers(person: Person) -> dict[str, dict[str, Any]]:
    """The customers in a partner's tree by name, as this person of the partner sees it."""
    tree = person.ask(CUSTOMERS, id=person.organisation)["organisation"]["partnerTree"]["customers"]
    assert tree["totalCount"] == len(tree["edges"])
    return {one["customer"]["name"]: one for one in nodes(tree)}
