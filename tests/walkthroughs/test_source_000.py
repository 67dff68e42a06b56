"""Source 000 lived row by row, S1 to S19, in the order of its text: one switch, and a partner administers its customer.

Alder Academy is the customer: Abel and Axel are its admins, Aria is a plain member. Bright Managed is its partner: Gwen
is a Group Admin, Gabe is made one, Gil is a plain member. Birch Bakery (Bela) is a customer of Bright's for whom all of
it happens first; Fir Farm, Elm Estates and Oak Optics are further customers, Outsider Works (Otis) is nobody's partner.
"""

from collections.abc import Iterator

import pytest

from tests.walkthroughs.partners import (
    BANNER,
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
    SWITCHER,
    USER_ACTIVITY,
    closed,
    level,
    link,
    make_partner,
    open_tab,
)
from tests.walkthroughs.person import Person
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story, nodes

pytestmark = pytest.mark.xdist_group("source-000")

PEOPLE = {
    "alder": {"abel": "Abel Alder", "axel": "Axel Alder", "aria": "Aria Alder"},
    "birch": {"bela": "Bela Birch"},
    "bright": {"gwen": "Gwen Bright", "gabe": "Gabe Bright", "gil": "Gil Bright"},
    "fir": {"faye": "Faye Fir"},
    "elm": {"emil": "Emil Elm"},
    "oak": {"odin": "Odin Oak"},
    "outsider": {"otis": "Otis Outsider"},
}
NEVER = ("FORBIDDEN", "NOT_FOUND", "ORG_CONTEXT_MISMATCH")
ALDER = ("abel@alder.example", "axel@alder.example")
SUPPORT = "{ supportContact { name email } }"
FLAGS = """
query Flags($id: ID!) { organisation(id: $id) { members(first: 50) { edges { node {
  id displayName roles delegatedAdmin version
} } } } }
"""


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """Customers, and an organisation that will be their partner; nobody is linked."""
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        story.of_partnerships, story.of_organisations = LEVELS, LINKS
        story.cast(PEOPLE)
        story.ids["alder"] = story.found("Alder Academy", story.abel)
        story.ids["birch"] = story.found("Birch Bakery", story.bela)
        story.ids["bright"] = story.found("Bright Managed", story.gwen)
        story.ids["fir"] = story.found("Fir Farm", story.faye)
        story.ids["elm"] = story.found("Elm Estates", story.emil)
        story.ids["oak"] = story.found("Oak Optics", story.odin)
        story.ids["outsider"] = story.found("Outsider Works", story.otis)
        story.invite(story.abel, story.axel, roles=("ORG_ADMIN",))
        story.invite(story.abel, story.aria)
        story.invite(story.gwen, story.gabe, story.gil)
        story.gwen.does("updateMember", membershipId=story.gwen.membership, delegatedAdmin=True)
        make_partner(story, "bright")
        story.watchers = [story.abel, story.gwen]
        yield story


def customers(person: Person, search: str | None = None) -> list[str]:
    """The names that the switcher lists."""
    seen = person.ask(SWITCHER, search=search, first=50)["viewer"]["customers"]
    assert seen["totalCount"] == len(seen["edges"])
    return [one["organisation"]["name"] for one in nodes(seen)]


def flags(person: Person, membership: str) -> tuple[set[str], bool]:
    """Roles and delegated admin of a member."""
    for one in nodes(person.ask(FLAGS, id=person.organisation)["organisation"]["members"]):
        if one["id"] == membership:
            return set(one["roles"]), one["delegatedAdmin"]
    raise AssertionError(membership)


def share(story: Story, person: Person, partnership: str, *, on: bool) -> dict[str, str]:
    """Toggle the switch and submit; the level that stands then."""
    sure = {"confirm": True} if on else {}
    person.does("shareDataWithPartner", partnershipId=story.ids[partnership], share=on, **sure)
    return level(story, person, partnership)


def test_s1_a_customer_shares_its_data_and_the_partner_administers_it(story: Story) -> None:
    """All of it once, in short: linked, granted, the partner at work in the customer's name."""
    link(story, "birch", "bright")
    story.mails.expect("bela@birch.example", "gwen@bright.example")
    wish = {"hostId": story.ids["birch"], "basis": "LEVEL", "reason": "The new term"}
    story.refused(story.gwen, "switchOrganisation", *NEVER, **wish)
    assert share(story, story.bela, "birch_bright", on=True)["effective"] == "MANAGE"
    story.mails.expect("gwen@bright.example", saying="Birch Bakery")
    tab = open_tab(story, story.gwen, "birch", reason="The new term")
    tab.does("updateSettings", "settings { locale }", locale="de-CH")
    assert tab.does("leaveOrganisation", "session { endedAt }", sessionId=tab.session)
    seen = nodes(story.bela.ask(USER_ACTIVITY, id=story.ids["birch"])["organisation"]["activity"])
    (changed,) = (event for event in seen if event["type"] == "settings.changed")
    assert changed["userName"] == "Gwen Bright"
    assert changed["userHome"] == {"id": story.ids["bright"]}, "the customer sees who it was"
    (started,) = (event for event in seen if event["type"] == "session.started")
    assert started["reason"] == "The new term"


def test_s2_the_grantee_is_a_partner_of_the_vendor(story: Story) -> None:
    """Who is in no partner programme, or suspended in it, is not linked."""
    wish = {"customerId": story.ids["alder"], "kind": "MSP"}
    story.refused(story.operator, "linkPartner", "PREREQUISITE_MISSING", partnerId=story.ids["outsider"], **wish)
    suspended = {"organisationId": story.ids["outsider"], "program": "MSP"}
    story.operator.does("setPartnerStatus", status="SUSPENDED", **suspended)
    story.refused(story.operator, "linkPartner", "PREREQUISITE_MISSING", partnerId=story.ids["outsider"], **wish)
    story.operator.does("setPartnerStatus", organisationId=story.ids["outsider"], program="NONE", status="NONE")


def test_s3_it_has_its_own_account_flagged_as_a_partner(story: Story) -> None:
    """An organisation of its own, with the flag that the vendor alone sets."""
    read = "{ viewer { homeOrganisation { name partnerProgram partnerStatus } } }"
    bright = {"name": "Bright Managed", "partnerProgram": "MSP", "partnerStatus": "ACTIVE"}
    assert story.gil.ask(read)["viewer"]["homeOrganisation"] == bright
    wish = {"customerId": story.ids["alder"], "kind": "MSP"}
    missing = "organisation_00000000-0000-7000-8000-000000000000"
    story.refused(story.operator, "linkPartner", "NOT_FOUND", partnerId=missing, **wish)
    flag = {"organisationId": story.ids["outsider"], "program": "MSP", "status": "ACTIVE"}
    for person in (story.otis, story.gwen, story.abel):
        story.refused(person, "setPartnerStatus", "FORBIDDEN", **flag)


def test_s4_the_vendor_links_customer_and_partner(story: Story) -> None:
    """Staff does it on request, nobody else; there is one link of a pair."""
    wish = {"customerId": story.ids["alder"], "partnerId": story.ids["bright"], "kind": "MSP"}
    for person in (story.abel, story.gwen, story.aria, story.otis):
        story.refused(person, "linkPartner", "FORBIDDEN", **wish)
    link(story, "alder", "bright")
    story.mails.expect(*ALDER, "gwen@bright.example")
    seen = story.partnership(story.abel, story.ids["alder_bright"], "path state guest { name } owner { displayName }")
    assert seen == {
        "path": "VENDOR_LINK",
        "state": "ACTIVE",
        "guest": {"name": "Bright Managed"},
        "owner": {"displayName": "Abel Alder"},
    }
    story.refused(story.operator, "linkPartner", "CONFLICT", **wish)
    link(story, "elm", "bright")
    story.mails.expect("emil@elm.example", "gwen@bright.example")


def test_s5_the_customer_sees_its_partners_details(story: Story) -> None:
    """On the organisation's page: the link, with the partner's name. Strangers see nothing of it."""
    (details,) = nodes(story.abel.ask(DETAILS, id=story.ids["alder"])["organisation"]["partnerLinks"])
    assert details["partner"]["name"] == "Bright Managed"
    assert (details["status"], details["kind"]) == ("ACTIVE", "MSP")
    assert story.otis.look(DETAILS, id=story.ids["alder"]).codes[0] in NEVER
    foreign = story.bela.look(DETAILS, id=story.ids["alder"])
    assert foreign.codes[0] in NEVER, "another customer of the same partner neither"


def test_s6_without_a_link_there_are_no_partner_details_and_support_is_named(story: Story) -> None:
    """Fir Farm has no link: the section is absent, and the customer is told whom to ask."""
    assert nodes(story.faye.ask(DETAILS, id=story.ids["fir"])["organisation"]["partnerLinks"]) == []
    assert story.faye.ask(SUPPORT)["supportContact"]["email"]
    none = "{ viewer { organisation { partnerships(side: HOST) { totalCount } } } }"
    assert story.faye.ask(none)["viewer"]["organisation"]["partnerships"]["totalCount"] == 0


def test_s7_the_partners_people_are_elevated_one_by_one(story: Story) -> None:
    """Elevated is who has the flag of a delegated admin; Gabe gets it, Gil does not (S13 tells them apart)."""
    assert flags(story.gwen, story.gabe.membership) == ({"MEMBER"}, False)
    story.refused(story.gabe, "updateMember", "FORBIDDEN", membershipId=story.gabe.membership, delegatedAdmin=True)
    story.gwen.does("updateMember", membershipId=story.gabe.membership, delegatedAdmin=True)
    assert flags(story.gwen, story.gabe.membership) == ({"MEMBER"}, True)
    assert flags(story.gwen, story.gil.membership) == ({"MEMBER"}, False)


def test_s8_share_data_with_partner(story: Story) -> None:
    """Organisation details, the partner's section with its name, the switch, submit."""
    assert "SET_DATA_ACCESS" in story.partnership(story.axel, story.ids["alder_bright"])["viewerCan"]
    (details,) = nodes(story.axel.ask(DETAILS, id=story.ids["alder"])["organisation"]["partnerLinks"])
    assert details["partner"]["name"] == "Bright Managed", "Share data with Bright Managed"
    assert share(story, story.axel, "alder_bright", on=True) == {
        "ceiling": "MANAGE",
        "granted": "MANAGE",
        "effective": "MANAGE",
    }
    story.mails.expect("gwen@bright.example", saying="Alder Academy")
    assert level(story, story.gwen, "alder_bright")["effective"] == "MANAGE", "the partner sees it, too"


def test_s9_the_switch_alone_changes_nothing(story: Story) -> None:
    """One mutation submits; without its confirmation, or answering an older version, nothing has happened."""
    wish = {"partnershipId": story.ids["elm_bright"], "share": True}
    story.watchers = [story.emil, story.gwen]
    refusal = story.refused(story.emil, "shareDataWithPartner", "BAD_USER_INPUT", **wish)
    assert refusal["field"] == "confirm"
    stale = story.version(story.emil, story.ids["elm_bright"]) - 1
    story.refused(story.emil, "shareDataWithPartner", "CONFLICT", confirm=True, expectedVersion=stale, **wish)
    assert level(story, story.emil, "elm_bright")["effective"] == "NONE"
    story.watchers = [story.abel, story.gwen]


def test_s10_only_an_administrator_of_the_customer_grants(story: Story) -> None:
    """Neither a member, nor the partner, nor another customer, nor the vendor."""
    wish: dict[str, object] = {"partnershipId": story.ids["alder_bright"], "share": True, "confirm": True}
    for person in (story.aria, story.gwen, story.gabe, story.gil, story.bela, story.otis):
        story.refused(person, "shareDataWithPartner", "FORBIDDEN", "NOT_FOUND", **wish)
    named = wish | {"organisationId": story.ids["alder"]}
    for person in (story.gwen, story.gabe, story.bela, story.otis, story.operator):
        story.refused(person, "shareDataWithPartner", *NEVER, **named)


def test_s11_linked_is_not_granted(story: Story) -> None:
    """Elm Estates is linked: nobody of the partner has access, until an admin of the customer grants it."""
    assert level(story, story.emil, "elm_bright") == {"ceiling": "MANAGE", "granted": "NONE", "effective": "NONE"}
    assert "Elm Estates" not in customers(story.gwen)
    wish = {"hostId": story.ids["elm"], "basis": "LEVEL", "reason": "Too early"}
    for person in (story.gwen, story.gabe, story.gil):
        story.refused(person, "switchOrganisation", *NEVER, **wish)
        assert set(person.denied(OVERVIEW, id=story.ids["elm"])) <= {"FORBIDDEN", "NOT_FOUND"}


def test_s12_group_admin_is_an_admin_of_the_partner_too(story: Story) -> None:
    """The preset is both; they are not coupled (Q2), and an admin of the partner gives them, not the vendor."""
    roles, delegated = flags(story.gwen, story.gwen.membership)
    assert "ORG_ADMIN" in roles
    assert delegated, "Group Admin: both"
    wish = {"membershipId": story.gil.membership, "delegatedAdmin": True}
    for person in (story.gil, story.gabe, story.abel):
        story.refused(person, "updateMember", "FORBIDDEN", "NOT_FOUND", **wish)
    bright = {"organisationId": story.ids["bright"]}
    for person in (story.abel, story.operator):
        story.refused(person, "updateMember", *NEVER, **wish, **bright)
    assert story.gabe.denied(FLAGS, id=story.ids["bright"]) == ["FORBIDDEN"], "elevated, and no admin at home"


def test_s13_choose_organisation(story: Story) -> None:
    """Sign in as oneself, open the switcher, search, select, choose. Who is not elevated is refused (S7)."""
    alder = story.ids["alder"]
    (found,) = nodes(story.gabe.ask(SWITCHER, search="alder", first=10)["viewer"]["customers"])
    assert found["organisation"] == {"id": alder, "name": "Alder Academy"}
    assert found["level"] == "MANAGE"
    assert [(one["basis"], one["level"]) for one in found["bases"]] == [("LEVEL", "MANAGE")]
    wish = {"hostId": found["organisation"]["id"], "basis": "LEVEL", "reason": "Ticket 4711"}
    for person in (story.gil, story.otis, story.bela):
        story.refused(person, "switchOrganisation", *NEVER, **wish)
    story.refused(story.abel, "switchOrganisation", "BAD_USER_INPUT", **wish)
    session = story.gabe.does("switchOrganisation", SESSION, **wish)["session"]
    story.kept["gabe"] = story.gabe.within(alder, session["id"])
    banner = story.kept["gabe"].ask(BANNER)["viewer"]
    assert banner["organisation"]["name"] == "Alder Academy"
    assert banner["actingSession"]["reason"] == "Ticket 4711"
    assert story.gabe.ask(BANNER)["viewer"]["actingSession"] is None, "the other tab is at home"


def test_s14_the_switcher_lists_and_searches_the_customers(story: Story) -> None:
    """Every customer that may be entered, page by page or by a search; nobody else's."""
    for name, admin in (("fir", "faye"), ("oak", "odin")):
        link(story, name, "bright")
        story.mails.expect(f"{admin}@{name}.example", "gwen@bright.example")
    for name, admin in (("fir", "faye"), ("elm", "emil")):
        share(story, story.people[admin], f"{name}_bright", on=True)
        story.mails.expect("gwen@bright.example")
    everybody = ["Alder Academy", "Birch Bakery", "Elm Estates", "Fir Farm"]
    for person in (story.gwen, story.gabe):
        assert sorted(customers(person)) == everybody, "not who has granted nothing"
        assert customers(person, "fir") == ["Fir Farm"]
        assert customers(person, "oak") == []
        assert customers(person, "%%") == customers(person, "a_d") == []
    first = story.gabe.ask(SWITCHER, first=3)["viewer"]["customers"]
    assert first["pageInfo"]["hasNextPage"]
    rest = story.gabe.ask(SWITCHER, first=3, after=first["pageInfo"]["endCursor"])["viewer"]["customers"]
    assert sorted(one["organisation"]["name"] for one in nodes(first) + nodes(rest)) == everybody
    for person in (story.gil, story.otis, story.abel):
        assert customers(person) == []


def test_s15_settings_features_and_reporting_are_managed_for_the_customer(story: Story) -> None:
    """What is written in the session is the customer's; what protects it stays closed (4.9)."""
    alder, tab = story.ids["alder"], story.kept["gabe"]
    tab.does("updateSettings", "settings { locale }", locale="de-CH", timeZone="Europe/Zurich")
    assert story.abel.ask(SETTINGS, id=alder)["organisation"]["settings"]["locale"] == "de-CH"
    for one in tab.ask(FEATURES, id=alder)["organisation"]["features"]:
        tab.does("setFeature", "feature { enabled }", key=one["key"], enabled=not one["enabled"])
        seen = story.abel.ask(FEATURES, id=alder)["organisation"]["features"]
        assert {each["key"]: each["enabled"] for each in seen}[one["key"]] is not one["enabled"]
    assert tab.ask(OVERVIEW, id=alder)["organisation"]["dashboard"]
    assert tab.ask(REPORT, id=alder, **LATELY)["organisation"]["report"]["rows"]
    assert tab.ask(STAFF, id=alder)["organisation"]["members"]["totalCount"] == 3
    partnership = {"partnershipId": story.ids["alder_bright"]}
    story.refused(tab, "shareDataWithPartner", *NEVER, share=True, confirm=True, **partnership)
    story.refused(tab, "removePartner", *NEVER, **partnership)
    story.refused(tab, "setPolicy", *NEVER, hostAdminMayUnshare=False)
    story.refused(tab, "updateMember", *NEVER, membershipId=story.aria.membership, roles=["ORG_ADMIN"])
    story.refused(story.gabe, "updateSettings", *NEVER, organisationId=alder, locale="fr-CH")


def test_s16_the_own_profile_stays_at_home(story: Story) -> None:
    """In the session the profile is the home one; it is changed at home, and the customer's people do not change."""
    tab = story.kept["gabe"]
    viewer = tab.ask(BANNER)["viewer"]
    assert viewer["user"] == {"id": story.gabe.user, "displayName": "Gabe Bright", "email": "gabe@bright.example"}
    assert viewer["homeOrganisation"]["name"] == "Bright Managed"
    story.refused(tab, "updateProfile", *NEVER, displayName="Gabe Alder")
    story.refused(tab, "updateMember", *NEVER, membershipId=story.gabe.membership, displayName="Gabe Alder")
    story.gabe.does("updateProfile", "user { displayName }", displayName="Gabriel Bright")
    assert tab.ask(BANNER)["viewer"]["user"]["displayName"] == "Gabriel Bright"
    staff = nodes(story.abel.ask(STAFF, id=story.ids["alder"])["organisation"]["members"])
    assert {one["displayName"] for one in staff} == {"Abel Alder", "Axel Alder", "Aria Alder"}


def test_s17_the_wrong_account_is_refused(story: Story) -> None:
    """Every write names its organisation: another than the session's, or none where one is not, changes nothing."""
    tab, alder, fir = story.kept["gabe"], story.ids["alder"], story.ids["fir"]
    other = open_tab(story, story.gabe, "fir", reason="Two tabs")
    assert other.ask(BANNER)["viewer"]["organisation"]["name"] == "Fir Farm"
    assert tab.ask(BANNER)["viewer"]["organisation"]["name"] == "Alder Academy", "two tabs, two customers"
    for wrong in (fir, story.ids["bright"], story.ids["outsider"]):
        refusal = story.refused(tab, "updateSettings", "ORG_CONTEXT_MISMATCH", organisationId=wrong, locale="it-CH")
        facts = refusal.get("extensions", refusal)
        assert (facts["expected"], facts["actual"]) == (wrong, alder), "what the write names, and where one is"
        invited = {"email": "new@alder.example", "displayName": "New"}
        story.refused(tab, "inviteMember", "ORG_CONTEXT_MISMATCH", organisationId=wrong, **invited)
    for person in (story.gabe, story.gwen):
        story.refused(
            person, "updateSettings", "ORG_CONTEXT_MISMATCH", "FORBIDDEN", organisationId=alder, locale="it-CH"
        )
    other.does("leaveOrganisation", sessionId=other.session)


def test_s18_both_sides_are_told_whom_to_ask(story: Story) -> None:
    """Whenever a prerequisite is missing the refusal has the vendor's contact, for customer, partner and staff."""
    contact = story.abel.ask(SUPPORT)["supportContact"]
    assert story.gwen.ask(SUPPORT)["supportContact"] == contact
    assert contact["email"]
    wish = {"customerId": story.ids["alder"], "partnerId": story.ids["outsider"], "kind": "MSP"}
    refusal = story.refused(story.operator, "linkPartner", "PREREQUISITE_MISSING", **wish)
    assert refusal["supportContact"] == contact
    story.operator.does("setPartnersEnabled", organisationId=story.ids["outsider"], enabled=False)
    asked = {"guestHandle": story.handles[story.ids["alder"]], "contactEmail": "abel@alder.example"}
    refusal = story.refused(story.otis, "requestPartnership", "PREREQUISITE_MISSING", **asked)
    assert refusal["supportContact"] == contact
    assert refusal["prerequisite"] == "partnersEnabled"


def test_s19_the_switch_is_turned_off_again(story: Story) -> None:
    """Off revokes, at once, with the sessions that are open (Q1); also by another admin; never by the partner."""
    tab = story.kept["gabe"]
    wish = {"partnershipId": story.ids["alder_bright"], "share": False}
    for person in (story.aria, story.gwen, story.gabe, story.bela, tab):
        story.refused(person, "shareDataWithPartner", *NEVER, **wish)
    assert tab.ask(BANNER)["viewer"]["actingSession"]
    assert share(story, story.abel, "alder_bright", on=False)["effective"] == "NONE"
    story.mails.expect("gwen@bright.example", saying="Alder Academy")
    assert closed(tab) == "ACCESS_REVOKED"
    assert "Alder Academy" not in customers(story.gwen)
    again = {"hostId": story.ids["alder"], "basis": "LEVEL", "reason": "Once more"}
    story.refused(story.gabe, "switchOrganisation", *NEVER, **again)


def test_no_mail_went_to_anybody_who_should_not_get_it(story: Story) -> None:
    story.mails.expect_none()
