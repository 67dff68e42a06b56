"""What the people of the story do again and again, and how they look at their world."""

import httpx2

from tests.walkthroughs.story import Story, nodes

INPUT = "query Input($name: String!) { __type(name: $name) { inputFields { name type { kind name } defaultValue } } }"
TERMS = "{ currentTerms { id version text } }"
MEMBERS = """
query Members($id: ID!) { partnership(id: $id) { members(first: 50) { totalCount edges { node {
  isRepresentative user { displayName } grants(first: 10) { edges { node { role share { account { label } } } } }
} } } } }
"""
SHARES = """
query Shares($id: ID!) { partnership(id: $id) { shares(state: [ACTIVE], first: 50) { totalCount edges { node {
  id version state account { id label } grants(state: [ACTIVE], first: 10) { edges { node {
    id version role user { id displayName } } } }
} } } } }
"""
PENDING = """
query Pending($id: ID!) { account(id: $id) { viewerCan accessRequests(state: [PENDING]) { totalCount edges { node {
  id version role note state member { displayName } requestedBy { displayName }
} } } } }
"""
DIRECTORY = """
query Directory($id: ID!, $search: String) { organisation(id: $id) { members(search: $search, first: 20) {
  totalCount edges { node { user { id displayName email } } }
} } }
"""
ACTIVITY = """
query Activity($filter: ActivityFilter, $after: String) { activity(filter: $filter, first: 100, after: $after) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { node { sequence occurredAt type accountLabel account { id } app userName location os device ip } }
} }
"""


def fields_of(story: Story, name: str) -> dict[str, dict[str, object]]:
    """The fields of a form: what the input of a mutation asks for."""
    fields = next(iter(story.people.values())).ask(INPUT, name=name)["__type"]["inputFields"]
    return {
        field["name"]: {"required": field["type"]["kind"] == "NON_NULL", "default": field["defaultValue"]}
        for field in fields
    }


def members_seen(story: Story, viewer: str, partnership: str) -> set[str]:
    """First names in the Members tab of a partner, as this viewer sees it."""
    members = story.people[viewer].ask(MEMBERS, id=story.ids[partnership])["partnership"]["members"]
    assert members["totalCount"] == len(members["edges"])
    return {member["user"]["displayName"].split()[0] for member in nodes(members)}


def accounts_seen(story: Story, viewer: str, partnership: str) -> set[str]:
    """Labels in the Accounts tab of a partner, as this viewer sees it."""
    shares = story.people[viewer].ask(SHARES, id=story.ids[partnership])["partnership"]["shares"]
    assert shares["totalCount"] == len(shares["edges"])
    return {share["account"]["label"] for share in nodes(shares)}


def grant_of(story: Story, viewer: str, account: str, member: str) -> dict[str, object] | None:
    """The grant of a guest member on an account of the Lighthouse partnership."""
    shares = story.people[viewer].ask(SHARES, id=story.ids["lighthouse_partnership"])["partnership"]["shares"]
    for share in nodes(shares):
        for grant in nodes(share["grants"]):
            if share["account"]["id"] == story.ids[account] and grant["user"]["id"] == story.people[member].user:
                return dict(grant)
    return None


def ask_in(story: Story, asker: str, owner: str, account: str, *members: str, role: str = "COLLABORATOR") -> None:
    """An Account Manager asks an Account Owner for access for these people, who is willing."""
    filed = story.people[asker].does(
        "requestAccess", shareId=story.ids[f"{account}_share"], role=role,
        memberUserIds=[story.people[member].user for member in members],
    )  # fmt: skip
    for result in filed["results"]:
        decision = {"itemId": result["item"]["id"], "expectedVersion": result["item"]["version"], "accept": True}
        story.people[owner].does("decideAccessRequests", items=[decision])


def activity_of(story: Story, viewer: str, **given: object) -> list[dict[str, object]]:
    """Every event that this viewer may see, all pages."""
    events: list[dict[str, object]] = []
    after = None
    while True:
        page = story.people[viewer].ask(ACTIVITY, filter=given or None, after=after)["activity"]
        events += nodes(page)
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(events)
            return events
        after = page["pageInfo"]["endCursor"]


def sign_in(story: Story, person: str, account: str) -> dict[str, object]:
    """Sign in to an account: where to go, and the ticket to show there."""
    return story.people[person].does(
        "signInToAccount", "account { id } launchUrl ticket expiresAt", accountId=story.ids[account]
    )


def redeem(story: Story, ticket: object) -> tuple[int, str]:
    """The app takes the ticket to the gateway; status and code of the answer, the code empty where it stands."""
    answer = story.server.http.post("/tickets/redeem", json={"ticket": str(ticket)})
    errors = answer.json().get("errors")
    return answer.status_code, errors[0]["extensions"]["code"] if errors else ""


def is_dead(story: Story, ticket: object) -> bool:
    """Whether a ticket gets the answer of something that never was a ticket."""
    status, code = redeem(story, ticket)
    return 400 <= status < 500 and (status, code) == redeem(story, "not-a-ticket")


def new_account(story: Story, owner: str, name: str, label: str, app: str) -> None:
    made = story.people[owner].does(
        "createAccount",
        "account { id viewerRole }",
        label=label,
        app=app,
        launchUrl=f"https://{app.lower()}.example/login",
    )["account"]
    assert made["viewerRole"] == "ACCOUNT_OWNER"
    story.ids[name] = made["id"]


def request(story: Story, person: str, guest: str, contact: str, **given: object) -> str:
    """One request to become partners; the ID of the new partnership."""
    made = story.people[person].does(
        "requestPartnership",
        "partnership { id }",
        guestHandle=story.handles[story.ids[guest]],
        contactEmail=contact,
        **given,
    )
    return str(made["partnership"]["id"])


def approve(story: Story, admin: str, partnership: str) -> None:
    person = story.people[admin]
    person.does("approvePartnership", partnershipId=partnership, expectedVersion=story.version(person, partnership))


def accept(story: Story, admin: str, partnership: str) -> None:
    person = story.people[admin]
    terms = person.ask(TERMS)["currentTerms"]["id"]
    version = story.version(person, partnership)
    person.does(
        "acceptPartnership", partnershipId=partnership, expectedVersion=version, termsVersionId=terms, consent=True
    )


def share(story: Story, person: str, partnership: str, account: str, role: str, **given: object) -> dict[str, object]:
    """One account shared; its share is kept under `<account>_share`."""
    item = {"accountId": story.ids[account], "role": role} | given
    payload = story.people[person].does("shareAccounts", partnershipId=story.ids[partnership], items=[item])
    made: dict[str, object] = payload["results"][0]["share"]
    story.ids[f"{account}_share"] = str(made["id"])
    return made


def export(story: Story, person: str) -> httpx2.Response:
    """Press "Download CSV"."""
    story.server.acts += 1
    who = story.people[person]
    home = {"organisationId": who.organisation or ""}
    return story.server.http.get("/exports/activity.csv", params=home, headers=who.headers)
