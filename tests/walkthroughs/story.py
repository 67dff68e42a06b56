"""The cast of the story, how they come in, and what "nothing changed" means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.walkthroughs.mailbox import Mailbox
from tests.walkthroughs.person import Person
from tests.walkthroughs.served import Server

OPERATOR = "olivia@vendor.example"

STANDING = """
query Standing($id: ID!) {
  organisation(id: $id) {
    partnerships(first: 10) { totalCount edges { node {
      id version state owner { id } representative { id }
      shares(first: 10) { edges { node {
        id version state grants(first: 10) { edges { node { id version role state } } }
        accessRequests(first: 10) { edges { node { id version state } } }
      } } }
      %s
    } } }
    %s
    accounts(first: 50) { edges { node { id version status } } }
    members(first: 50) { edges { node { id version status roles } } }
    activity { totalCount }
    noise: activity(filter: { types: ["denied", "signin.platform"] }) { totalCount }
  }
  viewer { notifications { totalCount } }
}
"""


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a connection."""
    return [edge["node"] for edge in connection["edges"]]


class Story:
    """The world of one walk: people by first name, organisations by their admins, and what has happened so far.

    `of_partnerships` and `of_organisations` are what the watchers look at besides.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.people: dict[str, Person] = {}
        self.handles: dict[str, str] = {}
        self.watchers: list[Person] = []
        self.ids: dict[str, str] = {}
        self.kept: dict[str, Any] = {}
        self.expects_mails = True
        self.of_partnerships = self.of_organisations = ""
        self._standing: tuple[tuple[object, ...], list[dict[str, Any]]] | None = None
        self.operator = self.person(OPERATOR, "Olivia Vendor")

    @property
    def mails(self) -> Mailbox:
        return self.server.mailbox

    def person(self, email: str, name: str) -> Person:
        person = Person(self.server, email, name)
        self.people[email.split("@", maxsplit=1)[0]] = person
        return person

    def __getattr__(self, name: str) -> Person:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def cast(self, people: dict[str, dict[str, str]]) -> None:
        """People by organisation: the name before the @ of their address, and what they are called."""
        for organisation, names in people.items():
            for first, name in names.items():
                self.person(f"{first}@{organisation}.example", name)

    def found(self, name: str, admin: Person, *, partners: bool = True, created_for: str | None = None) -> str:
        """The operator creates an organisation; its first admin follows the mailed link, signed in."""
        given = {"createdForOrganisationId": created_for} if created_for else {}
        made = self.operator.does(
            "createOrganisation",
            "organisation { id handle name }",
            name=name,
            countryCode="CH",
            adminEmail=admin.email,
            adminDisplayName=admin.name,
            partnersEnabled=partners,
            **given,
        )["organisation"]
        self.handles[made["id"]] = made["handle"]
        self.enter(admin, made["id"])
        return str(made["id"])

    def invite(self, admin: Person, *people: Person, roles: tuple[str, ...] = ("MEMBER",)) -> None:
        """An admin invites people of the own organisation; each follows the mailed link, signed in."""
        for person in people:
            admin.does("inviteMember", email=person.email, displayName=person.name, roles=list(roles))
            self.enter(person, admin.organisation or "")

    def enter(self, person: Person, organisation: str) -> None:
        (mail,) = self.mails.expect(person.email)
        assert mail.token, mail.text
        joined = person.does("acceptMembership", "membership { id status user { id } }", token=mail.token)["membership"]
        assert joined["status"] == "ACTIVE"
        person.organisation, person.membership, person.user = organisation, joined["id"], joined["user"]["id"]

    def seen_by(self, watcher: Person) -> dict[str, Any]:
        """What an admin sees of an organisation; of the events only those that an act writes."""
        seen = watcher.ask(STANDING % (self.of_partnerships, self.of_organisations), id=watcher.organisation)
        noise = seen["organisation"].pop("noise")
        seen["organisation"]["activity"]["totalCount"] -= noise["totalCount"]
        return seen

    def standing(self) -> list[dict[str, Any]]:
        """What the watchers see; not asked again as long as nobody has acted since."""
        since = (self.server.acts, *(watcher.email for watcher in self.watchers))
        if self._standing is None or self._standing[0] != since:
            self._standing = since, [self.seen_by(watcher) for watcher in self.watchers]
        return self._standing[1]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever happens inside changes no state, no version; no event but a sampled denial, no notice, no mail."""
        before, mails = self.standing(), len(self.mails.received)
        yield
        self._standing = None
        assert self.standing() == before
        assert not self.expects_mails or len(self.mails.received) == mails

    def refused(self, person: Person, mutation: str, /, *codes: str, **given: object) -> dict[str, Any]:
        """This person tries this, is refused with one of these codes, and nothing has changed."""
        with self.unchanged():
            refusal = person.tries(mutation, **given)
        assert refusal["code"] in codes, f"{person.name}: {mutation} -> {refusal}, not {codes}"
        return refusal

    def partnership(
        self, person: Person, partnership: str, fields: str = "id version state viewerCan"
    ) -> dict[str, Any]:
        """The partnership as this person reads it."""
        found: dict[str, Any] = person.ask(
            f"query Read($id: ID!) {{ partnership(id: $id) {{ {fields} }} }}", id=partnership
        )["partnership"]
        return found

    def version(self, person: Person, partnership: str) -> int:
        return int(self.partnership(person, partnership)["version"])

    def hidden(self, person: Person, partnership: str) -> bool:
        """Whether this person is told what anybody is told about an ID that does not exist."""
        document = "query Read($id: ID!) { partnership(id: $id) { id } }"
        missing = "partnership_00000000-0000-7000-8000-000000000000"
        return person.look(document, id=partnership).codes == ["NOT_FOUND"] == person.look(document, id=missing).codes

    def account(
        self, person: Person, account: str, fields: str = "id version viewerRole viewerCan badge"
    ) -> dict[str, Any]:
        found: dict[str, Any] = person.ask(f"query Read($id: ID!) {{ account(id: $id) {{ {fields} }} }}", id=account)[
            "account"
        ]
        return found

    def shared_with(self, person: Person) -> dict[str, str | None]:
        """The person's "All accounts" view: the badge by label of what is shared with this person."""
        shared = person.ask("{ viewer { sharedAccounts(first: 50) { edges { node { label badge } } } } }")
        return {account["label"]: account["badge"] for account in nodes(shared["viewer"]["sharedAccounts"])}
