"""The reads that are measured: screens, lists with their filters, single things, activity, reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.performance.growth.scene import PEOPLE, Operation, Scene

SCREENS: Final = {path.stem: path.read_text("utf-8") for path in sorted((Path(__file__).parent / "screens").iterdir())}
"""What each screen of the console asks for."""

BRAND, CROWD, PROVIDER = "organisation:brand-0", "organisation:crowd-0", "organisation:provider-0"
IN_ORGANISATION: Final = "query Q($id: ID!%s) { organisation(id: $id) { %s } }"
IN_VIEWER: Final = "query Q%s { viewer { %s } }"
COUNTED: Final = "totalCount"


def screens(scene: Scene) -> Iterator[Operation]:
    """Each screen as each kind of person."""
    for asker, person in PEOPLE.items():
        given = {
            "o": scene.named(f"organisation:{person.organisation}"),
            "p": scene.named(f"partnership:{person.partnership}"),
            "a": scene.named(f"account:{person.account}"),
            "f": scene.since.isoformat(),
            "t": scene.until.isoformat(),
        }
        for name, document in SCREENS.items():
            wanted = {variable: given[variable] for variable in re.findall(r"\$(\w)\b(?=:)", document)}
            yield scene.graphql(f"screen {name}", asker, document, **wanted)


def lists(scene: Scene) -> Iterator[Operation]:
    """Each list in each of its forms, as those who see much of it, little and nothing."""
    yield from _partnerships(scene)
    yield from _people(scene)
    yield from _accounts(scene)
    yield from _of_partners(scene)
    yield from _under_one(scene)
    yield from _others(scene)


def _partnerships(scene: Scene) -> Iterator[Operation]:
    field = "partnerships(first: 25, state: $s, side: $side) { %s pageInfo { endCursor } edges { node { id state } } }"
    document = IN_ORGANISATION % (", $s: [PartnershipState!], $side: PartnershipSide", field)
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "first page": ("", {}),
        "count": (COUNTED, {}),
        "of no state that occurs": ("", {"s": ["SUSPENDED"]}),
        "by state and side, count": (COUNTED, {"s": ["ACTIVE"], "side": "HOST"}),
        "of the other side": ("", {"side": "GUEST"}),
    }
    at = {"host admin": BRAND, "partnership owner": BRAND, "host member": BRAND}
    for asker, place in (at | {"guest admin": PROVIDER, "representative": PROVIDER}).items():
        for form, (more, given) in forms.items():
            yield scene.graphql(f"partnerships, {form}", asker, document % more, id=scene.named(place), **given)
        last = IN_ORGANISATION % ("", "partnerships(last: 25) { edges { node { id } } }")
        yield scene.graphql("partnerships, last page", asker, last, id=scene.named(place))


def _people(scene: Scene) -> Iterator[Operation]:
    field = "members(first: 25, search: $s, status: $status) { %s edges { node { id email roles user { id } } } }"
    document = IN_ORGANISATION % (", $s: String, $status: MembershipStatus", field)
    forms: dict[str, tuple[str, dict[str, Any]]] = {
        "first page": ("", {}),
        "count": (COUNTED, {}),
        "search that finds": ("", {"s": "mo"}),
        "search that finds nobody": ("", {"s": "zq"}),
        "of no status that occurs": ("", {"status": "DEACTIVATED"}),
    }
    for asker, place in (("crowd's admin", CROWD), ("guest admin", PROVIDER), ("partnership owner", BRAND)):
        for form, (more, given) in forms.items():
            yield scene.graphql(f"members, {form}", asker, document % more, id=scene.named(place), **given)
    last = IN_ORGANISATION % ("", "members(last: 25) { edges { node { id } } }")
    yield scene.graphql("members, last page", "crowd's admin", last, id=scene.named(CROWD))
    contacts = "externalContacts(first: 25) { %s edges { node { id email user { displayName } } } }"
    for form in ("", COUNTED):
        name = f"external contacts, {'count' if form else 'first page'}"
        document = IN_ORGANISATION % ("", contacts % form)
        yield scene.graphql(name, "crowd's admin", document, id=scene.named(CROWD))
    claims = IN_ORGANISATION % ("", "invitationClaims(first: 25) { totalCount edges { node { id } } }")
    yield scene.graphql("invitation claims", "crowd's admin", claims, id=scene.named(CROWD))
    mine = IN_VIEWER % ("", "externalContacts(first: 25) { totalCount edges { node { id } } }")
    yield scene.graphql("one's contacts", "contact", mine)


def _accounts(scene: Scene) -> Iterator[Operation]:
    forms = {"first page": ("", None), "count": (COUNTED, None), "search that finds nothing": ("", "zq")}
    at = (", $s: String", "accounts(search: $s, first: 25) { %s edges { node { id label } } }")
    for asker in (
        "host admin",
        "partnership owner",
        "host member",
        "owner of accounts",
        "host admin who shares nothing",
    ):
        for form, (more, text) in forms.items():
            document = (IN_ORGANISATION % at) % more
            yield scene.graphql(f"accounts, {form}", asker, document, id=scene.named(BRAND), s=text)
    shared = ("($s: String)", "sharedAccounts(search: $s, first: 25) { %s edges { node { id label } } }")
    for asker in ("guest member", "representative", "guest's plain member", "dealer's admin"):
        for form, (more, text) in forms.items():
            yield scene.graphql(f"shared accounts, {form}", asker, (IN_VIEWER % shared) % more, s=text)
    may = IN_ORGANISATION % ("", "accounts(first: 25) { edges { node { id viewerCan } } }")
    for asker in ("host admin", "partnership owner"):
        yield scene.graphql("accounts, what one can do", asker, may, id=scene.named(BRAND))
    invitable = IN_ORGANISATION % ("", "invitableAccounts(first: 25) { totalCount edges { node { accountId } } }")
    yield scene.graphql("invitable accounts", "host admin", invitable, id=scene.named(BRAND))


def _of_partners(scene: Scene) -> Iterator[Operation]:
    customers = ("($s: String)", "customers(search: $s, first: 25) { %s edges { node { organisation { id } level } } }")
    forms = {
        "first page": ("", None),
        "count": (COUNTED, None),
        "search that finds": ("", "company 4"),
        "search that finds nothing": ("", "zz"),
    }
    for asker in ("guest admin", "representative", "guest's plain member"):
        for form, (more, text) in forms.items():
            yield scene.graphql(f"customers, {form}", asker, (IN_VIEWER % customers) % more, s=text)
    for asker in ("guest admin", "representative"):
        groups = "roleGroups(first: 25) { totalCount edges { node { id name members(first: 5) { totalCount } } } }"
        yield scene.graphql("role groups", asker, IN_ORGANISATION % ("", groups), id=scene.named(PROVIDER))
        assigned = "customerAssignments(first: 25) { totalCount edges { node { assignedAt } } }"
        yield scene.graphql("assignments", asker, IN_ORGANISATION % ("", assigned), id=scene.named(PROVIDER))
    tree = "partnerTree { %s(first: 25) { totalCount edges { node { %s } } } }"
    for name, field, asked in (
        ("sub-partners", "subPartners", "name customerCount"),
        ("customers of the tree", "customers", "customer { name }"),
    ):
        for asker, place in (("distributor's admin", "organisation:distributor-0"), ("guest admin", PROVIDER)):
            document = IN_ORGANISATION % ("", tree % (field, asked))
            yield scene.graphql(f"{name}", asker, document, id=scene.named(place))


def _under_one(scene: Scene) -> Iterator[Operation]:
    whole = "query Q($id: ID!) { partnership(id: $id) { %s } }"
    fields = {
        "shares": "shares(first: 25) { totalCount edges { node { id account { label } } } }",
        "members": "members(first: 25) { totalCount edges { node { user { displayName } } } }",
        "shares that are hidden": "hiddenShareCount",
        "grants of a page of shares": "shares(first: 25) { edges { node { id "
        "grants { edges { node { id role } } } } } }",
    }
    for asker in ("host admin", "dealer's admin", "guest member", "host admin who shares nothing"):
        for name, field in fields.items():
            key = scene.named("partnership:dealer-0")
            yield scene.graphql(f"one partnership's {name}", asker, whole % field, id=key)
    people = "members(first: 25) { totalCount edges { node { user { displayName } } } }"
    group = f"delegations {{ edges {{ node {{ id group {{ {people} }} }} }} }}"
    for asker in ("host admin", "crowd's admin"):
        key = scene.named("partnership:crowd-0")
        yield scene.graphql("one partnership's large role group", asker, whole % group, id=key)
    hot = "query Q($id: ID!) { account(id: $id) { %s } }"
    for name, field in {
        "grants": "grants(first: 25) { totalCount edges { node { id user { displayName } } } }",
        "requests": "accessRequests(first: 25, state: [PENDING]) { totalCount edges { node { id } } }",
        "shares": "shares(first: 25) { totalCount edges { node { id } } }",
    }.items():
        yield scene.graphql(f"one account's {name}", "host admin", hot % field, id=scene.named("account:hot-0:1"))


def _others(scene: Scene) -> Iterator[Operation]:
    for name, field in {
        "invoices": "invoices(first: 25) { totalCount edges { node { id } } }",
        "wallet": "wallet { entries(first: 25) { totalCount edges { node { createdAt } } } }",
        "API clients": "apiClients(first: 25) { totalCount edges { node { id } } }",
        "links": "partnerLinks(first: 25) { totalCount edges { node { id } } }",
        "guests made": "createdGuests(first: 25) { totalCount edges { node { id } } }",
        "features": "features { key }",
    }.items():
        yield scene.graphql(name, "host admin", IN_ORGANISATION % ("", field), id=scene.named(BRAND))
    for name, field in {
        "groups": "groups(first: 25) { edges { node { id memberCount } } }",
        "credentials": "credentials(first: 25) { edges { node { id } } }",
    }.items():
        document = IN_ORGANISATION % ("", f"scim {{ {field} }}")
        yield scene.graphql(f"directory's {name}", "crowd's admin", document, id=scene.named(CROWD))
    notices = IN_VIEWER % ("", "notifications(first: 25) { totalCount edges { node { id } } }")
    yield scene.graphql("notices", "guest member", notices)
    listed = "query Q($s: String) { organisations(search: $s, first: 25) { edges { node { id name } } } }"
    for name, text in (("first page", None), ("search that finds", "company 4"), ("search that finds nothing", "zz")):
        yield scene.graphql(f"organisations, {name}", "operator", listed, s=text)
    found = 'query Q { partnerLookup(handle: "guest-2") { handle } }'
    yield scene.graphql("look-up of a partner", "host admin", found)


def activity(scene: Scene) -> Iterator[Operation]:
    """Activity without a filter for each kind of person, and with each filter for an admin."""
    document = (
        "query Q($f: ActivityFilter) { activity(first: 50, filter: $f) { %s edges { node { id sequence type } } } }"
    )
    for asker in (*(name for name, person in PEOPLE.items() if not person.acts), "owner of accounts"):
        yield scene.graphql("activity", asker, document % "")
    rare = scene.named("organisation:guest-1")
    filters: dict[str, dict[str, Any]] = {
        "a rare partner": {"partnerOrganisationId": rare},
        "a common partner": {"partnerOrganisationId": scene.named("organisation:guest-2")},
        "a partner without any": {"partnerOrganisationId": scene.named("organisation:crowd-0")},
        "a rare type": {"types": ["partnership.suspended"]},
        "a common type": {"types": ["signin.account"]},
        "a type without any": {"types": ["wallet.topped_up"]},
        "a rare outcome": {"outcome": "DENIED"},
        "a rare app": {"app": "Rare"},
        "an app without any": {"app": "Nothing"},
        "a rare partner in 30 days": {"partnerOrganisationId": rare, "from": scene.since.isoformat()},
        "a rare type in 30 days": {"types": ["partnership.suspended"], "from": scene.since.isoformat()},
        "a person": {"userId": scene.named("user:p2@guest1.example")},
        "an account": {"accountId": scene.named("account:pool-0:2")},
        "a day long ago": {
            "from": (scene.until - timedelta(days=200)).isoformat(),
            "to": (scene.until - timedelta(days=199)).isoformat(),
        },
    }
    for name, given in filters.items():
        yield scene.graphql(f"activity of {name}", "host admin", document % "", f=given)
        yield scene.graphql(f"activity of {name}", "partnership owner", document % "", f=given)
    for name in ("a rare partner", "a rare type", "a rare app", "an account"):
        yield scene.graphql(f"activity of {name}, count", "host admin", document % COUNTED, f=filters[name])
    yield scene.graphql("activity, count", "host admin", document % COUNTED)
    of_one = "query Q($id: ID!) { %s(id: $id) { activity(first: 50) { edges { node { id } } } } }"
    for asker in ("host admin", "partnership owner"):
        key = scene.named("partnership:brand-1")
        yield scene.graphql("activity of one partnership", asker, of_one % "partnership", id=key)
        key = scene.named("account:pool-0:5")
        yield scene.graphql("activity of one account", asker, of_one % "account", id=key)


def reports(scene: Scene) -> Iterator[Operation]:
    """Three reports, of 30 days and of all."""
    document = (
        "query Q($id: ID!, $p: ReportPeriodInput!) { organisation(id: $id) {"
        " report(name: %s, period: $p, groupBy: %s) { total rows { label count } } } }"
    )
    for name, by in (("SIGN_INS", "APP"), ("ACTIVITY", "PARTNER"), ("SHARING", "USER")):
        for days in (30, 299):
            period = {"from": (scene.until - timedelta(days=days)).isoformat(), "to": scene.until.isoformat()}
            key = scene.named(BRAND)
            title = f"report {name} by {by}, {days} days"
            yield scene.graphql(title, "host admin", document % (name, by), id=key, p=period)


def nodes(scene: Scene, keys: dict[str, str]) -> Iterator[Operation]:
    """`node` of each kind as three people: `keys` are the things by what they are."""
    document = "query Q($id: ID!) { node(id: $id) { id __typename } }"
    for name, key in keys.items():
        for asker in ("host admin", "guest member", "stranger"):
            yield scene.graphql(f"node: {name}", asker, document, id=key)
