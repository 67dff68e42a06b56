"""Source 001 lived row by row, S20 to S36, in the order of its text: a customer's data and how far partners reach.

Cedar Clinic is the customer: Cleo and Cyril are its admins, Chen is a plain member. Beacon Security is its partner:
Bea is its admin, Ben its delegated admin, Bob a plain member; Buoy Networks (Bram) is Beacon's sub-partner. Dune Dental
(Dora) is another customer of Beacon, Ember Eyewear (Emma) a new one, and Anchor Systems (Anna) another partner.
"""

from collections.abc import Iterator

import pytest

from tests.walkthroughs.partners import (
    BANNER,
    BILLS,
    CUSTOMERS,
    DETAILS,
    FEATURES,
    LATELY,
    LEVELS,
    LINKS,
    OVERVIEW,
    REPORT,
    SESSION,
    SETTINGS,
    STAFF,
    SUB_PARTNERS,
    USER_ACTIVITY,
    closed,
    grant,
    keep,
    level,
    link,
    make_partner,
    open_tab,
    own_customers,
)
from tests.walkthroughs.person import Person
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story, nodes

pytestmark = pytest.mark.xdist_group("source-001")

PEOPLE = {
    "cedar": {"cleo": "Cleo Cedar", "cyril": "Cyril Cedar", "chen": "Chen Cedar"},
    "dune": {"dora": "Dora Dune"},
    "ember": {"emma": "Emma Ember"},
    "beacon": {"bea": "Bea Beacon", "ben": "Ben Beacon", "bob": "Bob Beacon"},
    "buoy": {"bram": "Bram Buoy"},
    "anchor": {"anna": "Anna Anchor"},
}
NEVER = ("FORBIDDEN", "NOT_FOUND", "ORG_CONTEXT_MISMATCH")
CEDAR = ("cleo@cedar.example", "cyril@cedar.example")


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """A customer and its partner, not yet linked; the partner has a partner beneath it and another customer."""
    with serve(module_database_urls, (OPERATOR,), {"ACCORD_SUPPORT_BY_DEFAULT": "true"}) as server:
        story = Story(server)
        story.of_partnerships, story.of_organisations = LEVELS, LINKS
        story.cast(PEOPLE)
        story.ids["cedar"] = story.found("Cedar Clinic", story.cleo)
        story.ids["dune"] = story.found("Dune Dental", story.dora)
        story.ids["beacon"] = story.found("Beacon Security", story.bea)
        story.ids["buoy"] = story.found("Buoy Networks", story.bram)
        story.ids["anchor"] = story.found("Anchor Systems", story.anna)
        story.invite(story.cleo, story.cyril, roles=("ORG_ADMIN",))
        story.invite(story.cleo, story.chen)
        story.invite(story.bea, story.ben, story.bob)
        story.bea.does("updateMember", membershipId=story.ben.membership, delegatedAdmin=True)
        make_partner(story, "beacon")
        make_partner(story, "anchor", "RESELLER")
        make_partner(story, "buoy", parentPartnerId=story.ids["beacon"])
        story.watchers = [story.cleo, story.bea]
        yield story


def nothing_happened(person: Person, organisation: str) -> bool:
    """Whether the activity of this organisation is closed to the person, or has nothing to show."""
    answer = person.look(USER_ACTIVITY, id=organisation)
    found = (answer.data.get("organisation") or {}).get("activity") or {"totalCount": 0}
    return bool(found["totalCount"] == 0)


def test_s20_a_partner_may_be_granted_access_to_its_customers_data(story: Story) -> None:
    """A person of the customer grants it, nobody else does, and before it there is none."""
    link(story, "cedar", "beacon")
    story.mails.expect(*CEDAR, "bea@beacon.example")
    assert level(story, story.cleo, "cedar_beacon") == {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"}
    wish = {"partnershipId": story.ids["cedar_beacon"], "level": "SUPPORT", "confirm": True}
    for person in (story.bea, story.ben, story.bob, story.chen, story.anna):
        story.refused(person, "setDataAccess", "FORBIDDEN", "NOT_FOUND", **wish)
        foreign = wish | {"organisationId": story.ids["cedar"]}
        if person is not story.chen:
            story.refused(person, "setDataAccess", "ORG_CONTEXT_MISMATCH", "FORBIDDEN", **foreign)
    story.refused(story.operator, "setDataAccess", *NEVER, organisationId=story.ids["cedar"], **wish)

    assert grant(story, story.cleo, "cedar_beacon", "SUPPORT")["effective"] == "SUPPORT"
    story.mails.expect("bea@beacon.example", saying="Cedar Clinic")
    assert level(story, story.bea, "cedar_beacon")["effective"] == "SUPPORT"
    assert story.hidden(story.anna, story.ids["cedar_beacon"])


def test_s21_the_purposes_are_four(story: Story) -> None:
    """A partnership names what it is for: support, improvement, management, contract monitoring."""
    values = story.cleo.ask('{ __type(name: "Purpose") { enumValues { name } } }')["__type"]["enumValues"]
    purposes = ["SUPPORT", "IMPROVEMENT", "MANAGEMENT", "CONTRACT_MONITORING"]
    assert {value["name"] for value in values} == set(purposes)
    asked = {"guestHandle": story.handles[story.ids["anchor"]], "contactEmail": "anna@anchor.example"}
    with story.unchanged():
        assert story.cleo.send("requestPartnership", "", asked | {"purposes": ["CURIOSITY"]}).errors
    story.refused(story.cleo, "requestPartnership", "BAD_USER_INPUT", purposes=[], **asked)
    made = story.cleo.does("requestPartnership", "partnership { id purposes }", purposes=purposes, **asked)
    assert set(made["partnership"]["purposes"]) == set(purposes)
    story.mails.expect("anna@anchor.example")
    seen = story.partnership(story.anna, made["partnership"]["id"], "purposes")
    assert set(seen["purposes"]) == set(purposes), "both sides read what it is for"
    story.cleo.does("withdrawPartnership", partnershipId=made["partnership"]["id"])
    story.mails.expect("anna@anchor.example")


def test_s22_customers_are_browsed_in_a_tree(story: Story) -> None:
    """The partner's staff sees partners and customers; a customer opens its page. Others see no tree."""
    link(story, "dune", "beacon")
    story.mails.expect("dora@dune.example", "bea@beacon.example")
    for person in (story.bea, story.ben):
        assert set(own_customers(person)) == {"Cedar Clinic", "Dune Dental"}, "granted or not"
        beneath = person.ask(SUB_PARTNERS, id=person.organisation)["organisation"]["partnerTree"]["subPartners"]
        assert [one["name"] for one in nodes(beneath)] == ["Buoy Networks"]
    page = own_customers(story.bea)["Cedar Clinic"]
    assert page["customer"] == {"id": story.ids["cedar"], "name": "Cedar Clinic"}
    opened = story.partnership(story.bea, page["partnership"]["id"], "state host { name } viewerCan")
    assert opened["state"] == "ACTIVE"
    assert opened["host"] == {"name": "Cedar Clinic"}
    for person in (story.bob, story.bram, story.cleo, story.anna):
        assert set(person.denied(CUSTOMERS, id=story.ids["beacon"])) <= {"FORBIDDEN", "NOT_FOUND"}


def test_s23_manage_service_opens_dashboard_reports_and_user_activity(story: Story) -> None:
    """From the customer's page an acting session is opened; in it all three are read, without it none (Q3)."""
    cedar = story.ids["cedar"]
    for document, given in ((OVERVIEW, {}), (REPORT, LATELY)):
        assert set(story.ben.denied(document, id=cedar, **given)) <= {"FORBIDDEN", "NOT_FOUND"}, "not from home"
    assert nothing_happened(story.ben, cedar)
    wish = {"hostId": cedar, "basis": "LEVEL", "reason": "To look around"}
    for person in (story.bob, story.bram, story.anna):
        story.refused(person, "switchOrganisation", *NEVER, **wish)
    story.refused(story.chen, "switchOrganisation", *NEVER, "BAD_USER_INPUT", **wish)

    story.kept["ben"] = tab = open_tab(story, story.ben, "cedar", reason="Ticket 4711")
    banner = tab.ask(BANNER)["viewer"]
    assert banner["organisation"] == {"id": cedar, "name": "Cedar Clinic"}
    assert banner["actingSession"]["level"] == "SUPPORT"
    assert tab.ask(OVERVIEW, id=cedar)["organisation"]["dashboard"]
    assert tab.ask(REPORT, id=cedar, **LATELY)["organisation"]["report"]["rows"]
    seen = nodes(tab.ask(USER_ACTIVITY, id=cedar)["organisation"]["activity"])
    assert {"level.granted", "session.started"} <= {event["type"] for event in seen}
    stranger = story.bob.within(cedar, tab.session)
    assert closed(stranger) == "SESSION_ENDED", "of use to its own user only"


def test_s24_the_level_is_set_as_exactly_one_of_three(story: Story) -> None:
    """The vendor says in the partner's contract, and on a link, how far at most: one of three levels."""
    values = story.cleo.ask('{ __type(name: "DataAccessLevel") { enumValues { name } } }')["__type"]["enumValues"]
    assert {value["name"] for value in values} == {"NONE", "SUPPORT", "MANAGE"}
    linked = {"linkId": story.ids["dune_beacon_link"]}
    for person in (story.bea, story.ben, story.dora, story.cleo):
        story.refused(person, "setCeiling", *NEVER, ceiling="SUPPORT", **linked)
    with story.unchanged():
        for wrong in ("ALL", ["SUPPORT", "MANAGE"], 2):
            assert story.operator.send("setCeiling", "", linked | {"ceiling": wrong}).errors
    story.operator.does("setCeiling", "link { ceiling }", ceiling="SUPPORT", **linked)
    story.mails.expect("dora@dune.example", "bea@beacon.example")
    assert level(story, story.dora, "dune_beacon") == {"ceiling": "SUPPORT", "granted": "NONE", "effective": "NONE"}
    story.operator.does("setCeiling", "contract { ceiling }", ceiling="MANAGE", partnerId=story.ids["beacon"])
    story.mails.expect("bea@beacon.example")


def test_s25_none_no_customer_data_at_all(story: Story) -> None:
    """With NONE nobody of the partner opens the customer, and what they ask for from home is refused."""
    dune = story.ids["dune"]
    for person in (story.bea, story.ben, story.bob):
        story.refused(person, "switchOrganisation", *NEVER, hostId=dune, basis="LEVEL", reason="To look around")
        for document, given in ((OVERVIEW, {}), (REPORT, LATELY), (SETTINGS, {}), (STAFF, {})):
            assert set(person.denied(document, id=dune, **given)) <= {"FORBIDDEN", "NOT_FOUND"}
        assert nothing_happened(person, dune)
    tab = story.kept["ben"]
    for document, given in ((OVERVIEW, {}), (REPORT, LATELY)):
        assert set(tab.denied(document, id=dune, **given)) <= {"FORBIDDEN", "NOT_FOUND"}, "a session is of one customer"
    assert nothing_happened(tab, dune)


def test_s26_support_reads_dashboard_reports_and_activity_and_writes_nothing(story: Story) -> None:
    """Of a SUPPORT session every mutation is refused, and everything else of the customer is closed to it."""
    cedar, tab = story.ids["cedar"], story.kept["ben"]
    for document in (SETTINGS, FEATURES, STAFF, BILLS):
        assert set(tab.denied(document, id=cedar)) <= {"FORBIDDEN", "NOT_FOUND"}
    partnership = {"partnershipId": story.ids["cedar_beacon"]}
    story.refused(tab, "updateSettings", *NEVER, displayName="Beacon Clinic")
    story.refused(tab, "setFeature", *NEVER, key="two_factor", enabled=False)
    story.refused(tab, "inviteMember", *NEVER, email="bob@beacon.example", displayName="Bob Beacon")
    story.refused(tab, "setDataAccess", *NEVER, level="MANAGE", confirm=True, **partnership)
    story.refused(tab, "removePartner", *NEVER, **partnership)
    story.refused(tab, "createAccount", *NEVER, label="Mine", app="Desk", launchUrl="https://desk.example/")
    story.refused(tab, "updateProfile", *NEVER, displayName="Benjamin")
    story.refused(tab, "switchOrganisation", *NEVER, hostId=story.ids["dune"], basis="LEVEL", reason="Onwards")


def test_s27_support_data_is_reached_by_selecting_the_customer(story: Story) -> None:
    """Select the customer, choose it, and read the overview and a report."""
    cedar = story.ids["cedar"]
    page = own_customers(story.bea)["Cedar Clinic"]
    assert page["accountInfo"]["effective"] == "SUPPORT"
    session = story.ben.does("switchOrganisation", SESSION, hostId=page["customer"]["id"], basis="LEVEL", reason="Look")
    assert session["session"]["level"] == "SUPPORT"
    tab = story.ben.within(cedar, session["session"]["id"])
    assert tab.ask(OVERVIEW, id=cedar)["organisation"]["name"] == "Cedar Clinic"
    rows = tab.ask(REPORT, id=cedar, **LATELY)["organisation"]["report"]["rows"]
    assert {row["key"]: row["count"] for row in rows}["session.started"] == 2
    tab.does("leaveOrganisation", sessionId=tab.session)
    assert closed(tab) == "SESSION_ENDED"


def test_s28_support_is_a_default_of_the_sale_alone(story: Story) -> None:
    """Q4: where the deployment allows it a sale comes with SUPPORT, and its first admin is told; no later link does."""
    default = {"partnerId": story.ids["anchor"], "kind": "RESELLER", "defaultLevel": "SUPPORT"}
    refusal = story.refused(story.operator, "linkPartner", "BAD_USER_INPUT", customerId=story.ids["dune"], **default)
    assert refusal["field"] == "defaultLevel"
    sold = story.operator.does(
        "createOrganisation", "organisation { id handle }", name="Ember Eyewear", countryCode="CH",
        adminEmail="emma@ember.example", adminDisplayName="Emma Ember", partnersEnabled=True,
    )["organisation"]  # fmt: skip
    story.ids["ember"], story.handles[sold["id"]] = sold["id"], sold["handle"]
    story.operator.does("linkPartner", customerId=sold["id"], **(default | {"partnerId": story.ids["beacon"]}))
    wish = {"hostId": sold["id"], "basis": "LEVEL", "reason": "By default"}
    story.refused(story.ben, "switchOrganisation", *NEVER, **wish)
    story.enter(story.emma, sold["id"])
    story.mails.expect(*["emma@ember.example", "bea@beacon.example"] * 2, saying="Ember Eyewear")
    keep(story, "ember", "beacon")
    supported = {"ceiling": "MANAGE", "granted": "SUPPORT", "effective": "SUPPORT"}
    assert level(story, story.emma, "ember_beacon") == supported
    tab = open_tab(story, story.ben, "ember")
    assert grant(story, story.emma, "ember_beacon", "NONE")["granted"] == "NONE", "taken back in one act"
    story.mails.expect("bea@beacon.example", saying="Ember Eyewear")
    assert closed(tab) == "ACCESS_REVOKED"


def test_s29_the_customer_may_revoke_support(story: Story) -> None:
    """Revoking ends the sessions at once, in the same act, and the partner's admins are told."""
    cedar, tab = story.ids["cedar"], story.kept["ben"]
    wish = {"partnershipId": story.ids["cedar_beacon"], "level": "NONE"}
    for person in (story.chen, story.bea, story.ben, story.bob, story.anna):
        story.refused(person, "setDataAccess", "FORBIDDEN", "NOT_FOUND", **wish)
    assert tab.ask(OVERVIEW, id=cedar)["organisation"]["dashboard"]
    assert grant(story, story.cyril, "cedar_beacon", "NONE")["effective"] == "NONE"
    story.mails.expect("bea@beacon.example", saying="Cedar Clinic")
    assert closed(tab) == "ACCESS_REVOKED"
    with story.unchanged():
        assert story.ben.tries("switchOrganisation", hostId=cedar, basis="LEVEL", reason="Again")["code"] in NEVER


def test_s30_manage_is_full_read_and_write_from_the_customers_side(story: Story) -> None:
    """Settings, features and members are read and written; what stays with the customer is refused (4.9)."""
    cedar, partnership = story.ids["cedar"], {"partnershipId": story.ids["cedar_beacon"]}
    assert grant(story, story.cleo, "cedar_beacon", "MANAGE")["effective"] == "MANAGE"
    story.mails.expect("bea@beacon.example", saying="Cedar Clinic")
    story.kept["manage"] = tab = open_tab(story, story.ben, "cedar")
    assert tab.ask(BANNER)["viewer"]["actingSession"]["level"] == "MANAGE"
    for document, given in ((OVERVIEW, {}), (REPORT, LATELY), (USER_ACTIVITY, {}), (SETTINGS, {}), (STAFF, {})):
        assert tab.ask(document, id=cedar, **given)["organisation"]
    tab.does("updateSettings", "settings { displayName timeZone }", timeZone="Europe/Zurich")
    (feature, *_) = tab.ask(FEATURES, id=cedar)["organisation"]["features"]
    tab.does("setFeature", "feature { key enabled }", key=feature["key"], enabled=not feature["enabled"])
    (chen,) = (one for one in nodes(story.cleo.ask(STAFF, id=cedar)["organisation"]["members"]) if "Chen" in str(one))
    tab.does("updateMember", membershipId=chen["id"], displayName="Chen C. Cedar")
    changed = story.cleo.ask(FEATURES, id=cedar)["organisation"]["features"]
    assert {one["key"]: one["enabled"] for one in changed}[feature["key"]] is not feature["enabled"]
    assert story.cleo.ask(SETTINGS, id=cedar)["organisation"]["settings"]["timeZone"] == "Europe/Zurich"

    story.refused(tab, "setDataAccess", *NEVER, level="MANAGE", confirm=True, **partnership)
    story.refused(tab, "inviteMember", *NEVER, "BAD_USER_INPUT", email="bob@beacon.example", displayName="Bob Beacon")
    story.refused(tab, "updateMember", *NEVER, membershipId=story.cyril.membership, displayName="Nobody")
    story.refused(tab, "updateMember", *NEVER, membershipId=chen["id"], roles=["ORG_ADMIN"])
    assert set(tab.denied(BILLS, id=cedar)) <= {"FORBIDDEN", "NOT_FOUND"}, "no bills by MANAGE alone"


def test_s31_manage_service_opens_the_customers_console(story: Story) -> None:
    """The customer is selected, the session opened, and the customer's admin console is this API in its name."""
    cedar, tab = story.ids["cedar"], story.kept["manage"]
    viewer = tab.ask(BANNER)["viewer"]
    assert viewer["organisation"]["id"] == viewer["actingSession"]["host"]["id"] == cedar
    assert viewer["homeOrganisation"]["id"] == story.ids["beacon"]
    away = tab.within(story.ids["beacon"], tab.session)
    expected = story.refused(away, "updateSettings", "ORG_CONTEXT_MISMATCH", "FORBIDDEN", displayName="Beacon Two")
    assert expected["code"]
    story.refused(story.bob, "switchOrganisation", *NEVER, hostId=cedar, basis="LEVEL", reason="Me too")


def test_s32_manage_needs_two_keys(story: Story) -> None:
    """The vendor's ceiling alone opens nothing, and the customer's grant alone neither."""
    dune = {"partnershipId": story.ids["dune_beacon"]}
    refusal = story.refused(story.dora, "setDataAccess", "CEILING_EXCEEDED", level="MANAGE", confirm=True, **dune)
    assert refusal["ceiling"] == "SUPPORT"
    story.operator.does("setCeiling", ceiling="MANAGE", linkId=story.ids["dune_beacon_link"])
    story.mails.expect("dora@dune.example", "bea@beacon.example")
    assert level(story, story.dora, "dune_beacon") == {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"}
    refusal = story.refused(story.dora, "setDataAccess", "BAD_USER_INPUT", level="MANAGE", **dune)
    assert refusal["field"] == "confirm", "explicitly"
    assert grant(story, story.dora, "dune_beacon", "MANAGE")["effective"] == "MANAGE"
    story.mails.expect("bea@beacon.example", saying="Dune Dental")
    story.operator.does("setCeiling", ceiling="SUPPORT", linkId=story.ids["dune_beacon_link"])
    story.mails.expect("dora@dune.example", "bea@beacon.example")
    lowered = {"ceiling": "SUPPORT", "granted": "SUPPORT", "effective": "SUPPORT"}
    assert level(story, story.dora, "dune_beacon") == lowered
    story.operator.does("setCeiling", ceiling="MANAGE", linkId=story.ids["dune_beacon_link"])
    story.mails.expect("dora@dune.example", "bea@beacon.example")
    assert level(story, story.dora, "dune_beacon")["effective"] == "SUPPORT", "raised again it brings nothing back (Q5)"


def test_s33_data_access_is_granted_partner_by_partner(story: Story) -> None:
    """Neither a sub-partner nor another partner of the customer has what one partner was granted."""
    cedar = story.ids["cedar"]
    assert level(story, story.cleo, "cedar_beacon")["effective"] == "MANAGE"
    assert own_customers(story.bram) == {}
    assert story.hidden(story.bram, story.ids["cedar_beacon"])
    beneath = story.bea.ask(SUB_PARTNERS, id=story.ids["beacon"])["organisation"]["partnerTree"]["subPartners"]
    (buoy,) = nodes(beneath)
    assert (buoy["name"], buoy["status"], buoy["customerCount"]) == ("Buoy Networks", "ACTIVE", 0)
    link(story, "cedar", "anchor", "RESELLER")
    story.mails.expect(*CEDAR, "anna@anchor.example")
    assert level(story, story.cleo, "cedar_anchor") == {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"}
    for person in (story.bram, story.anna):
        story.refused(person, "switchOrganisation", *NEVER, hostId=cedar, basis="LEVEL", reason="By the tree")


def test_s34_the_customer_revokes_both_at_any_time(story: Story) -> None:
    """Also while the partnership is suspended, and down to SUPPORT or all the way."""
    cedar, wish = story.ids["cedar"], {"partnershipId": story.ids["cedar_beacon"]}
    tab = story.kept["manage"]
    assert grant(story, story.cyril, "cedar_beacon", "SUPPORT")["effective"] == "SUPPORT"
    story.mails.expect("bea@beacon.example")
    assert closed(tab) == "ACCESS_REVOKED", "a MANAGE session does not become a SUPPORT one"
    story.bea.does("suspendPartnership", reason="Holidays", **wish)
    story.mails.expect(*CEDAR, "bea@beacon.example")
    assert level(story, story.cleo, "cedar_beacon") == {"ceiling": "MANAGE", "granted": "SUPPORT", "effective": "NONE"}
    assert grant(story, story.cleo, "cedar_beacon", "NONE")["granted"] == "NONE"
    story.mails.expect("bea@beacon.example")
    story.bea.does("resumePartnership", **wish)
    story.mails.expect(*CEDAR, "bea@beacon.example")
    assert level(story, story.cleo, "cedar_beacon") == {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"}
    story.refused(story.ben, "switchOrganisation", *NEVER, hostId=cedar, basis="LEVEL", reason="Once more")


def test_s35_the_customers_setting_is_shown_in_its_account_info(story: Story) -> None:
    """Each customer in the partner's tree has its current data-privacy setting; other partners do not see it."""
    for person in (story.bea, story.ben):
        seen = {name: one["accountInfo"] for name, one in own_customers(person).items()}
        assert seen == {
            "Cedar Clinic": {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"},
            "Dune Dental": {"ceiling": "MANAGE", "granted": "SUPPORT", "effective": "SUPPORT"},
            "Ember Eyewear": {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"},
        }
    assert set(own_customers(story.anna)) == {"Cedar Clinic"}


def test_s36_the_wizard_sets_a_ceiling_and_grants_nothing(story: Story) -> None:
    """It is set by who creates the partner, the vendor or the parent, never above the parent's own."""
    contract = {"partnerId": story.ids["buoy"]}
    for person in (story.bram, story.cleo, story.anna, story.ben):
        story.refused(person, "setCeiling", *NEVER, ceiling="MANAGE", **contract)
    story.operator.does("setCeiling", "contract { ceiling }", ceiling="SUPPORT", partnerId=story.ids["beacon"])
    hosts = (*CEDAR, "dora@dune.example", "emma@ember.example")
    story.mails.expect("bea@beacon.example", "bram@buoy.example", *hosts)
    refusal = story.refused(story.bea, "setCeiling", "CEILING_EXCEEDED", ceiling="MANAGE", **contract)
    assert refusal["ceiling"] == "SUPPORT"
    set_by_parent = story.bea.does("setCeiling", "contract { ceiling }", ceiling="NONE", **contract)["contract"]
    assert set_by_parent == {"ceiling": "NONE"}
    story.mails.expect("bram@buoy.example")
    assert level(story, story.cleo, "cedar_beacon") == {"ceiling": "SUPPORT", "granted": "NONE", "effective": "NONE"}
    assert own_customers(story.bram) == {}
    details = nodes(story.cleo.ask(DETAILS, id=story.ids["cedar"])["organisation"]["partnerLinks"])
    assert "Beacon Security" in {one["partner"]["name"] for one in details}


def test_no_mail_went_to_anybody_who_should_not_get_it(story: Story) -> None:
    story.mails.expect_none()
