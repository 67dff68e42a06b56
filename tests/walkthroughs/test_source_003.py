"""Source 003 lived row by row, S92 to S104, in the order of its text: a customer invites a partner to its products.

Indigo Inn is the customer: Ines is legally responsible, Ivo an admin who is not, Ilse a plain member who runs the
shop. Wren Web is the partner of the main story: Wanda is its admin, Will its staff, and it is listed in the directory.
Yarrow Hosting (Yara, with Yuri her delegated admin) is listed, too, Zinnia Studio (Zoe) is not, nor is Aster Admin
(Asta), with whom COMPLETE is lived first; Stray Systems (Stan) is nobody's partner.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.walkthroughs.acts import TERMS, fields_of
from tests.walkthroughs.partners import (
    BANNER,
    BILLS,
    LEVELS,
    LINKS,
    PURSE,
    SETTINGS,
    STAFF,
    closed,
    level,
    make_partner,
    open_tab,
)
from tests.walkthroughs.person import Person
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story, nodes

pytestmark = pytest.mark.xdist_group("source-003")

PEOPLE = {
    "indigo": {"ines": "Ines Indigo", "ivo": "Ivo Indigo", "ilse": "Ilse Indigo"},
    "wren": {"wanda": "Wanda Wren", "will": "Will Wren"},
    "yarrow": {"yara": "Yara Yarrow", "yuri": "Yuri Yarrow"},
    "zinnia": {"zoe": "Zoe Zinnia"},
    "aster": {"asta": "Asta Aster"},
    "stray": {"stan": "Stan Stray"},
}
NEVER = ("FORBIDDEN", "NOT_FOUND", "ORG_CONTEXT_MISMATCH")
INDIGO = ("ines@indigo.example", "ivo@indigo.example")
PUBLISHED = "hello@wren.example"
DIRECTORY = "query Directory($search: String!) { partnerDirectory(search: $search) { handle name } }"
PRODUCTS = """
query Products($id: ID!, $category: String) { organisation(id: $id) { accounts(category: $category, first: 50) {
  totalCount edges { node { id label category kind } }
} } }
"""
PROPOSAL = """
query Proposal($token: String!) { invitation(token: $token) { id version state accessMode host { name } } }
"""
ACCOUNTS = "query Accounts($id: ID!) { organisation(id: $id) { accounts(first: 50) { edges { node { label } } } } }"


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """A customer with products in two categories, and partners with and without a place in the directory."""
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        attempts = "attempts(first: 10) { edges { node { id number guestDecision } } }"
        story.of_partnerships = f"{LEVELS} accessMode walletEntrusted {attempts}"
        story.of_organisations = LINKS
        story.cast(PEOPLE)
        story.ids["indigo"] = story.found("Indigo Inn", story.ines)
        story.ids["wren"] = story.found("Wren Web", story.wanda)
        story.ids["yarrow"] = story.found("Yarrow Hosting", story.yara)
        story.ids["zinnia"] = story.found("Zinnia Studio", story.zoe)
        story.ids["aster"] = story.found("Aster Admin", story.asta)
        story.ids["stray"] = story.found("Stray Systems", story.stan)
        story.invite(story.ines, story.ivo, roles=("ORG_ADMIN",))
        story.invite(story.ines, story.ilse)
        story.invite(story.wanda, story.will)
        story.invite(story.yara, story.yuri)
        story.yara.does("updateMember", membershipId=story.yuri.membership, delegatedAdmin=True)
        story.asta.does("updateMember", membershipId=story.asta.membership, delegatedAdmin=True)
        for name in ("wren", "yarrow", "zinnia", "aster"):
            make_partner(story, name, "RESELLER")
        story.operator.does("publishTerms", version="2025-06", text="Terms of Service of June.")
        product(story, "ines", "site", "Booking site", "Hosting")
        product(story, "ines", "newsletter", "Newsletter", "Mail")
        product(story, "ilse", "shop", "Gift shop", "Hosting")
        story.watchers = [story.ines, story.wanda]
        yield story


def product(story: Story, owner: str, name: str, label: str, category: str) -> None:
    given = {"kind": "PRODUCT", "category": category, "app": label, "launchUrl": f"https://{name}.example/login"}
    made = story.people[owner].does("createAccount", "account { id category kind }", label=label, **given)["account"]
    assert (made["category"], made["kind"]) == (category, "PRODUCT")
    story.ids[name] = made["id"]


def proposal(story: Story, guest: str, contact: str, *products: str, **given: object) -> dict[str, object]:
    """What the customer fills in for a partner; LIMITED with these products unless told otherwise."""
    items = [{"accountId": story.ids[name], "role": "ACCOUNT_MANAGER"} for name in products]
    limited: dict[str, object] = {"accessMode": "LIMITED", "items": items}
    return {"guestHandle": story.handles[story.ids[guest]], "contactEmail": contact} | limited | given


def labels(seen: dict[str, Any]) -> set[str]:
    """What the accounts of an organisation are called."""
    return {one["label"] for one in nodes(seen["organisation"]["accounts"])}


def accept(story: Story, person: Person, **named: object) -> None:
    terms = person.ask(TERMS)["currentTerms"]["id"]
    person.does("acceptPartnership", "partnership { state }", termsVersionId=terms, consent=True, **named)


def found(person: Person, search: str) -> list[str]:
    """The names that a search in the directory of partners finds."""
    return [one["name"] for one in person.ask(DIRECTORY, search=search)["partnerDirectory"]]


def test_s92_only_the_legally_responsible_person_adds_a_partner(story: Story) -> None:
    """Neither an admin nor a member; an admin only where a legal representative's policy says so (Q30)."""
    wish = proposal(story, "zinnia", "zoe@zinnia.example", "site")
    for person in (story.ivo, story.ilse):
        story.refused(person, "invitePartner", "FORBIDDEN", **wish)
    for person in (story.wanda, story.stan):
        story.refused(person, "invitePartner", *NEVER, organisationId=story.ids["indigo"], **wish)
    for person in (story.ivo, story.ilse, story.wanda):
        story.refused(person, "setPolicy", *NEVER, organisationId=story.ids["indigo"], adminMayInvite=True)
    story.refused(story.ivo, "updateMember", "FORBIDDEN", "BAD_USER_INPUT",
                  membershipId=story.ivo.membership, roles=["ORG_ADMIN", "LEGAL_REPRESENTATIVE"])  # fmt: skip
    story.ines.does("setPolicy", "policy { adminMayInvite }", adminMayInvite=True)
    complete = {"accessMode": "COMPLETE", "walletEntrusted": False, "items": []}
    story.refused(story.ivo, "invitePartner", "FORBIDDEN", **(wish | complete))
    story.ines.does("setPolicy", "policy { adminMayInvite }", adminMayInvite=False)
    story.refused(story.ivo, "invitePartner", "FORBIDDEN", **wish)


def test_s93_a_known_partner_is_found_by_name_or_address(story: Story) -> None:
    """By its name or its exact published address, where it is listed; else by handle or request code (Q19)."""
    assert found(story.ines, "wren") == []
    listing = {"listedInDirectory": True, "directoryEmail": PUBLISHED, "withRequestCode": True}
    told = story.wanda.does("updateSettings", "settings { listedInDirectory directoryEmail requestCode }", **listing)
    code = told["settings"]["requestCode"]
    story.yara.does("updateSettings", listedInDirectory=True)
    assert found(story.ines, "wren") == ["Wren Web"]
    assert found(story.ines, PUBLISHED) == ["Wren Web"]
    assert found(story.ines, "yarrow") == ["Yarrow Hosting"]
    for hidden in ("wanda@wren.example", "hello@", "zinnia", "Zinnia Studio", "stray", "%%", "indigo"):
        assert found(story.ines, hidden) == []
    (chosen,) = story.ines.ask(DIRECTORY, search="Wren")["partnerDirectory"]
    assert chosen == {"name": "Wren Web", "handle": story.handles[story.ids["wren"]]}
    look = """query Look($handle: String, $requestCode: String) {
      partnerLookup(handle: $handle, requestCode: $requestCode) { name handle } }"""
    assert story.ines.ask(look, handle=story.handles[story.ids["zinnia"]])["partnerLookup"]["name"] == "Zinnia Studio"
    assert story.ines.ask(look, requestCode=code)["partnerLookup"] == chosen
    assert story.ines.denied(look, requestCode=code[:-1]) == ["NOT_FOUND"]


def test_s94_limited_or_complete_has_to_be_chosen(story: Story) -> None:
    """The choice is a required argument without a default."""
    form = fields_of(story, "InvitePartnerInput")
    assert form["accessMode"] == {"required": True, "default": None}
    values = story.ines.ask('{ __type(name: "AccessMode") { enumValues { name } } }')["__type"]["enumValues"]
    assert {value["name"] for value in values} == {"LIMITED", "COMPLETE"}
    wish = proposal(story, "wren", PUBLISHED, "site")
    with story.unchanged():
        for wrong in (None, "FULL", "limited"):
            assert story.ines.send("invitePartner", "", wish | {"accessMode": wrong}).errors


def test_s95_limited_products_by_category(story: Story) -> None:
    """A category, then a product in it, repeated for each product; they need not be one's own (Q34)."""
    for category, labels in (("Hosting", {"Booking site"}), ("Mail", {"Newsletter"})):
        listed = nodes(story.ines.ask(PRODUCTS, id=story.ids["indigo"], category=category)["organisation"]["accounts"])
        assert labels <= {one["label"] for one in listed}
        assert {one["category"] for one in listed} == {category}
    story.refused(story.ines, "invitePartner", "BAD_USER_INPUT", **proposal(story, "wren", PUBLISHED))
    missing = [{"accountId": "account_00000000-0000-7000-8000-000000000000", "role": "COLLABORATOR"}]
    story.refused(story.ines, "invitePartner", "NOT_FOUND", **proposal(story, "wren", PUBLISHED, items=missing))
    wish = proposal(story, "wren", PUBLISHED, "site", "shop", purposes=["MANAGEMENT"])
    made = story.ines.does("invitePartner", "partnership { id state path accessMode }", **wish)["partnership"]
    assert made.pop("id")
    assert made == {"state": "AWAITING_GUEST_ACCEPTANCE", "path": "HOST_INVITE", "accessMode": "LIMITED"}
    story.kept["invitation"], _ = story.mails.expect(PUBLISHED, "wanda@wren.example", saying="Indigo Inn")
    again = story.refused(story.ines, "invitePartner", "CONFLICT", **wish)
    assert again["code"] == "CONFLICT"


def test_s96_complete_is_the_whole_organisation(story: Story) -> None:
    """Accepted, MANAGE is recorded as the customer's act, and every account is reached, also one made later (Q20)."""
    indigo = story.ids["indigo"]
    complete = {"accessMode": "COMPLETE", "walletEntrusted": False, "items": []}
    wish = proposal(story, "aster", "asta@aster.example", **complete)
    story.refused(story.ivo, "invitePartner", "FORBIDDEN", **wish)
    made = story.ines.does("invitePartner", "partnership { id accessMode }", **wish)["partnership"]
    story.ids["indigo_aster"] = made["id"]
    story.mails.expect("asta@aster.example")
    accept(story, story.asta, partnershipId=made["id"], expectedVersion=story.version(story.asta, made["id"]))
    story.mails.expect(*INDIGO, "asta@aster.example", "asta@aster.example")
    assert level(story, story.ines, "indigo_aster")["effective"] == "MANAGE"
    tab = open_tab(story, story.asta, "indigo", reason="Handover")
    everything = {"Booking site", "Newsletter", "Gift shop"}
    assert labels(tab.ask(ACCOUNTS, id=indigo)) == everything
    product(story, "ilse", "vouchers", "Vouchers", "Hosting")
    assert labels(tab.ask(ACCOUNTS, id=indigo)) == everything | {"Vouchers"}
    signed = tab.does("signInToAccount", "account { id }", accountId=story.ids["vouchers"])
    assert signed["account"] == {"id": story.ids["vouchers"]}
    story.refused(story.asta, "signInToAccount", *NEVER, accountId=story.ids["vouchers"])
    story.refused(tab, "updateAccount", *NEVER, accountId=story.ids["site"], launchUrl="https://elsewhere.example/")
    for document in (BILLS, PURSE):
        assert set(tab.denied(document, id=indigo)) <= {"FORBIDDEN", "NOT_FOUND"}, "the wallet was not entrusted"


def test_s97_with_complete_the_wallet_has_to_be_answered(story: Story) -> None:
    """Yes or no, but an answer; with LIMITED there is no such question."""
    limited = proposal(story, "yarrow", "hello@yarrow.example", "site", walletEntrusted=True)
    story.refused(story.ines, "invitePartner", "BAD_USER_INPUT", **limited)
    complete = {"accessMode": "COMPLETE", "items": []}
    wish = proposal(story, "yarrow", "hello@yarrow.example", **complete)
    for unanswered in (wish, wish | {"walletEntrusted": None}):
        refusal = story.refused(story.ines, "invitePartner", "BAD_USER_INPUT", **unanswered)
        assert refusal["field"] == "walletEntrusted"
    made = story.ines.does(
        "invitePartner", "partnership { id version accessMode walletEntrusted }", **wish, walletEntrusted=True
    )["partnership"]
    assert (made["accessMode"], made["walletEntrusted"]) == ("COMPLETE", True)
    story.ids["indigo_yarrow"] = made["id"]
    story.mails.expect("hello@yarrow.example", "yara@yarrow.example")


def test_s98_a_mail_with_a_link_to_accept_or_refuse(story: Story) -> None:
    """The partner is written to at once; the link opens the proposal for its admin, and for nobody else."""
    token = story.kept["invitation"].token
    assert token
    seen = story.wanda.ask(PROPOSAL, token=token)["invitation"]
    assert (seen["state"], seen["accessMode"]) == ("AWAITING_GUEST_ACCEPTANCE", "LIMITED")
    assert seen["host"] == {"name": "Indigo Inn"}
    story.ids["indigo_wren"] = seen["id"]
    assert {"ACCEPT", "REFUSE"} <= set(story.partnership(story.wanda, seen["id"])["viewerCan"])
    for person in (story.will, story.asta, story.ines, story.stan):
        assert set(person.denied(PROPOSAL, token=token)) <= {"NOT_FOUND", "FORBIDDEN"}
    consent = {"termsVersionId": story.wanda.ask(TERMS)["currentTerms"]["id"], "consent": True}
    for person in (story.will, story.yara, story.ines):
        story.refused(person, "acceptPartnership", *NEVER, token=token, expectedVersion=seen["version"], **consent)
        story.refused(person, "refusePartnership", *NEVER, token=token, expectedVersion=seen["version"])


def test_s99_nothing_is_granted_before_the_partner_accepts(story: Story) -> None:
    """The management proposal waits: no account, no tab, no customer in the tree."""
    assert story.shared_with(story.wanda) == {}
    with story.unchanged():
        for name in ("site", "shop"):
            assert story.wanda.tries("signInToAccount", accountId=story.ids[name])["code"] == "NOT_FOUND"
    wish = {"hostId": story.ids["indigo"], "basis": "LEVEL", "reason": "Too early"}
    for person in (story.wanda, story.yara, story.yuri):
        story.refused(person, "switchOrganisation", *NEVER, **wish)
    assert level(story, story.ines, "indigo_yarrow")["effective"] == "NONE"
    shares = "shares(first: 5) { totalCount }"
    assert story.partnership(story.ines, story.ids["indigo_wren"], shares)["shares"]["totalCount"] == 0


def test_s100_limited_the_customer_and_the_products_granted(story: Story) -> None:
    """Accepted, the partner sees the customer and these products, no other, and nothing of its data (Q20)."""
    token = story.kept["invitation"].token
    version = story.wanda.ask(PROPOSAL, token=token)["invitation"]["version"]
    accept(story, story.wanda, token=token, expectedVersion=version)
    story.mails.expect(*INDIGO, "wanda@wren.example")
    assert story.shared_with(story.wanda) == {"Booking site": "I", "Gift shop": "I"}
    assert story.wanda.tries("signInToAccount", accountId=story.ids["newsletter"])["code"] == "NOT_FOUND"
    assert story.shared_with(story.will) == {}
    assert level(story, story.wanda, "indigo_wren")["effective"] == "NONE"
    signed = story.wanda.does("signInToAccount", "account { id }", accountId=story.ids["shop"])
    assert signed["account"] == {"id": story.ids["shop"]}
    assert story.wanda.denied(PROPOSAL, token=token) == ["NOT_FOUND"], "the link is used up"
    wish = {"hostId": story.ids["indigo"], "basis": "LEVEL", "reason": "More"}
    story.refused(story.wanda, "switchOrganisation", *NEVER, **wish)
    seen = story.partnership(story.wanda, story.ids["indigo_wren"], "accessMode walletEntrusted host { name }")
    assert seen == {"accessMode": "LIMITED", "walletEntrusted": False, "host": {"name": "Indigo Inn"}}


def test_s101_complete_the_entire_organisation_in_the_partners_dashboard(story: Story) -> None:
    """Settings, people, accounts, bills and the wallet that was entrusted; topping it up stays with the customer."""
    indigo = story.ids["indigo"]
    version = story.version(story.yara, story.ids["indigo_yarrow"])
    accept(story, story.yara, partnershipId=story.ids["indigo_yarrow"], expectedVersion=version)
    story.mails.expect(*INDIGO, "yara@yarrow.example", "yara@yarrow.example")
    story.kept["yuri"] = tab = open_tab(story, story.yuri, "indigo", reason="Handover")
    banner = tab.ask(BANNER)["viewer"]["actingSession"]
    assert (banner["level"], banner["basis"]) == ("MANAGE", "LEVEL")
    assert labels(tab.ask(ACCOUNTS, id=indigo)) == {"Booking site", "Newsletter", "Gift shop", "Vouchers"}
    assert tab.ask(SETTINGS, id=indigo)["organisation"]["settings"]
    assert tab.ask(STAFF, id=indigo)["organisation"]["members"]["totalCount"] == 3
    amount = {"amountMinor": 4500, "currency": "CHF"}
    issued = {"customerId": indigo, "number": "I-1", "amount": amount, "dueOn": "2100-01-31"}
    invoice = story.operator.does("issueInvoice", "invoice { id }", **issued)["invoice"]
    story.ines.does("topUpWallet", amount=amount)
    assert tab.ask(BILLS, id=indigo)["organisation"]["invoices"]["totalCount"] == 1
    assert tab.ask(PURSE, id=indigo)["organisation"]["wallet"]["balance"] == amount
    story.refused(tab, "topUpWallet", *NEVER, amount=amount)
    assert tab.does("payInvoice", "invoice { state }", invoiceId=invoice["id"])["invoice"] == {"state": "PAID"}
    story.mails.expect(*INDIGO, saying="I-1")
    story.refused(story.wanda, "switchOrganisation", *NEVER, hostId=indigo, basis="LEVEL", reason="LIMITED")


def test_s102_while_it_waits_it_is_sent_again_or_deleted(story: Story) -> None:
    """Sending it again makes the older link void; deleting it makes every link void."""
    wish = proposal(story, "zinnia", "hello@zinnia.example", "newsletter")
    made = story.ines.does("invitePartner", "partnership { id version }", **wish)["partnership"]
    waiting, both = {"partnershipId": made["id"]}, ("hello@zinnia.example", "zoe@zinnia.example")
    old, _ = story.mails.expect(*both)
    assert {"RESEND", "WITHDRAW"} <= set(story.partnership(story.ines, made["id"])["viewerCan"])
    for person in (story.ilse, story.zoe, story.wanda, story.stan):
        story.refused(person, "resendPartnership", *NEVER, **waiting)
        story.refused(person, "withdrawPartnership", *NEVER, **waiting)
    story.ines.does("resendPartnership", "partnership { state }", **waiting)
    fresh, _ = story.mails.expect(*both)
    assert story.zoe.denied(PROPOSAL, token=old.token) == ["NOT_FOUND"]
    assert story.zoe.ask(PROPOSAL, token=fresh.token)["invitation"]["id"] == made["id"]
    story.refused(story.ines, "resendPartnership", "RATE_LIMITED", **waiting)
    story.ines.does("withdrawPartnership", "partnership { state }", **waiting)
    story.mails.expect(*both)
    late = {"expectedVersion": made["version"], "consent": True}
    late["termsVersionId"] = story.zoe.ask(TERMS)["currentTerms"]["id"]
    for mail in (old, fresh):
        assert story.zoe.denied(PROPOSAL, token=mail.token) == ["NOT_FOUND"]
        story.refused(story.zoe, "acceptPartnership", "NOT_FOUND", token=mail.token, **late)


def test_s103_who_was_linked_before_is_updated_when_the_partnership_starts(story: Story) -> None:
    """An external contact of the partner becomes partner-managed: the same role, under the partnership (Q22)."""
    indigo = story.ids["indigo"]
    story.ines.does("addExternalContact", "contact { id }", email="zoe@zinnia.example", roles=["PHONE_MANAGER"])
    (mail,) = story.mails.expect("zoe@zinnia.example")
    story.zoe.does("acceptContact", token=mail.token)
    tab = open_tab(story, story.zoe, "indigo", basis="CONTACT", roleKey="PHONE_MANAGER")
    tab.does("leaveOrganisation", sessionId=tab.session)
    wish = proposal(story, "zinnia", "zoe@zinnia.example", "newsletter")
    made = story.ines.does("invitePartner", "partnership { id }", **wish)["partnership"]
    story.ids["indigo_zinnia"] = made["id"]
    story.mails.expect("zoe@zinnia.example")
    read = """query Contacts($id: ID!) { organisation(id: $id) { externalContacts(first: 5) {
      edges { node { email roles status } } } } }"""
    (contact,) = nodes(story.ines.ask(read, id=indigo)["organisation"]["externalContacts"])
    assert contact["status"] == "ACTIVE", "not before the partnership starts"
    version = story.version(story.zoe, made["id"])
    accept(story, story.zoe, partnershipId=made["id"], expectedVersion=version)
    story.mails.expect(*INDIGO, "zoe@zinnia.example")
    (contact,) = nodes(story.ines.ask(read, id=indigo)["organisation"]["externalContacts"])
    assert contact == {"email": "zoe@zinnia.example", "roles": ["PHONE_MANAGER"], "status": "CONVERTED"}
    story.kept["zoe"] = open_tab(story, story.zoe, "indigo", basis="CONTACT", roleKey="PHONE_MANAGER")
    groups = "query Groups($id: ID!) { organisation(id: $id) { roleGroups { totalCount } } }"
    assert story.zoe.ask(groups, id=story.ids["zinnia"])["organisation"]["roleGroups"]["totalCount"] == 0


def test_s104_it_is_broken_at_any_time(story: Story) -> None:
    """By either side, with everything that hung on it; by nobody who acts for the customer."""
    indigo = story.ids["indigo"]
    yarrow, wren = {"partnershipId": story.ids["indigo_yarrow"]}, {"partnershipId": story.ids["indigo_wren"]}
    zinnia = {"partnershipId": story.ids["indigo_zinnia"]}
    for person in (story.ilse, story.will, story.stan, story.zoe):
        story.refused(person, "removePartner", *NEVER, **yarrow)
    story.refused(story.kept["yuri"], "removePartner", *NEVER, **yarrow)
    story.ines.does("removePartner", "partnership { state }", reason="In-house now", **yarrow)
    story.mails.expect(*INDIGO, "yara@yarrow.example", saying="In-house now")
    assert closed(story.kept["yuri"]) == "ACCESS_REVOKED"
    story.wanda.does("removePartner", "partnership { state }", **wren)
    story.mails.expect(*INDIGO, "wanda@wren.example")
    assert story.shared_with(story.wanda) == {}
    story.ivo.does("removePartner", "partnership { state }", **zinnia)
    story.mails.expect(*INDIGO, "zoe@zinnia.example")
    assert closed(story.kept["zoe"]) == "ACCESS_REVOKED", "the contact ends with the partnership"
    again = {"hostId": indigo, "basis": "CONTACT", "roleKey": "PHONE_MANAGER", "reason": "As before"}
    story.refused(story.zoe, "switchOrganisation", *NEVER, **again)


def test_no_mail_went_to_anybody_who_should_not_get_it(story: Story) -> None:
    story.mails.expect_none()
