"""S65 and S66 lived with a directory: what changes in it reaches the organisation, and who leaves it loses everything.

Harbour Hotels is the host: Ada is its admin and the owner. Lighthouse Agency is the guest: Greta is its admin, and its
directory makes Nora and Nick. Harbour Hotels has a directory of its own in the end.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scim2_models import SCIMException

from tests.scale import count
from tests.walkthroughs.acts import TERMS, ask_in, is_dead, new_account, redeem, request, share, sign_in
from tests.walkthroughs.directory import Directory
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story, nodes

pytestmark = pytest.mark.xdist_group("directory")

REQUESTS = count(test=60, check=200, prove=1_000)
PEOPLE = {
    "harbour": {"ada": "Ada Harbour", "arne": "Arne Harbour"},
    "lighthouse": {"greta": "Greta Lighthouse", "nora": "Nora Lighthouse", "nick": "Nick Lighthouse"},
}
MEMBERS = """
query Members($id: ID!) { organisation(id: $id) { members(first: 50) { edges { node {
  displayName email status roles
} } } } }
"""
LOCAL_ROLES = (
    "query Groups($id: ID!) { organisation(id: $id) { scim { groups { edges { node { id displayName roles } } } } } }"
)
WHO = """
query Who($id: ID!) { organisation(id: $id) { activity(filter: { types: ["member.provisioned", "member.removed"] }) {
  edges { node { type userName } }
} } }
"""


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """Two organisations with an admin each, a partnership between them and a shared account."""
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        story.cast(PEOPLE)
        story.ids["harbour"] = story.found("Harbour Hotels", story.ada)
        story.ids["lighthouse"] = story.found("Lighthouse Agency", story.greta)
        story.operator.does("publishTerms", "terms { id }", version="2025-01", text="Terms of Service.")
        new_account(story, "ada", "campaigns", "Campaigns", "Adverts")
        key = story.ids["partnership"] = request(story, "ada", "lighthouse", "greta@lighthouse.example")
        terms = story.greta.ask(TERMS)["currentTerms"]["id"]
        version = story.version(story.greta, key)
        given = {"partnershipId": key, "expectedVersion": version, "termsVersionId": terms, "consent": True}
        story.greta.does("acceptPartnership", **given)
        share(story, "ada", "partnership", "campaigns", "ACCOUNT_MANAGER")
        yield story


@pytest.fixture(scope="module")
def directory(story: Story) -> Iterator[Directory]:
    made = story.greta.does("createScimCredential", "token credential { label status }", label="Okta")
    assert made["credential"] == {"label": "Okta", "status": "ACTIVE"}
    opened = Directory(story.server, made["token"])
    yield opened
    opened.close()


def members(story: Story, admin: str, organisation: str) -> dict[str, tuple[str, list[str]]]:
    """Status and roles by address, as an admin reads them."""
    found = story.people[admin].ask(MEMBERS, id=story.ids[organisation])["organisation"]["members"]
    return {member["email"]: (member["status"], member["roles"]) for member in nodes(found)}


def test_s65_a_person_in_the_directory_is_a_member_who_signs_in_by_the_mailed_link(
    story: Story, directory: Directory
) -> None:
    story.mails.received.clear()
    for person in (story.nora, story.nick):
        made = directory.create_user(person.email, person.name, external_id=f"okta-{person.email}")
        assert made.active
        assert directory.find(person.email).id == made.id
        story.enter(person, story.ids["lighthouse"])
        assert person.membership == made.id
    assert members(story, "greta", "lighthouse")["nora@lighthouse.example"] == ("ACTIVE", ["MEMBER"])


def test_s65_a_change_in_the_directory_reaches_the_organisation(story: Story, directory: Directory) -> None:
    nora = directory.find(story.nora.email)
    changed = directory.patch(nora, "replace", "displayName", "Nora Newname")
    assert changed.display_name == "Nora Newname"
    assert story.nora.ask("{ viewer { user { displayName } } }")["viewer"]["user"]["displayName"] == "Nora Newname"


def test_s65_a_group_gives_its_roles_as_long_as_somebody_is_in_it(story: Story, directory: Directory) -> None:
    nick = directory.find(story.nick.email)
    group = directory.create_group("Auditors", nick)
    (known,) = nodes(story.greta.ask(LOCAL_ROLES, id=story.ids["lighthouse"])["organisation"]["scim"]["groups"])
    assert (known["id"], known["displayName"], known["roles"]) == (group.id, "Auditors", [])
    story.greta.does("setScimGroupRoles", "group { roles }", scimGroupId=group.id, roles=["AUDITOR"])
    assert members(story, "greta", "lighthouse")[story.nick.email] == ("ACTIVE", ["AUDITOR", "MEMBER"])
    directory.patch(group, "remove", f'members[value eq "{nick.id}"]')
    assert members(story, "greta", "lighthouse")[story.nick.email] == ("ACTIVE", ["MEMBER"])


def test_s66_who_is_removed_from_the_directory_loses_every_access_at_once(story: Story, directory: Directory) -> None:
    ask_in(story, "greta", "ada", "campaigns", "nora")
    assert list(story.shared_with(story.nora)) == ["Campaigns"]
    used, unused = sign_in(story, "nora", "campaigns"), sign_in(story, "nora", "campaigns")
    assert redeem(story, used["ticket"]) == (200, "")

    directory.delete(directory.find(story.nora.email))
    shared = "{ viewer { sharedAccounts(first: 5) { totalCount } } }"
    allowed = 0
    for _ in range(REQUESTS):
        answer = story.nora.look(shared)
        viewer = answer.data.get("viewer") or {}
        allowed += bool((viewer.get("sharedAccounts") or {}).get("totalCount"))
    assert allowed == 0
    assert is_dead(story, unused["ticket"])
    refused = story.nora.look(
        "mutation($input: SignInToAccountInput!) { signInToAccount(input: $input) { ticket errors { code } } }",
        input={"organisationId": story.ids["lighthouse"], "accountId": story.ids["campaigns"]},
    )
    assert not (refused.data.get("signInToAccount") or {}).get("ticket")
    assert directory.find(story.nora.email) is None
    seen = nodes(story.greta.ask(WHO, id=story.ids["lighthouse"])["organisation"]["activity"])
    assert {(event["type"], event["userName"]) for event in seen} >= {
        ("member.provisioned", "Okta (directory)"),
        ("member.removed", "Okta (directory)"),
    }


def test_s66_who_comes_back_has_none_of_it_again(story: Story, directory: Directory) -> None:
    again = directory.create_user(story.nora.email, story.nora.name)
    assert again.id == story.nora.membership
    assert story.shared_with(story.nora) == {}


def test_s65_the_last_admin_stays_and_the_directory_is_told(story: Story, directory: Directory) -> None:
    story.mails.received.clear()
    with pytest.raises(SCIMException) as refused:
        directory.delete(directory.find(story.greta.email))
    assert refused.value.status == 409
    assert members(story, "greta", "lighthouse")[story.greta.email][0] == "ACTIVE"
    assert story.shared_with(story.greta) == {}
    story.mails.expect("ada@harbour.example", "greta@lighthouse.example")


def test_s65_at_the_host_ownership_passes_on(story: Story) -> None:
    story.invite(story.ada, story.arne, roles=("ORG_ADMIN",))
    story.ada.does("updateMember", membershipId=story.arne.membership, roles=["ORG_ADMIN", "LEGAL_REPRESENTATIVE"])
    made = story.arne.does("createScimCredential", "token", label="Entra")
    directory = Directory(story.server, made["token"])
    directory.patch(directory.find(story.ada.email), "replace", "active", False)
    owner = story.partnership(story.arne, story.ids["partnership"], "state owner { displayName }")
    assert owner == {"state": "ACTIVE", "owner": {"displayName": "Arne Harbour"}}
    directory.close()
