"""What is asked by machines: the questions of a directory, and the files of activity and reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from tests.performance.growth.scene import Operation, Request, Scene

USERS: Final = "/scim/v2/Users"
GROUPS: Final = "/scim/v2/Groups"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
FILTERS: Final[Mapping[str, str]] = {
    "userName eq": 'userName eq "p7@crowd0.example"',
    "userName eq, nobody": 'userName eq "nobody@crowd0.example"',
    "externalId eq": 'externalId eq "ext-7"',
    "emails.value eq": 'emails.value eq "p7@crowd0.example"',
    "displayName co, nobody": 'displayName co "zq"',
    "active eq false": "active eq false",
    "userName sw": 'userName sw "p7"',
}


def directory(scene: Scene, members: Sequence[str], stranger: str) -> Iterator[Operation]:
    """The questions and acts of the crowd's directory; `members` are in its large group, `stranger` is not. The acts
    leave the data as they were, each pair of them."""

    def ask(name: str, method: str, path: str, body: Mapping[str, Any] | None = None, things: int = 0) -> Operation:
        return Operation(f"SCIM {name}", "directory", Request(method, path, scene.headers("directory"), body), things)

    for name, text in FILTERS.items():
        yield ask(f"Users {name}", "GET", f"{USERS}?{urlencode({'filter': text, 'count': 100})}")
    yield ask("Users, first page", "GET", f"{USERS}?count=100")
    last = urlencode({"count": 100, "startIndex": scene.grown.people - 99})
    yield ask("Users, last page", "GET", f"{USERS}?{last}")
    yield ask("one User", "GET", f"{USERS}/{members[0]}")
    group = f"{GROUPS}/{scene.named('scimgroup:group-1')}"
    everybody = len(members)
    without = "excludedAttributes=members"
    yield ask("a Group with its members", "GET", group, things=everybody)
    yield ask("a Group without members", "GET", f"{group}?{without}")
    yield ask("Groups without members", "GET", f"{GROUPS}?count=10&{without}")
    named = urlencode({"filter": 'displayName eq "Everybody in sales"', "excludedAttributes": "members"})
    yield ask("Groups displayName eq", "GET", f"{GROUPS}?{named}")
    held = urlencode({"filter": f'members.value eq "{members[0]}"', "excludedAttributes": "members"})
    yield ask("Groups of a member", "GET", f"{GROUPS}?{held}")
    add = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": stranger}]}]}
    remove = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": f'members[value eq "{stranger}"]'}]}
    yield ask("add a member", "PATCH", f"{group}?{without}", add)
    yield ask("remove a member", "PATCH", f"{group}?{without}", remove)
    whole = {"schemas": [GROUP], "displayName": "Everybody in sales", "externalId": "group-1"}
    listed = [{"value": member} for member in members]
    yield ask("PUT of the whole group", "PUT", f"{group}?{without}", whole | {"members": listed}, things=everybody)
    person = {"schemas": [USER], "userName": "p9@crowd0.example", "externalId": "ext-9", "displayName": "Clara Berg 9"}
    yield ask(
        "PUT of a User", "PUT", f"{USERS}/{scene.named('membership:p9@crowd0.example')}", person | {"active": True}
    )


def files(scene: Scene) -> Iterator[Operation]:
    """Each export: of the whole stream, of what is rare in it, and a report."""
    organisation = {"organisationId": scene.named("organisation:brand-0")}
    forms: dict[str, tuple[dict[str, str], int]] = {
        "of the whole stream": ({}, scene.grown.events),
        "of a rare partner": ({"partnerOrganisationId": scene.named("organisation:guest-1")}, 0),
        "of a rare type": ({"types": "partnership.suspended"}, 0),
        "of a rare outcome": ({"outcome": "DENIED"}, 0),
        "of a rare app": ({"app": "Rare"}, 0),
        "of an account": ({"accountId": scene.named("account:pool-0:2")}, 0),
    }

    def fetch(name: str, asker: str, path: str, given: Mapping[str, str], things: int = 0) -> Operation:
        return Operation(name, asker, Request("GET", f"{path}?{urlencode(given)}", scene.headers(asker)), things)

    for name, (given, things) in forms.items():
        yield fetch(f"file {name}", "host admin", "/exports/activity.csv", organisation | given, things)
    period = {"from": scene.since.isoformat(), "to": scene.until.isoformat()}
    report = organisation | period | {"name": "SIGN_INS", "groupBy": "APP"}
    yield fetch("file of a report", "host admin", "/exports/report.csv", report)
