"""Source 004 lived row by row, S105 to S120, in the order of its text: roles that a customer delegates to its partner.

Maple Motors is the customer: Maud is its admin, Drew a Decision Maker, Finn a Phone Manager, Nora a plain member. Cloud
Callers is its partner of record: Carl and Cora are admins, Phil, Dina and Paul its staff. Tin Can Resale (Tina) is
another partner of Maple, Consul Consulting (Iris) is nobody's partner, and Maple Leaf is another customer of Cloud
Callers (Lena).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.walkthroughs.acts import fields_of
from tests.walkthroughs.partners import (
    BANNER,
    BILLS,
    DETAILS,
    FEATURES,
    LEVELS,
    LINKS,
    OVERVIEW,
    PURSE,
    SETTINGS,
    STAFF,
    closed,
    level,
    link,
    make_partner,
    open_tab,
)
from tests.walkthroughs.person import Person
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story, nodes

pytestmark = pytest.mark.xdist_group("source-004")

PEOPLE = {
    "maple": {"maud": "Maud Maple", "drew": "Drew Maple", "finn": "Finn Maple", "nora": "Nora Maple"},
    "callers": {
        "carl": "Carl Callers", "cora": "Cora Callers", "phil": "Phil Callers", "dina": "Dina Callers",
        "paul": "Paul Callers",
    },
    "tincan": {"tina": "Tina Tin"},
    "consul": {"iris": "Iris Consul"},
    "leaf": {"lena": "Lena Leaf"},
}  # fmt: skip
NEVER = ("FORBIDDEN", "NOT_FOUND", "ORG_CONTEXT_MISMATCH")
ADMINS = ("carl@callers.example", "cora@callers.example")
NOTES = "sales@callers.example"
GROUPS = """
query Groups($id: ID!, $state: [RoleGroupState!]) { organisation(id: $id) {
  roleGroups(state: $state, first: 20) { totalCount edges { node {
    id version name role state host { id } members(first: 20) { totalCount edges { node { user { displayName } } } }
  } } }
} }
"""
DIALOG = """
query Dialog($id: ID!) { partnership(id: $id) {
  guest { name } viewerCan delegations(state: [ACTIVE], first: 10) { edges { node {
    id role state notifyAddresses grantedBy { displayName } } } }
} }
"""


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """A customer with a Decision Maker and a Phone Manager of its own, and partners of three kinds; nothing linked."""
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        story.of_partnerships, story.of_organisations = LEVELS, LINKS
        story.cast(PEOPLE)
        story.ids["maple"] = story.found("Maple Motors", story.maud)
        story.ids["callers"] = story.found("Cloud Callers", story.carl)
        story.ids["tincan"] = story.found("Tin Can Resale", story.tina)
        story.ids["consul"] = story.found("Consul Consulting", story.iris)
        story.ids["leaf"] = story.found("Maple Leaf", story.lena)
        story.invite(story.maud, story.drew, roles=("DECISION_MAKER",))
        story.invite(story.maud, story.finn, roles=("PHONE_MANAGER",))
        story.invite(story.maud, story.nora)
        story.invite(story.carl, story.cora, roles=("ORG_ADMIN",))
        story.invite(story.carl, story.phil, story.dina, story.paul)
        make_partner(story, "callers", "REFERRAL")
        make_partner(story, "tincan", "RESELLER")
        make_partner(story, "consul", "REFERRAL")
        story.watchers = [story.maud, story.carl]
        yield story


def groups(person: Person, *states: str) -> dict[str, dict[str, Any]]:
    """The role groups on this person's side by name."""
    seen = person.ask(GROUPS, id=person.organisation, state=list(states or ("ACTIVE",)))["organisation"]["roleGroups"]
    assert seen["totalCount"] == len(seen["edges"])
    return {one["name"]: one for one in nodes(seen)}


def dialog(story: Story, person: Person) -> dict[str, Any]:
    found: dict[str, Any] = person.ask(DIALOG, id=story.ids["maple_callers"])["partnership"]
    return found


def roles_of(story: Story, person: Person) -> set[str]:
    """The roles that stand ticked in the dialog."""
    partnership = person.ask(DIALOG, id=story.ids["maple_callers"])["partnership"]
    return {one["role"] for one in nodes(partnership["delegations"])}


def test_s105_a_customer_may_have_a_partner_of_record(story: Story) -> None:
    """The vendor links it, one per customer; the customer reads who it is, and nothing is delegated by it."""
    link(story, "maple", "callers", "PARTNER_OF_RECORD")
    story.mails.expect("maud@maple.example", *ADMINS)
    assert roles_of(story, story.maud) == set()
    assert groups(story.carl) == {}
    wish = {"customerId": story.ids["maple"], "kind": "PARTNER_OF_RECORD"}
    story.refused(story.operator, "linkPartner", "CONFLICT", partnerId=story.ids["tincan"], **wish)
    for person in (story.maud, story.drew, story.carl, story.tina):
        story.refused(person, "linkPartner", "FORBIDDEN", partnerId=story.ids["tincan"], **wish)
    (linked,) = nodes(story.maud.ask(DETAILS, id=story.ids["maple"])["organisation"]["partnerLinks"])
    assert (linked["kind"], linked["partner"]["name"]) == ("PARTNER_OF_RECORD", "Cloud Callers")


def test_s106_a_decision_maker_of_the_customer_authorises_the_partner(story: Story) -> None:
    """Drew, who is no admin, does it; a member, a Phone Manager and the partner's people do not."""
    wish = {"partnershipId": story.ids["maple_callers"], "roles": ["DECISION_MAKER"], "notifyAddresses": NOTES}
    for person in (story.nora, story.finn, story.carl, story.phil, story.tina):
        story.refused(person, "delegateRoles", "FORBIDDEN", "NOT_FOUND", **wish)
    for person in (story.carl, story.phil, story.tina):
        story.refused(person, "delegateRoles", *NEVER, **(wish | {"organisationId": story.ids["maple"]}))
    assert "DELEGATE_ROLES" in story.partnership(story.drew, story.ids["maple_callers"])["viewerCan"]
    story.drew.does("delegateRoles", **wish)
    story.mails.expect(*ADMINS, NOTES, saying="Maple Motors")
    (delegation,) = nodes(dialog(story, story.maud)["delegations"])
    assert delegation["role"] == "DECISION_MAKER"
    assert delegation["grantedBy"] == {"displayName": "Drew Maple"}
    assert level(story, story.maud, "maple_callers")["effective"] == "NONE", "a role is no level"


def test_s107_decision_maker_phone_manager_or_both(story: Story) -> None:
    """These two roles, no third, each by itself or both together."""
    values = story.maud.ask('{ __type(name: "DelegatedRole") { enumValues { name } } }')["__type"]["enumValues"]
    assert {value["name"] for value in values} == {"DECISION_MAKER", "PHONE_MANAGER"}
    wish = {"partnershipId": story.ids["maple_callers"], "notifyAddresses": NOTES}
    with story.unchanged():
        for wrong in ("ORG_ADMIN", "LEGAL_REPRESENTATIVE", "AUDITOR"):
            assert story.maud.send("delegateRoles", "", wish | {"roles": [wrong]}).errors
    story.refused(story.maud, "delegateRoles", "BAD_USER_INPUT", roles=[], **wish)
    assert roles_of(story, story.maud) == {"DECISION_MAKER"}
    story.drew.does("delegateRoles", roles=["PHONE_MANAGER"], **wish)
    story.mails.expect(*ADMINS, NOTES)
    assert roles_of(story, story.maud) == {"DECISION_MAKER", "PHONE_MANAGER"}


def test_s108_partner_kinds_differ(story: Story) -> None:
    """A partner is in one programme, told apart in the API; guidance for each is a page of the guide (Q29)."""
    values = story.maud.ask('{ __type(name: "PartnerProgram") { enumValues { name } } }')["__type"]["enumValues"]
    assert {value["name"] for value in values} == {"NONE", "REFERRAL", "RESELLER", "MSP"}
    read = "{ viewer { organisation { partnerProgram partnerStatus } } }"
    assert story.carl.ask(read)["viewer"]["organisation"] == {"partnerProgram": "REFERRAL", "partnerStatus": "ACTIVE"}
    assert story.tina.ask(read)["viewer"]["organisation"] == {"partnerProgram": "RESELLER", "partnerStatus": "ACTIVE"}
    wish = {"organisationId": story.ids["tincan"], "program": "MSP", "status": "ACTIVE"}
    for person in (story.tina, story.maud):
        story.refused(person, "setPartnerStatus", "FORBIDDEN", **wish)


def test_s109_who_is_not_the_partner_of_record_becomes_a_contact(story: Story) -> None:
    """Roles are not delegated to another partner (Q26); its person is added as a contact, follows the mail and acts."""
    maple = story.ids["maple"]
    link(story, "maple", "tincan", "RESELLER")
    story.mails.expect("maud@maple.example", "tina@tincan.example")
    wish = {"partnershipId": story.ids["maple_tincan"], "roles": ["PHONE_MANAGER"], "notifyAddresses": NOTES}
    story.refused(story.drew, "delegateRoles", "FORBIDDEN", "PREREQUISITE_MISSING", **wish)

    contact = {"email": "iris@consul.example", "roles": ["PHONE_MANAGER"]}
    for person in (story.nora, story.finn):
        story.refused(person, "addExternalContact", "FORBIDDEN", **contact)
    for person in (story.carl, story.tina):
        story.refused(person, "addExternalContact", *NEVER, organisationId=maple, **contact)
    story.drew.does("addExternalContact", "contact { status }", **contact)
    (mail,) = story.mails.expect("iris@consul.example")
    tab = {"hostId": maple, "basis": "CONTACT", "roleKey": "PHONE_MANAGER", "reason": "Telephones"}
    story.refused(story.iris, "switchOrganisation", *NEVER, **tab)
    story.refused(story.tina, "acceptContact", *NEVER, token="no-such-token")
    story.iris.does("acceptContact", token=mail.token)
    assert story.tina.tries("acceptContact", token=mail.token)["code"] == "NOT_FOUND", "the link works once"
    iris = open_tab(story, story.iris, "maple", basis="CONTACT", roleKey="PHONE_MANAGER")
    assert iris.ask(FEATURES, id=maple)["organisation"]["features"]
    read = """query Contacts($id: ID!) { organisation(id: $id) { externalContacts(first: 5) {
      edges { node { id email roles status } } } } }"""
    (seen,) = nodes(story.maud.ask(read, id=maple)["organisation"]["externalContacts"])
    assert (seen["email"], seen["roles"], seen["status"]) == ("iris@consul.example", ["PHONE_MANAGER"], "ACTIVE")
    story.maud.does("removeExternalContact", contactId=seen["id"])
    assert closed(iris) == "ACCESS_REVOKED"


def test_s110_each_role_that_is_enabled_has_one_group_at_the_partner(story: Story) -> None:
    """One active group per active delegation, empty at first; the customer's other partners have none."""
    seen = groups(story.carl)
    assert {one["role"] for one in seen.values()} == {"DECISION_MAKER", "PHONE_MANAGER"}
    assert len(seen) == 2
    assert {one["members"]["totalCount"] for one in seen.values()} == {0}
    assert groups(story.tina) == {}
    again = {"partnershipId": story.ids["maple_callers"], "roles": ["PHONE_MANAGER"], "notifyAddresses": NOTES}
    story.refused(story.drew, "delegateRoles", "CONFLICT", "INVALID_STATE", "BAD_USER_INPUT", **again)
    assert len(groups(story.carl)) == 2


def test_s111_the_group_is_named_after_the_customer_and_the_role(story: Story) -> None:
    """Customer's name, then the role. Two customers with one name are told apart by their handles (Q25)."""
    assert set(groups(story.carl)) == {"Maple Motors Decision Maker", "Maple Motors Phone Manager"}
    made = story.operator.does(
        "createOrganisation", "organisation { id handle }", name="MAPLE Motors", countryCode="CH",
        adminEmail="lena@leaf.example", adminDisplayName="Lena Leaf", partnersEnabled=True,
    )["organisation"]  # fmt: skip
    story.enter(story.lena, made["id"])
    story.ids["twin"], story.handles[made["id"]] = made["id"], made["handle"]
    link(story, "twin", "callers", "PARTNER_OF_RECORD")
    story.mails.expect("lena@leaf.example", *ADMINS)
    given = {"partnershipId": story.ids["twin_callers"], "roles": ["PHONE_MANAGER"], "notifyAddresses": NOTES}
    story.lena.does("delegateRoles", **given)
    story.mails.expect(*ADMINS, NOTES)
    handle = story.handles[story.ids["maple"]]
    assert f"Maple Motors Phone Manager ({handle})" in groups(story.carl)
    assert any(name.endswith(f"Phone Manager ({made['handle']})") for name in groups(story.carl))
    assert "Maple Motors Decision Maker" in groups(story.carl), "no clash, no handle"
    story.lena.does("clearRoles", partnershipId=story.ids["twin_callers"], roles=["PHONE_MANAGER"])
    story.mails.expect(*ADMINS, NOTES)
    assert set(groups(story.carl)) == {"Maple Motors Decision Maker", "Maple Motors Phone Manager"}
    fields = story.carl.ask('{ __type(name: "Mutation") { fields { name } } }')["__type"]["fields"]
    assert not [one["name"] for one in fields if "RoleGroup" in one["name"] and "Members" not in one["name"]]


def test_s112_the_partner_adds_its_users_and_they_have_the_role(story: Story) -> None:
    """An admin of the partner puts its own active people in, and out; membership gives the role on the customer."""
    maple, seen = story.ids["maple"], groups(story.carl)
    decisions, phones = seen["Maple Motors Decision Maker"]["id"], seen["Maple Motors Phone Manager"]["id"]
    for person in (story.phil, story.tina, story.maud, story.drew, story.nora):
        story.refused(person, "addRoleGroupMembers", *NEVER, roleGroupId=phones, userIds=[story.phil.user])
    for stranger in (story.tina, story.iris, story.nora):
        story.refused(
            story.carl, "addRoleGroupMembers", *NEVER, "BAD_USER_INPUT", roleGroupId=phones, userIds=[stranger.user]
        )
    as_phone_manager = {"hostId": maple, "basis": "ROLE_GROUP", "roleKey": "PHONE_MANAGER", "reason": "A handset"}
    story.refused(story.phil, "switchOrganisation", *NEVER, **as_phone_manager)
    story.cora.does("addRoleGroupMembers", roleGroupId=phones, userIds=[story.phil.user, story.paul.user])
    story.cora.does("addRoleGroupMembers", roleGroupId=decisions, userIds=[story.dina.user])
    for person in (story.carl, story.maud):
        people = "members { edges { node { user { displayName } } } }"
        read = f"delegations(state: [ACTIVE], first: 10) {{ edges {{ node {{ role group {{ {people} }} }} }} }}"
        found = nodes(story.partnership(person, story.ids["maple_callers"], read)["delegations"])
        held = {one["role"]: {m["user"]["displayName"] for m in nodes(one["group"]["members"])} for one in found}
        assert held == {"PHONE_MANAGER": {"Phil Callers", "Paul Callers"}, "DECISION_MAKER": {"Dina Callers"}}

    paul = open_tab(story, story.paul, "maple", basis="ROLE_GROUP", roleKey="PHONE_MANAGER")
    story.carl.does("removeRoleGroupMembers", roleGroupId=phones, userIds=[story.paul.user])
    assert closed(paul) == "ACCESS_REVOKED"
    story.kept["phil"] = open_tab(story, story.phil, "maple", basis="ROLE_GROUP", roleKey="PHONE_MANAGER")
    assert story.kept["phil"].ask(BANNER)["viewer"]["actingSession"]["roleKey"] == "PHONE_MANAGER"
    story.kept["dina"] = open_tab(story, story.dina, "maple", basis="ROLE_GROUP", roleKey="DECISION_MAKER")


def test_s113_phone_managers_have_no_invoices_and_payments(story: Story) -> None:
    """A Phone Manager sees settings and telephony, no bill by any path; a Decision Maker reads and pays them."""
    maple, phil, dina = story.ids["maple"], story.kept["phil"], story.kept["dina"]
    amount = {"amountMinor": 4500, "currency": "CHF"}
    issued = {"customerId": maple, "number": "M-1", "amount": amount, "dueOn": "2100-01-31"}
    invoice = story.operator.does("issueInvoice", "invoice { id state }", **issued)["invoice"]
    story.maud.does("topUpWallet", amount={"amountMinor": 10000, "currency": "CHF"})
    for document in (BILLS, PURSE, OVERVIEW, STAFF):
        assert set(phil.denied(document, id=maple)) <= {"FORBIDDEN", "NOT_FOUND"}
    for document in (SETTINGS, FEATURES):
        assert phil.ask(document, id=maple)["organisation"]
    node = "query Node($id: ID!) { node(id: $id) { id } }"
    assert set(phil.denied(node, id=invoice["id"])) <= {"FORBIDDEN", "NOT_FOUND"}
    story.refused(phil, "payInvoice", *NEVER, invoiceId=invoice["id"])
    by_area = {one["area"]: one["key"] for one in phil.ask(FEATURES, id=maple)["organisation"]["features"]}
    phil.does("setFeature", "feature { key enabled }", key=by_area["TELEPHONY"], enabled=True)
    story.refused(phil, "setFeature", *NEVER, key=by_area["SECURITY"], enabled=True)
    for person in (story.finn, story.nora):
        assert set(person.denied(BILLS, id=maple)) <= {"FORBIDDEN", "NOT_FOUND"}, "nor the customer's own"

    (bill,) = nodes(dina.ask(BILLS, id=maple)["organisation"]["invoices"])
    assert (bill["number"], bill["state"]) == ("M-1", "OPEN")
    assert dina.ask(PURSE, id=maple)["organisation"]["wallet"]["balance"] == {"amountMinor": 10000, "currency": "CHF"}
    assert dina.does("payInvoice", "invoice { state }", invoiceId=invoice["id"])["invoice"] == {"state": "PAID"}
    story.mails.expect("maud@maple.example", saying="M-1")
    story.refused(dina, "topUpWallet", *NEVER, amount=amount)
    story.refused(dina, "payInvoice", "INVALID_STATE", invoiceId=invoice["id"])
    assert dina.ask(PURSE, id=maple)["organisation"]["wallet"]["balance"]["amountMinor"] == 5500


def test_s114_the_dialog_names_the_partner_and_has_a_box_per_role(story: Story) -> None:
    """The partner's name, the two roles with what is ticked, and the action in `viewerCan` of who may."""
    for person in (story.drew, story.maud):
        shown = dialog(story, person)
        assert shown["guest"] == {"name": "Cloud Callers"}
        assert "SET_DELEGATED_ROLES" in shown["viewerCan"]
        assert roles_of(story, person) == {"DECISION_MAKER", "PHONE_MANAGER"}
    assert "SET_DELEGATED_ROLES" not in story.partnership(story.carl, story.ids["maple_callers"])["viewerCan"]
    assert story.hidden(story.nora, story.ids["maple_callers"])
    wish = {"partnershipId": story.ids["maple_callers"], "roles": ["DECISION_MAKER"], "notifyAddresses": NOTES}
    for person in (story.nora, story.finn, story.carl, story.dina):
        story.refused(person, "setDelegatedRoles", "FORBIDDEN", "NOT_FOUND", **wish)
    story.refused(story.kept["dina"], "setDelegatedRoles", *NEVER, **wish)


def test_s115_a_box_to_send_mail_and_a_list_of_addresses(story: Story) -> None:
    """Comma separated, trimmed, each once; one that is none, or a twenty-first, refuses the whole change."""
    form = fields_of(story, "SetDelegatedRolesInput")
    assert {"roles", "sendEmail", "notifyAddresses"} <= set(form)
    story.drew.does("clearRoles", partnershipId=story.ids["maple_callers"], roles=["PHONE_MANAGER"], sendEmail=False)
    story.mails.expect(*ADMINS)
    wish = {"partnershipId": story.ids["maple_callers"], "roles": ["DECISION_MAKER", "PHONE_MANAGER"]}
    many = ", ".join(f"person{number}@callers.example" for number in range(21))
    for wrong in (f"{NOTES}, nobody", f"{NOTES}; boss@callers.example", many):
        refusal = story.refused(story.drew, "setDelegatedRoles", "BAD_USER_INPUT", notifyAddresses=wrong, **wish)
        assert refusal["field"] == "notifyAddresses"
    given = f" {NOTES} ,boss@callers.example,{NOTES}"
    story.drew.does("setDelegatedRoles", notifyAddresses=given, **wish)
    story.mails.expect(*ADMINS, NOTES, "boss@callers.example", saying="Maple Motors")
    assert roles_of(story, story.drew) == {"DECISION_MAKER", "PHONE_MANAGER"}


def test_s116_at_least_one_address_is_required(story: Story) -> None:
    """Nothing is enabled without one, nor with the box unticked; the partner's admins are told in any case (Q24)."""
    partnership = {"partnershipId": story.ids["maple_callers"]}
    story.drew.does("clearRoles", roles=["PHONE_MANAGER"], sendEmail=False, **partnership)
    story.mails.expect(*ADMINS)
    both = {"roles": ["DECISION_MAKER", "PHONE_MANAGER"]} | partnership
    for none in ("", "  ", " , "):
        story.refused(story.drew, "setDelegatedRoles", "BAD_USER_INPUT", notifyAddresses=none, **both)
        story.refused(
            story.drew, "delegateRoles", "BAD_USER_INPUT", notifyAddresses=none, roles=["PHONE_MANAGER"], **partnership
        )
    story.refused(story.drew, "setDelegatedRoles", "BAD_USER_INPUT", notifyAddresses=NOTES, sendEmail=False, **both)
    notices = "{ viewer { notifications(first: 1) { edges { node { subject } } } } }"
    (told,) = nodes(story.carl.ask(notices)["viewer"]["notifications"])
    assert "Maple Motors" in told["subject"]


def test_s117_a_decision_maker_clears_one_role_or_both(story: Story) -> None:
    """Clearing is the Decision Maker's as enabling was; the partner's own Decision Maker cannot bring it back."""
    wish = {"partnershipId": story.ids["maple_callers"], "roles": ["DECISION_MAKER"]}
    for person in (story.nora, story.finn, story.carl, story.dina, story.tina):
        story.refused(person, "clearRoles", "FORBIDDEN", "NOT_FOUND", **wish)
    story.kept["group"] = groups(story.carl)["Maple Motors Decision Maker"]["id"]
    cleared = story.drew.does("clearRoles", "receipt { rolesCleared groupMembersEnded }", **wish)
    assert cleared["receipt"] == {"rolesCleared": 1, "groupMembersEnded": 1}
    story.kept["mails"] = story.mails.expect(*ADMINS, NOTES)
    assert roles_of(story, story.drew) == set()
    story.refused(story.drew, "clearRoles", "INVALID_STATE", "BAD_USER_INPUT", "NOT_FOUND", **wish)


def test_s118_with_the_role_its_group_is_gone(story: Story) -> None:
    """The group is deleted, its members act no more, and enabling again makes a new, empty one."""
    assert groups(story.carl) == {}
    assert closed(story.kept["dina"]) == "ACCESS_REVOKED"
    group = {"roleGroupId": story.kept["group"], "userIds": [story.phil.user]}
    story.refused(story.carl, "addRoleGroupMembers", "INVALID_STATE", "NOT_FOUND", **group)
    story.drew.does(
        "delegateRoles", partnershipId=story.ids["maple_callers"], roles=["DECISION_MAKER"], notifyAddresses=NOTES
    )
    story.mails.expect(*ADMINS, NOTES)
    (anew,) = groups(story.carl).values()
    assert anew["id"] != story.kept["group"]
    assert anew["members"]["totalCount"] == 0
    as_before = {"hostId": story.ids["maple"], "basis": "ROLE_GROUP", "roleKey": "DECISION_MAKER", "reason": "Again"}
    story.refused(story.dina, "switchOrganisation", *NEVER, **as_before)


def test_s119_the_notice_says_that_access_is_over(story: Story) -> None:
    """Every address that was listed, and the partner's admins, read that they no longer have access."""
    assert {mail.recipient for mail in story.kept["mails"]} == {*ADMINS, NOTES}
    for mail in story.kept["mails"]:
        assert "no longer has access" in mail.text
        assert "Maple Motors" in mail.text
        assert "Decision Maker" in mail.text


def test_s120_the_dialog_is_saved_as_one_change(story: Story) -> None:
    """Roles on, roles off and notices in one mutation: all of it, or nothing of it."""
    given = {"partnershipId": story.ids["maple_callers"]}
    wrong = {"roles": ["PHONE_MANAGER"], "notifyAddresses": "no"} | given
    story.refused(story.drew, "setDelegatedRoles", "BAD_USER_INPUT", **wrong)
    stale = story.version(story.drew, story.ids["maple_callers"]) - 1
    one = {"roles": ["PHONE_MANAGER"], "notifyAddresses": NOTES} | given
    story.refused(story.drew, "setDelegatedRoles", "CONFLICT", expectedVersion=stale, **one)
    assert roles_of(story, story.drew) == {"DECISION_MAKER"}
    receipt = story.drew.does("setDelegatedRoles", "receipt { rolesEnabled rolesCleared }", **one)["receipt"]
    assert receipt == {"rolesEnabled": 1, "rolesCleared": 1}
    on_and_off = story.mails.expect(*ADMINS, NOTES, *ADMINS, NOTES)
    assert len([mail for mail in on_and_off if "no longer has access" in mail.text]) == 3
    assert roles_of(story, story.drew) == {"PHONE_MANAGER"}
    assert set(groups(story.carl)) == {"Maple Motors Phone Manager"}
    assert fields_of(story, "SetDelegatedRolesInput")["roles"]["required"]


def test_no_mail_went_to_anybody_who_should_not_get_it(story: Story) -> None:
    story.mails.expect_none()
